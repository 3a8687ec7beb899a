"""Sessions as the ledger keeps them: one record for each, however often the bridge restarts in it."""

from dataclasses import dataclass, replace
from datetime import datetime

from bridge.chargepoint.amsterdam import nearest_reading
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.twin import Twin


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One session. Energy in kWh, power in W; datetimes have an offset.

    Attributes:
        evse_id: the charge point.
        socket: which of its sockets; None where it has one.
        address: the FIMP service address of the socket.
        number: with the address the key. Sessions that the bridge saw count from 1; those that only the account's
            transactions tell of count from -1 downwards.
        started_at: when it began.
        ended_at: when it ended; None while it is on.
        times_given: the times are the cloud's. Else they are the bridge's own: from when until when it was seen on.
        not_before: where it was not seen to begin, and nobody said when it did: it was not on before this.
        not_after: where it was not seen to end, and nobody said when it did: it was over at this moment.
        energy: what it has delivered.
        cost: what it costs, which may be below zero; None where that is not known.
        currency: of the cost, by its ISO code.
        peak_power: the highest power that was seen; None where none was.
        card: the uid of the charge card, or its number where the uid is not known; None where neither is.
        mode: the charging mode; None where it is not known.
        transaction: the id of the account's transaction that it was matched with; None where there is none.
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
        """Over its whole duration; None where that is not known, or nothing."""
        if self.ended_at is None or self.not_before is not None or self.not_after is not None:
            return None
        hours = (self.ended_at - self.started_at).total_seconds() / 3600
        return self.energy * 1000 / hours if hours > 0 else None


def record_of(twin: Twin, session: Session) -> SessionRecord:
    """The record of a session of a socket."""
    given_start, given_end = session.started_at or session.booked_from, session.finished_at or session.booked_to
    started = given_start or session.seen_from
    ended = None if session.open else given_end or session.unseen_after or session.seen_to or session.seen_from
    if ended is not None and ended < started:
        # One was told and the other noticed late; or the two clocks differ by a little.
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
    """The records to write when a twin has changed: its latest session, and the one before if that has just passed."""
    latest = after.memory.session
    if latest is None:
        return []
    passed = before.memory.session if before is not None else None
    if before is None or passed is None or passed.number == latest.number:
        return [record_of(after, latest)]
    if passed.open:
        passed = replace(passed, open=False, seen_to=latest.seen_from, unseen_after=before.memory.blind_since)
    return [record_of(after, passed), record_of(after, latest)]


def corrected(memory: Memory, record: SessionRecord, before: SessionRecord | None) -> Memory:
    """The memory after a record of the socket came into the ledger, or was corrected, from outside.

    Args:
        memory: of the socket.
        record: as it is now; of a session that is over.
        before: as it was; None if it is new.
    """
    session = memory.session
    if session is not None and session.number == record.number:
        given, start = record.times_given, session.started_at
        latest = replace(
            session,
            # Another word on the start would be another session; another reading of the same word is not.
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
