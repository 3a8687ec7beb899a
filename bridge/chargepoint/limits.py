"""Current limits: the wanted ones, those that hold, and the one override of the bridge that carries them.

A standing limit holds until it is changed, and a session's limit until that session ends. One override in the cloud
carries the lower of the two: all days, 00:00 to 23:59 (contract 4, "One owned override"). A limit that is wanted and
not yet agreed is pending; only agreed limits are reported. `next_step` returns the request that brings the cloud closer
to what is wanted, and the functions after it return the limits after each outcome.

`limit_watch` observes whether the charge point obeys an agreed limit.
"""

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.schedules import Owned, Schedule, There, Unsure, whole_amperes
from bridge.chargepoint.session import Memory
from bridge.immutable import immutable


@immutable(frozen=True, slots=True)
class SessionLimit:
    """A limit for one session.

    Attributes:
        current: the limit, A.
        session: the number of the session.
        slow: the limit is that of charging mode `slow`.
        until: the time until which the session must have begun; None if it has begun.
    """

    current: int
    session: int
    slow: bool = False
    until: datetime | None = None


@immutable(frozen=True, slots=True)
class Wish:
    """The limits that are wanted for one charge point.

    Attributes:
        standing: the limit until further notice, A; None for none.
        session: the limit for one session; None for none.
    """

    standing: int | None = None
    session: SessionLimit | None = None

    def lowest(self, most: int | None) -> int | None:
        """Return the lower of the two limits, A; None if no override is needed.

        Args:
            most: the highest current of the charge point without an override, A; None if not known.
        """
        session = self.session.current if self.session is not None else None
        lowest = min((limit for limit in (self.standing, session) if limit is not None), default=None)
        return lowest if lowest is not None and (most is None or lowest < most) else None

    def with_standing(self, current: int, most: int) -> "Wish":
        """Return the wish with another standing limit. One at or above `most` means no limit."""
        return replace(self, standing=current if current < most else None)

    def with_session(self, limit: SessionLimit | None) -> "Wish":
        """Return the wish with another limit for a session; None for none."""
        return replace(self, session=limit)

    def without_slow(self) -> "Wish":
        """Return the wish without the limit of mode `slow`. Another limit of the session stays."""
        return self.with_session(None) if self.session is not None and self.session.slow else self


NOTHING: Final = Wish()


@immutable(frozen=True, slots=True)
class Watch:
    """The observation of whether the charge point obeys an agreed limit.

    Attributes:
        since: when the cloud agreed, or the session began.
        exceeded: there was a reading since, and every reading was above the limit.
    """

    since: datetime
    exceeded: bool = False


@immutable(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one charge point that hold or are pending, and its schedules in the cloud. Currents are in A.

    Attributes:
        standing: the limit until further notice that the cloud has agreed to.
        session: the limit for a session that the cloud has agreed to.
        asked: pending: the limits that a command in progress asks for.
        lapsed: pending: the limits that held, and are to hold again as soon as possible.
        owned: the bridge's override.
        unsure: an override of the bridge that may have been made.
        theirs: the user's own schedule, as of the last list of the overrides.
        listed: the overrides have been listed, so that no `theirs` means that there is none.
        watch: the observation of whether the charge point obeys the bridge's override.
        unheld: the charge point does not obey the bridge's override in this session.
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
        """The limits that hold."""
        return Wish(self.standing, self.session)

    @property
    def wanted(self) -> Wish:
        """The limits that are wanted: the pending ones, else those that hold."""
        return self.asked or self.lapsed or self.holding

    @property
    def there(self) -> There:
        """What is known of the bridge's override in the cloud."""
        return There(self.owned, self.unsure)

    @property
    def overridden(self) -> bool:
        """Whether an override of the bridge limits the charge point, or may limit it."""
        return self.owned is not None or self.unsure is not None


# --- changes of what is wanted; each function returns the limits after an event ---


def with_request(limits: Limits, wish: Wish) -> Limits:
    """A command asks for other limits, which become pending."""
    return replace(limits, asked=wish)


def without_request(limits: Limits) -> Limits:
    """A command has ended. Unless `agreed` was called before, the previous limits are wanted again."""
    return replace(limits, asked=None)


def agreed(limits: Limits, *, counts: bool) -> Limits:
    """The cloud has what is wanted: the pending limits hold.

    Args:
        limits: the limits before.
        counts: overrides count. While smart charging is off they do not, and a limit stays pending.
    """
    wish = limits.wanted
    if not counts and wish != NOTHING:
        return replace(limits, asked=None, lapsed=wish)
    return replace(limits, standing=wish.standing, session=wish.session, asked=None, lapsed=None)


def suspended(limits: Limits) -> Limits:
    """Smart charging went off: a standing limit becomes pending; a session's limit and a request are dropped."""
    lapsed = _unless_empty(Wish((limits.lapsed or limits.holding).standing))
    return replace(limits, standing=None, session=None, asked=None, lapsed=lapsed, watch=None, unheld=False)


def without_session(limits: Limits) -> Limits:
    """The session's limit is dropped."""
    return _each_wish(limits, drop_slow_only=False)


def without_slow(limits: Limits) -> Limits:
    """The limit of mode `slow` is dropped. Another limit of the session stays."""
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
    """All limits are dropped. The bridge's override remains to be cleared."""
    return replace(limits, standing=None, session=None, asked=None, lapsed=None)


def restored(limits: Limits) -> Limits:
    """The bridge has restarted: a command in progress has failed, and the outcome of a change is unknown."""
    return replace(limits, asked=None, owned=limits.owned.restored() if limits.owned is not None else None)


def without_expired(limits: Limits, memory: Memory, now: datetime) -> Limits:
    """A session's limit is dropped if its session is over, or has not begun in time."""
    if limits.session is None and limits.asked is None and limits.lapsed is None:
        return limits
    wishes = (limits.holding, limits.asked or NOTHING, limits.lapsed or NOTHING)
    if any(wish.session is not None and not _is_valid(wish.session, memory, now) for wish in wishes):
        return without_session(limits)
    return limits


def _is_valid(limit: SessionLimit, memory: Memory, now: datetime) -> bool:
    latest = memory.session
    number = latest.number if latest is not None else 0
    pending = limit.until is not None and now < limit.until
    if latest is not None and latest.number == limit.session and (latest.open or (latest.forgotten and pending)):
        return True  # a forgotten session was never seen open: the cloud can send its start before it begins
    # A start can also resume the previous session, which then gets the limit.
    resumed = limit.until is not None and latest is not None and latest.open
    return limit.session > number and (pending or resumed)


def waits_until(limits: Limits) -> datetime | None:
    """Return the time until which the session of a limit must have begun; None if no session is awaited."""
    wishes = (limits.holding, limits.asked or NOTHING, limits.lapsed or NOTHING)
    untils = (wish.session.until for wish in wishes if wish.session is not None)
    return min((until for until in untils if until is not None), default=None)


def shifted(limits: Limits, delta: timedelta) -> Limits:
    """The wall clock has jumped by `delta`: the bridge's own times move with it."""

    def session(limit: SessionLimit | None) -> SessionLimit | None:
        return limit if limit is None or limit.until is None else replace(limit, until=limit.until + delta)

    def wish(one: Wish | None) -> Wish | None:
        return replace(one, session=session(one.session)) if one is not None else None

    watch = replace(limits.watch, since=limits.watch.since + delta) if limits.watch is not None else None
    return replace(
        limits, session=session(limits.session), asked=wish(limits.asked), lapsed=wish(limits.lapsed), watch=watch
    )


def next_session(memory: Memory) -> int:
    """Return the number of the session that a start will begin."""
    return memory.session.number + 1 if memory.session is not None else 1


# --- the next request ---


@immutable(frozen=True, slots=True)
class ReadList:
    """List the overrides, because it is not known whether the bridge's exists, or with which content."""


@immutable(frozen=True, slots=True)
class Make:
    """Make an override of `current` A."""

    current: int


@immutable(frozen=True, slots=True)
class Change:
    """Change the bridge's override to `current` A."""

    schedule_id: int
    current: int


@immutable(frozen=True, slots=True)
class Clear:
    """Clear the bridge's override."""

    schedule_id: int


LimitStep = ReadList | Make | Change | Clear


def next_step(wanted: int | None, there: There) -> LimitStep | None:
    """Return the request that is due; None if the cloud has what is wanted.

    Args:
        wanted: the limit that an override must carry, A; None for none.
        there: what is known of the bridge's override in the cloud.
    """
    owned = there.owned
    if there.unsure is not None or (owned is not None and (owned.doubtful or owned.current is None)):
        return ReadList()
    if owned is None:
        return Make(wanted) if wanted is not None else None
    if wanted is None:
        return Clear(owned.schedule_id)
    return Change(owned.schedule_id, wanted) if owned.current != wanted else None


# --- outcomes of a request; each function returns the limits after an event ---


def making(limits: Limits, current: int, others: Collection[int]) -> Limits:
    """A request for a new override will be sent. It is recorded first, so that even after a crash it is found."""
    return replace(limits, unsure=Unsure(current, frozenset(others)))


def made(limits: Limits, schedule_id: int, current: int, now: datetime) -> Limits:
    """The override was made."""
    return replace(limits, owned=Owned(schedule_id, current), unsure=None, watch=Watch(now), unheld=False)


def not_made(limits: Limits) -> Limits:
    """The request to make an override was refused."""
    return replace(limits, unsure=None)


def changing(limits: Limits, asked: int | None) -> Limits:
    """A request to change the bridge's override, or (`asked` is None) to clear it, will be sent.

    It is recorded first, so that even after a crash the override is recognised with the old and with the new content.
    """
    return replace(limits, owned=limits.owned.changing(asked) if limits.owned is not None else None)


def changed(limits: Limits, schedule_id: int, current: int, now: datetime) -> Limits:
    """The bridge's override was changed."""
    return replace(limits, owned=Owned(schedule_id, current), watch=Watch(now), unheld=False)


def change_unknown(limits: Limits, schedule_id: int, asked: int | None) -> Limits:
    """The outcome of a change of the bridge's override, or (`asked` is None) of its removal, is unknown."""
    was = limits.owned.current if limits.owned is not None else None
    either = tuple(current for current in (was, asked) if current is not None)
    return replace(limits, owned=Owned(schedule_id, None, either=either), watch=None, unheld=False)


def cleared(limits: Limits) -> Limits:
    """The bridge's override was cleared."""
    return replace(limits, owned=None, watch=None, unheld=False)


def found(limits: Limits, evse_id: str, schedules: Collection[Schedule], now: datetime) -> Limits:
    """The overrides were listed.

    The bridge's override is the one with the known id and the content that the bridge wrote. If the answer with the id
    is missing, it is a new one for this charge point alone, on all days, with the requested current. Every other
    schedule for this charge point is the user's, the bridge's included once it was edited elsewhere; then the bridge's
    limits are dropped. If the bridge's override is gone and there is none of the user's, the limits become pending.
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
    """The user has made, edited or (`schedule` is None) cleared a schedule."""
    return replace(limits, theirs=schedule)


def not_listed(limits: Limits) -> Limits:
    """The outcome of a change of the user's schedule is unknown, so it is not known which schedule exists."""
    return replace(limits, theirs=None, listed=False)


def _is_ours(limits: Limits, schedule: Schedule, evse_id: str) -> bool:
    if limits.owned is not None:
        return limits.owned.stands_as(schedule, evse_id)
    return limits.unsure is not None and limits.unsure.may_be(schedule, evse_id)


def _lapse(limits: Limits) -> Limits:
    if limits.holding == NOTHING:
        return limits
    return replace(limits, standing=None, session=None, lapsed=limits.holding)
