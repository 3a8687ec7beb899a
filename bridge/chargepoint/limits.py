"""Current limits: what is wanted of a charge point, and the one override of ours that carries it (contract 4).

A standing limit holds until it is changed, a session's limit until that session ends; the lower of the two is what the
cloud is asked for, by one override schedule of ours: all days, 00:00 to 23:59. Everything here is a value; `next_step`
tells which single request brings the cloud's side nearer to what is wanted, and the functions after it what its outcome
means. An override that somebody else has made is never touched.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bridge.chargepoint.session import Memory


@dataclass(frozen=True, slots=True)
class Schedule:
    """An override of the current as the cloud lists it, whoever has made it.

    Attributes:
        charge_points: the `evse_id`s it is for.
        current: A.
        always: it holds on all days, from 00:00 to 23:59.
    """

    schedule_id: int
    charge_points: tuple[str, ...]
    current: float | None
    always: bool = False


@dataclass(frozen=True, slots=True)
class Owned:
    """The override that is ours.

    Attributes:
        schedule_id: the cloud's name for it.
        current: A; None where the outcome of a change is unknown.
        felt: the charge point has shown it: `max_usage` was at or below it.
        doubtful: `max_usage` rose above it again: somebody may have removed it.
    """

    schedule_id: int
    current: int | None
    felt: bool = False
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Unsure:
    """An override of ours may have been made: the request was sent, and its answer is not known.

    Attributes:
        current: what was asked for, A.
        others: the schedules that were there before.
    """

    current: int
    others: frozenset[int]


@dataclass(frozen=True, slots=True)
class SessionLimit:
    """A limit for one session.

    Attributes:
        current: A.
        session: its number.
        slow: it is the limit of charging mode `slow`.
        until: for a session that has not begun yet: how long it is waited for.
    """

    current: int
    session: int
    slow: bool = False
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is wanted of one charge point, and what stands in the cloud for it; currents in A."""

    standing: int | None = None
    session: SessionLimit | None = None
    owned: Owned | None = None
    unsure: Unsure | None = None

    def wanted(self, most: int | None) -> int | None:
        """The limit that is to hold: the lower of the two; None where there is nothing to limit.

        Args:
            most: what the charge point can deliver without an override of ours; None if not known.
        """
        session = self.session.current if self.session is not None else None
        lowest = min((limit for limit in (self.standing, session) if limit is not None), default=None)
        return lowest if lowest is not None and (most is None or lowest < most) else None


# --- what is wanted ---


def with_standing(limits: Limits, current: int, most: int) -> Limits:
    """With a standing limit; what the charge point can deliver anyway is none."""
    return replace(limits, standing=current if current < most else None)


def with_session(limits: Limits, limit: SessionLimit) -> Limits:
    """With a limit for a session, whatever limit it had before."""
    return replace(limits, session=limit)


def without_session(limits: Limits) -> Limits:
    """With the session's limit given back."""
    return replace(limits, session=None)


def without_slow(limits: Limits) -> Limits:
    """With the limit of charging mode `slow` given back; another limit of the session stays."""
    return without_session(limits) if limits.session is not None and limits.session.slow else limits


def without_wishes(limits: Limits) -> Limits:
    """With nothing wanted any more; an override of ours is still to be cleared."""
    return replace(limits, standing=None, session=None)


def in_time(limits: Limits, memory: Memory, now: datetime) -> Limits:
    """Without a session's limit whose session is over, or has not come: no limit outlives its session."""
    limit = limits.session
    if limit is None:
        return limits
    latest = memory.session
    number = latest.number if latest is not None else 0
    pending = limit.until is not None and now < limit.until
    if latest is not None and latest.number == limit.session and (latest.open or (latest.forgotten and pending)):
        return limits  # forgotten: it was never seen to be on; its start can be told before it begins
    # A start can also have the session before go on: then the limit is that one's.
    goes_on = limit.until is not None and latest is not None and latest.open
    if limit.session > number and (pending or goes_on):
        return limits
    return without_session(limits)


def shifted(limits: Limits, delta: timedelta) -> Limits:
    """The limits after the wall clock has jumped by `delta`: the wait for a session moves with it."""
    limit = limits.session
    if limit is None or limit.until is None:
        return limits
    return replace(limits, session=replace(limit, until=limit.until + delta))


def next_session(memory: Memory) -> int:
    """The number of the session that a start will begin."""
    return memory.session.number + 1 if memory.session is not None else 1


# --- what is to be asked ---


@dataclass(frozen=True, slots=True)
class Look:
    """List the overrides: it is not known whether ours is there."""


@dataclass(frozen=True, slots=True)
class Make:
    """Make an override of so many A."""

    current: int


@dataclass(frozen=True, slots=True)
class Change:
    """Change ours to so many A."""

    schedule_id: int
    current: int


@dataclass(frozen=True, slots=True)
class Clear:
    """Clear ours."""

    schedule_id: int


Step = Look | Make | Change | Clear


def next_step(limits: Limits, most: int | None) -> Step | None:
    """The request that is due; None if the cloud's side is as it has to be."""
    owned, wanted = limits.owned, limits.wanted(most)
    if limits.unsure is not None or (owned is not None and owned.doubtful):
        return Look()
    if owned is None:
        return Make(wanted) if wanted is not None else None
    if wanted is None:
        return Clear(owned.schedule_id)
    return Change(owned.schedule_id, wanted) if owned.current != wanted else None


# --- what came of it ---


def making(limits: Limits, current: int, others: Collection[int]) -> Limits:
    """A new override is about to be asked for. Noted before, so that not even a crash leaves one behind unseen."""
    return replace(limits, unsure=Unsure(current, frozenset(others)))


def made(limits: Limits, schedule_id: int, current: int) -> Limits:
    """It has been made."""
    return replace(limits, owned=Owned(schedule_id, current), unsure=None)


def not_made(limits: Limits) -> Limits:
    """It was refused."""
    return replace(limits, unsure=None)


def changed(limits: Limits, schedule_id: int, current: int | None) -> Limits:
    """Ours has been changed; None: nobody knows whether it has."""
    return replace(limits, owned=Owned(schedule_id, current))


def cleared(limits: Limits) -> Limits:
    """Ours has been cleared."""
    return replace(limits, owned=None)


def found(limits: Limits, evse_id: str, schedules: Collection[Schedule]) -> Limits:
    """The overrides have been listed: ours is there, has been changed or removed elsewhere, or has been made after all.

    Only what was asked for and was not there before is taken for ours: for this charge point alone, on all days, of
    the current that was asked for.
    """
    if limits.owned is not None:
        there = next((one for one in schedules if one.schedule_id == limits.owned.schedule_id), None)
        limits = replace(limits, owned=_ours_now(there, evse_id) if there is not None else None)
    if limits.unsure is None:
        return limits
    ours = next((one for one in schedules if limits.owned is None and _is_of(one, limits.unsure, evse_id)), None)
    if ours is not None:
        return made(limits, ours.schedule_id, limits.unsure.current)
    return not_made(limits)


def _ours_now(schedule: Schedule, evse_id: str) -> Owned:
    holds = schedule.always and schedule.charge_points in ((), (evse_id,))
    return Owned(schedule.schedule_id, _whole(schedule.current) if holds else None)


def _is_of(schedule: Schedule, asked: Unsure, evse_id: str) -> bool:
    return (
        schedule.schedule_id not in asked.others
        and schedule.charge_points == (evse_id,)
        and schedule.current == asked.current
        and schedule.always
    )


def _whole(current: float | None) -> int | None:
    return int(current) if current is not None and current == int(current) else None


def seen(limits: Limits, max_usage: float | None) -> Limits:
    """The charge point has told what it can deliver, overrides counted. That can give a removed override away."""
    owned = limits.owned
    if owned is None or owned.current is None or max_usage is None:
        return limits
    if max_usage <= owned.current:
        return replace(limits, owned=replace(owned, felt=True))
    return replace(limits, owned=replace(owned, doubtful=True)) if owned.felt else limits
