"""Charging sessions, the memory of a socket, and how the bridge's own commands change it.

`bridge.chargepoint.observation` computes how a push changes the memory. All values are immutable; every change returns
a new one.
"""

from dataclasses import field, fields, replace
from datetime import UTC, datetime, timedelta
from operator import attrgetter
from typing import Final

from bridge.immutable import immutable

START_WINDOW: Final = timedelta(seconds=60)
"""How long after an accepted start its session may begin (the state table's `requesting`)."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for the last sight of a socket that has never been seen."""


@immutable(frozen=True, slots=True)
class Suspect:
    """A reading that is ignored until later ones confirm it.

    Attributes:
        energy: the value of the counter, kWh.
        at: when it arrived.
        later: the number of later readings that confirm it.
    """

    energy: float
    at: datetime
    later: int = 0

    def shifted(self, delta: timedelta) -> "Suspect":
        """Return the reading after the wall clock has jumped by `delta`."""
        return replace(self, at=self.at + delta)


@immutable(frozen=True, slots=True, kw_only=True)
class Session:
    """One charging session of one socket.

    Energy is in kWh, power in W. `started_at` and `finished_at` are the cloud's times. `seen_from` and `seen_to` are
    the bridge's own, and are never reported as the cloud's.

    Attributes:
        number: the number of the session, counted from 1 for each socket.
        seen_from: when the bridge first saw it.
        seen_to: when the bridge saw that it had ended; None while it is open.
        open: it has not been seen to end.
        energy: the energy that it has delivered. It never falls.
        started_at: the cloud's start; None if the cloud gave none.
        finished_at: the cloud's end; None if the cloud gave none.
        drawn: it has delivered energy, or the vehicle was at C or D while current flowed.
        ended_by_us: a stop, unlock, reboot or block by the bridge ended it.
        vehicle_seen: a vehicle was connected during it.
        vehicle_left: the vehicle has been unplugged since.
        forgotten: after an outage it is not certain that the vehicle is still that of this session.
        resumed: it ended, and then continued.
        resumed_at: when it continued, or seemed to; None if it has not.
        at_end: the session as it was before it continued; None if it has not. It is not compared.
        last_end: when it was last seen to end, even if it continued after that.
        reading: the last plausible `actual_kwh`, even if that is still the counter of the previous session.
        read_at: when that arrived; None if none has since the session began, continued or was seen again. It is not
            compared, so that a repeated reading is not a change.
        stale_reading: the counter at the end of the previous session. It is kept until this session has a reading of
            its own, and permanently if the counter does not restart.
        counts_on: the counter still stood at `stale_reading` after this session began.
        carried: the energy that was counted before the counter restarted within the session.
        suspect: a reading that is ignored until later ones confirm it.
        seen_before: when the last push before the session arrived; None if not known.
        stale_start: the `start_datetime` of the previous session.
        stale_stop: the `stop_datetime` at the beginning, which cannot be that of this session.
        unseen_before: when sight was lost, if the session began during an outage: the earliest possible start; None if
            it was seen to begin.
        unseen_after: when sight was lost, if the session ended during an outage: the earliest possible end; None if it
            was seen to end.
        cost: its cost, which may be below zero; None while the cloud has sent none.
        currency: the ISO code of the currency of the cost; None while there is no cost.
        stale_cost: the cost of the previous session. It is kept until this session has a cost of its own.
        peak_power: the highest power seen; None if there was none.
        card: the uid of the charge card, from a start by the bridge or from a transaction; None if not known.
        mode: the charging mode; None if not known.
        profile_lifted: the bridge has overridden the active profile for this session.
        transaction: the id of the account's transaction of this session; None if none is known.
        booked_from: its start by that transaction, if the cloud gave no times.
        booked_to: its end by that transaction, if the cloud gave no times.
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
    resumed_at: datetime | None = None
    at_end: "Session | None" = field(default=None, compare=False)
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
        """The last known `start_datetime`: that of this session, else that of the previous one."""
        return self.started_at or self.stale_start

    @property
    def awaits_reading(self) -> bool:
        """Whether this session has no reading of its own yet, only the last one of the previous session."""
        return self.stale_reading is not None and self.reading == self.stale_reading

    def may_have_ended_by(self, sent: datetime) -> bool:
        """Whether a command that was sent at this time may have ended it: it was open then."""
        return self.seen_to is None or self.seen_to >= sent

    def shifted(self, delta: timedelta) -> "Session":
        """Return the value after the wall clock has jumped by `delta`: the bridge's own times move, not the cloud's."""
        return replace(
            self,
            seen_from=self.seen_from + delta,
            seen_to=_moved(self.seen_to, delta),
            last_end=_moved(self.last_end, delta),
            resumed_at=_moved(self.resumed_at, delta),
            at_end=self.at_end.shifted(delta) if self.at_end is not None else None,
            read_at=_moved(self.read_at, delta),
            suspect=self.suspect.shifted(delta) if self.suspect is not None else None,
            seen_before=_moved(self.seen_before, delta),
            unseen_before=_moved(self.unseen_before, delta),
            unseen_after=_moved(self.unseen_after, delta),
        )


@immutable(frozen=True, slots=True, kw_only=True)
class Memory:
    """The state of a socket that its status does not show, kept over restarts.

    Attributes:
        session: the latest session, open or over.
        earlier_energy: the energy of all sessions before it, kWh.
        previous_energy: the energy of the session right before it, kWh; None if there is none.
        start_accepted: when a start by the bridge was accepted; None after a session or a stop.
        start_unknown: when a start by the bridge ended without a verdict; None after a session or a stop.
        start_card: the card of that start; None once its session is certain.
        ending: when a stop, unlock, reboot or block by the bridge was sent; None after a refusal or a new session.
        opened: how many times a session was seen to begin, or to continue after its end. A verdict concerns the session
            that was open when its command was sent, so this number is compared with the one at that time.
        unlocked: the cable was unlocked in this session.
        blind_since: since when the socket cannot be seen; None while it can.
        seen_at: when the last push arrived. It is not compared, so that a push without news is not a change.
    """

    session: Session | None = None
    earlier_energy: float = 0.0
    previous_energy: float | None = None
    start_accepted: datetime | None = None
    start_unknown: datetime | None = None
    start_card: str | None = None
    ending: datetime | None = None
    opened: int = 0
    unlocked: bool = False
    blind_since: datetime | None = None
    seen_at: datetime | None = field(default=None, compare=False)

    @property
    def session_open(self) -> bool:
        """Whether a session is open, or was open when the socket was last seen."""
        return self.session is not None and self.session.open

    @property
    def drawn(self) -> bool:
        """Whether the latest session has drawn energy or current (the state table's `drawn`)."""
        return self.session is not None and self.session.drawn

    @property
    def done(self) -> bool:
        """Whether the latest session of this plug-in ended, and not by the bridge (the state table's `done`)."""
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
        """The energy of all sessions, kWh. It never falls."""
        return self.earlier_energy + (self.session.energy if self.session is not None else 0.0)

    @property
    def outline(self) -> object:
        """The memory without the values that change with every push during a session, for comparison."""
        return _outline_of(self), _session_outline_of(self.session) if self.session is not None else None

    def starting(self, now: datetime) -> bool:
        """Whether a start was accepted under 60 s ago, with no session or stop since."""
        return _within(START_WINDOW, self.start_accepted, now)

    def may_be_starting(self, now: datetime) -> bool:
        """Whether a start was accepted, or had an unknown outcome, under 60 s ago, with no session or stop since."""
        return self.starting(now) or _within(START_WINDOW, self.start_unknown, now)

    def shifted(self, delta: timedelta) -> "Memory":
        """Return the value after the wall clock has jumped by `delta`: the bridge's own times move, not the cloud's."""
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
        """Return the memory that was read from disk at a start of the bridge.

        Waits over a restart are measured by wall time, and are never negative (contract 8): if the clock was set back
        meanwhile, times in the future are replaced by `now`.
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
    """Return the memory after the link went down, or the charge point went offline."""
    return memory if memory.blind_since is not None else replace(memory, blind_since=now)


# --- the bridge's own commands; each function returns the memory after an event ---


def start_accepted(memory: Memory, now: datetime, card: str | None = None, *, opened: int) -> Memory:
    """A start with this card was accepted. Its session may have begun, and even ended, before the verdict arrived.

    Args:
        memory: the memory before.
        now: the time.
        card: the uid of the card; None for none.
        opened: `Memory.opened` when the start was sent.
    """
    memory = replace(memory, ending=None)
    if _has_begun(memory, opened):
        return _with_card(memory, card, opened)
    return replace(memory, start_accepted=now, start_unknown=None, start_card=card)


def start_without_verdict(memory: Memory, now: datetime, card: str | None = None, *, opened: int) -> Memory:
    """The outcome of a start with this card is unknown. The arguments are those of `start_accepted`."""
    if _has_begun(memory, opened):
        return _with_card(memory, card, opened)
    return replace(memory, start_unknown=now, start_card=card)


def _has_begun(memory: Memory, opened: int) -> bool:
    """Whether the session of a start has been seen to begin. If it has ended since, no session is awaited."""
    return memory.session_open or memory.opened != opened


def _with_card(memory: Memory, card: str | None, opened: int) -> Memory:
    """Note the card of a start in its session: the first that has opened since it was sent."""
    session = memory.session
    if session is None or session.forgotten or memory.opened > opened + 1:
        return memory
    if session.resumed:
        return replace(memory, start_card=card)  # it seems to continue, and can turn out to be the session of the start
    return replace(memory, session=replace(session, card=card)) if session.card is None else memory


def ending_sent(memory: Memory, now: datetime) -> Memory:
    """A stop, unlock, reboot or block is sent. The session may end before the verdict arrives.

    Without a session that is on, about to begin or out of sight there is none to end. A session that begins later is
    not ended by this command.
    """
    concerned = memory.session_open or memory.may_be_starting(now) or memory.blind_since is not None
    return replace(memory, ending=now if concerned else None)


def ending_refused(memory: Memory) -> Memory:
    """The stop, unlock, reboot or block was refused. If the session has ended anyway, the bridge did not end it."""
    session, sent = memory.session, memory.ending
    if session is not None and sent is not None and session.may_have_ended_by(sent):
        session = replace(session, ended_by_us=False)
    return replace(memory, session=session, ending=None)


def stop_accepted(memory: Memory) -> Memory:
    """A stop was accepted. It cancels an earlier start."""
    return replace(memory, start_accepted=None, start_unknown=None, start_card=None)


def profile_lifted(memory: Memory, *, opened: int) -> Memory:
    """The override of a profile was accepted. It lasts until the session ends that was open when it was sent.

    Args:
        memory: the memory before.
        opened: `Memory.opened` when the override was sent.
    """
    if memory.session is None or memory.opened != opened:
        return memory
    return replace(memory, session=replace(memory.session, profile_lifted=True))


def cable_unlocked(memory: Memory, *, opened: int) -> Memory:
    """An unlock was accepted. A session that has begun, or continued, since it was sent has locked the cable again.

    Args:
        memory: the memory before.
        opened: `Memory.opened` when the unlock was sent.
    """
    return replace(memory, unlocked=True) if memory.opened == opened else memory


_VOLATILE: Final = {"energy", "reading", "read_at", "suspect", "cost", "currency", "peak_power", "seen_at", "session"}
"""The fields of a memory and its session that change with every push during a session."""

_outline_of: Final = attrgetter(*(one.name for one in fields(Memory) if one.name not in _VOLATILE))
_session_outline_of: Final = attrgetter(*(one.name for one in fields(Session) if one.name not in _VOLATILE))
