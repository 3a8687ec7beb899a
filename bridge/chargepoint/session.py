"""Sessions: which one is on, what it has delivered, and what of it must be remembered.

A `Memory` is what the bridge knows of one socket beyond the last push. Here it changes in three ways: a push is
observed, sight is lost, or a command of ours had an outcome. (The twin adds the charging mode, and
`records.corrected` what the account's transactions tell.) Every change gives a new value.

Contract 4, "Which session": a new one begins when a vehicle came after none, when the energy fell, or when
`start_datetime` changed after the last had ended. `offline`, `error` and `unavailable` do not end one.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import in_order
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V, total_power
from bridge.chargepoint.state import SESSION
from bridge.chargepoint.status import Activity, Status, Vehicle

START_WINDOW: Final = timedelta(seconds=60)
"""How long an accepted start is waited for (the state table's `requesting`)."""

FORGET_AFTER: Final = timedelta(minutes=10)
"""How long nothing may be seen before nobody can say that the vehicle is still the same."""

CLOCKS_APART: Final = timedelta(minutes=1)
"""How far the cloud's clock may be from this one."""

ENDING_WINDOW: Final = timedelta(minutes=10)
"""How long after a stop, unlock, reboot or block of ours an end is taken for its doing."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a socket has not been seen that never was."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One charging session of one socket.

    Energy in kWh, cost in EUR, power in W. Times in `started_at` and `finished_at` are the cloud's; the bridge's own
    are `seen_from` and `seen_to`, and are never reported as the cloud's.

    Attributes:
        number: counts the sessions of the socket from 1.
        open: it has not been seen to end.
        energy: what it has delivered; never falls.
        drawn: it has delivered energy, or was seen at C or D under current.
        ended_by_us: a stop, unlock, reboot or block of ours ended it.
        vehicle_seen: a vehicle was there during it.
        vehicle_left: the vehicle has left since.
        forgotten: nobody can say any more whether the vehicle is still this session's.
        resumed: it ended and went on, as far as the cloud has shown.
        reading: the last `actual_kwh` seen, whatever session it belonged to.
        stale_reading: the reading at the beginning, if it was still the session's before.
        stale_start: likewise for `start_datetime`.
        stale_stop: the `stop_datetime` at the beginning, which cannot be this session's.
        unseen_before: since when nothing had been seen when it was found: it began then or later; None: it was seen
            to begin.
        unseen_after: likewise when it was found over: it was on until then at least; None: it was seen to end.
        cost: what it has cost; never falls; None while the cloud has told none.
        stale_cost: likewise a `total_cost` at the beginning that was still the session's before.
        peak_power: the highest power seen; None while none was.
        card: the charge card, where it is known: of a start of ours, or from a transaction.
        mode: the charging mode, where it is known.
        transaction: the id of the account's transaction that it is.
        booked_from: when it began by that transaction, where the cloud gave no times; likewise `booked_to`.
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
    reading: float | None = None
    stale_reading: float | None = None
    stale_start: datetime | None = None
    stale_stop: datetime | None = None
    unseen_before: datetime | None = None
    unseen_after: datetime | None = None
    cost: float | None = None
    stale_cost: float | None = None
    peak_power: float | None = None
    card: str | None = None
    mode: str | None = None
    transaction: str | None = None
    booked_from: datetime | None = None
    booked_to: datetime | None = None

    @property
    def known_start(self) -> datetime | None:
        """The last `start_datetime` seen, whether it was this session's or still the one before."""
        return self.started_at or self.stale_start

    @property
    def awaits_reading(self) -> bool:
        """No `actual_kwh` of this session has been seen yet, only the one of the session before."""
        return self.stale_reading is not None and self.reading == self.stale_reading


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What the bridge remembers of one socket.

    Attributes:
        session: the latest session, open or over.
        earlier_energy: what all sessions before it have delivered, kWh.
        previous_energy: what the one right before it has delivered, kWh; None if none is known.
        start_accepted: when a start of ours was accepted, until a session or a stop comes.
        start_unknown: when a start of ours got no verdict, likewise.
        start_card: the card of either, likewise.
        ending: when a stop, unlock, reboot or block of ours was sent, until it is refused or a session begins.
        unlocked: the cable has been unlocked in this session.
        blind_since: since when nothing could be seen of the socket; None while something can.
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

    @property
    def session_open(self) -> bool:
        """A session is on, as far as is known."""
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

    def starting(self, now: datetime) -> bool:
        """A start was accepted under 60 s ago, and no session or stop came since."""
        return self.start_accepted is not None and now - self.start_accepted < START_WINDOW

    def may_be_starting(self, now: datetime) -> bool:
        """The same, counting a start whose outcome is unknown."""
        unknown = self.start_unknown
        return self.starting(now) or (unknown is not None and now - unknown < START_WINDOW)


# --- what a push changes ---


def observe(memory: Memory, status: Status, now: datetime, nominal_voltage: float = NOMINAL_VOLTAGE_V) -> Memory:
    """The memory after a push.

    Args:
        memory: before it.
        status: the whole status after it.
        now: when it came; with an offset.
        nominal_voltage: stands in where there is current and no voltage, V.
    """
    status = _in_order(status, memory.session)
    active = status.activity in SESSION
    if not active:
        memory = _note_our_ending(memory, now)
    if status.activity is Activity.OFFLINE:
        return lose_sight(memory, now)
    blind_since = memory.blind_since
    memory = _regain_sight(memory, now)
    memory = _note_vehicle_left(memory, status)
    idle = status.activity is Activity.AVAILABLE
    if (active and _is_new(memory.session, status, blind_since)) or (
        idle and _was_missed(memory.session, status, blind_since)
    ):
        memory = _begin(memory, status, now, blind_since, open_=active)
    elif memory.session is not None:
        memory = replace(memory, session=_go_on(memory.session, status, active=active))
    if memory.session is None:
        return memory
    if active:
        power = total_power(status, nominal_voltage)
        session = _with_peak(memory.session, power)
        return replace(memory, session=session, start_accepted=None, start_unknown=None, start_card=None)
    if idle:
        return replace(memory, session=_with_stop(_ended(memory.session, status, now, blind_since), status))
    return memory


def _in_order(status: Status, session: Session | None) -> Status:
    """The times of a push, read so that none lies before what must have come first (page 3, "Times")."""
    start, stop = status.started_at, status.stopped_at
    if start is not None:
        start = in_order(start, session.known_start if session is not None else None)
        stop = in_order(stop, start) if stop is not None else None
    return replace(status, started_at=start, stopped_at=stop)


def _is_new(session: Session | None, status: Status, blind_since: datetime | None) -> bool:
    """Whether the session that is on now is another than the last one known; nothing was seen from `blind_since`."""
    if session is None:
        return True
    vehicle_there = status.vehicle is not None and status.vehicle is not Vehicle.NONE
    if session.vehicle_left and (vehicle_there or not session.open):
        return True
    if _fell(session, status):
        return True
    # A start that is not the known one belongs to another session, if the known one may have ended: it was seen
    # to, it was taken to go on when it had, or nobody was looking.
    may_have_ended = not session.open or session.resumed or blind_since is not None
    return may_have_ended and _start_moved(session, status, blind_since)


def _was_missed(session: Session | None, status: Status, blind_since: datetime | None) -> bool:
    """Whether a whole session has come and gone unseen: nothing is on, but the values are not the last one's."""
    if session is None:
        return status.started_at is not None or bool(status.energy)
    if _start_moved(session, status, blind_since):
        return not session.open or blind_since is not None
    return blind_since is not None and status.started_at is None and _fell(session, status) and bool(status.energy)


def _fell(session: Session, status: Status) -> bool:
    if status.energy is None or session.reading is None or session.awaits_reading:
        return False
    return status.energy < session.reading


def _start_moved(session: Session, status: Status, blind_since: datetime | None) -> bool:
    start, known = status.started_at, session.known_start
    if start is None:
        return False
    if session.open and session.started_at is None and blind_since is not None and start <= blind_since + CLOCKS_APART:
        return False  # its own, told at last: it began while it could be seen
    if known is not None:
        # Never to an earlier one: that is an old push, and its session has been counted.
        return start > known
    # The cloud gave no start for this session. A first one can be its own, given late, or the next one's.
    return session.seen_to is not None and start > session.seen_from + (session.seen_to - session.seen_from) / 2


def _begin(memory: Memory, status: Status, now: datetime, blind_since: datetime | None, *, open_: bool) -> Memory:
    last = memory.session
    # Page 3: the first CH_STATUS after a start can still carry the start, and the energy, of the session before.
    stale_start = status.started_at if last is not None and status.started_at == last.known_start else None
    stale_reading = last.reading if last is not None and open_ and _is_stale(last, status) else None
    stale_cost = last is not None and (
        status.total_cost == last.cost or stale_start is not None or stale_reading is not None
    )
    session = Session(
        number=last.number + 1 if last is not None else 1,
        seen_from=now,
        seen_to=None if open_ else now,
        open=open_,
        started_at=status.started_at if stale_start is None else None,
        stale_start=stale_start,
        reading=stale_reading,
        stale_reading=stale_reading,
        stale_stop=status.stopped_at if open_ else None,
        stale_cost=status.total_cost or None if stale_cost else None,
        unseen_before=LONG_AGO if last is None and blind_since is not None else blind_since,
        card=memory.start_card if open_ and memory.may_be_starting(now) else None,
        # One that was never seen to be on is not known to be of this plug-in.
        forgotten=not open_,
    )
    sent = memory.ending
    return replace(
        memory,
        session=_note_drawing(_with_cost(_with_energy(session, status.energy), status.total_cost), status),
        earlier_energy=memory.earlier_energy + (last.energy if last is not None else 0.0),
        previous_energy=last.energy if last is not None else None,
        unlocked=False,
        # A stop can overtake the session that it was meant for.
        ending=sent if sent is not None and now - sent < START_WINDOW else None,
    )


def _is_stale(last: Session, status: Status) -> bool:
    """Whether the energy in the first push of a session still counts from the session before."""
    if not status.energy or last.reading is None:
        return False
    same_start = status.started_at is not None and status.started_at == last.known_start
    return status.energy == last.reading or (same_start and status.energy > last.reading)


def _go_on(session: Session, status: Status, *, active: bool) -> Session:
    """The same session with the values of a push."""
    if active and not session.open:
        session = replace(
            session,
            open=True,
            resumed=True,
            finished_at=None,
            seen_to=None,
            unseen_after=None,
            booked_to=None,
            stale_stop=status.stopped_at,
        )
    if active:
        session = replace(session, ended_by_us=False, forgotten=False)
    session = _with_energy(_with_start(session, status.started_at), status.energy)
    session = _with_cost(session, status.total_cost)
    return _note_drawing(session, status) if active else session


def _with_start(session: Session, start: datetime | None) -> Session:
    """With its beginning, if the cloud gives one that is this session's: for the first time, or corrected."""
    if start is None or start == session.stale_start:
        return session
    if session.started_at is not None and not (session.open and start > session.started_at):
        return session
    finished = session.finished_at
    return replace(session, started_at=start, finished_at=finished if finished is None or finished >= start else None)


def _with_energy(session: Session, energy: float | None) -> Session:
    stale, reading = session.stale_reading, session.reading
    if energy is None or energy == reading or (reading is not None and energy < reading and not session.awaits_reading):
        return session  # nothing new, or cleared after the end: what was delivered stays
    if stale is not None and energy > stale and session.started_at is None:
        # The cloud counts on from the session before, and gives no start that would say otherwise.
        return replace(session, energy=max(session.energy, energy - stale), reading=energy)
    return replace(session, energy=max(session.energy, energy), reading=energy, stale_reading=None)


def _with_cost(session: Session, cost: float | None) -> Session:
    stale = session.stale_cost
    if not cost or cost == stale:
        return session
    if stale is not None and session.stale_reading is not None and cost > stale:
        cost -= stale  # the cloud counts on from the session before, as it does with the energy
    return replace(session, cost=max(session.cost or 0.0, cost))


def _with_peak(session: Session, power: float | None) -> Session:
    if power is None or (session.peak_power is not None and power <= session.peak_power):
        return session
    return replace(session, peak_power=power)


def _note_drawing(session: Session, status: Status) -> Session:
    under_current = status.vehicle is not None and status.vehicle.ready and status.draws
    return replace(
        session,
        drawn=session.drawn or session.energy > 0 or (session.open and under_current),
        vehicle_seen=session.vehicle_seen or (status.vehicle is not None and status.vehicle.connected),
    )


def _note_vehicle_left(memory: Memory, status: Status) -> Memory:
    session = memory.session
    if session is None or session.vehicle_left or status.vehicle is not Vehicle.NONE:
        return memory
    if session.open and not session.vehicle_seen:
        return memory  # started before the vehicle came
    return replace(memory, session=replace(session, vehicle_left=True))


def _note_our_ending(memory: Memory, now: datetime) -> Memory:
    """A session that stops being on soon after an ending of ours is ended by us, however late the end itself shows."""
    session, sent = memory.session, memory.ending
    if session is None or not session.open or sent is None or now - sent > ENDING_WINDOW:
        return memory
    return replace(memory, session=replace(session, ended_by_us=True))


def _ended(session: Session, status: Status, now: datetime, blind_since: datetime | None) -> Session:
    if not session.open:
        return session
    left = session.vehicle_left or status.vehicle is Vehicle.NONE
    return replace(session, open=False, resumed=False, seen_to=now, unseen_after=blind_since, vehicle_left=left)


def _with_stop(session: Session, status: Status) -> Session:
    """With its end, if the cloud gives one that is this session's."""
    stop, start = status.stopped_at, session.started_at
    fresh = stop is not None and stop != session.stale_stop and (start is None or stop >= start)
    return replace(session, finished_at=stop) if fresh else session


# --- sight ---


def lose_sight(memory: Memory, now: datetime) -> Memory:
    """The memory when the link goes down, or the charge point goes offline."""
    return memory if memory.blind_since is not None else replace(memory, blind_since=now)


def _regain_sight(memory: Memory, now: datetime) -> Memory:
    if memory.blind_since is None:
        return memory
    session, since = memory.session, memory.blind_since
    if session is not None and not session.open and now - since > FORGET_AFTER:
        # One that is still open here and found closed now has been seen to end: it is not forgotten.
        session = replace(session, forgotten=True)
    return replace(memory, session=session, blind_since=None)


# --- what our own commands change ---


def start_accepted(memory: Memory, now: datetime, card: str | None = None) -> Memory:
    """A start of ours, with this card, was accepted; the session may have begun before the verdict came."""
    memory = replace(memory, ending=None)
    if memory.session_open:
        return _with_card(memory, card)
    return replace(memory, start_accepted=now, start_unknown=None, start_card=card)


def start_without_verdict(memory: Memory, now: datetime, card: str | None = None) -> Memory:
    """Nobody knows what became of a start of ours."""
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


def cable_unlocked(memory: Memory) -> Memory:
    """An unlock of ours was accepted."""
    return replace(memory, unlocked=True)
