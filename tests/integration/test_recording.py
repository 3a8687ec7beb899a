"""`cloud.record_file` of a running bridge, and the command `replay`."""

import json
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.commandline.message_line import line
from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, House
from tests.recordings.make import record_demo


def replay(file: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`bluecurrent-fimp replay`."""
    return subprocess.run(
        [sys.executable, "-m", "bridge", "replay", str(file), *options], check=False, capture_output=True, text=True
    )


async def live(house: House) -> None:
    """A short run in which each event is reported before the next."""

    async def push(evse_id: str) -> None:
        await house.push(evse_id)
        assert house.service is not None
        await house.tick()
        await house.service.reporter.settled()

    socket, cable = house[SOCKET], house[CABLE]
    socket.plug(Car(charge_kwh=50))
    await push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start", 2)
    for _ in range(4):
        socket.step(600)
        await push(SOCKET)
    cable.plug(Car(phases=1))
    await push(CABLE)
    cable.start("046C8CCA8C1D90")
    await push(CABLE)
    await house.hub.command(CABLE, "cmd.max_current.set", val_t="int", val=10)
    await house.cloud.send_all("not JSON, by owner@example.org")
    await house.cloud.send_all(json.dumps({"object": "NEWS", "to": "owner@example.org"}))
    house.cloud.drop()
    await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
    await house.ready()
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    socket.unplug()
    await push(SOCKET)
    await house.stop()
    await house.hub.fence()


async def test_a_replay_gives_the_messages_that_the_hub_received(build: HouseMaker, tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    async with build(cloud={"record_file": file}) as house:
        await live(house)
        heard = [
            (h.path, h.message.type, h.message.value, dict(h.message.properties))
            for h in house.hub.heard
            if not h.message.corid
        ]
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    secrets = ("simulated-api-token", "simulated-request-token", "owner@example.org", "The Owner", "Driveway", "Carport",
               "046C8CCA8C1D90", "NL-ANW-CZPYJFFML-3", "House card", "Voorbeeldstraat", "1234AB", "Utrecht", "52.0907", "5.1214")  # fmt: skip
    assert [secret for secret in secrets if secret in text] == []

    done = replay(file, "--json")
    assert done.returncode == 0, done.stderr
    messages = [json.loads(line) for line in done.stdout.splitlines()]
    replayed = [(m["topic"], m["type"], m["val"], m["props"]) for m in messages]
    told = {"evt.state.report", "evt.current_session.report", "evt.meter.report", "evt.meter_ext.report", "evt.cable_lock.report", "evt.phase_mode.report"}  # fmt: skip
    for path in sorted({path for path, *_ in replayed if "/rt:dev/" in path}):
        was = [message[1:] for message in heard if message[0] == path and message[1] in told]
        now = [message[1:] for message in replayed if message[0] == path and message[1] in told]
        assert without_merged(now, was) == was, path

    shown = replay(file)
    assert shown.returncode == 0
    assert "not understood: a frame of 30 characters that is not JSON" in shown.stdout
    assert "not understood: NEWS is not known" in shown.stdout
    assert "state    charging" in shown.stdout


def without_merged(now: list[Any], was: list[Any]) -> list[Any]:
    """The replayed messages, without answers to commands and without merged reports."""
    rest = list(was)
    return [message for message in now if rest and message == rest[0] and rest.pop(0) is not None]


async def test_a_file_that_cannot_be_written_does_not_stop_the_service(build: HouseMaker, tmp_path: Path) -> None:
    async with build(cloud={"record_file": tmp_path / "nowhere" / "frames.jsonl"}) as house:
        answer = (await house.hub.command(SOCKET, "cmd.state.get_report"))[0]
        assert answer.message.value == "disconnected"
        lines = [line for line in house.log_lines() if "recorded" in line["event"]]
        assert [line["event"] for line in lines] == ["frames are no longer recorded; the service keeps running"]


def test_a_file_that_is_no_recording_is_refused(tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_bytes(b"\xff\xfe not a recording\n")
    for file, words in (
        (other, "is not the head of a recording"),
        (tmp_path / "none", "No such file"),
        (tmp_path, "Is a directory"),
    ):
        done = replay(file)
        assert (done.returncode, done.stdout) == (1, "")
        assert words in done.stderr
        assert "Traceback" not in done.stderr


async def test_a_replay_of_the_demo_gives_the_messages_of_the_demo(tmp_path: Path) -> None:
    pytest.importorskip("amqtt")
    file = tmp_path / "demo.jsonl"
    printed = await record_demo(file, 9.0)
    shown = [text[10:] for text in printed if text[2:3] == ":" and text[5:6] == ":"]  # without the time
    names = {SOCKET: "Driveway", CABLE: "Carport"}
    messages = [json.loads(text) for text in replay(file, "--json").stdout.splitlines()]
    lines = [
        line(
            message["topic"],
            json.dumps(message).encode(),
            datetime.fromisoformat(message["ctime"]),
            names,
            details=False,
        )
        for message in messages
    ]
    replayed = [text[10:] for text in lines if text is not None]

    def about(texts: list[str], who: str) -> list[str]:
        return [text for text in texts if text.startswith(who) and "included" not in text]

    for who in names.values():
        assert any("charging" in text for text in about(shown, "Carport"))
        assert without_merged(about(replayed, who), about(shown, who)) == about(shown, who)
        states = [text for text in about(shown, who) if "state " in text]
        assert [text for text in about(replayed, who) if "state " in text] == states
