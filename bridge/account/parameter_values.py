"""The values of parameters: their types, and the sources that they come from."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import time
from typing import Final, Generic, Literal, TypeVar

from pydantic import JsonValue

from bridge.account.parameter_store import ParameterStore
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import Status
from bridge.chargepoint.twin import Twin
from bridge.immutable import immutable

T = TypeVar("T")

Options = Sequence[tuple[JsonValue, str]]
"""The allowed values, each with its label for people."""


# --- types ---

_CLOCK_TIME: Final = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True)
class ParameterKind(Generic[T]):
    """A type of parameter values.

    Attributes:
        name: the `value_type` in FIMP.
        wanted: a description of valid values, for error messages.
        read: reads a value in its FIMP form; returns None if it is not of this type.
        write: writes a value in its FIMP form.
        options: the allowed values, if they are the same for every charge point.
    """

    name: Literal["bool", "int", "string", "int_array"]
    wanted: str
    read: Callable[[JsonValue], T | None]
    write: Callable[[T], JsonValue]
    options: Options = ()


def _read_bool(value: JsonValue) -> bool | None:
    return value if isinstance(value, bool) else None


def _read_int(value: JsonValue) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _read_text(value: JsonValue) -> str | None:
    return value if isinstance(value, str) else None


def _read_clock_time(value: JsonValue) -> time | None:
    match = _CLOCK_TIME.fullmatch(value) if isinstance(value, str) else None
    return time(int(match[1]), int(match[2])) if match is not None else None


def _read_days(value: JsonValue) -> tuple[int, ...] | None:
    days = [_read_int(day) for day in value] if isinstance(value, list) else []
    known = tuple(day for day in days if day is not None and day in range(1, 8))
    return known if known and len(known) == len(days) == len(set(known)) else None


WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

BOOL: Final[ParameterKind[bool]] = ParameterKind(
    "bool", "true or false", _read_bool, lambda value: value, ((True, "On"), (False, "Off"))
)
INT: Final[ParameterKind[int]] = ParameterKind("int", "a whole number", _read_int, lambda value: value)
TEXT: Final[ParameterKind[str]] = ParameterKind("string", "text", _read_text, lambda value: value)
CLOCK_TIME: Final[ParameterKind[time]] = ParameterKind(
    "string", "a time of day such as 07:30", _read_clock_time, "{:%H:%M}".format
)
DAYS: Final[ParameterKind[tuple[int, ...]]] = ParameterKind(
    "int_array",
    "one or more days, from 1 (Monday) to 7 (Sunday), each once",
    _read_days,
    list[JsonValue],
    options=tuple(enumerate(WEEKDAYS, 1)),
)


# --- where values come from ---

DELAYED_WINDOW: Final = ("delayed_charging_days", "delayed_charging_start", "delayed_charging_end")
"""The parameters that the cloud takes only together."""


@immutable(frozen=True, slots=True)
class DelayedWindow:
    """The window of delayed charging. A part that is not known is None.

    Attributes:
        days: the days, 1 Monday to 7 Sunday.
        start: the time at which it begins, Amsterdam time.
        end: the time at which it ends, Amsterdam time.
    """

    days: tuple[int, ...] | None
    start: time | None
    end: time | None


def delayed_window(store: ParameterStore, twin: Twin) -> DelayedWindow:
    """Return the window of delayed charging. A part that was set and not sent yet takes precedence over the cloud's."""
    settings, (days, start, end) = twin.settings, (store.get(twin.evse_id, name) for name in DELAYED_WINDOW)
    return DelayedWindow(
        _first(DAYS.read(days), settings.delayed_days or None),
        _first(CLOCK_TIME.read(start), settings.delayed_start),
        _first(CLOCK_TIME.read(end), settings.delayed_end),
    )


LIMIT_SCHEDULE: Final = ("limit_current", "limit_days", "limit_start", "limit_end")
"""The parameters of the user's own schedule."""


@immutable(frozen=True, slots=True, kw_only=True)
class LimitSchedule:
    """The user's own schedule that limits the current. A part that is not known is None.

    Attributes:
        current: the limit, A; 0 for no limit.
        days: the days on which the window begins, 1 Monday to 7 Sunday.
        start: the time at which the window begins, Amsterdam time.
        end: the time at which the window ends, Amsterdam time.
    """

    current: int | None = None
    days: tuple[int, ...] | None = None
    start: time | None = None
    end: time | None = None

    @property
    def complete(self) -> bool:
        """Whether every part is known."""
        return not {self.current, self.days, self.start, self.end} & {None}

    def over(self, other: "LimitSchedule") -> "LimitSchedule":
        """Return this schedule with its unknown parts taken from the other."""
        return LimitSchedule(
            current=_first(self.current, other.current),
            days=_first(self.days, other.days),
            start=_first(self.start, other.start),
            end=_first(self.end, other.end),
        )

    def to_keep(self) -> dict[str, JsonValue]:
        """Return the known parts in their FIMP form, by the ids of their parameters."""
        current_id, days_id, start_id, end_id = LIMIT_SCHEDULE
        kept: dict[str, JsonValue] = {}
        if self.current is not None:
            kept[current_id] = INT.write(self.current)
        if self.days is not None:
            kept[days_id] = DAYS.write(self.days)
        if self.start is not None:
            kept[start_id] = CLOCK_TIME.write(self.start)
        if self.end is not None:
            kept[end_id] = CLOCK_TIME.write(self.end)
        return kept


def kept_limit(store: ParameterStore, evse_id: str) -> LimitSchedule:
    """Return the parts that were set and not sent, because others are still missing."""
    current, days, start, end = (store.get(evse_id, name) for name in LIMIT_SCHEDULE)
    return LimitSchedule(
        current=INT.read(current), days=DAYS.read(days), start=CLOCK_TIME.read(start), end=CLOCK_TIME.read(end)
    )


def cloud_limit(schedule: Schedule | None) -> LimitSchedule:
    """Return the parts of a schedule in the cloud; without one, every part is unknown."""
    if schedule is None:
        return LimitSchedule()
    current = int(schedule.current) if schedule.current is not None else None
    return LimitSchedule(current=current, days=schedule.days or None, start=schedule.start, end=schedule.end)


@immutable(frozen=True, slots=True)
class Sources:
    """The sources of the values and options of a charge point's parameters.

    Attributes:
        twin: one socket of the charge point.
        cards: the account's charge cards.
        store: the values that the cloud does not keep, or not yet.
        visible: the status is valid: the link is up, or has not been down for longer than the grace.
        overrides_known: the cloud knows schedules that limit the current.
    """

    twin: Twin
    cards: Sequence[Card]
    store: ParameterStore
    visible: bool
    overrides_known: bool

    @property
    def settings(self) -> ChargePointSettings:
        """The settings of the charge point."""
        return self.twin.settings

    @property
    def status(self) -> Status:
        """The live values; all are unknown while the status is not valid."""
        return self.twin.status if self.twin.status is not None and self.visible else Status()

    def kept(self, name: str, kind: ParameterKind[T]) -> T | None:
        """Return the value of a parameter that the bridge keeps; None if there is none of this type."""
        return kind.read(self.store.get(self.twin.evse_id, name))

    @property
    def delayed_window(self) -> DelayedWindow:
        """The window of delayed charging."""
        return delayed_window(self.store, self.twin)

    @property
    def limit_schedule(self) -> LimitSchedule:
        """The schedule that limits the current, made by the bridge or the user; without one, the parts not sent yet."""
        limits = self.twin.limits
        kept = kept_limit(self.store, self.twin.evse_id)
        if self.twin.schedule is None and limits.listed:
            kept = kept.over(LimitSchedule(current=0))
        return cloud_limit(self.twin.schedule).over(kept)


def _first(*values: T | None) -> T | None:
    return next((value for value in values if value is not None), None)
