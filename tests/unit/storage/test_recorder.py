"""When the recorder writes."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.records import record_of
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.twin import Twin
from bridge.storage.recorder import ENERGY_EVERY, EVERY, GRIDS, GRIDS_EVERY, Recorder
from bridge.storage.storage import Storage

BEGIN = datetime(2026, 11, 21, 12, tzinfo=UTC)
SESSION = Session(number=1, seen_from=BEGIN, started_at=BEGIN)


class Desk:
    """A recorder, its storage, and a clock."""

    def __init__(self) -> None:
        self.now = BEGIN
        self.storage = Storage(":memory:", now=lambda: self.now)
        self.recorder = Recorder(self.storage, lambda: self.now)
        self.twin = Twin(evse_id="B", memory=Memory(session=SESSION))
        self.recorder.charge_point_changed(None, ChargePoint("B", (self.twin,)))

    def change(self, twin: Twin) -> None:
        """Change the twin."""
        before, self.twin = self.twin, twin
        self.recorder.charge_point_changed(ChargePoint("B", (before,)), ChargePoint("B", (twin,)))

    def session(self, **values: object) -> None:
        """Values of its session change."""
        session = self.twin.memory.session
        assert session is not None
        changed = replace(session, **values)  # type: ignore[arg-type] # by name
        self.change(replace(self.twin, memory=replace(self.twin.memory, session=changed)))

    def kept(self) -> tuple[float | None, list[float]]:
        """The energy on disk: of the memory, and of the records."""
        session = self.storage.memories()["B"].session
        return session.energy if session is not None else None, [one.energy for one in self.storage.sessions()]


@pytest.fixture
def desk() -> Iterator[Desk]:
    """One on which a session is on."""
    made = Desk()
    yield made
    made.storage.close()


def test_readings_are_written_once_a_minute(desk: Desk) -> None:
    assert desk.kept() == (0.0, [0.0])
    for _ in range(3):
        desk.session(energy=1.5, reading=1.5, cost=0.4, peak_power=11000.0)
    desk.now += EVERY - timedelta(seconds=1)
    desk.recorder.write_if_due()
    assert desk.kept() == (0.0, [0.0])
    desk.now += timedelta(seconds=1)
    desk.recorder.write_if_due()
    assert desk.kept() == (1.5, [1.5])
    written = desk.storage.changes
    desk.now += EVERY
    desk.recorder.write_if_due()
    assert desk.storage.changes == written  # nothing was new


def test_a_change_of_a_session_is_written_at_once_with_its_record(desk: Desk) -> None:
    desk.session(energy=2.0)
    desk.session(open=False, finished_at=BEGIN + timedelta(hours=1))
    assert desk.kept() == (2.0, [2.0])
    (record,) = desk.storage.sessions()
    assert record.ended_at == BEGIN + timedelta(hours=1)


def test_energy_is_on_disk_before_the_hub_is_told(desk: Desk) -> None:
    desk.session(energy=2.0, reading=2.0)
    assert desk.kept() == (0.0, [0.0])
    desk.now += ENERGY_EVERY
    desk.recorder.before_telling("B")
    assert desk.kept() == (2.0, [2.0])
    written = desk.storage.changes
    desk.session(peak_power=11000.0)
    desk.recorder.before_telling("B")
    desk.recorder.before_telling("another")
    assert desk.storage.changes == written  # its energy is on disk


def test_the_energy_of_every_socket_is_on_disk_before_the_hub_is_told_of_its_charge_point(desk: Desk) -> None:
    sockets = tuple(Twin(evse_id="C", socket=number, memory=Memory(session=SESSION)) for number in (1, 2))
    point = ChargePoint("C", sockets)
    desk.recorder.charge_point_changed(None, point)
    desk.now += ENERGY_EVERY
    second = replace(sockets[1], memory=Memory(session=replace(SESSION, energy=2.0, reading=2.0)))
    desk.recorder.charge_point_changed(point, point.with_twin(second))
    desk.recorder.before_telling("C")
    assert [desk.storage.memories()[f"C/{number}"].lifetime_energy for number in (1, 2)] == [0.0, 2.0]


def test_energy_that_is_told_more_often_is_on_disk_with_the_next_tick(desk: Desk) -> None:
    desk.now += ENERGY_EVERY
    for energy in (1.0, 2.0, 3.0):
        desk.session(energy=energy, reading=energy)
        desk.recorder.before_telling("B")
    assert desk.kept() == (1.0, [1.0])
    desk.recorder.write_if_due()
    assert desk.kept() == (3.0, [3.0])
    desk.session(energy=4.0, reading=4.0)
    desk.recorder.write_if_due()
    assert desk.kept() == (3.0, [3.0])  # the hub was not told of it
    desk.now -= ENERGY_EVERY
    desk.recorder.before_telling("B")
    assert desk.kept() == (4.0, [4.0])  # a clock that is set back holds nothing up


def test_a_wanted_limit_is_written_at_once(desk: Desk) -> None:
    desk.change(replace(desk.twin, limits=Limits(standing=10)))
    assert desk.storage.steerings()["B"].limits.standing == 10


def test_a_record_of_a_transaction_waits_for_the_next_write(desk: Desk) -> None:
    missed = replace(record_of(desk.twin, SESSION), number=-1, energy=7.0, ended_at=BEGIN)
    desk.recorder.note([missed])
    assert desk.kept()[1] == [0.0]
    desk.recorder.write()
    assert sorted(desk.kept()[1]) == [0.0, 7.0]


def test_closing_writes_the_state_and_the_time_out_of_sight(desk: Desk) -> None:
    desk.session(energy=3.0)
    desk.now += timedelta(seconds=5)
    desk.recorder.close([desk.twin])
    assert desk.kept() == (3.0, [3.0])
    assert desk.storage.memories()["B"].blind_since == BEGIN + timedelta(seconds=5)


def test_setting_the_clock_back_does_not_stop_writing(desk: Desk) -> None:
    desk.now -= timedelta(days=1)
    desk.session(energy=2.0)
    desk.now += EVERY
    desk.recorder.write_if_due()
    assert desk.kept() == (2.0, [2.0])


def test_a_new_grid_connection_is_on_disk_at_once_and_a_thousand_are_one_write(desk: Desk) -> None:
    for number in range(3):
        grid = GridTwin(grid=Grid(id=f"G{number}"), evse_ids=frozenset({"B"}))
        desk.recorder.grid_changed(None, grid)
        assert desk.storage.value(GRIDS) == {"G0": ["B"]}
    desk.recorder.write_if_due()
    assert desk.storage.value(GRIDS) == {"G0": ["B"], "G1": ["B"], "G2": ["B"]}
    desk.recorder.grid_changed(GridTwin(grid=Grid(id="G1")), None)
    assert desk.storage.value(GRIDS) == {"G0": ["B"], "G1": ["B"], "G2": ["B"]}
    desk.now += GRIDS_EVERY
    desk.recorder.grid_changed(GridTwin(grid=Grid(id="G2")), None)
    assert desk.storage.value(GRIDS) == {"G0": ["B"]}
