"""Current limits: what is wanted of a charge point, what holds, and the one override of ours that carries it.

Contract 4, "One owned override". A standing limit holds until it is changed, a session's limit until that session
ends; the lower of the two is asked of the cloud, as one override of ours: all days, 00:00 to 23:59. What is wanted and
not yet agreed is pending, apart from what holds; only what holds is reported. `next_step` gives the single request that
brings the cloud nearer to what is wanted, and the functions after it give the limits after its outcome.

`limit_watch` finds out whether a limit that the cloud has agreed does hold.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.schedules import Owned, Schedule, There, Unsure, whole_amperes
from bridge.chargepoint.session import Memory


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


@dataclass(frozen=True, slots=True)
class Wish:
    """What is wanted of one charge point.

    Attributes:
        standing: a limit until further notice, A; None for none.
        session: a limit for one session; None for none.
    """

    standing: int | None = None
    session: SessionLimit | None = None

    def lowest(self, most: int | None) -> int | None:
        """The lower of the two limits, A; None where there is nothing to limit.

        Args:
            most: what the charge point can deliver without an override of ours; None if not known.
        """
        session = self.session.current if self.session is not None else None
        lowest = min((limit for limit in (self.standing, session) if limit is not None), default=None)
        return lowest if lowest is not None and (most is None or lowest < most) else None

    def with_standing(self, current: int, most: int) -> "Wish":
        """With another standing limit; what the charge point can deliver anyway is none."""
        return replace(self, standing=current if current < most else None)

    def with_session(self, limit: SessionLimit | None) -> "Wish":
        """With another limit for a session; None for none."""
        return replace(self, session=limit)

    def without_slow(self) -> "Wish":
        """Without the limit of charging mode `slow`; another limit of the session stays."""
        return self.with_session(None) if self.session is not None and self.session.slow else self


NOTHING: Final = Wish()


@dataclass(frozen=True, slots=True)
class Watch:
    """Whether an agreed limit holds is being found out.

    Attributes:
        since: when the cloud agreed, or the session began.
        exceeded: every reading since, one at least, was above the limit.
    """

    since: datetime
    exceeded: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What holds for one charge point, what is pending, and what stands in the cloud for it; currents in A.

    Attributes:
        standing: the limit that holds until further notice, as the cloud has agreed to it.
        session: the limit that holds for a session.
        asked: what a command in progress asks for instead: pending.
        lapsed: what held, and is to hold again as soon as it can: pending.
        owned: the override of ours.
        unsure: an override of ours that may have been made.
        theirs: a schedule of the user's own that was there when the overrides were listed last.
        listed: the overrides have been listed, so that none in `theirs` means that there is none.
        watch: whether our override holds is being found out.
        unheld: our override does not hold in this session.
    """

    standing: int | None = None
    session: SessionLimit | None = None
    asked: Wish | None = None
    lapsed: Wish | None = None
    owned: Owned | None = None
    unsure: Unsure | None = None
    theirs: Schedule | None = None
    listed: bool = False
    watch: Watch | None = None
    unheld: bool = False

    @property
    def holding(self) -> Wish:
        """What holds."""
        return Wish(self.standing, self.session)

    @property
    def wanted(self) -> Wish:
        """What is to hold."""
        return self.asked or self.lapsed or self.holding

    @property
    def there(self) -> There:
        """What is known to stand in the cloud."""
        return There(self.owned, self.unsure)

    @property
    def overridden(self) -> bool:
        """An override of ours limits the charge point, or may."""
        return self.owned is not None or self.unsure is not None


# --- what is wanted ---


def asking(limits: Limits, wish: Wish) -> Limits:
    """A command asks for something else."""
    return replace(limits, asked=wish)


def not_asked(limits: Limits) -> Limits:
    """The command has failed, or its outcome is unknown: what was wanted before is wanted."""
    return replace(limits, asked=None)


def agreed(limits: Limits, *, counts: bool) -> Limits:
    """The cloud's side is as it has to be: what was pending holds.

    Args:
        limits: before that.
        counts: overrides count. While they do not, a limit stays pending.
    """
    wish = limits.wanted
    if not counts and wish != NOTHING:
        return replace(limits, asked=None, lapsed=wish)
    return replace(limits, standing=wish.standing, session=wish.session, asked=None, lapsed=None)


def suspended(limits: Limits) -> Limits:
    """Overrides count no more: a standing limit is pending; a session's limit and a command's wish are given up."""
    lapsed = _unless_empty(Wish((limits.lapsed or limits.holding).standing))
    return replace(limits, standing=None, session=None, asked=None, lapsed=lapsed, watch=None, unheld=False)


def without_session(limits: Limits) -> Limits:
    """With the session's limit given back."""
    return _each_wish(limits, drop_slow_only=False)


def without_slow(limits: Limits) -> Limits:
    """With the limit of charging mode `slow` given back; another limit of the session stays."""
    return _each_wish(limits, drop_slow_only=True)


def _each_wish(limits: Limits, *, drop_slow_only: bool) -> Limits:
    def less(wish: Wish) -> Wish:
        return wish.without_slow() if drop_slow_only else wish.with_session(None)

    return replace(
        limits,
        session=less(limits.holding).session,
        asked=less(limits.asked) if limits.asked is not None else None,
        lapsed=_unless_empty(less(limits.lapsed or NOTHING)),
    )


def _unless_empty(wish: Wish) -> Wish | None:
    return wish if wish != NOTHING else None


def without_wishes(limits: Limits) -> Limits:
    """With nothing wanted any more; an override of ours is still to be cleared."""
    return replace(limits, standing=None, session=None, asked=None, lapsed=None)


def restored(limits: Limits) -> Limits:
    """After a restart: a command that was in progress then has failed."""
    return not_asked(limits)


def in_time(limits: Limits, memory: Memory, now: datetime) -> Limits:
    """Without a session's limit whose session is over, or has not come: no limit outlives its session."""
    wishes = (limits.holding, limits.asked or NOTHING, limits.lapsed or NOTHING)
    if any(wish.session is not None and not _lives(wish.session, memory, now) for wish in wishes):
        return without_session(limits)
    return limits


def _lives(limit: SessionLimit, memory: Memory, now: datetime) -> bool:
    latest = memory.session
    number = latest.number if latest is not None else 0
    pending = limit.until is not None and now < limit.until
    if latest is not None and latest.number == limit.session and (latest.open or (latest.forgotten and pending)):
        return True  # forgotten: it was never seen to be on; its start can be told before it begins
    # A start can also resume the session before: then the limit is that one's.
    resumed = limit.until is not None and latest is not None and latest.open
    return limit.session > number and (pending or resumed)


def waits_until(limits: Limits) -> datetime | None:
    """How long the session that a limit is for is waited for; None if it is not waited for."""
    wishes = (limits.holding, limits.asked or NOTHING, limits.lapsed or NOTHING)
    untils = (wish.session.until for wish in wishes if wish.session is not None)
    return min((until for until in untils if until is not None), default=None)


def shifted(limits: Limits, delta: timedelta) -> Limits:
    """The limits after the wall clock has jumped by `delta`: the bridge's own times move with it."""

    def session(limit: SessionLimit | None) -> SessionLimit | None:
        return limit if limit is None or limit.until is None else replace(limit, until=limit.until + delta)

    def wish(one: Wish | None) -> Wish | None:
        return replace(one, session=session(one.session)) if one is not None else None

    watch = replace(limits.watch, since=limits.watch.since + delta) if limits.watch is not None else None
    return replace(
        limits, session=session(limits.session), asked=wish(limits.asked), lapsed=wish(limits.lapsed), watch=watch
    )


def next_session(memory: Memory) -> int:
    """The number of the session that a start will begin."""
    return memory.session.number + 1 if memory.session is not None else 1


# --- what is to be asked ---


@dataclass(frozen=True, slots=True)
class Look:
    """List the overrides: it is not known whether ours is there, or what is in it."""


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


def next_step(wanted: int | None, there: There) -> Step | None:
    """The request that is due; None if the cloud's side is as it has to be.

    Args:
        wanted: the limit that is to hold, A; None for none.
        there: what stands in the cloud.
    """
    owned = there.owned
    if there.unsure is not None or (owned is not None and (owned.doubtful or owned.current is None)):
        return Look()
    if owned is None:
        return Make(wanted) if wanted is not None else None
    if wanted is None:
        return Clear(owned.schedule_id)
    return Change(owned.schedule_id, wanted) if owned.current != wanted else None


# --- after the outcome ---


def making(limits: Limits, current: int, others: Collection[int]) -> Limits:
    """A new override is about to be asked for. Noted before, so that not even a crash leaves one behind unseen."""
    return replace(limits, unsure=Unsure(current, frozenset(others)))


def made(limits: Limits, schedule_id: int, current: int, now: datetime) -> Limits:
    """It has been made."""
    return replace(limits, owned=Owned(schedule_id, current), unsure=None, watch=Watch(now), unheld=False)


def not_made(limits: Limits) -> Limits:
    """It was refused."""
    return replace(limits, unsure=None)


def changed(limits: Limits, schedule_id: int, current: int, now: datetime) -> Limits:
    """Ours has been changed."""
    return replace(limits, owned=Owned(schedule_id, current), watch=Watch(now), unheld=False)


def change_unknown(limits: Limits, schedule_id: int, asked: int | None) -> Limits:
    """A change of ours, or with None its removal, was sent, and nobody knows whether it was done."""
    was = limits.owned.current if limits.owned is not None else None
    either = tuple(current for current in (was, asked) if current is not None)
    return replace(limits, owned=Owned(schedule_id, None, either=either), watch=None, unheld=False)


def cleared(limits: Limits) -> Limits:
    """Ours has been cleared."""
    return replace(limits, owned=None, watch=None, unheld=False)


def found(limits: Limits, evse_id: str, schedules: Collection[Schedule], now: datetime) -> Limits:
    """The overrides have been listed.

    Ours is the one with our id and the content that we wrote; or, where the answer that would tell the id is missing,
    one that was not there before, for this charge point alone, on all days, of the current that was asked for. Every
    other schedule for this charge point is the user's, ours included once somebody has edited it: then nothing of ours
    is wanted any more. Where ours is gone and nothing of the user's is there, what held is pending.
    """
    ours = next((one for one in schedules if _is_ours(limits, one, evse_id)), None)
    was = limits.owned
    theirs = next(
        (
            one
            for one in schedules
            if one is not ours
            and (evse_id in one.charge_points or (was is not None and one.schedule_id == was.schedule_id))
        ),
        None,
    )
    if ours is not None and was is None and limits.unsure is not None:
        limits = made(limits, ours.schedule_id or 0, limits.unsure.current, now)
    elif ours is not None and was is not None:
        current = was.current if was.current is not None else whole_amperes(ours.current)
        limits = replace(limits, owned=Owned(was.schedule_id, current, trusted=was.doubtful or was.trusted))
    elif was is not None:
        limits = _lapse(cleared(limits))
    limits = replace(limits, unsure=None, theirs=theirs)
    return without_wishes(limits) if theirs is not None else limits


def with_theirs(limits: Limits, schedule: Schedule | None) -> Limits:
    """The user has made, edited or, with None, cleared a schedule of their own."""
    return replace(limits, theirs=schedule)


def not_listed(limits: Limits) -> Limits:
    """A schedule of the user's own may have been made, edited or cleared: it is not known which is there."""
    return replace(limits, theirs=None, listed=False)


def _is_ours(limits: Limits, schedule: Schedule, evse_id: str) -> bool:
    if limits.owned is not None:
        return limits.owned.stands_as(schedule, evse_id)
    return limits.unsure is not None and limits.unsure.may_be(schedule, evse_id)


def _lapse(limits: Limits) -> Limits:
    if limits.holding == NOTHING:
        return limits
    return replace(limits, standing=None, session=None, lapsed=limits.holding)
