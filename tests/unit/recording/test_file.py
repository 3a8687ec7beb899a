"""The recording file: private, whole lines, bounded size."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bridge.recording.file import RecordingFile
from bridge.recording.lines import Event, Received, Sent

MOST = 20_000


def line(event: Event, padding: int = 0) -> bytes:
    """A line of the file."""
    name = "sent" if isinstance(event, Sent) else "received"
    return json.dumps({name: getattr(event, "frame", None), "padding": "x" * padding}).encode() + b"\n"


def put(file: RecordingFile, event: Event, padding: int = 0) -> None:
    """Write one."""
    file.write(line(event, padding), event)


def opening(file: RecordingFile, number: int, *, settings: bool) -> None:
    """What passes when a connection is opened."""
    asked: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"command": "HELLO"}, {"object": "HELLO"}),
        ({"command": "GET_CHARGE_POINTS"}, {"object": "CHARGE_POINTS", "data": [number]}),
        *(({"command": "GET_CH_STATUS", "evse_id": f"BCU{n}"}, {"object": "CH_STATUS", "evse_id": f"BCU{n}", "opening": number}) for n in (1, 2)),
    ]  # fmt: skip
    if settings:
        asked += [
            ({"command": "GET_CH_SETTINGS", "evse_id": "BCU1"}, {"object": "CH_SETTINGS", "data": {"evse_id": "BCU1"}}),
            ({"command": "GET_GRID_STATUS", "evse_id": "BCU1"}, {"object": "GRID_STATUS", "data": {"id": "G"}}),
            ({"command": "GET_CHARGE_CARDS"}, {"object": "CHARGE_CARDS", "cards": []}),
        ]
    for sent, received in asked:
        put(file, Sent(sent))
        put(file, Received(received))


def read(path: Path) -> list[dict[str, Any]]:
    """Its lines."""
    return [json.loads(text) for text in path.read_text().splitlines()]


def test_the_recording_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with RecordingFile(path) as file:
        file.write_head(b"{}\n")
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_oldest_lines_are_removed_and_the_head_stays(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    largest = 0
    with RecordingFile(path, MOST) as file:
        file.write_head(b'{"head": true}\n')
        opening(file, 1, settings=True)
        for number in range(100):
            put(file, Received({"object": "CH_STATUS", "evse_id": "BCU1", "push": number}), 100)
        opening(file, 2, settings=False)
        for number in range(100, 1000):
            put(file, Received({"object": "CH_STATUS", "evse_id": "BCU1", "push": number}), 100)
            largest = max(largest, path.stat().st_size)
    lines = read(path)
    assert largest <= MOST
    assert path.stat().st_size > MOST / 2
    assert path.stat().st_mode & 0o777 == 0o600
    assert lines[0] == {"head": True}
    received = [line["received"] for line in lines[1:] if "received" in line]
    pushes = [frame["push"] for frame in received if "push" in frame]
    assert pushes == list(range(pushes[0], 1000))
    # The first opening keeps the answers that the second did not repeat, with HELLO and the list before it.
    answers = [frame for frame in received if "push" not in frame]
    assert [frame["object"] for frame in answers] == [
        "HELLO", "CHARGE_POINTS", "CH_SETTINGS", "GRID_STATUS", "CHARGE_CARDS", "HELLO", "CHARGE_POINTS", "CH_STATUS", "CH_STATUS",
    ]  # fmt: skip
    assert [frame["opening"] for frame in answers if frame["object"] == "CH_STATUS"] == [2, 2]
    sent = [line["sent"]["command"] for line in lines[1:] if "sent" in line]
    assert len(sent) == len(answers)


def test_a_line_larger_than_everything_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    with RecordingFile(path, MOST) as file:
        file.write_head(b"{}\n")
        put(file, Received({}), MOST)
        put(file, Received({"after": 1}))
    assert read(path)[1:] == [{"received": {"after": 1}, "padding": ""}]


def test_the_recording_of_the_previous_run_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "frames.jsonl"
    for run in (1, 2, 3):
        with RecordingFile(path) as file:
            file.write_head(b'{"run": %d}\n' % run)
    assert read(path) == [{"run": 3}]
    assert read(tmp_path / "frames.jsonl.1") == [{"run": 2}]


def test_a_path_that_is_no_file_is_refused_and_not_changed(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="no file"), RecordingFile(tmp_path):
        pass
    assert tmp_path.is_dir()


def test_a_line_that_does_not_fit_on_the_disk_leaves_whole_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "frames.jsonl"
    write = os.write
    full = False

    def half(descriptor: int, text: bytes) -> int:
        nonlocal full
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")
        full = len(text) > 1000
        return write(descriptor, text[:500])

    monkeypatch.setattr(os, "write", half)
    with RecordingFile(path) as file:
        file.write_head(b"{}\n")
        put(file, Received({"object": "A"}))
        with pytest.raises(OSError, match="No space"):
            put(file, Received({"object": "B"}), 2000)
    assert [line.get("received") for line in read(path)[1:]] == [{"object": "A"}]
