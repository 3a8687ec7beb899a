"""How a push changes the memory of a socket: to which session it belongs, and what it changes in that session.

The functions read both the push and the status after it. A value that the push leaves out is no new reading. The
activity and the vehicle keep their last values until a push changes them (contract 4, "Which session").
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint import readings, session_starts
from bridge.chargepoint.amsterdam import in_order
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.observed import USUAL_CURRENT_A
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V, total_power
from bridge.chargepoint.readings import Reading
from bridge.chargepoint.session import LONG_AGO, START_WINDOW, Memory, Session, lose_sight
from bridge.chargepoint.session_values import note_drawing, note_our_ending, note_vehicle_left, with_peak, with_stop
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.update import Update
from bridge.immutable import immutable

FORGET_AFTER: Final = timedelta(minutes=10)
"""How long a socket may be unseen before it is no longer certain that the same vehicle is there."""


@immutable(frozen=True, slots=True, kw_only=True)
class Premises:
    """The properties of a charge point that are needed to interpret its pushes.

    Attributes:
        nominal_voltage: the voltage to assume while there is current and no voltage, V.
        highest_current: the highest current that it may deliver on a phase, A.
        currency: the ISO code of the currency of its costs.
        metered_phases: the phases whose current was ever told, counted from 1.
    """

    nominal_voltage: float = NOMINAL_VOLTAGE_V
    highest_current: float = USUAL_CURRENT_A
    currency: str = EURO
    metered_phases: tuple[int, ...] = ()


@immutable(frozen=True, slots=True)
class _Push:
    """A push and its context.

    Attributes:
        pushed: the values in the push; a field that it left out is None.
        status: the whole status after the push.
        reading: the energy in the push; None if it has none.
        at: when the push arrived.
        blind_since: since when the socket had not been seen before the push; None if it had been.
        premises: the properties of the charge point.
    """

    pushed: Status
    status: Status
    reading: Reading | None
    at: datetime
    blind_since: datetime | None
    premises: Premises

    @property
    def active(self) -> bool:
        return self.status.session_on

    @property
    def idle(self) -> bool:
        return self.status.activity is Activity.AVAILABLE


def observe(
    memory: Memory, update: Update[Status], status: Status, now: datetime, premises: Premises | None = None
) -> Memory:
    """Return the memory of a socket after a push.

    Args:
        memory: the memory before the push.
        update: the values in the push.
        status: the whole status after the push.
        now: when the push arrived, with an offset.
        premises: the properties of the charge point.
    """
    premises = premises or Premises()
    pushed, status = (_in_order(values, memory.session) for values in (update.values, status))
    push = _Push(
        pushed=pushed,
        status=status,
        reading=Reading(pushed.energy, now, premises.highest_current) if pushed.energy is not None else None,
        at=now,
        blind_since=memory.blind_since,
        premises=premises,
    )
    if not push.active:
        memory = note_our_ending(memory, status, now)
    if status.activity is Activity.OFFLINE:
        return lose_sight(memory, now)
    known = memory.session
    memory = _with_session(note_vehicle_left(_regain_sight(memory, now), status), push)
    session = memory.session
    if session is not None and push.active:
        session = with_peak(session, total_power(status, premises.nominal_voltage, premises.metered_phases))
        # A session that seems to continue can turn out to be the one that was started with this card.
        card = memory.start_card if session.resumed else None
        return replace(memory, session=session, start_accepted=None, start_unknown=None, start_card=card, seen_at=now)
    if session is not None and push.idle:
        if session.open:
            memory = replace(memory, start_card=None)
        elif known is None or session.number != known.number:
            memory = _after_missed(memory, session)
        session = with_stop(_ended(session, push), status)
    # The vehicle may have left in the push that ended its session.
    return note_vehicle_left(replace(memory, session=session, seen_at=now), status)


def _after_missed(memory: Memory, missed: Session) -> Memory:
    """Return the memory after a missed session, which is that of an accepted start unless it began before it."""
    sent = memory.start_accepted or memory.start_unknown
    if sent is None or (missed.started_at is not None and missed.started_at < sent - session_starts.ONE_START):
        return memory
    return replace(memory, start_accepted=None, start_unknown=None, start_card=None)


def _in_order(values: Status, session: Session | None) -> Status:
    """Return the values with their times read so that the end is not before the start (design page 3, "Times")."""
    start, stop = values.started_at, values.stopped_at
    if start is None:
        return values
    start = in_order(start, session.known_start if session is not None else None)
    stop = in_order(stop, start) if stop is not None else None
    if (start, stop) == (values.started_at, values.stopped_at):
        return values
    return replace(values, started_at=start, stopped_at=stop)


def _with_session(memory: Memory, push: _Push) -> Memory:
    """Return the memory with the values of the push in the session that they belong to."""
    if not push.active:
        memory = _taken_over(memory, push) or memory
    session = memory.session
    if (push.active and _is_new(session, push)) or (push.idle and _was_missed(session, push)):
        return _begin(memory, push)
    if session is None:
        return memory
    continued = _continued(session, push)
    if continued is session:
        return memory
    if continued.open and not session.open:
        ending = _ending_of_next(memory, push.at, push.at, seemed_last=False)
        memory = replace(memory, unlocked=False, opened=memory.opened + 1, ending=ending)
    return replace(memory, session=continued)


# --- which session ---


def _is_new(session: Session | None, push: _Push) -> bool:
    """Whether the open session in the push is not the last one known."""
    if session is None:
        return True
    vehicle = push.status.vehicle
    vehicle_there = vehicle is not None and vehicle is not Vehicle.NONE
    if session.vehicle_left and (vehicle_there or not session.open):
        return True
    if _may_have_ended(session, push) and session_starts.moved(session, push.status, push.blind_since):
        return True
    if readings.fell(session, push.reading):
        at_once = not session.open or session.read_at is None or session_starts.later(session, push.pushed.started_at)
        return at_once or readings.fell_for_good(session, push.reading)
    return False


def _was_missed(session: Session | None, push: _Push) -> bool:
    """Whether a whole session was missed: none is open, and the values in the push are not those of the last one."""
    status, energy = push.status, push.pushed.energy
    start, stop = status.started_at, status.stopped_at
    has_ended = start is not None and stop is not None and stop >= start
    if session is None:
        return has_ended or bool(energy)
    if not session_starts.moved(session, push.status, push.blind_since) or (session.open and push.blind_since is None):
        return False
    # A start alone proves nothing: the cloud can send it before its session begins.
    seen_with_it = push.pushed.started_at is not None and energy != session.reading
    return has_ended or (bool(energy) and (seen_with_it or push.blind_since is not None))


def _may_have_ended(session: Session, push: _Push) -> bool:
    """Whether a later start can be that of another session.

    This session was seen to end, or it ended and was taken to continue, or the socket was not seen.
    """
    return not session.open or session.resumed or push.blind_since is not None


def _begin(memory: Memory, push: _Push) -> Memory:
    """Return the memory after the first push that shows the next session."""
    return _taken_over(memory, push) or _begun_after(memory.session, memory, push)


def _taken_over(memory: Memory, push: _Push) -> Memory | None:
    """Return the memory in which the next session has what was counted since the last one seemed to continue.

    The cloud first showed the next session with the old start. It can be over already when its own start is told.

    Returns:
        None if the last session did not seem to continue, or did continue before the next one began.
    """
    last, next_one = memory.session, push
    if last is None or last.at_end is None or last.reading is None or not _began_by(last.resumed_at, push):
        return None
    if not session_starts.moved(last, push.status, push.blind_since):
        return None
    if not push.active:
        on = replace(push.status, activity=Activity.CHARGING, stopped_at=last.stale_stop)
        next_one = replace(next_one, status=on)
    if push.reading is None:
        next_one = replace(next_one, reading=Reading(last.reading, push.at, push.premises.highest_current))
    begun = _begun_after(last.at_end, memory, next_one)
    fell = push.reading is not None and push.reading.energy < last.reading
    if fell or begun.lifetime_energy < memory.lifetime_energy or begun.session is None:
        return None
    peak = last.peak_power if last.peak_power != last.at_end.peak_power else None
    return replace(begun, session=replace(begun.session, peak_power=peak, ended_by_us=last.ended_by_us))


def _began_by(when: datetime | None, push: _Push) -> bool:
    """Whether the start in the status is that of a session that was on at this time."""
    start = push.status.started_at
    return when is not None and start is not None and start <= when + session_starts.ONE_START


def _begun_after(last: Session | None, memory: Memory, push: _Push) -> Memory:
    """Return the memory with the session that begins after another one."""
    status, now = push.status, push.at
    # If later readings have confirmed a fall, the session began with the first of them.
    fall = last.suspect if last is not None and readings.fell_for_good(last, push.reading) else None
    known = last.known_start if last is not None else None
    # The first CH_STATUS after a start can still carry the previous start (design page 3, "Pushes and data").
    start = status.started_at if known is None or (status.started_at or known) > known else None
    # Then the last session seemed to continue. Whatever the bridge did since concerns the new one.
    seemed = memory.session
    seemed_last = seemed is not None and seemed.open and seemed.resumed and push.blind_since is None
    session = Session(
        number=last.number + 1 if last is not None else 1,
        seen_from=fall.at if fall is not None else now,
        seen_to=None if push.active else now,
        last_end=None if push.active else now,
        open=push.active,
        started_at=start,
        stale_start=known,
        stale_stop=status.stopped_at if push.active else None,
        seen_before=memory.seen_at or push.blind_since,
        unseen_before=LONG_AGO if last is None and push.blind_since is not None else push.blind_since,
        card=memory.start_card if push.active and (seemed_last or memory.may_be_starting(now)) else None,
        profile_lifted=seemed is not None and seemed_last and seemed.profile_lifted,
        # A session that was never seen open may not belong to this plug-in.
        forgotten=not push.active,
    )
    if last is not None and not _is_all_its_own(session, last, push):
        session = replace(
            session, reading=last.reading, stale_reading=last.reading, stale_cost=last.cost or None
        )  # the values of the last session, until the cloud shows those of the new one
    return replace(
        memory,
        session=note_drawing(_with_counters(session, push), status),
        earlier_energy=memory.earlier_energy + (last.energy if last is not None else 0.0),
        previous_energy=last.energy if last is not None else None,
        unlocked=memory.unlocked and seemed_last,
        opened=memory.opened + 1 if push.active and not seemed_last else memory.opened,
        ending=_ending_of_next(memory, fall.at if fall is not None else start, now, seemed_last=seemed_last),
    )


def _ending_of_next(memory: Memory, began: datetime | None, now: datetime, *, seemed_last: bool) -> datetime | None:
    """Return when the stop was sent that may end the session that begins or continues now; None if there is none.

    A stop can be sent before a status shows the session that it is for. It ends one session at most: the last one, if
    that was open when the stop was sent or has begun since, and the next one had not begun before it.

    Args:
        memory: the memory before.
        began: when the session began; None if not known.
        now: the time.
        seemed_last: the last session seemed to continue, and was this one.
    """
    last, sent = memory.session, memory.ending
    if sent is None:
        return None
    if last is not None and seemed_last:
        return sent if last.last_end is not None and sent > last.last_end else None
    if last is not None and last.may_have_ended_by(sent) and (last.ended_by_us or began is None or began > sent):
        return None
    return sent if now - sent < START_WINDOW else None


def _is_all_its_own(session: Session, last: Session, push: _Push) -> bool:
    """Whether the energy belongs to the new session although it equals that of the last one.

    This is so for a missed session: it is over, so the cloud no longer shows values of the last one.
    """
    reading, start = push.reading, session.started_at
    if push.active or push.blind_since is None or start is None or reading is None or reading.energy != last.reading:
        return False
    return reading.energy <= reading.possible_since(start) + readings.START_ON_TOP_KWH


def _continued(session: Session, push: _Push) -> Session:
    """Return the same session with the values of a push."""
    if push.active and not session.open:
        session = replace(
            session,
            open=True,
            resumed=True,
            resumed_at=push.at,
            at_end=replace(session, at_end=None),
            finished_at=None,
            seen_to=None,
            unseen_after=None,
            booked_to=None,
            read_at=None,
            stale_stop=push.status.stopped_at,
            profile_lifted=False,
        )
    if push.active and (session.ended_by_us or session.forgotten):
        session = replace(session, ended_by_us=False, forgotten=False)
    moved = _may_have_ended(session, push) and session_starts.moved(session, push.status, push.blind_since)
    if moved and not push.idle:
        # `error` or `unavailable` behind a later start: the counters are those of the next session.
        return _ended_unseen(session, push)
    session = _with_counters(session if moved else _with_start(session, push.status.started_at), push)
    return note_drawing(session, push.status) if push.active else session


def _with_counters(session: Session, push: _Push) -> Session:
    """Return the session with the energy and the cost in a push."""
    lower = readings.fell(session, push.reading)
    session = readings.counted(session, push.reading, active=push.active)
    if lower:
        return session  # the values were reset, or the reading is a glitch, so the cost in the same push is not valid
    return readings.with_cost(session, push.pushed.total_cost, push.premises.currency)


def _with_start(session: Session, start: datetime | None) -> Session:
    """Return the session with its start, if the cloud gives one for it: for the first time, or corrected."""
    own, stale = session.started_at, session.stale_start
    if start is None or start == own or (own is None and stale is not None and start <= stale):
        return session
    if own is not None and not (session.open and start > own):
        return session
    finished = session.finished_at
    return replace(session, started_at=start, finished_at=finished if finished is None or finished >= start else None)


# --- the end ---


def _ended(session: Session, push: _Push) -> Session:
    if not session.open:
        return session
    now, left = push.at, session.vehicle_left or push.status.vehicle is Vehicle.NONE
    return replace(
        session,
        open=False,
        resumed=False,
        resumed_at=None,
        at_end=None,
        seen_to=now,
        last_end=now,
        unseen_after=push.blind_since,
        vehicle_left=left,
    )


def _ended_unseen(session: Session, push: _Push) -> Session:
    """Return the session as ended, since the start of a later one is known."""
    start, stop = push.status.started_at, push.status.stopped_at
    ended = _ended(session, push)
    of_the_later_one = start is None or stop is None or stop > start
    return ended if of_the_later_one else with_stop(ended, push.status)


# --- sight ---


def _regain_sight(memory: Memory, now: datetime) -> Memory:
    if memory.blind_since is None:
        return memory
    session, since = memory.session, memory.blind_since
    if session is not None:
        # A session that is open here and closed now has been seen to end, so it is not forgotten.
        forgotten = session.forgotten or (not session.open and now - since > FORGET_AFTER)
        session = replace(session, forgotten=forgotten, read_at=None, suspect=None)
    return replace(memory, session=session, blind_since=None)
