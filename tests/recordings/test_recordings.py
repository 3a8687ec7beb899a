"""Each recording of this folder is replayed, and every message is compared with what is expected of it.

`NAME.jsonl` is the recording, `NAME.expected.jsonl` what a hub hears: each message without its `uid`, and each line that
is not understood. `BRIDGE_REWRITE_RECORDINGS=1` writes the expectations anew; read the difference before it is kept.
"""

import asyncio
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.commandline.replay import Replay
from bridge.recording.lines import read_recording, write_line
from tests.recordings.make import day

FOLDER = Path(__file__).parent
RECORDINGS = sorted(path for path in FOLDER.glob("*.jsonl") if not path.name.endswith(".expected.jsonl"))


def replayed(path: Path) -> list[dict[str, Any]]:
    """The messages of a replay, and the lines that are not understood."""
    heard: list[dict[str, Any]] = []

    def hear(_: str, payload: bytes) -> None:
        message = json.loads(payload)
        del message["uid"]
        heard.append(message)

    def miss(when: datetime, words: str) -> None:
        heard.append({"not_understood": words, "at": when.isoformat()})

    recording = read_recording(path.read_text(encoding="utf-8").splitlines())
    asyncio.run(Replay(recording, hear, miss).run())
    return heard


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.stem)
def test_a_replay_publishes_the_expected_messages(path: Path) -> None:
    expected_path = path.with_suffix(".expected.jsonl")
    heard = replayed(path)
    if os.environ.get("BRIDGE_REWRITE_RECORDINGS"):
        expected_path.write_text("".join(json.dumps(message, ensure_ascii=False) + "\n" for message in heard))
    expected = [json.loads(line) for line in expected_path.read_text(encoding="utf-8").splitlines()]
    for number, (now, then) in enumerate(zip(heard, expected, strict=False), 1):
        assert now == then, f"message {number} of {path.name}"
    assert len(heard) == len(expected)


def test_the_recording_of_the_day_can_be_made_again() -> None:
    recording = read_recording((FOLDER / "day.jsonl").read_text(encoding="utf-8").splitlines())
    made = [json.loads(json.dumps(write_line(line))) for line in day().lines]
    assert [write_line(line) for line in recording.lines] == made
    assert recording.unreadable == ()


def test_the_day_contains_every_kind_of_event() -> None:
    heard = [json.loads(line) for line in (FOLDER / "day.expected.jsonl").read_text().splitlines()]
    states = {message["val"] for message in heard if message.get("type") == "evt.state.report"}
    assert states == {
        "disconnected", "requesting", "ready_to_charge", "charging", "finished", "unknown", "error",
    }  # fmt: skip
    assert {message.get("type") for message in heard} >= {
        "evt.thing.inclusion_report", "evt.thing.exclusion_report", "evt.network.all_nodes_report", "evt.meter.report",
        "evt.current_session.report", "evt.param.report", "evt.app.state_report", "evt.phase_mode.report",
    }  # fmt: skip
    assert sum("not_understood" in message for message in heard) >= 3
    # Impossible readings were not used: there is no session of 99,999 kWh.
    energies = [message["val"] for message in heard if message.get("type") == "evt.current_session.report"]
    assert max(energies) < 60
