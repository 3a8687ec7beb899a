"""Parsing the cloud's frames into typed values (design page 3, "Pushes and data").

A value that cannot be read is left out and named in `oddities`. Only a text that is not a frame at all raises.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bridge.bluecurrent.bodies import (
    AccountBody,
    Body,
    ChargeCards,
    ChargePoints,
    Error,
    GridValues,
    ListedChargePoint,
    OverridesBody,
    Result,
    SettingsBody,
    SocketStatus,
    Statuses,
    Sustainability,
    Switch,
    Token,
)
from bridge.bluecurrent.values import (
    MOST_ENTRIES,
    UNREADABLE,
    read_flag,
    read_socket,
    read_sockets,
    read_text,
    read_whole,
    word,
)
from bridge.bluecurrent.wire import BadFrame, FieldReader, decode
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import ACTIVITY, Status
from bridge.immutable import immutable

__all__ = (
    "AccountBody", "BadFrame", "ChargeCards", "ChargePoints", "Error", "Frame", "GridValues", "ListedChargePoint",
    "OverridesBody", "Result", "SettingsBody", "SocketStatus", "Statuses", "Sustainability", "Token", "parse_frame",
)  # fmt: skip

T = TypeVar("T")

Raw = Mapping[str, object]
"""An object of a frame, not read yet."""

MOST_ODDITIES: Final = 20
"""The most oddities that a frame names."""

LONGEST_WORDS: Final = 500
"""The length, in characters, to which the text of a refusal is cut."""

LONGEST_TOKEN: Final = 16_384
"""The longest token that is accepted, in characters. A longer one counts as missing, since a cut one is invalid."""


@immutable(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        object: its name, such as `CH_STATUS`.
        evse_id: the charge point that it names; None if it names none or several.
        flow_id: the id of the request that it answers; None if it carries none.
        error: the reason of a refusal, in the cloud's words; empty if it is not one.
        success: the verdict; None if the frame carries none.
        body: the content.
        oddities: the values that could not be read, described for the log.
    """

    object: str
    evse_id: str | None
    flow_id: str | None
    error: str
    success: bool | None
    body: Body
    oddities: tuple[str, ...] = ()

    def concerns(self, evse_id: str) -> bool:
        """Whether the frame is, or may be, about a charge point. One that names none may be about any."""
        if self.evse_id is None and isinstance(self.body, Statuses) and self.body.sockets:
            return any(status.evse_id == evse_id for status in self.body.sockets)
        return self.evse_id in (None, evse_id)


def parse_frame(text: str | bytes) -> Frame:
    """Parse one frame.

    Args:
        text: the text of the websocket message, a JSON object.

    Raises:
        BadFrame: the text is not JSON, not an object, or an object without a name.
    """
    data = decode(text)
    name = _id(data, "object") or _named_by_command(data)
    if name is None:
        raise BadFrame("an object without a name")
    inner = _object(data.get("data")) or _only_entry(data)
    evse_id = _id(data, "evse_id") or _id(inner, "evse_id")
    reading = _Reading(data, inner, evse_id, name)
    body = _BODIES.get(name, _result)(reading)
    if evse_id is None and isinstance(body, Statuses):
        named = {status.evse_id for status in body.sockets}
        evse_id = named.pop() if len(named) == 1 else None
    return Frame(
        object=name,
        evse_id=evse_id,
        flow_id=_id(data, "flow_id"),
        error="" if isinstance(body, Error) else _words(data.get("error")),
        success=reading.one("success", read_flag),
        body=body,
        oddities=tuple([f"{name}: {oddity}" for oddity in reading.oddities[:MOST_ODDITIES]]),
    )


def _named_by_command(data: Raw) -> str | None:
    """Return the name of an answer about overrides that carries it in `command` in place of `object` (page 3).

    A frame with a `command` and no content is an echo of a request, and has no name.
    """
    command = _id(data, "command")
    answers = any(name in data for name in ("data", "result", "success", "error"))
    return command if answers and _BODIES.get(command or "") is _overrides else None


@dataclass(slots=True)
class _Reading:
    """A frame while it is parsed.

    Attributes:
        data: the whole frame.
        inner: its `data`, if that is an object or a list of one; else empty.
        evse_id: the charge point that it names.
        name: the name of its object.
        oddities: the values that could not be read.
    """

    data: Raw
    inner: Raw
    evse_id: str | None
    name: str
    oddities: list[str] = field(default_factory=list)

    def one(self, name: str, convert: Callable[[object], T | None], within: Raw | None = None) -> T | None:
        """Read one field of an object in the frame, or (`within` is None) of the frame itself."""
        value = (self.data if within is None else within).get(name)
        try:
            return convert(value) if value is not None else None
        except UNREADABLE:
            self.oddities.append(f"{name} cannot be read")
            return None

    def one_object(self) -> Raw:
        """Return the object with the values of a frame about a single subject: `data`, or the frame itself."""
        if len(_list(self.data, "items", "data") or ()) > 1:
            self.oddities.append("has several entries where one is known")
        return self.inner or self.data

    def objects(self, listed: object) -> Iterator[Raw]:
        """Yield the objects in a list. Other entries, and those above `MOST_ENTRIES`, are named as oddities."""
        entries = listed if isinstance(listed, list) else []
        if len(entries) > MOST_ENTRIES:
            self.oddities.append(f"has more than {MOST_ENTRIES} entries")
        for entry in entries[:MOST_ENTRIES]:
            if isinstance(entry, dict):
                yield entry
            else:
                self.oddities.append("an entry is no object")


def _object(value: object) -> Raw:
    return value if isinstance(value, dict) else {}


def _only_entry(data: Raw) -> Raw:
    """Return the object in a list of one. The cloud can send a list in place of an object (design page 3)."""
    listed = _list(data, "items", "data")
    return _object(listed[0]) if listed is not None and len(listed) == 1 else {}


def _id(data: Raw, name: str) -> str | None:
    value = data.get(name)
    try:
        return read_text(value) or None if value is not None else None
    except UNREADABLE:
        return None


_NO_ERROR: Final = frozenset({"0", "false", "none", "null"})
"""Values of `error` that stand for no error, written as text."""


def _words(error: object) -> str:
    if error in (None, False, {}, []):
        return ""
    words = (error if isinstance(error, str) else json.dumps(error)).strip()[:LONGEST_WORDS]
    return "" if words.lower() in _NO_ERROR else words


def _list(data: Raw, *names: str) -> list[object] | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            return value
    return None


# --- one reader for each object ---


_STATUS: Final = FieldReader(Status)
_SETTINGS: Final = FieldReader(ChargePointSettings)
_CARD: Final = FieldReader(Card)
_GRID: Final = FieldReader(Grid)
_ACCOUNT: Final = FieldReader(AccountBody)
_SUSTAINABILITY: Final = FieldReader(Sustainability)
_SCHEDULE: Final = FieldReader(Schedule)
_read_activity: Final = word(ACTIVITY)


def _statuses(reading: _Reading) -> Body:
    listed = _list(reading.data, "items") or _list(reading.inner, "items") or _list(reading.data, "data")
    if listed is None:
        sockets = [_socket_status(reading.inner or reading.data, reading.evse_id, reading)]
    else:
        entries = reading.objects(listed)
        sockets = [_socket_status(entry, _id(entry, "evse_id") or reading.evse_id, reading) for entry in entries]
    return Statuses(
        [status for status in sockets if status is not None],
        reading.one("socket_ids", read_sockets) or reading.one("socket_ids", read_sockets, reading.inner),
    )


def _socket_status(entry: Raw, evse_id: str | None, reading: _Reading) -> SocketStatus | None:
    if evse_id is None:
        reading.oddities.append("a status names no charge point")
        return None
    entry = {**entry, **_object(entry.get("data"))}
    return SocketStatus(evse_id, reading.one("socket_id", read_socket, entry), _STATUS.read(entry, reading.oddities))


def _charge_points(reading: _Reading) -> Body:
    listed = _list(reading.data, "data", "items")
    if listed is None:
        listed = _list(reading.inner, "items")
    if listed is None:
        return Result(None, None)  # a missing list does not mean that the account is empty
    return ChargePoints([point for entry in reading.objects(listed) for point in _listed(entry, reading)])


def _listed(entry: Raw, reading: _Reading) -> Iterator[ListedChargePoint]:
    evse_id = _id(entry, "evse_id")
    if evse_id is None:
        reading.oddities.append("an entry names no charge point")
        return
    activity = reading.one("activity", _read_activity, entry)
    yield ListedChargePoint(evse_id, _SETTINGS.read(entry, reading.oddities), activity)


def _settings(reading: _Reading) -> Body:
    return SettingsBody(_SETTINGS.read(reading.one_object(), reading.oddities))


def _charge_cards(reading: _Reading) -> Body:
    entries = reading.objects(_list(reading.data, "cards", "data", "items"))
    cards = (_CARD.read(entry, reading.oddities).values for entry in entries)
    return ChargeCards([card for card in cards if card.uid])


def _grid(reading: _Reading) -> Body:
    return GridValues(_GRID.read(reading.one_object(), reading.oddities))


def _account(reading: _Reading) -> Body:
    return _ACCOUNT.read(reading.inner or reading.data, reading.oddities).values


def _sustainability(reading: _Reading) -> Body:
    return _SUSTAINABILITY.read(reading.inner or reading.data, reading.oddities).values


def _overrides(reading: _Reading) -> Body:
    listed = _list(reading.data, "data", "result") or ([reading.inner] if reading.inner else [])
    schedules = []
    for entry in reading.objects(listed):
        # In one of the seen forms a single list holds the days of both start and end.
        both = entry.get("days_of_week")
        days = {"override_start_days": both, "override_end_days": both} if both is not None else {}
        one = _SCHEDULE.read({**days, **entry}, reading.oddities).values
        if one.schedule_id is not None or one.charge_points:
            schedules.append(one)
    return OverridesBody(schedules)


def _token(reading: _Reading) -> Body:
    token, customer = reading.data.get("token"), _id(reading.data, "customer_id")
    refused = reading.one("success", read_flag) is False
    granted = not refused and isinstance(token, str) and 0 < len(token) <= LONGEST_TOKEN
    return Token(str(token) if granted else None, customer or "")


_MEANINGS: Final[Mapping[str, int]] = {
    "unknown command": 0,
    "invalid auth token": 1,
    "not authorized": 2,
    "not authorised": 2,
    "request limit reached": 42,
}
"""The number of an ERROR by its text, for one that carries no number (page 3, "Errors")."""


def _error(reading: _Reading) -> Body:
    code, message = reading.data.get("error"), reading.data.get("message")
    number = _error_number(code)
    words = message.strip()[:LONGEST_WORDS] if isinstance(message, str) else ""
    words = words or (_words(code) if number is None else "")
    return Error(number if number is not None else _MEANINGS.get(words.lower().rstrip(".!")), words)


def _error_number(code: object) -> int | None:
    """Return the number of an ERROR. Like other numbers, it may be text."""
    if isinstance(code, bool):
        return None
    try:
        return read_whole(code)
    except UNREADABLE:
        return None


_SWITCHES: Final[Mapping[str, Switch]] = {
    "SET_PLUG_AND_CHARGE": "plug_and_charge",
    "SET_PUBLIC_CHARGING": "public_charging",
    "SET_DELAYED_CHARGING": "delayed_charging",
    "SET_PRICE_BASED_CHARGING": "price_based_charging",
}


def _result(reading: _Reading) -> Body:
    result = reading.data.get("result")
    if result in (None, "", {}):
        result = reading.data.get("value")  # by its name in the request
    if isinstance(result, dict):
        # The value is in words: {"setting": "set true"}.
        words = str(result.get("setting", "")).lower().split()
        result = True if "true" in words else False if "false" in words else None
    value = result if isinstance(result, bool) else None
    setting = _SWITCHES.get(reading.name.removeprefix("STATUS_")) if value is not None else None
    return Result(value, reading.one("socket_id", read_socket), setting)


_BODIES: Final[Mapping[str, Callable[[_Reading], Body]]] = {
    "CH_STATUS": _statuses,
    "CHARGE_POINTS": _charge_points,
    "CHARGE_CARDS": _charge_cards,
    "CH_SETTINGS": _settings,
    "GRID_STATUS": _grid,
    "GRID_CURRENT": _grid,
    "ACCOUNT": _account,
    "SUSTAINABILITY_STATUS": _sustainability,
    "LIST_OVERRIDE_CURRENT": _overrides,
    "POST_SET_OVERRIDE_CURRENT": _overrides,
    "POST_EDIT_OVERRIDE_CURRENT": _overrides,
    "POST_CLEAR_OVERRIDE_CURRENT": _overrides,
    "STATUS_API_TOKEN": _token,
    "ERROR": _error,
}
