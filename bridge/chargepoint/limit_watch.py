"""Whether a current limit that the cloud has agreed does hold, as the charge point shows it (contract 4)."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import AMSTERDAM, from_wall_clock
from bridge.chargepoint.limits import Limits, Watch
from bridge.chargepoint.session import Memory

JUDGED_AFTER: Final = timedelta(minutes=2)
TOLERANCE_A: Final = 1.0
ASIDE_FROM: Final = time(23, 58)
ASIDE_UNTIL: Final = time(0, 2)
"""Nothing limits from 23:59 to 00:00 in Amsterdam (page 3); the clocks are given a minute on either side."""


def left_aside(now: datetime) -> bool:
    """Whether what is seen now says nothing about a limit."""
    clock = now.astimezone(AMSTERDAM).time()
    return clock >= ASIDE_FROM or clock < ASIDE_UNTIL


def judged_at(watch: Watch) -> datetime:
    """When two minutes have passed since the watch began, the minutes around midnight left aside."""
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
    """The limits after a push.

    Args:
        limits: before it.
        bound: the limit that the charge point shows, overrides counted, A; None if it shows none.
        current: the highest current on a phase, A; None where the push names none.
        before: the sessions before the push.
        after: the sessions after the push.
        now: when it came.
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
    """A session begins, or the charge point can be seen again: the limit counts, and is watched from now on."""
    owned = replace(limits.owned, trusted=False) if limits.owned is not None else None
    watch = Watch(now) if owned is not None else None
    return replace(limits, owned=owned, watch=watch, unheld=False)


def _read(limits: Limits, limit: int, current: float) -> Limits:
    if limits.watch is None:
        return limits
    exceeded = current > limit + TOLERANCE_A
    # One reading at or below it is enough: what flows follows the limit.
    return replace(limits, watch=replace(limits.watch, exceeded=True) if exceeded else None)


def judged(limits: Limits, memory: Memory, now: datetime) -> Limits:
    """The limits after time has passed: one that each reading for two minutes was above does not hold."""
    deadline = judgement(limits, memory)
    if deadline is None or now < deadline:
        return limits
    return replace(limits, watch=None, unheld=True)


def judgement(limits: Limits, memory: Memory) -> datetime | None:
    """When a limit will be found not to hold if no reading says otherwise; None if that is not to be expected."""
    if limits.watch is None or not limits.watch.exceeded or memory.blind_since is not None:
        return None
    return judged_at(limits.watch)


def _shown(limits: Limits, bound: float | None) -> Limits:
    """A limit that the charge point showed and shows no more can have been removed by somebody."""
    owned = limits.owned
    if owned is None or owned.current is None or bound is None or owned.trusted:
        return limits
    if bound <= owned.current:
        return replace(limits, owned=replace(owned, felt=True))
    return replace(limits, owned=replace(owned, doubtful=True)) if owned.felt else limits
