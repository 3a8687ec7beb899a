"""Observing whether the charge point obeys a current limit that the cloud has agreed to (contract 4)."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import AMSTERDAM, from_wall_clock
from bridge.chargepoint.limits import Limits, Watch
from bridge.chargepoint.session import Memory

JUDGED_AFTER: Final = timedelta(minutes=2)
"""How long every reading must exceed a limit for the limit to count as not obeyed."""

TOLERANCE_A: Final = 1.0
"""How far a reading may exceed the limit."""

ASIDE_FROM: Final = time(23, 58)
ASIDE_UNTIL: Final = time(0, 2)
"""Overrides do not limit from 23:59 to 00:00 in Amsterdam (design page 3). The clocks may differ by a minute."""


def left_aside(now: datetime) -> bool:
    """Whether readings are ignored now, because overrides do not limit around midnight."""
    clock = now.astimezone(AMSTERDAM).time()
    return clock >= ASIDE_FROM or clock < ASIDE_UNTIL


def judged_at(watch: Watch) -> datetime:
    """Return when two minutes have passed since the watch began, not counting those around midnight."""
    since = watch.since.astimezone(AMSTERDAM)
    day = since.date() + timedelta(days=1 if since.time() >= ASIDE_UNTIL else 0)
    end = from_wall_clock(datetime.combine(day, ASIDE_UNTIL))
    start = from_wall_clock(datetime.combine(day - timedelta(days=1), ASIDE_FROM))
    due = watch.since + JUDGED_AFTER
    if due <= start:
        return due
    return due + (end - max(start, watch.since))


def pushed(
    limits: Limits, *, bound: float | None, current: float | None, before: Memory, after: Memory, now: datetime
) -> Limits:
    """Return the limits after a push.

    Args:
        limits: the limits before the push.
        bound: the limit that the charge point shows, overrides included, A; None if it shows none.
        current: the highest current on a phase, A; None if the push names none.
        before: the sessions before the push.
        after: the sessions after the push.
        now: when the push arrived.
    """
    if _begins(before, after) or (limits.watch is not None and before.blind_since is not None):
        limits = _anew(limits, now)
    limit = limits.owned.current if limits.owned is not None else None
    if limit is None or left_aside(now):
        return limits
    if after.session_open and current is not None:
        limits = _read(limits, limit, current)
    return _shown(judged(limits, after, now), bound)


def _begins(before: Memory, after: Memory) -> bool:
    if after.session is None or not after.session.open:
        return False
    return before.session is None or not before.session.open or before.session.number != after.session.number


def _anew(limits: Limits, now: datetime) -> Limits:
    """Watch the limit anew, because a session begins or the charge point is seen again."""
    owned = replace(limits.owned, trusted=False) if limits.owned is not None else None
    watch = Watch(now) if owned is not None else None
    return replace(limits, owned=owned, watch=watch, unheld=False)


def _read(limits: Limits, limit: int, current: float) -> Limits:
    if limits.watch is None:
        return limits
    exceeded = current > limit + TOLERANCE_A
    # A single reading at or below the limit proves that the charge point obeys it.
    return replace(limits, watch=replace(limits.watch, exceeded=True) if exceeded else None)


def judged(limits: Limits, memory: Memory, now: datetime) -> Limits:
    """Return the limits after time has passed. A limit that every reading exceeded for two minutes is not obeyed."""
    deadline = judgement(limits, memory)
    if deadline is None or now < deadline:
        return limits
    return replace(limits, watch=None, unheld=True)


def judgement(limits: Limits, memory: Memory) -> datetime | None:
    """Return when a limit counts as not obeyed if no reading proves otherwise; None if it is not being exceeded."""
    if limits.watch is None or not limits.watch.exceeded or memory.blind_since is not None:
        return None
    return judged_at(limits.watch)


def _shown(limits: Limits, bound: float | None) -> Limits:
    """Doubt an override whose limit the charge point showed and no longer shows: it may have been removed."""
    owned = limits.owned
    if owned is None or owned.current is None or bound is None or owned.trusted:
        return limits
    if bound <= owned.current:
        return replace(limits, owned=replace(owned, felt=True))
    return replace(limits, owned=replace(owned, doubtful=True)) if owned.felt else limits
