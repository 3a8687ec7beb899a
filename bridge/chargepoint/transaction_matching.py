"""The account's transactions against the sessions that the bridge saw: which are the same, and which it missed.

A transaction is paired with one session of its socket at most, and a session with one transaction. Pairs that were made
before stay; then the surest come first: those that began at the same time, those that overlap while the session was
seen to be on, those that overlap while it may have been on. What is left over is a session that the bridge missed, but
only where nothing else can be true: see `_was_missed`.

One thing cannot be told: where the cloud gives no times, a missed session that delivered more than the one before
looks like that one going on. What it delivered beyond it is then counted with both.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import in_order, nearest_reading, readings
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.records import SessionRecord

SAME_START: Final = timedelta(seconds=60)
"""How far two words on one start may lie apart."""

SETTLED_AFTER: Final = timedelta(minutes=10)
"""How long its end must be past before a transaction is taken for a missed session: the bridge may yet hear of it."""

ROUNDING_KWH: Final = 0.005
"""By how much two figures for one energy may differ without one of them being wrong."""

_NEVER: Final = timedelta()


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A session as the account keeps it. Energy in kWh.

    Attributes:
        socket: which socket of the charge point; None if it does not say.
        started_at: as read from Amsterdam's clock by `from_wall_clock`.
        ended_at: read in the same way; None while it is running.
        cost: what it costs; None if it does not say.
        currency: of the cost, by its ISO code.
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
    """A socket whose sessions are compared.

    Attributes:
        known_since: since when the bridge has known it.
        in_sight: it can be seen now: what it shows has been counted.
    """

    evse_id: str
    socket: int | None
    address: str
    known_since: datetime
    in_sight: bool


def settle(
    place: Place, records: Iterable[SessionRecord], transactions: Iterable[Transaction], now: datetime
) -> list[SessionRecord]:
    """The records of a socket that change when its charge point's transactions are known, and those that are new.

    Sessions that are on are left alone; so are transactions that are running. To do it again changes nothing.

    Args:
        place: the socket.
        records: the ledger.
        transactions: in any order.
        now: the time.
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
    """Those that are over, in their order, with their times so read that none begins before the last one ended."""
    ended: datetime | None = None
    over = [(one.ended_at, one) for one in transactions if one.ended_at is not None]
    for end, one in sorted(over, key=lambda pair: (pair[0], pair[1].started_at, pair[1].id)):
        start = in_order(one.started_at, ended)
        ended = in_order(end, start)
        yield replace(one, started_at=start, ended_at=ended)


# --- which belong together ---


def _pairs(records: Sequence[SessionRecord], over: dict[str, Transaction]) -> dict[int, Transaction]:
    """The transaction of each session that is over and has one, by the session's number."""
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
    """How sure it is that they are the same, the smallest first; None if they cannot be.

    The session's times may have been read the wrong way in the hour that the clocks repeat: all ways are tried.
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
        return 3, latest - end  # of several the last one: it is the last one that a charge point shows
    return None


def _spans(transaction: Transaction) -> Iterator[tuple[datetime, datetime]]:
    """When it was, in every way that the clock can be read."""
    for start in readings(transaction.started_at):
        for end in readings(transaction.ended_at or start):
            if end >= start:
                yield start, end


def _overlap(start: datetime, end: datetime, other_start: datetime, other_end: datetime) -> timedelta:
    return max(_NEVER, min(end, other_end) - max(start, other_start))


# --- what follows from it ---


def _settled(record: SessionRecord, transaction: Transaction) -> SessionRecord:
    """A session that is over, with what its transaction knows better. Its energy never falls."""
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

    Not one from before the charge point was known, or the lifetime energy would jump by years; not one that the
    bridge may still hear of; not one whose time, or most of it, a session has taken already.
    """
    start, end = transaction.started_at, transaction.ended_at
    if end is None or end < start or transaction.energy <= 0 or not place.in_sight:
        return False
    if start < place.known_since or end > now - SETTLED_AFTER:
        return False
    return not any(_has_taken(record, start, end) for record in records)


def _has_taken(record: SessionRecord, start: datetime, end: datetime) -> bool:
    common = _overlap(record.started_at, record.ended_at or end, start, end)
    if record.ended_at is None:
        return common > SAME_START
    return common > (end - start) / 2 or record.started_at <= start == end <= record.ended_at


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
