"""Files of older and newer versions of the bridge."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bridge.account.capabilities import Capabilities
from bridge.chargepoint.session import Memory
from bridge.storage import schema
from bridge.storage.database import StorageUnusable
from bridge.storage.peek import Peek
from bridge.storage.storage import Outcome
from tests.unit.storage.database_files import NOTHING, NOW, OPEN, OVER, Opening, no_database, old_file

# --- older and newer ---


def test_a_file_of_version_1_is_upgraded_and_nothing_is_lost(path: Path, opening: Opening) -> None:
    old_file(path, BCU1=OVER, BCU2_2=OPEN, BCU2_1=NOTHING, BCU9_1=OPEN)
    storage = opening(path)
    assert storage.value("login") == "secret"
    assert storage.outcome("u-1") == Outcome("ERR_TIMEOUT", "")
    assert storage.inclusions() == {"BCU1": {"address": "BCU1"}}
    assert storage.charge_points()["BCU1"].name == "Home"
    assert storage.known_since() == {"BCU1": NOW, "BCU2": NOW}
    assert storage.energy_before() == {"BCU1": 120.25}
    over, open_, orphan = (
        storage.sessions(address="BCU1")[0],
        storage.sessions(address="BCU2_2")[0],
        storage.sessions(address="BCU9_1")[0],
    )
    assert (over.evse_id, over.socket, over.number, over.energy) == ("BCU1", None, 8, 9.5)
    assert over.started_at == datetime(2026, 11, 19, 16, 59, 58, tzinfo=UTC)
    assert over.ended_at == datetime(2026, 11, 19, 20, 0, 5, tzinfo=UTC)
    assert over.times_given
    assert (open_.evse_id, open_.socket, open_.number, open_.ended_at) == ("BCU2", 2, 1, None)
    assert not open_.times_given
    assert (orphan.evse_id, orphan.socket) == ("BCU9_1", None)  # its charge point had left the account
    memories = storage.memories()
    assert set(memories) == {"BCU1", "BCU2/1", "BCU2/2", "BCU9_1"}
    for identity, memory in memories.items():
        address = identity.replace("/", "_")
        rows = sum(record.energy for record in storage.sessions(address=address))
        assert rows + storage.energy_before().get(address, 0) == pytest.approx(memory.lifetime_energy, abs=1e-9)
    assert [line["was"] for line in opening.lines()] == [1]
    storage.close()
    again = opening(path)
    assert len(again.sessions()) == 3
    assert len(opening.lines()) == 1
    again.close()


@pytest.mark.parametrize(
    ("stored", "overrides_known", "takes_socket_id"),
    [
        ((), True, False),
        (("unlock_unknown",), True, False),
        (("overrides_unknown",), False, False),
        (("takes_socket_ids", "unlock_unknown"), True, True),
        (("overrides_unknown", "takes_socket_ids", "unlock_unknown"), False, True),
    ],
)
def test_capabilities_of_version_1_are_kept(
    path: Path, opening: Opening, stored: tuple[str, ...], overrides_known: bool, takes_socket_id: bool
) -> None:
    old_file(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executemany("INSERT INTO value VALUES (?, 'true')", [(name,) for name in stored])
        connection.commit()
    storage = opening(path)
    known = Capabilities(storage)
    assert (known.overrides_known, known.takes_socket_id) == (overrides_known, takes_socket_id)
    assert known.unlocks("BCU1")  # on which charge point an unlock had failed was not kept
    assert storage.value("login") == "secret"
    assert [storage.value(name) for name in ("overrides_unknown", "takes_socket_ids", "unlock_unknown")] == [None] * 3
    storage.close()


def test_a_file_of_version_2_has_costs_in_euros_and_no_single_phase(path: Path, opening: Opening) -> None:
    old_file(path, BCU1=OVER)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in schema.MIGRATIONS[1]:
            connection.create_function("moment", 0, NOW.isoformat)
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 2")
        connection.execute("UPDATE session SET cost = 2.5 WHERE number = 8")
        connection.execute(
            "INSERT INTO session (address, number, evse_id, socket, started_at, times_given, energy)"
            " VALUES ('BCU7_2', 1, 'BCU7', 2, '2026-11-19T12:00:00+00:00', 1, 2)"  # it has left the account
        )
        for address, phases in (("BCU1", 1), ("BCU2", 3), ("BCU2_1", 3), ("BCU7_2", 3), ("BCU8_1", 3)):
            content = json.dumps({"traits": {"max_current": 16, "phases": phases}, "limits": {}})
            connection.execute("INSERT INTO steering VALUES (?, ?)", (address, content))
    before = Peek(path).sessions()
    assert [(one.cost, one.currency) for one in before] == [
        (None, "EUR"),
        (2.5, "EUR"),
    ]  # the service has not upgraded it yet
    storage = opening(path)
    assert storage.sessions() == before
    observed = {address: steering.observed for address, steering in storage.steerings().items()}
    assert (observed["BCU1"].phases, observed["BCU2"].phases) == (None, 3)
    assert observed["BCU1"].max_current == 16
    assert set(observed) == {"BCU1", "BCU2", "BCU2/1", "BCU7/2", "BCU8_1"}
    storage.close()


def test_an_upgrade_that_fails_leaves_the_file_as_it_was(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old_file(path, BCU1=OVER)
    broken = (*schema.MIGRATIONS[1], "INSERT INTO value VALUES ('login', 'twice')")
    monkeypatch.setattr(schema, "MIGRATIONS", (schema.MIGRATIONS[0], broken))
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        before = list(connection.iterdump())
        with pytest.raises(sqlite3.IntegrityError):
            schema.upgrade(connection, NOW)
        assert list(connection.iterdump()) == before
        assert schema.version_of(connection) == 1


def test_a_new_file_and_an_upgraded_one_have_the_same_tables(tmp_path: Path, opening: Opening) -> None:
    old_file(tmp_path / "old.db")
    tables = []
    for name in ("old.db", "new.db"):
        opening(tmp_path / name).close()
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE sql IS NOT NULL")]
            tables.append({name: connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names})
    assert tables[0] == tables[1]
    assert {"session", "steering"} <= set(tables[0])


def test_a_newer_file_is_refused_and_not_touched(path: Path, opening: Opening) -> None:
    opening(path).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    content = path.read_bytes()
    with pytest.raises(StorageUnusable, match=r"newer version of the bridge .*Install that version") as caught:
        opening(path)
    assert caught.value.permanent
    assert path.read_bytes() == content
    with pytest.raises(StorageUnusable, match="newer"):
        Peek(path).sessions()
    assert Peek(path).value("login") is None


def test_another_programs_database_is_refused_and_not_touched(path: Path, opening: Opening) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    content = path.read_bytes()
    with pytest.raises(StorageUnusable, match="another program's database"):
        opening(path)
    assert path.read_bytes() == content


# --- read while the service is not running, or is ---


def test_a_reader_opens_files_of_every_version(path: Path, opening: Opening) -> None:
    peek = Peek(path)
    assert (peek.value("login"), peek.sessions(), peek.energy_before(), peek.names()) == (None, [], {}, {})
    assert not path.exists()
    old_file(path, BCU1=OVER)
    assert (peek.value("login"), peek.sessions(), peek.has_sessions()) == ("secret", [], False)
    assert peek.names()["BCU1"] == "Home"
    storage = opening(path)
    storage.save_memories({"BCU1": Memory()}, NOW + timedelta(minutes=1))
    assert [record.number for record in peek.sessions()] == [8]  # while the service runs
    storage.close()
    assert [record.number for record in peek.sessions()] == [8]
    no_database(path)
    with pytest.raises(StorageUnusable, match="cannot be read"):
        peek.sessions()
    assert peek.value("login") is None
