"""Files of version 1, damaged files, and storages whose log a test reads."""

import io
import json
import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bridge.chargepoint.session import Memory, Session
from bridge.logs import Log
from bridge.storage.storage import Storage

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


# --- damage ---


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
