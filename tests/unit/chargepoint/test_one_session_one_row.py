"""One session is one row, however short it is and whatever hides it, and its energy is counted once."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.chargepoint.records import SessionRecord, corrected, records_of
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.transaction_matching import Transaction, settle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from tests.unit.chargepoint.test_transaction_matching import NOON, NOW, PLACE

HOUR = 3600


def at(seconds: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(seconds=seconds)


def told(start: float, end: float, energy: float = 0.025, id_: str = "7") -> Transaction:
    """A transaction; its times in seconds."""
    return Transaction(id=id_, evse_id="BCU1", started_at=at(start), ended_at=at(end), energy=energy)


def on(start: float, *, not_before: float | None = None, times_given: bool = True) -> SessionRecord:
    """A session that is open on disk."""
    return SessionRecord(
        evse_id="BCU1",
        address="BCU1",
        number=1,
        started_at=at(start),
        times_given=times_given,
        not_before=at(not_before) if not_before is not None else None,
        energy=0.025,
    )


@pytest.mark.parametrize(
    ("record", "transaction"),
    [
        pytest.param(on(0), told(0, 17), id="shorter than a minute"),
        pytest.param(on(0), told(0, 0), id="shorter than a second"),
        pytest.param(on(0), told(0, HOUR), id="an hour long"),
        pytest.param(on(0), told(-50, -20), id="by a clock that is slow"),
        pytest.param(on(0), told(55, 70), id="by a clock that is fast"),
        pytest.param(on(0, times_given=False), told(-50, 5), id="seen to begin a little late"),
        pytest.param(on(0, not_before=-HOUR, times_given=False), told(-HOUR / 2, 17), id="found open"),
        pytest.param(on(0, not_before=-HOUR, times_given=False), told(-30, -20), id="found open by a fast clock"),
        pytest.param(on(0, not_before=-HOUR, times_given=False), told(30, 40), id="found open by a slow clock"),
    ],
)
def test_the_transaction_of_an_open_session_is_no_missed_session(
    record: SessionRecord, transaction: Transaction
) -> None:
    assert settle(PLACE, [record], [transaction], NOW) == []
    ended = replace(record, ended_at=transaction.ended_at if record.times_given else max(at(20), record.started_at))
    changed = settle(PLACE, [ended], [transaction], NOW)
    assert [(one.number, one.transaction) for one in changed] == [(1, "7")]


@pytest.mark.parametrize(
    ("record", "transaction"),
    [
        pytest.param(on(0), told(-HOUR, -1), id="right before it"),
        pytest.param(on(0), told(-200, -100), id="a short one before it"),
        pytest.param(on(0, not_before=-HOUR, times_given=False), told(-HOUR / 2, -100), id="over when it was found"),
        pytest.param(on(0, not_before=-HOUR, times_given=False), told(-2 * HOUR, -HOUR / 2), id="begun before that"),
    ],
)
def test_a_missed_session_before_an_open_one_is_filled_in(record: SessionRecord, transaction: Transaction) -> None:
    (filled,) = settle(PLACE, [record], [transaction], NOW)
    assert (filled.number, filled.transaction, filled.energy) == (-1, "7", 0.025)


# --- a life of a socket, to the second ---


@dataclass
class Life:
    """What a socket does, what hides it, and what the bridge makes of it.

    Attributes:
        sessions: start and end in seconds, and energy in kWh.
        covers: start and end in seconds, and what hides the sessions: `blind`, `error` or `unavailable`.
        skew: how far the cloud's clock is ahead of the bridge's, s.
    """

    sessions: list[tuple[int, int, float]]
    covers: list[tuple[int, int, str]]
    skew: int
    twin: Twin = field(default_factory=lambda: Twin(evse_id="BCU1"))
    rows: dict[int, SessionRecord] = field(default_factory=dict)

    def put(self, twin: Twin) -> None:
        """The twin changed."""
        self.rows.update({record.number: record for record in records_of(self.twin, twin)})
        self.twin = twin

    def look(self, second: int) -> None:
        """A moment passes; if the socket can be seen, a push arrives."""
        cover = next((kind for start, end, kind in self.covers if start <= second < end), "")
        if cover == "blind":
            self.put(self.twin.link_lost(at(second)))
        else:
            self.put(self.twin.link_found().pushed(self._status(second, cover), at(second)))

    def _status(self, second: int, cover: str) -> Update[Status]:
        begun = [one for one in self.sessions if one[0] <= second]
        over = [one for one in begun if one[1] <= second]
        start, end, kwh = begun[-1] if begun else (0, 0, 0.0)
        going = second < end
        activity = Activity.CHARGING if going else Activity.AVAILABLE
        status = Status(
            activity=Activity(cover) if cover else activity,
            vehicle=Vehicle.READY if going else Vehicle.NONE,
            energy=round(kwh * min(1.0, (second - start) / (end - start)), 3) if begun else 0.0,
            started_at=at(start + self.skew) if begun else None,
            stopped_at=at(over[-1][1] + self.skew) if over else None,
        )
        names = {name: getattr(status, name) for name in Status.__slots__}
        return Update(Status(**names), frozenset(names))

    def read(self, second: int) -> None:
        """The transactions are read; a second time they must change nothing."""
        known = [
            told(start + self.skew, end + self.skew, kwh, str(number))
            for number, (start, end, kwh) in enumerate(self.sessions)
            if end <= second
        ]
        place = replace(PLACE, in_sight=self.twin.shows_sessions)
        changed, before = settle(place, self.rows.values(), known, at(second)), dict(self.rows)
        self.rows.update({record.number: record for record in changed})
        self.put(
            self.twin.remembering(
                lambda memory: reduce(lambda m, one: corrected(m, one, before.get(one.number)), changed, memory)
            )
        )
        assert settle(place, self.rows.values(), known, at(second)) == []

    @property
    def energy(self) -> float:
        """The energy of all rows."""
        return sum(row.energy for row in self.rows.values())


def lived(
    periods: list[tuple[int, int, float]], hidden: list[tuple[int, int, str]], skew: int = 0
) -> tuple[Life, list[int]]:
    """A life, and its moments: sessions and what hides them, each as (s before it, s of it, what).

    No session begins behind `error` or `unavailable`, and none within a minute of the start of the last one while
    neither its start nor the end of the last one can be seen: these two cannot be told apart (contract 4, "Which
    session").
    """
    covers: list[tuple[int, int, str]] = []
    end = 0
    for gap, length, kind in hidden:
        covers.append((end + gap, end + gap + length, kind))  # with a gap of 0 one is behind the other
        end = covers[-1][1]
    sessions: list[tuple[int, int, float]] = []
    over, start = 0, -100

    def blind(second: int) -> bool:
        return any(kind == "blind" and begin <= second < until for begin, until, kind in covers)

    for gap, length, kwh in periods:
        last, start = start, over + gap
        if blind(start) and (blind(over) or start == over):
            start = max(start, last + 61)
        for begin, until, kind in covers:
            if kind != "blind" and begin <= start < until:
                start = until
        over = start + length
        sessions.append((start, over, kwh))
    last = max(over, end) + HOUR
    edges = {0, last, *(edge for start, end, _ in (*sessions, *covers) for edge in (start, (start + end) // 2, end))}
    return Life(sessions, covers, skew), sorted(edges | {edge + 7 for edge in edges})


SECONDS = st.one_of(st.integers(1, 120), st.integers(1, 4000))
GAPS = st.one_of(st.integers(0, 10), SECONDS)


@given(
    periods=st.lists(st.tuples(GAPS, SECONDS, st.sampled_from([0.004, 0.1, 0.1, 2.5])), min_size=1, max_size=5),
    hidden=st.lists(st.tuples(GAPS, SECONDS, st.sampled_from(["blind", "error", "unavailable"])), max_size=4),
    reads=st.sets(st.integers(0, 15000), max_size=6),
    skew=st.integers(-20, 20),
)
def test_every_session_is_one_row(
    periods: list[tuple[int, int, float]], hidden: list[tuple[int, int, str]], reads: set[int], skew: int
) -> None:
    life, moments = lived(periods, hidden, skew)
    most = 0.0
    for second in sorted({*moments, *(one for one in reads if one < moments[-1])}):
        life.look(second)
        if second in reads:
            life.read(second)
        assert life.energy == pytest.approx(life.twin.memory.lifetime_energy, abs=1e-9)
        assert life.energy >= most - 1e-9  # a meter never falls
        most = life.energy
    life.read(moments[-1])
    booked = [row.transaction for row in life.rows.values() if row.transaction is not None]
    assert len(set(booked)) == len(booked)
    assert len(life.rows) == len(life.sessions), life.rows
    assert life.energy == pytest.approx(sum(kwh for *_, kwh in life.sessions), abs=0.006 * len(life.sessions))


def test_a_session_that_ends_behind_an_error_is_not_filled_in_before_it_is_counted() -> None:
    """It begins out of sight, ends behind an error, and is told by the transactions before the error is over."""
    life, _ = lived([(10, 60, 1.0), (600, 300, 2.0)], [(300, 500, "blind"), (1, 3000, "error")])
    for second in (0, 10, 40, 70, 299, 300, 799, 801, 900, 980):
        life.look(second)
    life.read(2500)
    assert [row.number for row in life.rows.values()] == [1]
    life.look(3801)
    life.read(5000)
    assert [(row.number, row.transaction, row.energy) for row in life.rows.values()] == [(1, "0", 1.0), (2, "1", 2.0)]
