"""Recordings are read as they were written, and other files are rejected."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.recording.lines import (
    Event,
    Head,
    LeftOut,
    Lost,
    NoRecording,
    Received,
    RecordedLine,
    Recording,
    Remembered,
    Sent,
    Stopped,
    Unreadable,
    difference,
    patched,
    read_recording,
    write_head,
    write_line,
)

AT = datetime(2026, 11, 20, 12, 0, 0, 123000, tzinfo=UTC)
HEAD = Head(
    at=AT,
    version="1.2.3",
    state_set="extended",
    nominal_voltage=231.5,
    offline_grace=60,
    sockets={"BCU1": {"memory": {}}},
)
EVENTS: list[Event] = [
    Sent({"command": "HELLO"}),
    Received({"object": "HELLO"}),
    Received([]),
    Unreadable(7),
    Lost("closed", "ERR_DISCONNECTED"),
    Remembered("BCU1", {"session": None}, {}),
    LeftOut(3),
    Stopped(),
]


def texts(recording: Recording) -> list[str]:
    """A recording as text of a file."""
    return [json.dumps(write_head(recording.head)), *(json.dumps(write_line(line)) for line in recording.lines)]


def test_a_written_line_is_read_back_the_same() -> None:
    recording = Recording(HEAD, tuple(RecordedLine(AT, 0.5 * n, event) for n, event in enumerate(EVENTS)))
    assert read_recording(texts(recording)) == recording


def test_a_cut_line_is_skipped_alone() -> None:
    written = texts(Recording(HEAD, (RecordedLine(AT, 0, EVENTS[0]), RecordedLine(AT, 1, EVENTS[1]))))
    read = read_recording([written[0], '{"at": "2026-', "[]", '{"at": "2026-11-20T12:00:00", "after": 1}', written[2]])
    assert read.lines == (RecordedLine(AT, 1, EVENTS[1]),)
    assert read.unreadable == (2, 3, 4)


@pytest.mark.parametrize(
    "first",
    ["", "text", "[]", "{}", '{"object": "HELLO"}', '{"recording": 2}', '{"recording": 1}', "[" * 100_000,
     json.dumps({**write_head(HEAD), "nominal_voltage": "much"})],
)  # fmt: skip
def test_a_file_without_a_valid_head_is_no_recording(first: str) -> None:
    with pytest.raises(NoRecording):
        read_recording([first])


json_objects = st.recursive(
    st.booleans() | st.integers() | st.text(), lambda inner: st.dictionaries(st.text(max_size=3), st.none() | inner, max_size=3) | st.lists(inner, max_size=2)
)  # fmt: skip


def without_nulls(value: Any) -> Any:
    """Objects without their null fields."""
    if isinstance(value, dict):
        return {name: without_nulls(entry) for name, entry in value.items() if entry is not None}
    return value


@given(st.dictionaries(st.text(max_size=3), json_objects), st.dictionaries(st.text(max_size=3), json_objects))
def test_a_merge_patch_changes_one_value_into_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert without_nulls(patched(before, difference(before, after))) == without_nulls(after)
    assert difference(before, before) == {}
