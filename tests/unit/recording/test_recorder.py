"""The recorder: writes off the event loop, without personal data, and never disturbs the service."""

import io
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import Disconnected
from bridge.logs import Log
from bridge.recording import recorder as module
from bridge.recording.lines import Head, Received, Unreadable, read_recording
from bridge.recording.recorder import FrameRecorder
from tests.clock import FakeClock

CARD, MAIL, TOKEN = "046C8CCA8C1D90", "owner@example.org", "a-secret-api-token"


def head(clock: FakeClock, **more: Any) -> Head:
    """A head."""
    return Head(at=clock.now(), version="1", state_set="standard", nominal_voltage=230, offline_grace=60, **more)


def made(path: Path, clock: FakeClock, log: io.StringIO) -> FrameRecorder:
    """A recorder."""
    return FrameRecorder(path, clock=clock, log=Log("info", "json", log).logger, hidden=[TOKEN])


def test_every_frame_is_written_with_its_time(tmp_path: Path) -> None:
    path, clock, log = tmp_path / "frames.jsonl", FakeClock(), io.StringIO()
    recorder = made(path, clock, log)
    recorder.sent("before it begins")
    recorder.begin(head(clock, sockets={"BCU1": {"memory": {"session": {"number": 3, "card": CARD}}}}))
    clock.move(1.5)
    recorder.sent(json.dumps({"command": "VALIDATE_API_TOKEN", "token": TOKEN}))
    recorder.received(json.dumps({"object": "CHARGE_CARDS", "cards": [{"uid": CARD, "name": MAIL}]}))
    recorder.received(b'{"object": "HELLO"}')
    recorder.received(f"not JSON: {MAIL}")
    recorder.lost(Disconnected(f"closed by {MAIL}"))
    recorder.close()
    text = path.read_text()
    assert not [secret for secret in (CARD, MAIL, TOKEN) if secret in text]
    recording = read_recording(text.splitlines())
    assert [line.after for line in recording.lines] == [1.5] * 6
    assert recording.lines[2].event == Received({"object": "HELLO"})
    assert recording.lines[3].event == Unreadable(len(f"not JSON: {MAIL}"))
    card = recording.head.sockets["BCU1"]["memory"]
    assert card["session"]["number"] == 3  # type: ignore[index,call-overload] # an object
    assert json.loads(text.splitlines()[-1])["stopped"] is True
    assert not log.getvalue()


def test_a_full_disk_ends_the_recording_with_one_log_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock, log = tmp_path / "frames.jsonl", FakeClock(), io.StringIO()

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    recorder = made(path, clock, log)
    monkeypatch.setattr(os, "write", full)
    recorder.begin(head(clock))
    for _ in range(1000):
        recorder.received('{"object": "HELLO"}')
    recorder.close()
    recorder.received("after the end")
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["event"], line["why"]) == (
        "frames are no longer recorded; the service keeps running",
        "No space left on device",
    )


def test_a_missing_folder_is_one_log_line(tmp_path: Path) -> None:
    clock, log = FakeClock(), io.StringIO()
    recorder = made(tmp_path / "nowhere" / "frames.jsonl", clock, log)
    recorder.begin(head(clock))
    recorder.close()
    assert len(log.getvalue().splitlines()) == 1


def test_a_disk_that_hangs_delays_no_frame(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, clock, log = tmp_path / "frames.jsonl", FakeClock(), io.StringIO()
    hangs, write = True, os.write

    def slow(descriptor: int, text: bytes) -> int:
        while hangs:
            time.sleep(0.01)
        return write(descriptor, text)

    monkeypatch.setattr(os, "write", slow)
    monkeypatch.setattr(module, "MOST_WAITING", 100)
    monkeypatch.setattr(module, "CLOSE_S", 10.0)
    recorder = made(path, clock, log)
    recorder.begin(head(clock))
    for number in range(50):
        recorder.received(json.dumps({"object": "HELLO", "number": number}))
    hangs = False
    while recorder._written < recorder._waiting:
        time.sleep(0.01)
    recorder.received('{"object": "LAST"}')
    recorder.close()
    lines = [json.loads(text) for text in path.read_text().splitlines()]
    kept = [line for line in lines if "received" in line]
    assert [line["left_out"] for line in lines if "left_out" in line] == [50 - (len(kept) - 1)]
    assert kept[-1]["received"] == {"object": "LAST"}
