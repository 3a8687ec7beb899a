"""Sessions on disk: through restarts, filled from the account's transactions, and on the command line."""

import csv
import io
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.session import Memory
from bridge.commandline.cli import app
from bridge.simulator.car import Car
from bridge.storage.peek import Peek
from bridge.storage.storage import Storage
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House


@pytest.fixture
async def house(build: HouseMaker) -> AsyncIterator[House]:
    """A bridge with a test clock, and a cloud with websocket and REST API."""
    async with build(clock=FakeClock(), side=True) as made:
        yield made


def clock_of(house: House) -> FakeClock:
    """Its clock."""
    assert isinstance(house.clock, FakeClock)
    return house.clock


async def charge(house: House, minutes: float) -> None:
    """Let time pass at the charge point, and push its status."""
    clock_of(house).move(minutes * 60)
    house[SOCKET].step(minutes * 60)
    await house.push(SOCKET)


async def rows(house: House, count: int) -> list[SessionRecord]:
    """The sessions of the charge point on disk, once their number is reached."""
    peek = Peek(house.settings.storage.path)
    await house.hub.until(lambda: len(peek.sessions(address=SOCKET)) >= count)
    return peek.sessions(address=SOCKET)


def meter(house: House) -> float:
    """The lifetime energy that the bridge knows."""
    assert house.service is not None
    twin = house.service.fleet.twin(SOCKET)
    assert twin is not None
    return twin.memory.lifetime_energy


def latest_energy(house: House) -> float:
    """The energy of the latest session in the bridge."""
    assert house.service is not None
    twin = house.service.fleet.twin(SOCKET)
    assert twin is not None
    assert twin.memory.session is not None
    return twin.memory.session.energy


async def test_a_session_over_several_restarts_is_one_row(house: House) -> None:
    point = house[SOCKET]
    point.plug(Car())
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start")
    for restart in (house.stop, house.kill, house.stop):
        await charge(house, 10)
        await restart()
        clock_of(house).move(60)
        await house.start()
    await charge(house, 30)
    point.unplug()
    await house.push(SOCKET)
    await house.hub.until(lambda: Peek(house.settings.storage.path).sessions()[0].ended_at is not None)
    (row,) = await rows(house, 1)
    transaction = point.transactions[0]
    assert (row.number, row.evse_id, row.socket) == (1, SOCKET, None)
    assert row.energy == pytest.approx(transaction.kwh, abs=0.001)
    assert row.cost == pytest.approx(transaction.cost_eur, abs=0.01)
    assert row.peak_power == pytest.approx(3 * 16 * 231)
    assert row.card == "046C8CCA8C1D90"  # of the start by the hub
    assert (row.started_at, row.ended_at, row.times_given) == (transaction.started_at, transaction.ended_at, True)
    assert row.average_power == pytest.approx(row.energy * 1000 / (63 / 60), rel=0.001)
    assert meter(house) == pytest.approx(row.energy, abs=0.001)


async def test_sessions_while_the_bridge_was_away_are_recorded(house: House) -> None:
    """One session ends, a second one is missed, and a third is seen: one row each, and a correct meter."""
    point, clock = house[SOCKET], clock_of(house)
    point.plug(Car())
    point.start("A1B2C3D4E5F6")
    await charge(house, 10)
    await rows(house, 1)
    await house.kill()
    for minutes in (20, 40):
        clock.move(minutes * 60)
        point.step(minutes * 60)
        point.unplug()
        clock.move(1800)
        point.plug(Car())
        point.start("A1B2C3D4E5F6")
    clock.move(600)
    point.step(600)
    await house.start()
    # The first status still has the start of the session before, and a transaction may be news for a while. So the
    # one that was missed is found some minutes later.
    for _ in range(21):
        await charge(house, 1)
        await house.hub.until(lambda: latest_energy(house) == round(point.transactions[-1].kwh, 3))
    found = await rows(house, 3)
    first, missed, on = found
    transactions = point.transactions
    assert [row.number for row in found] == [1, -1, 2]
    assert [row.energy for row in found] == [pytest.approx(one.kwh, abs=0.001) for one in transactions]
    assert [row.started_at for row in found] == [one.started_at for one in transactions]
    assert [row.ended_at for row in found] == [one.ended_at for one in transactions]
    assert [row.transaction for row in found] == ["1000", "1001", None]
    assert (first.card, missed.card, on.card) == ("A1B2C3D4E5F6", "A1B2C3D4E5F6", None)
    assert missed.cost == pytest.approx(transactions[1].cost_eur, abs=0.01)
    assert meter(house) == pytest.approx(sum(one.kwh for one in transactions), abs=0.003)
    said = [line for line in house.log_lines() if "had missed" in line["event"]]
    assert [(line["sessions"], line["address"]) for line in said] == [(1, SOCKET)]
    report = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", count=2)
    assert max(float(str(one.message.value)) for one in report) >= sum(one.kwh for one in transactions) - 0.01
    # A day later they are read again, and nothing changes.
    asked = house.cloud.rest_calls["gettransactions"]
    assert asked == 2  # after the spell, of both charge points; the first start has nothing to correct
    await clock.pass_by(24 * 3600 + 1, step=3600)
    await house.hub.until(lambda: house.cloud.rest_calls["gettransactions"] > asked)
    await house.stop()
    assert len(await rows(house, 3)) == 3


async def test_transactions_that_cannot_be_read_change_nothing_else(build: HouseMaker) -> None:
    async with build(clock=FakeClock(), side=False) as house:
        await clock_of(house).pass_by(24 * 3600 + 1, step=3600)
        await house.hub.until(lambda: any("could not be read" in line["event"] for line in house.log_lines()))
        point = house[SOCKET]
        point.plug(Car())
        await house.push(SOCKET)
        await house.hub.command(SOCKET, "cmd.charge.start")
        assert len(await rows(house, 1)) == 1
        assert [line["event"] for line in house.log_lines() if "could not be read" in line["event"]] == [
            "the account's transactions could not be read; the sessions stay as the bridge has seen them"
        ]


async def test_a_full_disk_stops_no_report(house: House) -> None:
    assert house.service is not None
    connection = house.service.storage._database._connection
    connection.execute(f"PRAGMA max_page_count = {connection.execute('PRAGMA page_count').fetchone()[0]}")
    connection.execute("PRAGMA cache_size = 1")
    for number in range(50):
        house.service.storage.save_value(f"filler-{number}", "x" * 4000)
    point = house[SOCKET]
    point.plug(Car())
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start")
    mark = house.mark
    await charge(house, 10)
    await house.hub.expect("evt.current_session.report", SOCKET, since=mark)
    errors = [line for line in house.log_lines() if line["level"] == "error"]
    assert [line["event"].partition(";")[0] for line in errors] == ["the storage cannot be written"]
    connection.execute("PRAGMA max_page_count = 1000000")
    await clock_of(house).pass_by(61)
    (row,) = await rows(house, 1)
    assert row.energy == pytest.approx(point.transactions[0].kwh, abs=0.001)


# --- the command ---


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A storage of its own, for the command."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "bridge.db"
    monkeypatch.setenv("BRIDGE_STORAGE__PATH", str(path))
    return path


def sessions(*arguments: str) -> tuple[int, str, str]:
    """Run the command."""
    done = CliRunner().invoke(app, ["sessions", *arguments])
    return done.exit_code, done.stdout, done.stderr


def kept(evse_id: str, start: datetime, end: datetime | None, energy: float, **more: object) -> SessionRecord:
    """A session."""
    values = {
        "evse_id": evse_id, "address": evse_id, "number": start.toordinal() * 1440 + start.hour, "started_at": start,
        "ended_at": end, "times_given": True, "energy": energy, **more,
    }  # fmt: skip
    return SessionRecord(**values)  # type: ignore[arg-type] # by name


@pytest.fixture
def filled(path: Path) -> Storage:
    """Two charge points, two months, and a session over the end of the first."""
    from bridge.chargepoint.charge_point_settings import ChargePointSettings  # noqa: PLC0415 - only here

    storage = Storage(path)
    storage.save_charge_point("BCU1", ChargePointSettings(name="Driveway"))
    storage.save_charge_point("BCU2", ChargePointSettings(name='Carport, "left"'))
    records = [
        kept("BCU1", datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, tzinfo=UTC), 7.5,
             cost=1.875, peak_power=11088.4, card="A1", transaction="77"),
        kept("BCU2", from_wall_clock(datetime(2026, 10, 31, 23, 30)), from_wall_clock(datetime(2026, 11, 1, 2, 30)),
             12.25, times_given=False),
        kept("BCU1", from_wall_clock(datetime(2026, 11, 2, 18, 0)), None, 3.125, cost=0.5),
    ]  # fmt: skip
    storage.save_memories({"BCU1": Memory()}, datetime(2026, 11, 2, 18, tzinfo=UTC), records)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(
            "INSERT INTO session (address, number, evse_id, times_given, energy) VALUES ('BCU2', 0, 'BCU2', 0, 100.5)"
        )
        connection.commit()
    return storage


def test_the_table_has_sessions_and_totals(filled: Storage) -> None:
    code, out, err = sessions()  # while the service has the file open
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "Start              End               Charge point        kWh   EUR  Average kW  Peak kW  Card",
        "2026-10-25 02:30   03:30             Driveway          7.500  1.88         3.8     11.1  A1",
        '~2026-10-31 23:30  2026-11-01 02:30  Carport, "left"  12.250               4.1',
        "2026-11-02 18:00   charging          Driveway          3.125  0.50",
        "~ the cloud gave no times for this session; the times are those when the bridge saw it",
        "",
        "Month    Charge point     Sessions     kWh    EUR",
        "2026-10  Driveway                1   7.500   1.88",
        '2026-10  Carport, "left"         1  12.250',
        "2026-10  all                     2  19.750  1.88+",
        "2026-11  Driveway                1   3.125   0.50",
        "2026-11  all                     1   3.125   0.50",
        "All      Driveway                2  10.625   2.38",
        'All      Carport, "left"         1  12.250',
        "All      all                     3  22.875  2.38+",
        "+ the cost of some sessions is not known",
        'Carport, "left" had delivered 100.500 kWh before sessions were kept. Its meter counts them; no month does.',
    ]
    filled.close()
    assert sessions()[1] == out


def test_csv_has_sessions_and_totals(filled: Storage) -> None:
    code, out, _ = sessions("--format", "csv")
    assert code == 0
    first, second, third = csv.DictReader(io.StringIO(out, newline=""))
    assert first["started_at"] == "2026-10-25T02:30:00+02:00"
    assert first["ended_at"] == "2026-10-25T03:30:00+01:00"
    assert (first["charge_point"], first["energy_kwh"], first["cost_eur"]) == ("BCU1", "7.5", "1.88")
    assert (first["average_power_w"], first["peak_power_w"], first["card"]) == ("3750", "11088", "A1")
    assert (second["name"], second["times_given"], second["cost_eur"]) == ('Carport, "left"', "false", "")
    assert third["ended_at"] == ""
    code, out, _ = sessions("--format", "csv", "--totals")
    totals = list(csv.DictReader(io.StringIO(out, newline="")))
    assert [(one["month"], one["charge_point"], one["energy_kwh"]) for one in totals][-1] == ("all", "all", "22.875")
    filled.close()


def test_json_has_sessions_and_totals(filled: Storage) -> None:
    content = json.loads(sessions("--format", "json")[1])
    assert [one["energy_kwh"] for one in content["sessions"]] == [7.5, 12.25, 3.125]
    assert content["totals"][2] == {
        "month": "2026-10", "charge_point": "all", "name": "", "sessions": 2, "energy_kwh": 19.75, "cost_eur": 1.88,
        "sessions_without_cost": 1,
    }  # fmt: skip
    assert content["energy_before_kwh"] == {"BCU2": 100.5}
    filled.close()


def test_sessions_are_selected_by_charge_point_and_date(filled: Storage) -> None:
    for name in ("BCU1", "driveway"):
        content = json.loads(sessions("--format", "json", "--charge-point", name, "--since", "2026-11-01")[1])
        assert [one["energy_kwh"] for one in content["sessions"]] == [3.125]
        assert content["energy_before_kwh"] == {}
    filled.close()


@pytest.mark.parametrize(("form", "out"), [("csv", "charge_point,name,"), ("json", '{\n  "sessions": []')])
def test_a_missing_file_gives_an_empty_report(path: Path, form: str, out: str) -> None:
    code, told, err = sessions("--format", form)
    assert (code, err) == (0, f"No sessions: {path} does not exist.\n")
    assert told.startswith(out)
    assert not path.exists()
    code, told, err = sessions()
    assert (code, len(told.splitlines())) == (0, 3)  # two heads, and nothing under them


def test_a_newer_file_is_refused_in_one_line(path: Path, filled: Storage) -> None:
    filled.close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    for command in ("sessions", "run"):
        done = CliRunner().invoke(app, [command])
        assert done.exit_code == 2
        assert len(done.stderr.splitlines()) == 1
        assert "written by a newer version of the bridge (storage version 99" in done.stderr


def test_a_second_service_is_refused_in_one_line(filled: Storage) -> None:
    done = CliRunner().invoke(app, ["run"])
    assert done.exit_code == 1
    assert "is in use by another bridge" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    filled.close()
