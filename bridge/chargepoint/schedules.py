"""Override schedules of the current: as the cloud lists them, and how ours is told from the user's (contract 4)."""

from dataclasses import dataclass
from datetime import time
from typing import Final

from bridge.chargepoint.told import CURRENT, NAMES, TIME_OF_DAY, WEEKDAYS, WHOLE, told

ALL_DAYS: Final = (1, 2, 3, 4, 5, 6, 7)
DAY_STARTS: Final = time(0, 0)
DAY_ENDS: Final = time(23, 59)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An override of the current as the cloud lists it, whoever made it.

    Attributes:
        schedule_id: the cloud's name for it; None where it is no number.
        charge_points: the `evse_id`s that it is for; empty where the cloud does not tell.
        current: A; None where the cloud does not tell. `start` and `end` are None in the same case.
        days: on which it starts, 1 Monday to 7 Sunday; empty where the cloud does not tell.
        start: from when it limits, Amsterdam time.
        end: until when.
        end_days: the days on which it ends.
    """

    schedule_id: int | None = told("schedule_id", "its number", WHOLE)
    charge_points: tuple[str, ...] = told(
        "charge_points", "what it is for", NAMES, default=(), also=["chargepoint_id", "chargepoints"]
    )
    current: float | None = told("override_current", "the limit", CURRENT, also=["current", "overridevalue"])
    days: tuple[int, ...] = told("override_start_days", "when it begins", WEEKDAYS, default=())
    start: time | None = told("start_time", "from when it limits", TIME_OF_DAY, also=["override_start_time"])
    end: time | None = told("stop_time", "until when", TIME_OF_DAY, also=["override_end_time"])
    end_days: tuple[int, ...] = told("override_end_days", "when it ends", WEEKDAYS, default=())

    @classmethod
    def always_on(cls, schedule_id: int, evse_id: str, current: int) -> "Schedule":
        """A schedule as the bridge makes its own."""
        return cls(schedule_id, (evse_id,), current, ALL_DAYS, DAY_STARTS, DAY_ENDS, ALL_DAYS)

    @property
    def always(self) -> bool:
        """It limits on all days, from 00:00 to 23:59."""
        return self.days == self.end_days == ALL_DAYS and (self.start, self.end) == (DAY_STARTS, DAY_ENDS)

    def told_otherwise(self, evse_id: str) -> bool:
        """Something that the cloud tells of it is not as in an override of ours for this charge point.

        What an answer leaves out is no news: the shape of a listed schedule differs between the sources (page 3).
        """
        return (
            self.charge_points not in ((), (evse_id,))
            or self.days not in ((), ALL_DAYS)
            or self.end_days not in ((), ALL_DAYS)
            or self.start not in (None, DAY_STARTS)
            or self.end not in (None, DAY_ENDS)
        )


@dataclass(frozen=True, slots=True)
class Owned:
    """The override that is ours.

    Attributes:
        schedule_id: the cloud's name for it.
        current: A, as agreed; None where the outcome of a change is unknown.
        either: the currents that it can have then, A.
        felt: the charge point has reported a limit at or below this one.
        doubtful: the charge point's limit rose above it again: somebody may have removed it.
        trusted: such a doubt was looked into, and ours was there: no further look before the next session.
    """

    schedule_id: int
    current: int | None
    felt: bool = False
    doubtful: bool = False
    either: tuple[int, ...] = ()
    trusted: bool = False

    def stands_as(self, schedule: Schedule, evse_id: str) -> bool:
        """Whether a listed schedule is this one, with the content that we wrote."""
        if schedule.schedule_id != self.schedule_id or schedule.told_otherwise(evse_id):
            return False
        if self.current is not None:
            return schedule.current in (None, self.current)
        return schedule.current in self.either if self.either else whole_amperes(schedule.current) is not None


@dataclass(frozen=True, slots=True)
class Unsure:
    """An override of ours may have been made: the request was sent, and its answer is not known.

    Attributes:
        current: what was asked for, A.
        others: the schedules that were there before.
    """

    current: int
    others: frozenset[int]

    def may_be(self, schedule: Schedule, evse_id: str) -> bool:
        """Whether a listed schedule is the one that was asked for."""
        return schedule.schedule_id not in self.others and schedule == Schedule.always_on(
            schedule.schedule_id or 0, evse_id, self.current
        )


@dataclass(frozen=True, slots=True)
class There:
    """What is known to stand in the cloud.

    Attributes:
        owned: the override of ours.
        unsure: one of ours that may have been made.
    """

    owned: Owned | None = None
    unsure: Unsure | None = None


def whole_amperes(current: float | None) -> int | None:
    """A listed current, A; None if it is no whole number, as none of ours would be."""
    return int(current) if current is not None and current == int(current) else None
