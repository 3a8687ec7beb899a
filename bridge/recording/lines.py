"""The lines of a recording, and how they are written and read. This module is pure.

A recording is a file of JSON objects, one a line. The first line is the head. Each of the others has `at`, the time of
day, `after`, the monotonic seconds since the head, and one event. `docs/contributing.md` describes the format.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import JsonValue, TypeAdapter, ValidationError

FORMAT: Final = 1
"""The version of the format, in the field `recording` of the head."""


class NoRecording(ValueError):
    """The file cannot be replayed. The message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The state at the beginning of a recording.

    Attributes:
        at: when the recording began.
        version: the version of the bridge.
        state_set: the setting `fimp.state_set`.
        nominal_voltage: the setting `charging.nominal_voltage`, V.
        offline_grace: the setting `cloud.offline_grace`, s.
        sockets: `memory` and `steering` of each socket in the form of the storage, by its identity.
        charge_points: the settings of each charge point in the form of the storage, by evse_id.
        grids: the grid connections: `id`, and the charge points behind each in `evse_id`.
    """

    at: datetime
    version: str
    state_set: str
    nominal_voltage: float
    offline_grace: float
    sockets: dict[str, dict[str, JsonValue]] = field(default_factory=dict)
    charge_points: dict[str, JsonValue] = field(default_factory=dict)
    grids: list[dict[str, JsonValue]] = field(default_factory=list)


_HEAD: Final = TypeAdapter(Head)


@dataclass(frozen=True, slots=True)
class Sent:
    """A frame was sent to the cloud."""

    frame: JsonValue


@dataclass(frozen=True, slots=True)
class Received:
    """A frame was received from the cloud."""

    frame: JsonValue


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is not JSON was received or sent. Only its length, in characters or bytes, is recorded."""

    length: int


@dataclass(frozen=True, slots=True)
class Lost:
    """A connection ended, or could not be opened.

    Attributes:
        reason: the reason, as a sentence.
        code: the code of the error, such as `ERR_DISCONNECTED`.
    """

    reason: str
    code: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """A command, or the account's transactions, changed the memory or the limits of a socket.

    Attributes:
        address: the socket.
        memory: the change of its memory, as a JSON merge patch (RFC 7386).
        limits: the change of its limits, as a JSON merge patch.
    """

    address: str
    memory: JsonValue
    limits: JsonValue


@dataclass(frozen=True, slots=True)
class LeftOut:
    """This many lines are missing here, because the file could not be written fast enough."""

    lines: int


@dataclass(frozen=True, slots=True)
class Stopped:
    """The service stopped normally."""


Event = Sent | Received | Unreadable | Lost | Remembered | LeftOut | Stopped


@dataclass(frozen=True, slots=True)
class RecordedLine:
    """One event, its time of day, and the seconds from the head to it."""

    at: datetime
    after: float
    event: Event


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that was read.

    Attributes:
        head: the first line.
        lines: the other lines, in order.
        unreadable: the numbers of the lines that cannot be read, such as a last one that was cut.
    """

    head: Head
    lines: tuple[RecordedLine, ...]
    unreadable: tuple[int, ...] = ()


def write_head(head: Head) -> dict[str, JsonValue]:
    """Return the head as a JSON object."""
    content = _HEAD.dump_python(head, mode="json")
    return {"recording": FORMAT, **content, "at": _time(head.at)}


def write_line(line: RecordedLine) -> dict[str, JsonValue]:
    """Return a line as a JSON object."""
    return {"at": _time(line.at), "after": round(line.after, 3), **_written(line.event)}


def _time(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds")


def _written(event: Event) -> dict[str, JsonValue]:  # noqa: PLR0911 - one for each kind of line
    match event:
        case Sent(frame):
            return {"sent": frame}
        case Received(frame):
            return {"received": frame}
        case Unreadable(length):
            return {"unreadable": length}
        case Lost(reason, code):
            return {"lost": reason, "code": code}
        case Remembered(address, memory, limits):
            return {"remembered": address, "memory": memory, "limits": limits}
        case LeftOut(lines):
            return {"left_out": lines}
        case Stopped():
            return {"stopped": True}


def read_recording(texts: Iterable[str]) -> Recording:
    """Read a recording.

    Args:
        texts: the lines of the file.

    Raises:
        NoRecording: the first line is not the head of a recording.
    """
    rest = iter(texts)
    head = _read_head(next(rest, ""))
    lines: list[RecordedLine] = []
    unreadable: list[int] = []
    for number, text in enumerate(rest, 2):
        try:
            lines.append(_read_line(json.loads(text)))
        except (ValueError, TypeError, KeyError, RecursionError):
            unreadable.append(number)
    return Recording(head, tuple(lines), tuple(unreadable))


def _read_head(text: str) -> Head:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or "recording" not in content:
        raise NoRecording("Its first line is not the head of a recording, as cloud.record_file makes them.")
    form = content.pop("recording")
    if form != FORMAT:
        raise NoRecording(f"It is a recording of form {form}, and this version reads form {FORMAT}.")
    try:
        return _HEAD.validate_python(content)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"]) or "the whole"
        raise NoRecording(f"Its first line cannot be read: {where}.") from None


def _read_line(content: Mapping[str, JsonValue]) -> RecordedLine:
    at = datetime.fromisoformat(str(content["at"]))
    if at.tzinfo is None:
        raise ValueError("a time without an offset")
    after = content["after"]
    if not isinstance(after, int | float):
        raise TypeError
    return RecordedLine(at, float(after), _read_event(content))


def _read_event(content: Mapping[str, JsonValue]) -> Event:  # noqa: PLR0911 - one for each kind of line
    match content:
        case {"sent": frame}:
            return Sent(frame)
        case {"received": frame}:
            return Received(frame)
        case {"unreadable": int(length)}:
            return Unreadable(length)
        case {"lost": str(reason)}:
            return Lost(reason, str(content.get("code", "")))
        case {"remembered": str(address)}:
            return Remembered(address, content.get("memory"), content.get("limits"))
        case {"left_out": int(lines)}:
            return LeftOut(lines)
        case {"stopped": _}:
            return Stopped()
        case _:
            raise ValueError("a line without an event")


# --- merge patches (RFC 7386) ---


def difference(before: JsonValue, after: JsonValue) -> JsonValue:
    """Return the merge patch from one object to another. Null and a missing field count as equal."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return after
    return {
        name: difference(before.get(name), after.get(name))
        for name in {**before, **after}
        if before.get(name) != after.get(name)
    }


def patched(value: JsonValue, patch: JsonValue) -> JsonValue:
    """Apply a merge patch to a value. A removed field becomes null."""
    if not isinstance(patch, dict):
        return patch
    base: Iterator[tuple[str, JsonValue]] = iter(value.items() if isinstance(value, dict) else ())
    merged = dict(base)
    for name, entry in patch.items():
        merged[name] = patched(merged.get(name), entry)
    return merged
