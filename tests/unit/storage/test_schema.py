"""Files of older and newer versions, damaged ones, and disks that cannot be written."""

import io
import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.account.capabilities import Capabilities
from bridge.chargepoint.session import Memory, Session
from bridge.logs import Log
from bridge.storage import schema
from bridge.storage.database import StorageUnusable
from bridge.storage.peek import Peek
from bridge.storage.storage import Outcome, Storage

NOW = datetime(2026, 11, 21, 8, 0, 0, tzinfo=UTC)

V1 = """
CREATE TABLE charge_point (evse_id TEXT PRIMARY KEY, description TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE memory (address TEXT PRIMARY KEY, content TEXT NOT NULL, written_at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE thing (address TEXT PRIMARY KEY, inclusion TEXT, excluded INTEGER NOT NULL DEFAULT 0)
    STRICT, WITHOUT ROWID;
CREATE TABLE command (number INTEGER PRIMARY KEY AUTOINCREMENT, uid TEXT NOT NULL UNIQUE, code TEXT, message TEXT)
    STRICT;
CREATE TABLE parameter (evse_id TEXT NOT NULL, name TEXT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (evse_id, name))
    STRICT, WITHOUT ROWID;
CREATE TABLE value (name TEXT PRIMARY KEY, content TEXT NOT NULL) STRICT, WITHOUT ROWID;
"""
"""The tables of version 1, as the first bridge made them."""

# Memories as version 1 wrote them.
OVER = {
    "session": {
        "number": 8, "seen_from": "2026-11-19T18:00:00.250000+01:00", "seen_to": "2026-11-19T20:00:10Z", "open": False,
        "energy": 9.5, "started_at": "2026-11-19T17:59:58+01:00", "finished_at": "2026-11-19T21:00:05+01:00",
        "drawn": True, "ended_by_us": False, "vehicle_seen": True, "vehicle_left": True, "forgotten": False,
        "resumed": False, "reading": 9.5, "stale_reading": None, "stale_start": None, "stale_stop": None,
    },
    "earlier_energy": 120.25, "previous_energy": 7.5, "start_accepted": None, "start_unknown": None, "ending": None,
    "unlocked": False, "blind_since": None,
}  # fmt: skip
OPEN = {
    "session": {
        "number": 1, "seen_from": "2026-11-20T23:30:00Z", "seen_to": None, "open": True, "energy": 1.25,
        "started_at": None, "finished_at": None, "drawn": True, "ended_by_us": False, "vehicle_seen": True,
        "vehicle_left": False, "forgotten": False, "resumed": False, "reading": 1.25, "stale_reading": None,
        "stale_start": None, "stale_stop": None,
    },
    "earlier_energy": 0.0, "previous_energy": None, "start_accepted": None, "start_unknown": None, "ending": None,
    "unlocked": False, "blind_since": "2026-11-21T00:00:00Z",
}  # fmt: skip
NOTHING: dict[str, Any] = {**OPEN, "session": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "bridge.db"


def old_file(path: Path, **memories: Any) -> None:
    """A file of version 1."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.executescript(V1)
        connection.execute("INSERT INTO charge_point VALUES ('BCU1', '{\"name\": \"Home\"}')")
        connection.execute("INSERT INTO charge_point VALUES ('BCU2', '{\"socket_ids\": [1, 2]}')")
        for address, content in memories.items():
            row = (address, json.dumps(content), "2026-11-21T07:00:00+00:00")
            connection.execute("INSERT INTO memory VALUES (?, ?, ?)", row)
        connection.execute("INSERT INTO thing VALUES ('BCU1', '{\"address\": \"BCU1\"}', 0)")
        connection.execute("INSERT INTO command (uid, code) VALUES ('u-1', 'ERR_TIMEOUT')")
        connection.execute("INSERT INTO value VALUES ('login', '\"secret\"')")
        connection.execute("PRAGMA user_version = 1")
        connection.commit()


class Opening:
    """Opens storages that log to where a test can read it."""

    def __init__(self) -> None:
        self.text = io.StringIO()

    def __call__(self, path: Path) -> Storage:
        return Storage(path, Log("debug", "json", self.text).logger, lambda: NOW)

    def lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.text.getvalue().splitlines()]


@pytest.fixture
def opening() -> Opening:
    """See `Opening`."""
    return Opening()


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
    for address, memory in memories.items():
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
def test_what_was_learned_of_the_cloud_is_taken_over(
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


def test_costs_of_a_file_of_version_2_are_in_euros_and_one_phase_says_nothing(path: Path, opening: Opening) -> None:
    old_file(path, BCU1=OVER)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in schema.MIGRATIONS[1]:
            connection.create_function("moment", 0, NOW.isoformat)
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 2")
        connection.execute("UPDATE session SET cost = 2.5 WHERE number = 8")
        for address, phases in (("BCU1", 1), ("BCU2", 3)):
            content = json.dumps({"traits": {"max_current": 16, "phases": phases}, "limits": {}})
            connection.execute("INSERT INTO steering VALUES (?, ?)", (address, content))
    before = Peek(path).sessions()
    assert [(one.cost, one.currency) for one in before] == [(2.5, "EUR")]  # the service has not upgraded it yet
    storage = opening(path)
    assert storage.sessions() == before
    observed = {address: steering.observed for address, steering in storage.steerings().items()}
    assert (observed["BCU1"].phases, observed["BCU2"].phases) == (None, 3)
    assert observed["BCU1"].max_current == 16
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


# --- damaged ---


def fill(path: Path, opening: Opening) -> None:
    """A file with something in it."""
    storage = opening(path)
    for number in range(400):
        storage.save_value(f"value-{number}", "x" * 200)
    storage.save_memories({"BCU1": Memory(session=Session(number=1, seen_from=NOW, energy=4.0))}, NOW)
    storage.close()


def no_database(path: Path) -> None:
    path.write_bytes(b"Not what you think it is. " * 400)


def bad_page(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for start in range(4096, len(content), 4096):
        content[start : start + 64] = os.urandom(64)
    path.write_bytes(content)


def cut_off(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 4096 * 3])


def bad_content(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE memory SET content = '{\"session\": 7}'")
        connection.commit()


def no_json(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE value SET content = 'half a'")
        connection.commit()


def no_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE thing")


@pytest.mark.parametrize("damage", [no_database, bad_page, cut_off, bad_content, no_json, no_table])
def test_a_damaged_file_is_set_aside_and_reported(path: Path, opening: Opening, damage: Any) -> None:
    fill(path, opening)
    damage(path)
    damaged = path.read_bytes()
    storage = opening(path)
    assert storage.value("value-1") is None
    assert storage.memories() == {}
    storage.save_value("new", 1)
    aside = path.with_name("bridge.db.damaged-20261121T080000")
    assert aside.read_bytes() == damaged
    error = next(line for line in opening.lines() if line["level"] == "error")
    assert error["set_aside"] == str(aside)
    assert "Sessions, lifetime energy, a login" in error["event"]
    storage.close()
    again = opening(path)
    assert again.value("new") == 1
    again.close()
    damage(path) if damage not in {bad_content, no_json} else no_database(path)
    opening(path).close()
    assert path.with_name("bridge.db.damaged-20261121T080000-2").exists()


def test_an_old_file_with_damaged_content_is_set_aside_too(path: Path, opening: Opening) -> None:
    old_file(path, BCU1="not a memory", BCU2_1=OVER)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE memory SET content = '{' WHERE address = 'BCU1'")
        connection.commit()
    opening(path).close()
    aside = path.with_name("bridge.db.damaged-20261121T080000")
    with closing(sqlite3.connect(aside)) as connection:
        assert schema.version_of(connection) == 1
    assert Peek(path).sessions() == []


def test_an_empty_file_is_a_new_one(path: Path, opening: Opening) -> None:
    path.touch()
    opening(path).close()
    assert opening.lines() == []


# --- locked and unreadable files ---


def test_a_second_bridge_is_refused(path: Path, opening: Opening) -> None:
    storage = opening(path)
    with pytest.raises(StorageUnusable, match="in use by another bridge") as caught:
        opening(path)
    assert not caught.value.permanent
    assert Peek(path).sessions() == []  # a reader may open it
    storage.close()
    opening(path).close()


def test_a_path_that_is_a_folder_is_refused(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "bridge.db").mkdir()
    with pytest.raises(StorageUnusable, match="cannot be used"):
        opening(tmp_path / "bridge.db")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnusable, match="must be able to write"):
        opening(tmp_path / "file" / "bridge.db")


def test_a_full_disk_costs_nothing_but_the_writing(path: Path, opening: Opening) -> None:
    storage = opening(path)
    storage.save_value("before", 1)
    connection = storage._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to be out of room
    for number in range(40):
        storage.save_value("large", "x" * 5000 * (number + 1))
    assert storage.claim("u-1")
    assert not storage.claim("u-1")
    storage.settle("u-1", Outcome("ERR_TIMEOUT", "Nobody knows."))
    storage.save_memories({"B": Memory(earlier_energy=3.0)}, NOW)
    storage.save_inclusion("B", {"address": "B"})
    assert storage.value("large") == "x" * 200_000  # the value is still known
    assert storage.outcome("u-1") == Outcome("ERR_TIMEOUT", "Nobody knows.")
    assert storage.memories() == {}
    assert [line["level"] for line in opening.lines()] == ["error"]  # logged once
    connection.execute("PRAGMA max_page_count = 100000")
    storage.write_owed()
    assert [line["level"] for line in opening.lines()] == ["error", "info"]
    storage.close()
    again = opening(path)
    assert again.value("large") == "x" * 200_000
    assert not again.claim("u-1")
    assert again.memories()["B"].earlier_energy == 3.0
    assert again.inclusions() == {"B": {"address": "B"}}
    again.close()


def test_a_lock_of_another_program_is_waited_out(path: Path, opening: Opening) -> None:
    storage = opening(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        storage.save_value("x", 1)
        other.execute("ROLLBACK")
    assert Peek(path).value("x") is None
    storage.write_owed()
    assert Peek(path).value("x") == 1
    storage.close()


# --- visitors ---


def test_a_visitor_looks_at_files_of_every_age(path: Path, opening: Opening) -> None:
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


def test_a_folder_that_may_not_be_written(unprivileged: Path) -> None:
    path = unprivileged / "bridge.db"
    unprivileged.chmod(0o500)
    with pytest.raises(StorageUnusable, match="Permission denied"):
        Storage(path)
    assert not path.exists()


def test_a_file_that_may_not_be_written(unprivileged: Path) -> None:
    path = unprivileged / "bridge.db"
    Storage(path).close()
    path.chmod(0o400)
    with pytest.raises(StorageUnusable) as raised:
        Storage(path)
    assert str(path) in str(raised.value)
    assert [file.name for file in unprivileged.iterdir() if "damaged" in file.name] == []
