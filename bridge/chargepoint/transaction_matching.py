"""Matching the account's transactions with the sessions that the bridge saw, and finding those that it missed.

A transaction is paired with at most one session of its socket, and a session with at most one transaction. Existing
pairs are kept. New pairs are made in the order of their certainty: the same start, an overlap with the time in which
the session was seen open, an overlap with the time in which it may have been open. A transaction without a session is a
missed one only if nothing else explains it (`_was_missed`).

One case cannot be recognised: if the cloud gives no times, a missed session that delivered more than the previous one
looks like a continuation of it. The energy beyond that of the previous session is then counted for both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import in_order, nearest_reading, readings
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.records import SessionRecord

SAME_START: Final = timedelta(seconds=60)
"""How far two values for the same start may differ."""

SETTLED_AFTER: Final = timedelta(minutes=10)
"""How long after its end a transaction can count as a missed session. Before that a push may still show the session."""

ROUNDING_KWH: Final = 0.005
"""How far two values for the same energy may differ by rounding."""

_NEVER: Final = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A session in the account's transactions.

    Attributes:
        id: the id of the transaction.
        evse_id: the charge point.
        socket: the number of the socket; None if the transaction names none.
        started_at: the start, read by `from_wall_clock`.
        ended_at: the end, read by `from_wall_clock`; None while the session is open.
        energy: the energy, kWh.
        cost: the cost; None if the transaction has none.
        currency: the ISO code of the currency of the cost.
        card: the number or uid of the charge card; None if the transaction names none.
    """

    id: str
    evse_id: str
    socket: int | None = None
    started_at: datetime
    ended_at: datetime | None = None
    energy: float = 0.0
    cost: float | None = None
    currency: str = EURO
    card: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A socket whose sessions are matched.

    Attributes:
        evse_id: the charge point.
        socket: the number of the socket; None if the charge point has only one.
        address: the FIMP service address.
        known_since: since when the bridge has known the charge point.
        in_sight: the socket shows its sessions now, so the latest of them has been counted.
    """

    evse_id: str
    socket: int | None
    address: str
    known_since: datetime
    in_sight: bool


def settle(
    place: Place, records: Iterable[SessionRecord], transactions: Iterable[Transaction], now: datetime
) -> list[SessionRecord]:
    """Return the records of a socket that the transactions of its charge point correct or add.

    Open sessions and open transactions are ignored. A repeated call returns nothing.

    Args:
        place: the socket.
        records: the recorded sessions.
        transactions: the transactions of the charge point, in any order.
        now: the present time.
    """
    before = {record.number: record for record in records if record.address == place.address}
    over = {one.id: one for one in _in_turn(one for one in transactions if _is_of(one, place))}
    pairs = _pairs(list(before.values()), over)
    after = {**before, **{number: _settled(before[number], one) for number, one in pairs.items()}}
    used = {one.id for one in pairs.values()} | {record.transaction for record in before.values()}
    for one in over.values():
        if one.id not in used and _was_missed(one, place, after.values(), now):
            number = min([0, *after]) - 1
            after[number] = _filled(one, place, number)
    return [record for number, record in after.items() if record != before.get(number)]


def _is_of(transaction: Transaction, place: Place) -> bool:
    same = transaction.evse_id == place.evse_id
    return same and (place.socket is None or transaction.socket == place.socket)


def _in_turn(transactions: Iterable[Transaction]) -> Iterator[Transaction]:
    """Yield the ended transactions in order, with times read so that none begins before the previous one has ended."""
    ended: datetime | None = None
    over = [(one.ended_at, one) for one in transactions if one.ended_at is not None]
    for end, one in sorted(over, key=lambda pair: (pair[0], pair[1].started_at, pair[1].id)):
        start = in_order(one.started_at, ended)
        ended = in_order(end, start)
        yield replace(one, started_at=start, ended_at=ended)


# --- pairing ---


def _pairs(records: Sequence[SessionRecord], over: dict[str, Transaction]) -> dict[int, Transaction]:
    """Return the transaction of each ended session that has one, by the session's number."""
    closed = [record for record in records if record.ended_at is not None]
    bound = {record.transaction for record in records}
    pairs = {record.number: over[record.transaction] for record in closed if record.transaction in over}
    candidates = [
        (rank, record.number, one)
        for record in closed
        if record.transaction is None
        for one in over.values()
        if one.id not in bound and (rank := _rank(record, one)) is not None
    ]
    candidates.sort(key=lambda candidate: (candidate[0], candidate[1], candidate[2].id))
    for _, number, one in candidates:
        if number not in pairs and one.id not in bound:
            pairs[number] = one
            bound.add(one.id)
    return pairs


_Rank = tuple[int, timedelta, timedelta]


def _rank(record: SessionRecord, transaction: Transaction) -> _Rank | None:
    """Return how certain it is that both are the same session, smallest is best; None if they cannot be.

    In the hour that the clocks repeat a time has two readings. All are tried.
    """
    ranks = [_rank_at(record, start, end) for start, end in _spans(transaction)]
    apart = abs(transaction.started_at - record.started_at)
    return min(((*rank, apart) for rank in ranks if rank is not None), default=None)


def _rank_at(record: SessionRecord, start: datetime, end: datetime) -> tuple[int, timedelta] | None:
    ended = record.ended_at or end
    if record.not_before is None and abs(start - record.started_at) <= SAME_START:
        return 1, abs(start - record.started_at)
    if (common := _overlap(record.started_at, ended, start, end)) > _NEVER:
        return 2, -common
    earliest, latest = record.not_before or record.started_at, record.not_after or ended
    if earliest - SAME_START <= start and end <= latest + SAME_START and earliest < latest:
        return 3, latest - end  # the last of several transactions, since a charge point shows the last session
    return None


def _spans(transaction: Transaction) -> Iterator[tuple[datetime, datetime]]:
    """Yield the start and end of a transaction in every reading of the clock."""
    for start in readings(transaction.started_at):
        for end in readings(transaction.ended_at or start):
            if end >= start:
                yield start, end


def _overlap(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> timedelta:
    return max(_NEVER, min(end, other_end) - max(start, other_start))


# --- corrections ---


def _settled(record: SessionRecord, transaction: Transaction) -> SessionRecord:
    """Return the record of an ended session with the better values of its transaction. Its energy never falls."""
    ours = record.number > 0
    more = transaction.energy > record.energy + (ROUNDING_KWH if ours else 0.0)
    better_cost = transaction.cost is not None and (record.cost is None or more or not ours)
    start, end = transaction.started_at, transaction.ended_at
    if record.times_given and ours:
        start = nearest_reading(record.started_at, start)
        end = in_order(record.ended_at, start) if record.ended_at is not None else None
    return replace(
        record,
        started_at=start,
        ended_at=end,
        times_given=True,
        not_before=None,
        not_after=None,
        energy=transaction.energy if more else record.energy,
        cost=transaction.cost if better_cost else record.cost,
        currency=transaction.currency if better_cost else record.currency,
        card=record.card if record.card is not None else transaction.card,
        transaction=transaction.id,
    )


def _was_missed(transaction: Transaction, place: Place, records: Iterable[SessionRecord], now: datetime) -> bool:
    """Whether a transaction without a session is one that the bridge missed.

    It is not if it began before the charge point was known, since the lifetime energy would jump by years; if a push
    may still show it; if it may be the session that is open here; or if another session covers most of its time.
    """
    start, end = transaction.started_at, transaction.ended_at
    if end is None or end < start or transaction.energy <= 0 or not place.in_sight:
        return False
    if start < place.known_since or end > now - SETTLED_AFTER:
        return False
    return not any(_has_taken(record, start, end) for record in records)


def _has_taken(record: SessionRecord, start: datetime, end: datetime) -> bool:
    if record.ended_at is None:
        return _may_be_open(record, start, end)
    common = _overlap(record.started_at, record.ended_at, start, end)
    return common > (end - start) / 2 or record.started_at <= start == end <= record.ended_at


def _may_be_open(record: SessionRecord, start: datetime, end: datetime) -> bool:
    """Whether an ended transaction may be that of a session that is still open here, however short it is.

    The end of a session is not seen behind `error` or `unavailable`. The transaction is matched once it is.
    """
    earliest = (record.not_before or record.started_at) - SAME_START
    if start >= earliest and end >= record.started_at - SAME_START:
        return True
    return _overlap(record.started_at, end, start, end) > SAME_START


def _filled(transaction: Transaction, place: Place, number: int) -> SessionRecord:
    return SessionRecord(
        evse_id=place.evse_id,
        socket=place.socket,
        address=place.address,
        number=number,
        started_at=transaction.started_at,
        ended_at=transaction.ended_at,
        times_given=True,
        energy=transaction.energy,
        cost=transaction.cost,
        currency=transaction.currency,
        card=transaction.card,
        transaction=transaction.id,
    )
