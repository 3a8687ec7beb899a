"""Sessions as the storage keeps them: one record for each session, also if the bridge restarts during it."""

from dataclasses import replace
from datetime import datetime

from bridge.chargepoint.amsterdam import nearest_reading
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.twin import Twin
from bridge.immutable import immutable


@immutable(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session. Energy is in kWh, power in W; datetimes have an offset.

    Attributes:
        evse_id: the charge point.
        socket: the number of the socket; None if the charge point has only one.
        address: the FIMP service address of the socket.
        number: the key, together with the address. Sessions that the bridge saw count from 1. Those that only the
            account's transactions show count from -1 downwards.
        started_at: when it began.
        ended_at: when it ended; None while it is open.
        times_given: the times are the cloud's. Else they are those between which the bridge saw the session open.
        not_before: the earliest possible start; None if the start was seen or given.
        not_after: the latest possible end; None if the end was seen or given.
        energy: the energy that it has delivered.
        cost: its cost, which may be below zero; None if it is not known.
        currency: the ISO code of the currency of the cost.
        peak_power: the highest power that was seen; None if none was.
        card: the uid of the charge card, or its number if the uid is not known; None if neither is.
        mode: the charging mode; None if it is not known.
        transaction: the id of the matching transaction of the account; None if there is none.
    """

    evse_id: str
    socket: int | None = None
    address: str
    number: int
    started_at: datetime
    ended_at: datetime | None = None
    times_given: bool = False
    not_before: datetime | None = None
    not_after: datetime | None = None
    energy: float = 0.0
    cost: float | None = None
    currency: str = EURO
    peak_power: float | None = None
    card: str | None = None
    mode: str | None = None
    transaction: str | None = None

    @property
    def average_power(self) -> float | None:
        """The average over the whole duration, W; None if the duration is not known, or is zero."""
        if self.ended_at is None or self.not_before is not None or self.not_after is not None:
            return None
        hours = (self.ended_at - self.started_at).total_seconds() / 3600
        return self.energy * 1000 / hours if hours > 0 else None


def record_of(twin: Twin, session: Session) -> SessionRecord:
    """Make the record of a session of a socket."""
    given_start, given_end = session.started_at or session.booked_from, session.finished_at or session.booked_to
    started = given_start or session.seen_from
    ended = None if session.open else given_end or session.unseen_after or session.seen_to or session.seen_from
    if ended is not None and ended < started:
        # One of the times is the cloud's and the other was seen late, or the two clocks differ slightly.
        started, ended = (started, started) if given_start is not None else (ended, ended)
    return SessionRecord(
        evse_id=twin.evse_id,
        socket=twin.socket,
        address=twin.address,
        number=session.number,
        started_at=started,
        ended_at=ended,
        times_given=given_start is not None and (session.open or given_end is not None),
        not_before=session.unseen_before if given_start is None else None,
        not_after=session.seen_to if not session.open and given_end is None and session.unseen_after else None,
        energy=session.energy,
        cost=session.cost,
        currency=session.currency or EURO,
        peak_power=session.peak_power,
        card=session.card,
        mode=session.mode,
        transaction=session.transaction,
    )


def records_of(before: Twin | None, after: Twin) -> list[SessionRecord]:
    """Return the records to write after a change of a twin: its latest session, and the one that this has replaced."""
    latest = after.memory.session
    if latest is None:
        return []
    passed = before.memory.session if before is not None else None
    if before is None or passed is None or passed.number == latest.number:
        return [record_of(after, latest)]
    if passed.at_end is not None and after.memory.previous_energy == passed.at_end.energy:
        passed = passed.at_end  # it only seemed to continue
    elif passed.open:
        passed = replace(passed, open=False, seen_to=latest.seen_from, unseen_after=before.memory.blind_since)
    return [record_of(after, passed), record_of(after, latest)]


def corrected(memory: Memory, record: SessionRecord, before: SessionRecord | None) -> Memory:
    """Return the memory after a record of the socket was added or corrected from the account's transactions.

    Args:
        memory: the memory of the socket.
        record: the new record, of a session that is over.
        before: the previous record; None if there was none.
    """
    session = memory.session
    if session is not None and session.number == record.number:
        given, start = record.times_given, session.started_at
        latest = replace(
            session,
            # A different start would mean another session, so only the reading of the same wall clock may change.
            started_at=nearest_reading(start, record.started_at) if start is not None else None,
            energy=record.energy,
            cost=record.cost,
            currency=record.currency if record.cost is not None else None,
            card=record.card,
            transaction=record.transaction,
            booked_from=record.started_at if given else session.booked_from,
            booked_to=record.ended_at if given else session.booked_to,
        )
        return replace(memory, session=latest)
    added = record.energy - (before.energy if before is not None else 0.0)
    previous = memory.previous_energy
    if session is not None and session.number == record.number + 1:
        previous = record.energy
    return replace(memory, earlier_energy=memory.earlier_energy + added, previous_energy=previous)
