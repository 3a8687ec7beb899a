"""Reading each kind of value of `bridge.chargepoint.cloud_fields`: lenient in form, strict in range (contract 4)."""

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, time
from enum import Enum
from functools import lru_cache
from typing import Final, TypeVar

from bridge.chargepoint.amsterdam import from_wall_clock, in_amsterdam
from bridge.chargepoint.charge_point_settings import Permission, Setting
from bridge.chargepoint.cloud_fields import (
    Flag,
    Kind,
    Moment,
    Names,
    Quantity,
    Sockets,
    Text,
    TimeOfDay,
    Weekdays,
    Whole,
    Word,
)

E = TypeVar("E")
W = TypeVar("W", bound=Enum)

Convert = Callable[[object], object]
"""Converts a JSON value. Returns None for an unknown value, and raises one of `UNREADABLE` for one it cannot read."""

UNREADABLE: Final = (ValueError, TypeError, ArithmeticError)

LONGEST_TEXT: Final = 1000
"""The length, in characters, to which texts are cut."""

MOST_ENTRIES: Final = 10_000
"""The most entries of a list that are read. The rest is ignored."""

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2100


class Odd(ValueError):
    """A value cannot be read, or is impossible.

    Args:
        reason: the text that follows the name of the field in the log.
        rest: the readable part of the value; None if there is none.
    """

    def __init__(self, reason: str = "cannot be read", rest: object = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rest = rest


def quantity(kind: Quantity) -> Convert:
    """Make a reader for numbers within the bounds of a quantity, in its unit."""
    lowest, highest, least = float(kind.lowest), kind.highest, kind.lowest - kind.noise
    outside = f"is outside {lowest:g} to {highest:g} {kind.unit}".rstrip()

    def convert(value: object) -> float | None:
        number = float(value) if type(value) is float or type(value) is int else _number(value)
        if number is None or lowest <= number <= highest:
            return number
        if least <= number < lowest:
            return lowest
        raise Odd(outside)  # NaN included

    return convert


def _number(value: object) -> float | None:
    # Numbers have been seen as text, padded with spaces.
    if isinstance(value, str) and "_" not in value:  # Python would read 1_6 as 16
        return float(value) if value.strip() else None
    raise Odd("is no number")


def read_whole(value: object) -> int | None:
    """Read a whole number; a fraction is cut off."""
    number = float(value) if type(value) is float or type(value) is int else _number(value)
    if number is None:
        return None
    if abs(number) > 1e9:
        raise Odd("is too large")
    return int(number)


def read_socket(value: object) -> int | None:
    """Read the number of a socket, from 1; 0 is the whole charge point, as with OCPP's connectors."""
    number = read_whole(value)
    if number is not None and number < 1:
        raise Odd("is no socket")
    return number


_FLAGS: Final[Mapping[str, bool | None]] = {
    "true": True, "1": True, "yes": True, "on": True,
    "false": False, "0": False, "no": False, "off": False,
    "": None,
}  # fmt: skip


def read_flag(value: object) -> bool | None:
    """Read a flag: a bool, 0 or 1, a word such as `true` or `off`, or a setting with such a `value`."""
    if isinstance(value, dict):
        value = value.get("value")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in _FLAGS:
        return _FLAGS[value.strip().lower()]
    if value in (0, 1):
        return bool(value)
    raise Odd("is neither true nor false")


def read_text(value: object) -> str:
    """Read a text; a number becomes text."""
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)[:LONGEST_TEXT]
    raise Odd("is no text")


@lru_cache(maxsize=4096)
def _moment(text: str) -> datetime:
    when = datetime.fromisoformat(text.strip())
    if not FIRST_YEAR <= when.year <= LAST_YEAR:
        raise Odd(f"is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    return in_amsterdam(when) if when.tzinfo is not None else from_wall_clock(when)


def read_moment(value: object) -> datetime | None:
    """Read a date and time: `YYYYMMDD HH:MM:SS` in Amsterdam, the same with an offset, or ISO 8601.

    A blank text is None. Parsed times are cached, since every push repeats the times of its session.
    """
    if not isinstance(value, str):
        raise Odd("is no time")
    return _moment(value) if value.strip() else None


_CLOCK: Final = re.compile(r"(\d{1,2}):(\d{2})(?::\d{2}(?:\.\d+)?)?")


def _time_of_day(value: object) -> time | None:
    if not isinstance(value, str):
        raise Odd("is no time of day")
    if not value.strip():
        return None
    match = _CLOCK.fullmatch(value.strip())
    if match is None:
        raise Odd("is no time of day")
    hour, minute = int(match[1]), int(match[2])
    return time(0 if (hour, minute) == (24, 0) else hour, minute)


_DAYS: Final = ("mo", "tu", "we", "th", "fr", "sa", "su")


def _weekday(value: object) -> int | None:
    """Read a day of the week: a number, with 0 or 7 for Sunday, or a name by its first two letters."""
    if isinstance(value, str) and value.strip()[:2].lower() in _DAYS:
        return _DAYS.index(value.strip()[:2].lower()) + 1
    number = read_whole(value)
    if number is not None and not 0 <= number <= 7:
        raise Odd("is no day of the week")
    return 7 if number == 0 else number


def _listed(value: object) -> list[object]:
    """Read a list: a JSON list, a text of entries with commas, with or without brackets, or a single entry."""
    if isinstance(value, list):
        return value[:MOST_ENTRIES]
    if isinstance(value, str):
        return [entry for entry in value.strip().strip("[]").split(",")[:MOST_ENTRIES] if entry.strip()]
    return [value]


def _list_of(
    convert: Callable[[object], E | None], arrange: Callable[[Iterable[E]], Iterable[E]] = tuple
) -> Callable[[object], tuple[E, ...]]:
    """Make a reader for lists. It removes duplicates, and names entries that cannot be read."""

    def read(value: object) -> tuple[E, ...]:
        found: dict[E, None] = {}
        odd = False
        for entry in _listed(value):
            try:
                one = convert(entry)
            except UNREADABLE:
                odd = True
            else:
                odd = odd or one is None
                if one is not None:
                    found[one] = None
        whole = tuple(arrange(found))
        if odd:
            raise Odd("has an entry that cannot be read", rest=whole or None)
        return whole

    return read


read_sockets: Final = _list_of(read_socket)


def _name(value: object) -> str | None:
    return read_text(value).strip(" \"'") or None


def word(kind: Word[W]) -> Callable[[object], W]:
    """Make a reader for one of a few words, in any letter case."""
    words = kind.words

    def convert(value: object) -> W:
        known = words.get(value) if isinstance(value, str) else None
        if known is None:
            text = read_text(value)
            known = words.get(text.strip().lower())
            if known is None:
                raise Odd(f"{text[:40]!r} is not known")
        return known

    return convert


_PERMISSIONS: Final[Mapping[str, Permission]] = {"none": "none", "read": "read", "write": "write"}


def _permission(value: object) -> Permission:
    """Read a permission, in any letter case. An unknown word does not permit a change."""
    return _PERMISSIONS.get(value.strip().lower(), "read") if isinstance(value, str) else "read"


def setting(convert: Convert) -> Convert:
    """Make a reader for a setting: a bare value, or an object with `value` and `permission`."""

    def read(value: object) -> Setting[object] | None:
        if not isinstance(value, dict):
            bare = convert(value)
            return None if bare is None else Setting(bare)
        permission = _permission(value["permission"]) if "permission" in value else "write"
        inner = value.get("value")
        try:
            return Setting(None if inner is None else convert(inner), permission)
        except UNREADABLE as error:
            reason = error.reason if isinstance(error, Odd) else Odd().reason
            raise Odd(reason, rest=Setting(None, permission)) from None

    return read


def opposite(convert: Convert) -> Convert:
    """Make a reader for a setting that is sent under the name of its opposite."""

    def convert_opposite(value: object) -> object:
        read = convert(value)
        if isinstance(read, Setting) and read.value is not None:
            return Setting(not read.value, read.permission)
        return read

    return convert_opposite


PLAIN: Final[Mapping[type[Kind[object]], Convert]] = {
    Flag: read_flag,
    Whole: read_whole,
    Text: read_text,
    Moment: read_moment,
    TimeOfDay: _time_of_day,
    Weekdays: _list_of(_weekday, arrange=sorted),
    Sockets: read_sockets,
    Names: _list_of(_name),
}
