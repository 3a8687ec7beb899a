"""Conversion of the cloud's times: local time in Amsterdam, mostly without an offset (design page 3, "Times").

All functions return datetimes with a fixed offset. Python compares two times of the same `ZoneInfo` by their wall
clock, which is wrong in the hour that the clocks repeat in autumn.
"""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


def in_amsterdam(when: datetime) -> datetime:
    """Return the same moment with Amsterdam's offset."""
    local = when.astimezone(AMSTERDAM)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)


def from_wall_clock(wall: datetime) -> datetime:
    """Return the moment at which the clocks in Amsterdam show `wall`, a datetime without an offset.

    In the repeated hour of autumn it is the first of the two moments. A time in the skipped hour of spring is read with
    the offset of before the change.
    """
    return in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=0).astimezone(UTC))


def in_order(when: datetime, not_before: datetime | None) -> datetime:
    """Return `when`, or the second moment at which the clocks show the same time if `when` lies before `not_before`.

    It corrects times from `from_wall_clock`: "take the earlier reading unless it would make time run backwards" (design
    page 3, "Times").
    """
    if not_before is None or when >= not_before:
        return when
    wall = when.astimezone(AMSTERDAM).replace(tzinfo=None)
    later = in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=1).astimezone(UTC))
    return later if later >= not_before else when


def last_midnight(now: datetime) -> datetime:
    """Return the moment at which the present day began in Amsterdam."""
    return from_wall_clock(datetime.combine(now.astimezone(AMSTERDAM).date(), time()))


def next_limit_reset(now: datetime) -> datetime:
    """Return when requests are possible again after a request limit: 00:00:30 in Amsterdam (design page 3)."""
    today = now.astimezone(AMSTERDAM).date()
    resets = (from_wall_clock(datetime.combine(today + timedelta(days=days), time(0, 0, 30))) for days in (0, 1))
    return next(reset for reset in resets if reset > now)


def readings(when: datetime) -> tuple[datetime, ...]:
    """Return every moment that the wall clock of `when` can mean: two in the repeated hour of autumn, else one."""
    wall = when.astimezone(AMSTERDAM).replace(tzinfo=None)
    both = (in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=fold).astimezone(UTC)) for fold in (0, 1))
    return tuple(sorted({*both, in_amsterdam(when)}))


def nearest_reading(when: datetime, to: datetime) -> datetime:
    """Return the moment that the wall clock of `when` can mean and that is nearest to another moment."""
    return min(readings(when), key=lambda reading: abs(reading - to))
