"""Matching of transactions with sessions: no duplicates, whatever the order of events."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.records import SessionRecord, corrected, record_of, records_of
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.transaction_matching import Place, Transaction, settle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW = NOON + timedelta(days=1)
PLACE = Place(evse_id="BCU1", socket=None, address="BCU1", known_since=NOON - timedelta(days=30), in_sight=True)


def at(minutes: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(minutes=minutes)


def seen(start: float, end: float | None, energy: float = 5.0, number: int = 1, **more: object) -> SessionRecord:
    """A session that the bridge saw, with the cloud's times."""
    values = {
        "evse_id": "BCU1", "address": "BCU1", "number": number, "started_at": at(start),
        "ended_at": at(end) if end is not None else None, "times_given": True, "energy": energy, **more,
    }  # fmt: skip
    return SessionRecord(**values)  # type: ignore[arg-type] # by name


def told(id_: str, start: float, end: float | None, energy: float = 5.0, **more: object) -> Transaction:
    """A transaction."""
    values = {
        "id": id_, "evse_id": "BCU1", "socket": 1, "started_at": at(start),
        "ended_at": at(end) if end is not None else None, "energy": energy, **more,
    }  # fmt: skip
    return Transaction(**values)  # type: ignore[arg-type] # by name


def test_a_match_keeps_known_fields_and_fills_unknown_ones() -> None:
    ours = seen(0, 60, 5.0, card="OURS", cost=1.0)
    (after,) = settle(PLACE, [ours], [told("7", 0, 60, 5.004, cost=9.0, card="THEIRS")], NOW)
    assert after == replace(ours, transaction="7")
    (after,) = settle(PLACE, [seen(0, 60, 5.0)], [told("7", 0, 60, 4.0, cost=9.0, card="THEIRS")], NOW)
    assert (after.energy, after.cost, after.card) == (5.0, 9.0, "THEIRS")


def test_more_energy_comes_with_its_cost() -> None:
    (after,) = settle(PLACE, [seen(0, 60, 5.0, cost=1.25)], [told("7", 0, 60, 8.0, cost=2.0)], NOW)
    assert (after.energy, after.cost, after.number) == (8.0, 2.0, 1)


def test_a_cost_comes_with_its_currency() -> None:
    paid = told("7", 0, 60, 8.0, cost=20.0, currency="SEK")
    (after,) = settle(PLACE, [seen(0, 60, 5.0, cost=1.25)], [paid], NOW)
    assert (after.cost, after.currency) == (20.0, "SEK")
    (after,) = settle(PLACE, [seen(0, 60, 8.0, cost=1.25)], [paid], NOW)
    assert (after.cost, after.currency) == (1.25, "EUR")  # ours stays, and so does its currency
    (missed,) = settle(PLACE, [], [paid], NOW)
    assert (missed.cost, missed.currency) == (20.0, "SEK")


@pytest.mark.parametrize(
    ("record", "transaction"),
    [
        (seen(0, 60), told("7", 0.5, 61)),  # two words on one start
        (seen(20, 60, times_given=False, not_before=at(-500)), told("7", 0, 60)),  # found on
        (seen(0, 20, times_given=False, not_after=at(400)), told("7", 0, 60)),  # its end not seen
        (seen(90, 90, times_given=False, not_before=at(-500)), told("7", 0, 60)),  # missed, no times given
        (seen(0, 400, times_given=False), told("7", 0, 60)),  # its start given, its end noticed late
        (seen(0, 60, times_given=False), told("7", -3, 58)),  # our clock is not theirs
    ],
)
def test_a_transaction_of_a_record_is_found(record: SessionRecord, transaction: Transaction) -> None:
    (after,) = settle(PLACE, [record], [transaction], NOW)
    assert (after.number, after.transaction) == (1, "7")


@pytest.mark.parametrize(
    "transaction",
    [
        told("7", 0, None),  # still running
        told("7", 0, 60, 0.0),  # nothing was delivered
        told("7", 0, 60, evse_id="BCU2"),
        told("7", -60 * 24 * 31, -60 * 24 * 31 + 60),  # before the charge point was known
        told("7", 60 * 24 - 30, 60 * 24 - 5),  # the bridge may still see it
    ],
)
def test_open_empty_foreign_or_recent_transactions_are_no_missed_sessions(transaction: Transaction) -> None:
    assert settle(PLACE, [], [transaction], NOW) == []


def test_nothing_is_filled_while_the_socket_cannot_be_seen() -> None:
    blind = replace(PLACE, in_sight=False)
    assert settle(blind, [], [told("7", 0, 60)], NOW) == []
    assert len(settle(blind, [seen(0, 60)], [told("7", 0, 60)], NOW)) == 1  # a match still counts


def test_an_open_session_is_not_changed() -> None:
    assert settle(PLACE, [seen(0, None)], [told("7", 0, 60)], NOW) == []
    on = seen(100, None, times_given=False, not_before=at(-1000))
    (filled,) = settle(PLACE, [on], [told("7", 0, 60)], NOW)  # but one before it was missed
    assert filled.number == -1


def test_a_missed_session_is_added_with_a_negative_number() -> None:
    transactions = [told("8", 200, 260, 6.0), told("7", 100, 160, 7.0, cost=1.5, card="C")]
    first, second = settle(PLACE, [seen(0, 60)], transactions, NOW)
    assert (first.number, first.transaction, first.energy, first.cost, first.card) == (-1, "7", 7.0, 1.5, "C")
    assert (first.started_at, first.ended_at, first.times_given) == (at(100), at(160), True)
    assert (second.number, second.transaction) == (-2, "8")


def test_final_figures_replace_preliminary_ones() -> None:
    (first,) = settle(PLACE, [], [told("7", 0, 60, 4.0, cost=1.0)], NOW)
    (final,) = settle(PLACE, [first], [told("7", 0, 61, 4.5, cost=0.9)], NOW)
    assert (final.number, final.energy, final.cost, final.ended_at) == (-1, 4.5, 0.9, at(61))
    assert settle(PLACE, [final], [told("7", 0, 61, 4.5, cost=0.9)], NOW) == []


def test_two_short_sessions_in_a_row_keep_their_own_transactions() -> None:
    records = [seen(0, 4, 1.0), seen(5, 9, 2.0, number=2)]
    transactions = [told("7", 0, 4, 1.0), told("8", 5, 9, 2.0)]
    for given_ in (transactions, transactions[::-1], transactions[:1], transactions[1:]):
        pairs = {record.number: record.transaction for record in settle(PLACE, records, given_, NOW)}
        assert pairs == {number: id_ for number, id_ in ((1, "7"), (2, "8")) if id_ in {one.id for one in given_}}


def test_energy_that_a_session_has_counted_is_not_added() -> None:
    """Two transactions in one session: the cloud ended one and began the next, and the bridge saw one go on."""
    whole = seen(0, 120, 12.0)
    changed = settle(PLACE, [whole], [told("7", 0, 60, 5.0), told("8", 61, 120, 7.0)], NOW)
    assert [record.energy for record in changed] == [12.0]


def test_a_transaction_is_added_to_its_own_socket() -> None:
    places = [replace(PLACE, socket=number, address=f"BCU1_{number}") for number in (1, 2)]
    transactions = [told("7", 0, 60, socket=1), told("8", 0, 60, socket=2), told("9", 100, 160, socket=None)]
    filled = [settle(place, [], transactions, NOW) for place in places]
    assert [[(one.socket, one.transaction) for one in records] for records in filled] == [[(1, "7")], [(2, "8")]]


def test_transactions_in_the_repeated_hour_match_their_records() -> None:
    """02:10 to 02:40, then 02:50 to 02:05, then 02:15 to 04:00, of which only the last was noticed, and misread."""

    def wall(hour: int, minute: int) -> datetime:
        return from_wall_clock(datetime(2026, 10, 25, hour, minute))

    later = timedelta(hours=1)
    transactions = [
        replace(told("1", 0, 0, 3.0), started_at=wall(2, 10), ended_at=wall(2, 40)),
        replace(told("2", 0, 0, 2.0), started_at=wall(2, 50), ended_at=wall(2, 5) + later),
        replace(told("3", 0, 0, 9.0), started_at=wall(2, 15), ended_at=wall(4, 0)),
    ]
    noticed = replace(seen(0, 0, 9.0), started_at=wall(2, 15), ended_at=wall(4, 0))
    changed = settle(PLACE, [noticed], transactions, NOW)
    assert {one.transaction: one.started_at for one in changed} == {
        "1": wall(2, 10),
        "2": wall(2, 50),
        "3": wall(2, 15) + later,
    }
    assert sorted(one.energy for one in changed) == [2.0, 3.0, 9.0]


# --- with the memory ---


def test_corrected_records_correct_the_lifetime_energy() -> None:
    memory = Memory(
        session=Session(number=3, seen_from=at(0), seen_to=at(60), open=False, energy=5.0, started_at=at(0)),
        earlier_energy=20.0,
        previous_energy=8.0,
    )
    latest = seen(0, 60, 6.0, number=3, cost=1.5, card="C", transaction="7")
    after = corrected(memory, latest, seen(0, 60, 5.0, number=3))
    assert after.lifetime_energy == 26.0
    assert after.session is not None
    assert (after.session.cost, after.session.card, after.session.transaction) == (1.5, "C", "7")
    assert record_of(Twin(evse_id="BCU1", memory=after), after.session) == latest
    previous = corrected(memory, seen(-200, -100, 9.0, number=2), seen(-200, -100, 8.0, number=2))
    assert (previous.lifetime_energy, previous.previous_energy) == (26.0, 9.0)
    filled = corrected(memory, seen(-90, -30, 4.0, number=-1), None)
    assert (filled.lifetime_energy, filled.previous_energy) == (29.0, 8.0)


# --- in any order ---

PERIODS = st.lists(st.tuples(st.integers(1, 90), st.integers(2, 90), st.integers(1, 40)), min_size=1, max_size=7)
"""Sessions: minutes before it, minutes of it, energy in tenths of a kWh."""


@given(
    periods=PERIODS,
    sight=st.lists(st.tuples(st.integers(1, 200), st.booleans()), max_size=12),
    fills=st.sets(st.integers(0, 900), max_size=8),
    times=st.booleans(),
)
def test_no_energy_is_counted_twice(
    periods: list[tuple[int, int, int]], sight: list[tuple[int, bool]], fills: set[int], times: bool
) -> None:
    """A socket with gaps in its sight, and transactions read at any time: the sums are right in the end."""
    sessions: list[tuple[int, int, float]] = []
    minute = 1
    for gap, length, tenths in periods:
        sessions.append((minute + gap, minute + gap + length, tenths / 10))
        minute += gap + length
    visible: dict[int, bool] = {}
    look = 0
    for length, can_see in sight:
        visible |= dict.fromkeys(range(look, look + length), can_see)
        look += length
    end = minute + 30
    twin, ledger = Twin(evse_id="BCU1"), dict[int, SessionRecord]()

    def put(after: Twin) -> None:
        nonlocal twin
        ledger.update({record.number: record for record in records_of(twin, after)})
        twin = after

    def fill(now: int) -> None:
        place = replace(PLACE, in_sight=twin.memory.blind_since is None)
        known = [told(str(i), s, e, kwh) for i, (s, e, kwh) in enumerate(sessions) if e <= now]
        known += [told(str(i), s, None, 0.0) for i, (s, e, kwh) in enumerate(sessions) if s <= now < e]
        changed = settle(place, ledger.values(), known, at(now))
        before = dict(ledger)
        ledger.update({record.number: record for record in changed})
        put(
            twin.remembering(
                lambda memory: reduce(
                    lambda m, record: corrected(m, record, before.get(record.number)), changed, memory
                )
            )
        )
        assert settle(place, ledger.values(), known, at(now)) == []

    most = 0.0
    for now in range(end):
        if not visible.get(now, True) and now < end - 15:  # in the end it is seen again
            put(twin.link_lost(at(now)))
        else:
            put(twin.link_found().pushed(_status(sessions, now, times=times), at(now)))
        if now in fills:
            fill(now)
        total = sum(record.energy for record in ledger.values())
        assert total == pytest.approx(twin.memory.lifetime_energy, abs=1e-9)
        assert total >= most - 1e-9  # a meter never falls
        most = total
    fill(end)
    truth = sum(kwh for _, _, kwh in sessions)
    ids = [record.transaction for record in ledger.values() if record.transaction is not None]
    assert len(ids) == len(set(ids))
    total = sum(record.energy for record in ledger.values())
    if times:
        assert total == pytest.approx(truth, abs=0.01 * len(sessions))
        assert len(ledger) == len(sessions)


def _status(sessions: list[tuple[int, int, float]], now: int, *, times: bool) -> Update[Status]:
    """The session that the cloud shows at a minute: the current one, or the last one."""
    begun = [one for one in sessions if one[0] <= now]
    if not begun:
        status = Status(activity=Activity.AVAILABLE, vehicle=Vehicle.NONE, energy=0.0)
    else:
        start, end, kwh = begun[-1]
        on = now < end
        status = Status(
            activity=Activity.CHARGING if on else Activity.AVAILABLE,
            vehicle=Vehicle.READY if on else Vehicle.NONE,
            energy=round(kwh * min(1.0, (now - start) / (end - start)), 3),
            started_at=at(start) if times else None,
            stopped_at=at(end) if times and not on else None,
        )
    names = {name: getattr(status, name) for name in Status.__slots__}
    return Update(Status(**names), frozenset(names))
