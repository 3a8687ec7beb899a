"""Sessions: what is known of one, what must be remembered of a socket, and what our own commands change of it.

`bridge.chargepoint.observation` tells what a push changes. Every change gives a new value.
"""

from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

START_WINDOW: Final = timedelta(seconds=60)
"""How long an accepted start is waited for (the state table's `requesting`)."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a socket has not been seen that never was."""


@dataclass(frozen=True, slots=True)
class Suspect:
    """A reading that is left out until later ones confirm it.

    Attributes:
        energy: what the counter showed, kWh.
        at: when.
        later: how many readings since then agree with it.
    """

    energy: float
    at: datetime
    later: int = 0

    def shifted(self, delta: timedelta) -> "Suspect":
        """The same after the wall clock has jumped by `delta`."""
        return replace(self, at=self.at + delta)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One charging session of one socket.

    Energy in kWh, power in W. Times in `started_at` and `finished_at` are the cloud's; the bridge's own are `seen_from`
    and `seen_to`, and are never reported as the cloud's.

    Attributes:
        number: counts the sessions of the socket from 1.
        open: it has not been seen to end.
        energy: what it has delivered; never falls.
        drawn: it has delivered energy, or was seen at C or D under current.
        ended_by_us: a stop, unlock, reboot or block of ours ended it.
        vehicle_seen: a vehicle was there during it.
        vehicle_left: the vehicle has left since.
        forgotten: nobody can say any more whether the vehicle is still this session's.
        resumed: it ended, and was taken to continue.
        last_end: when it was last seen to end, also where it was taken to continue since.
        reading: the last `actual_kwh` that counted, also where that was still the counter of the session before.
        read_at: when it came; None where none came since the session began, continued or was seen again. Two sessions
            that differ in it alone are equal: it is no news.
        stale_reading: the counter at the end of the session before. It is kept until this session has a reading of
            its own, and for good if the counter does not restart.
        counts_on: the counter has been seen to stand there still.
        carried: what had been counted when the counter began anew within the session.
        suspect: a reading that is left out until later ones confirm it.
        seen_before: the last push before the session; None where that is not known.
        stale_start: the `start_datetime` of the session before.
        stale_stop: the `stop_datetime` at the beginning, which cannot be this session's.
        unseen_before: since when nothing had been seen when it was found: it began then or later; None: it was seen
            to begin.
        unseen_after: since when nothing had been seen when it was found over: it was on until then at least; None: it
            was seen to end.
        cost: what it costs, which may be below zero; None while the cloud has told none.
        currency: of the cost, such as `EUR`; None while there is no cost.
        stale_cost: the cost of the session before. It is kept until this session has a cost of its own.
        peak_power: the highest power seen; None while none was.
        card: the charge card, where it is known: of a start of ours, or from a transaction.
        mode: the charging mode, where it is known.
        profile_lifted: an override of ours has lifted the profile that is on, for this session.
        transaction: the id of the account's transaction that it is.
        booked_from: when it began by that transaction, where the cloud gave no times.
        booked_to: when it ended by that transaction.
    """

    number: int
    seen_from: datetime
    seen_to: datetime | None = None
    open: bool = True
    energy: float = 0.0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    drawn: bool = False
    ended_by_us: bool = False
    vehicle_seen: bool = False
    vehicle_left: bool = False
    forgotten: bool = False
    resumed: bool = False
    last_end: datetime | None = None
    reading: float | None = None
    read_at: datetime | None = field(default=None, compare=False)
    stale_reading: float | None = None
    counts_on: bool = False
    carried: float = 0.0
    suspect: Suspect | None = None
    seen_before: datetime | None = None
    stale_start: datetime | None = None
    stale_stop: datetime | None = None
    unseen_before: datetime | None = None
    unseen_after: datetime | None = None
    cost: float | None = None
    currency: str | None = None
    stale_cost: float | None = None
    peak_power: float | None = None
    card: str | None = None
    mode: str | None = None
    profile_lifted: bool = False
    transaction: str | None = None
    booked_from: datetime | None = None
    booked_to: datetime | None = None

    @property
    def known_start(self) -> datetime | None:
        """The last `start_datetime` known: this session's, or else that of the session before."""
        return self.started_at or self.stale_start

    @property
    def awaits_reading(self) -> bool:
        """No reading of this session has been seen yet, only the last one of the session before."""
        return self.stale_reading is not None and self.reading == self.stale_reading

    def shifted(self, delta: timedelta) -> "Session":
        """The same after the wall clock has jumped by `delta`: the bridge's own times move, the cloud's do not."""
        return replace(
            self,
            seen_from=self.seen_from + delta,
            seen_to=_moved(self.seen_to, delta),
            last_end=_moved(self.last_end, delta),
            read_at=_moved(self.read_at, delta),
            suspect=self.suspect.shifted(delta) if self.suspect is not None else None,
            seen_before=_moved(self.seen_before, delta),
            unseen_before=_moved(self.unseen_before, delta),
            unseen_after=_moved(self.unseen_after, delta),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the bridge remembers of one socket.

    Attributes:
        session: the latest session, open or over.
        earlier_energy: what all sessions before it have delivered, kWh.
        previous_energy: what the one right before it has delivered, kWh; None if none is known.
        start_accepted: when a start of ours was accepted, until a session or a stop comes.
        start_unknown: when a start of ours got no verdict, until a session or a stop comes.
        start_card: the card of that start.
        ending: when a stop, unlock, reboot or block of ours was sent, until it is refused or a session begins.
        unlocked: the cable has been unlocked in this session.
        blind_since: since when nothing could be seen of the socket; None while something can.
        seen_at: when the last push came. Two memories that differ in it alone are equal: it is no news.
    """

    session: Session | None = None
    earlier_energy: float = 0.0
    previous_energy: float | None = None
    start_accepted: datetime | None = None
    start_unknown: datetime | None = None
    start_card: str | None = None
    ending: datetime | None = None
    unlocked: bool = False
    blind_since: datetime | None = None
    seen_at: datetime | None = field(default=None, compare=False)

    @property
    def session_open(self) -> bool:
        """A session is on; where nothing can be seen, it was when something last could."""
        return self.session is not None and self.session.open

    @property
    def drawn(self) -> bool:
        """The state table's `drawn`."""
        return self.session is not None and self.session.drawn

    @property
    def done(self) -> bool:
        """The state table's `done`."""
        session = self.session
        return (
            session is not None
            and not session.open
            and not session.vehicle_left
            and not session.forgotten
            and not session.ended_by_us
        )

    @property
    def lifetime_energy(self) -> float:
        """What all sessions have delivered, kWh; never falls."""
        return self.earlier_energy + (self.session.energy if self.session is not None else 0.0)

    @property
    def outline(self) -> object:
        """The memory without what changes with every push while a session is on."""
        return _outline_of(self), _session_outline_of(self.session) if self.session is not None else None

    def starting(self, now: datetime) -> bool:
        """A start was accepted under 60 s ago, and no session or stop came since."""
        return _within(START_WINDOW, self.start_accepted, now)

    def may_be_starting(self, now: datetime) -> bool:
        """The same, counting a start whose outcome is unknown."""
        return self.starting(now) or _within(START_WINDOW, self.start_unknown, now)

    def shifted(self, delta: timedelta) -> "Memory":
        """The same after the wall clock has jumped by `delta`: the bridge's own times move, the cloud's do not."""
        return replace(
            self,
            session=self.session.shifted(delta) if self.session is not None else None,
            start_accepted=_moved(self.start_accepted, delta),
            start_unknown=_moved(self.start_unknown, delta),
            ending=_moved(self.ending, delta),
            blind_since=_moved(self.blind_since, delta),
            seen_at=_moved(self.seen_at, delta),
        )

    def restored(self, now: datetime) -> "Memory":
        """The memory as read from disk at a start of the bridge.

        What is waited for is measured by wall time over a restart, and never negative: where the clock was set back
        meanwhile, what seems to lie in the future happened now.
        """
        return replace(
            self,
            start_accepted=_not_after(self.start_accepted, now),
            start_unknown=_not_after(self.start_unknown, now),
            ending=_not_after(self.ending, now),
            blind_since=_not_after(self.blind_since, now),
            seen_at=_not_after(self.seen_at, now),
        )


def _within(window: timedelta, since: datetime | None, now: datetime) -> bool:
    return since is not None and -window < now - since < window


def _moved(when: datetime | None, delta: timedelta) -> datetime | None:
    return when + delta if when is not None and when != LONG_AGO else when


def _not_after(when: datetime | None, now: datetime) -> datetime | None:
    return min(when, now) if when is not None else None


# --- sight ---


def lose_sight(memory: Memory, now: datetime) -> Memory:
    """The memory when the link goes down, or the charge point goes offline."""
    return memory if memory.blind_since is not None else replace(memory, blind_since=now)


# --- what our own commands change ---


def start_sent(memory: Memory) -> Memory:
    """A start of ours is on its way: no profile has been lifted for the session that it begins.

    That session's first push can still look like the session before (design page 3, "Pushes and data").
    """
    latest = memory.session
    if latest is None or latest.open or not latest.profile_lifted:
        return memory
    return replace(memory, session=replace(latest, profile_lifted=False))


def start_accepted(memory: Memory, now: datetime, card: str | None = None) -> Memory:
    """A start of ours, with this card, was accepted; the session may have begun before the verdict came."""
    memory = replace(memory, ending=None)
    if memory.session_open:
        return _with_card(memory, card)
    return replace(memory, start_accepted=now, start_unknown=None, start_card=card)


def start_without_verdict(memory: Memory, now: datetime, card: str | None = None) -> Memory:
    """The outcome of a start of ours, with this card, is unknown."""
    return _with_card(memory, card) if memory.session_open else replace(memory, start_unknown=now, start_card=card)


def _with_card(memory: Memory, card: str | None) -> Memory:
    session = memory.session
    if session is None or session.card is not None:
        return memory
    return replace(memory, session=replace(session, card=card))


def ending_sent(memory: Memory, now: datetime) -> Memory:
    """A stop, unlock, reboot or block of ours is on its way; the end may come before its verdict."""
    return replace(memory, ending=now)


def ending_refused(memory: Memory) -> Memory:
    """It was refused: if the session has ended all the same, it did so by itself."""
    session, sent = memory.session, memory.ending
    if session is not None and sent is not None and (session.seen_to is None or session.seen_to >= sent):
        session = replace(session, ended_by_us=False)
    return replace(memory, session=session, ending=None)


def stop_accepted(memory: Memory) -> Memory:
    """A stop of ours was accepted; a start before it is over."""
    return replace(memory, start_accepted=None, start_unknown=None, start_card=None)


def profile_lifted(memory: Memory) -> Memory:
    """An override of ours was accepted for the session that is on; it lasts until the session ends."""
    return replace(memory, session=replace(memory.session, profile_lifted=True)) if memory.session else memory


def cable_unlocked(memory: Memory) -> Memory:
    """An unlock of ours was accepted."""
    return replace(memory, unlocked=True)


_VOLATILE: Final = {"energy", "reading", "read_at", "suspect", "cost", "currency", "peak_power", "seen_at", "session"}
"""What of a memory and its session changes with every push while a session is on."""

_outline_of: Final = attrgetter(*(one.name for one in fields(Memory) if one.name not in _VOLATILE))
_session_outline_of: Final = attrgetter(*(one.name for one in fields(Session) if one.name not in _VOLATILE))
