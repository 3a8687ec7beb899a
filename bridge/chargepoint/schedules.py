"""Override schedules: their form in the cloud, and how the bridge's differs from the user's (contract 4)."""

from dataclasses import dataclass, replace
from datetime import time
from typing import Final

from bridge.chargepoint.cloud_fields import CURRENT, NAMES, TIME_OF_DAY, WEEKDAYS, WHOLE, cloud_field

ALL_DAYS: Final = (1, 2, 3, 4, 5, 6, 7)
DAY_STARTS: Final = time(0, 0)
DAY_ENDS: Final = time(23, 59)


@dataclass(frozen=True, slots=True)
class Schedule:
    """An override schedule as the cloud lists it, made by the bridge or by the user.

    Attributes:
        schedule_id: the cloud's id of it; None if that is not a number.
        charge_points: the `evse_id`s that it is for; empty if the cloud did not send them.
        current: the limit, A; None if the cloud did not send it.
        days: the days on which it begins, 1 Monday to 7 Sunday; empty if the cloud did not send them.
        start: the time at which it begins, Amsterdam time; None if the cloud did not send it.
        end: the time at which it ends; None if the cloud did not send it.
        end_days: the days on which it ends.
    """

    schedule_id: int | None = cloud_field("schedule_id", "its number", WHOLE)
    charge_points: tuple[str, ...] = cloud_field(
        "charge_points", "what it is for", NAMES, default=(), also=["chargepoint_id", "chargepoints"]
    )
    current: float | None = cloud_field("override_current", "the limit", CURRENT, also=["current", "overridevalue"])
    days: tuple[int, ...] = cloud_field("override_start_days", "when it begins", WEEKDAYS, default=())
    start: time | None = cloud_field("start_time", "from when it limits", TIME_OF_DAY, also=["override_start_time"])
    end: time | None = cloud_field("stop_time", "until when", TIME_OF_DAY, also=["override_end_time"])
    end_days: tuple[int, ...] = cloud_field("override_end_days", "when it ends", WEEKDAYS, default=())

    @classmethod
    def always_on(cls, schedule_id: int, evse_id: str, current: int) -> "Schedule":
        """Make a schedule like those of the bridge: all days, 00:00 to 23:59."""
        return cls(schedule_id, (evse_id,), current, ALL_DAYS, DAY_STARTS, DAY_ENDS, ALL_DAYS)

    def differs_from_ours(self, evse_id: str) -> bool:
        """Whether some part of the schedule differs from an override of the bridge for this charge point.

        A part that the answer leaves out does not differ: the sources disagree on the form of a listed schedule
        (design page 3, "Requests").
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
    """The bridge's override.

    Attributes:
        schedule_id: the cloud's id of it.
        current: the agreed limit, A; None if the outcome of a change is unknown.
        either: the limits that it can have if `current` is None, or after a crash in a change, A.
        felt: whether the charge point has reported a limit at or below this one.
        doubtful: the charge point's limit rose above it again, so it may have been removed in the app.
        trusted: after such a doubt the override was found in the list. It is not doubted again in this session.
    """

    schedule_id: int
    current: int | None
    felt: bool = False
    doubtful: bool = False
    either: tuple[int, ...] = ()
    trusted: bool = False

    def changing(self, asked: int | None) -> "Owned":
        """Return the override with a change to `asked` A, or its removal, in progress."""
        if self.current is None:
            return self
        return replace(self, either=(self.current,) if asked is None else (self.current, asked))

    def restored(self) -> "Owned":
        """Return the override after a restart, which leaves the outcome of a change in progress unknown."""
        return replace(self, current=None) if self.either else self

    def stands_as(self, schedule: Schedule, evse_id: str) -> bool:
        """Whether a listed schedule is this override with the content that the bridge wrote."""
        if schedule.schedule_id != self.schedule_id or schedule.differs_from_ours(evse_id):
            return False
        if self.current is not None:
            return schedule.current in (None, self.current)
        return schedule.current in self.either if self.either else whole_amperes(schedule.current) is not None


@dataclass(frozen=True, slots=True)
class Unsure:
    """An override of the bridge that may have been made: the request was sent, and its outcome is unknown.

    Attributes:
        current: the requested limit, A.
        others: the ids of the schedules that existed before.
    """

    current: int
    others: frozenset[int]

    def may_be(self, schedule: Schedule, evse_id: str) -> bool:
        """Whether a listed schedule is the requested one."""
        return schedule.schedule_id not in self.others and schedule == Schedule.always_on(
            schedule.schedule_id or 0, evse_id, self.current
        )


@dataclass(frozen=True, slots=True)
class There:
    """What is known of the bridge's override in the cloud.

    Attributes:
        owned: the override; None if there is none.
        unsure: an override that may have been made; None if there is none.
    """

    owned: Owned | None = None
    unsure: Unsure | None = None


def whole_amperes(current: float | None) -> int | None:
    """Return a listed limit, A; None if it is not a whole number, as those of the bridge are."""
    return int(current) if current is not None and current == int(current) else None
