"""The cloud's clock: local time in Amsterdam, mostly written without an offset.

All times here leave as datetimes with a fixed offset. (Python compares two times of one `ZoneInfo` by what the wall
clock shows, which goes wrong in the hour that the clocks repeat.)
"""

from datetime import UTC, datetime, time, timedelta, timezone
from typing import Final
from zoneinfo import ZoneInfo

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")


def in_amsterdam(when: datetime) -> datetime:
    """The same moment with Amsterdam's offset."""
    local = when.astimezone(AMSTERDAM)
    return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)


def from_wall_clock(wall: datetime) -> datetime:
    """The moment at which the clocks in Amsterdam show `wall` (without an offset).

    In the hour that they repeat, the first time; in the hour that they skip, as if they had not.
    """
    return in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=0).astimezone(UTC))


def in_order(when: datetime, not_before: datetime | None) -> datetime:
    """`when`, or the second time that the clocks show it, if the first lies before `not_before`.

    For times read by `from_wall_clock`: "take the earlier reading unless it would make time run backwards".
    """
    if not_before is None or when >= not_before:
        return when
    wall = when.astimezone(AMSTERDAM).replace(tzinfo=None)
    later = in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=1).astimezone(UTC))
    return later if later >= not_before else when


def last_midnight(now: datetime) -> datetime:
    """When the present day began in Amsterdam, also where its clocks have been changed since."""
    return from_wall_clock(datetime.combine(now.astimezone(AMSTERDAM).date(), time()))


def next_limit_reset(now: datetime) -> datetime:
    """When the day's request limit is over: 00:00:30 in Amsterdam, half a minute after it is lifted (page 3)."""
    today = now.astimezone(AMSTERDAM).date()
    resets = (from_wall_clock(datetime.combine(today + timedelta(days=days), time(0, 0, 30))) for days in (0, 1))
    return next(reset for reset in resets if reset > now)


def readings(when: datetime) -> tuple[datetime, ...]:
    """Every moment that the wall clock of `when` can mean: two in the hour that the clocks repeat, else one."""
    wall = when.astimezone(AMSTERDAM).replace(tzinfo=None)
    both = (in_amsterdam(wall.replace(tzinfo=AMSTERDAM, fold=fold).astimezone(UTC)) for fold in (0, 1))
    return tuple(sorted({*both, in_amsterdam(when)}))


def nearest_reading(when: datetime, to: datetime) -> datetime:
    """What the wall clock of `when` can mean, whatever is nearest to another moment."""
    return min(readings(when), key=lambda reading: abs(reading - to))
