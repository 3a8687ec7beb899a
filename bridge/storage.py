"""What must survive a restart, in one SQLite file.

Calls are made from the event loop and do not wait for the disk: in WAL mode with `synchronous=NORMAL` a commit is a
write to the page cache. A crash of the process loses nothing; a power cut may lose the last moments, never the file.
"""

import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import JsonValue, TypeAdapter

from bridge.chargepoint.evse import Evse
from bridge.chargepoint.session import Memory, lose_sight
from bridge.errors import ErrorCode

VERSION: Final = 1
"""The format of the file, as its `user_version` says."""

COMMANDS_KEPT: Final = 1000
"""How many acting commands are remembered by their `uid` (contract 8)."""

SCHEMA: Final = """
CREATE TABLE charge_point (
    evse_id     TEXT PRIMARY KEY,
    description TEXT NOT NULL          -- JSON of an Evse: how it is known while the cloud is away
) STRICT, WITHOUT ROWID;

CREATE TABLE memory (
    address     TEXT PRIMARY KEY,      -- of the socket
    content     TEXT NOT NULL,         -- JSON of a Memory
    written_at  TEXT NOT NULL          -- until then at least the socket was in sight
) STRICT, WITHOUT ROWID;

CREATE TABLE thing (
    address     TEXT PRIMARY KEY,
    inclusion   TEXT,                  -- JSON of the last inclusion report sent; null before the first
    excluded    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;

CREATE TABLE command (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    uid         TEXT NOT NULL UNIQUE,
    code        TEXT,                  -- what it was answered with, if with an error
    message     TEXT
) STRICT;

CREATE TABLE parameter (               -- what was set for a charge point and the cloud does not keep
    evse_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,         -- JSON
    PRIMARY KEY (evse_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE value (
    name        TEXT PRIMARY KEY,
    content     TEXT NOT NULL          -- JSON
) STRICT, WITHOUT ROWID;
"""

_MEMORY: Final = TypeAdapter(Memory)
_EVSE: Final = TypeAdapter(Evse)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an acting command was answered: with an error, or not (`code` is None)."""

    code: ErrorCode | None
    message: str


class Storage:
    """The file.

    Args:
        path: where it is; `:memory:` for none. Its folder is made, readable by the owner only.
    """

    def __init__(self, path: Path | str) -> None:
        if str(path) != ":memory:":
            _prepare(Path(path))
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = NORMAL")
        if self._version() == 0:
            self._connection.executescript(f"BEGIN; {SCHEMA} PRAGMA user_version = {VERSION}; COMMIT;")

    def _version(self) -> int:
        version = self._one("PRAGMA user_version")
        return version if isinstance(version, int) else 0

    def close(self) -> None:
        """Write everything into the file and close it."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def _one(self, sql: str, *parameters: object) -> object:
        with closing(self._connection.execute(sql, parameters)) as cursor:
            row = cursor.fetchone()
        return row[0] if row is not None else None

    # --- charge points ---

    def charge_points(self) -> dict[str, Evse]:
        """The charge points known when last heard of."""
        rows = self._connection.execute("SELECT evse_id, description FROM charge_point")
        return {evse_id: _EVSE.validate_json(description) for evse_id, description in rows}

    def save_charge_point(self, evse_id: str, evse: Evse) -> None:
        """Remember a charge point."""
        self._connection.execute(
            "INSERT INTO charge_point VALUES (?, ?) ON CONFLICT DO UPDATE SET description = excluded.description",
            (evse_id, _EVSE.dump_json(evse).decode()),
        )

    def forget_charge_point(self, evse_id: str) -> None:
        """It has left the account. What its sockets have delivered is kept: it may come back."""
        self._connection.execute("DELETE FROM charge_point WHERE evse_id = ?", (evse_id,))

    def memories(self) -> dict[str, Memory]:
        """What is remembered of each socket; it has been out of sight since it was written, if not for longer."""
        rows = self._connection.execute("SELECT address, content, written_at FROM memory")
        return {
            address: lose_sight(_MEMORY.validate_json(content), datetime.fromisoformat(written_at))
            for address, content, written_at in rows
        }

    def save_memories(self, memories: Mapping[str, Memory], now: datetime) -> None:
        """Remember sockets, all in one write."""
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO memory VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET content = excluded.content, written_at = excluded.written_at",
                [
                    (address, _MEMORY.dump_json(memory).decode(), now.isoformat())
                    for address, memory in memories.items()
                ],
            )

    # --- things ---

    def inclusions(self) -> dict[str, JsonValue]:
        """The last inclusion report sent of each thing."""
        rows = self._connection.execute("SELECT address, inclusion FROM thing WHERE inclusion IS NOT NULL")
        return {address: json.loads(inclusion) for address, inclusion in rows}

    def save_inclusion(self, address: str, report: JsonValue) -> None:
        """An inclusion report has been sent; None: the thing has been excluded."""
        text = json.dumps(report) if report is not None else None
        self._connection.execute(
            "INSERT INTO thing (address, inclusion) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET inclusion = excluded.inclusion",
            (address, text),
        )

    def excluded(self) -> set[str]:
        """The things that the user has deleted."""
        return {address for (address,) in self._connection.execute("SELECT address FROM thing WHERE excluded = 1")}

    def exclude(self, addresses: Iterable[str]) -> None:
        """The user has deleted these things; they stay away."""
        with self._transaction():
            self._connection.executemany(
                "INSERT INTO thing (address, excluded) VALUES (?, 1)"
                " ON CONFLICT DO UPDATE SET excluded = 1, inclusion = NULL",
                [(address,) for address in addresses],
            )

    def include_all(self) -> None:
        """The user wants all things back."""
        self._connection.execute("UPDATE thing SET excluded = 0")

    # --- commands ---

    def claim(self, uid: str) -> bool:
        """Note that this acting command is being carried out; False if it already was."""
        with self._transaction():
            cursor = self._connection.execute("INSERT OR IGNORE INTO command (uid) VALUES (?)", (uid,))
            if cursor.rowcount == 0:
                return False
            self._connection.execute(
                "DELETE FROM command WHERE number <= (SELECT max(number) FROM command) - ?", (COMMANDS_KEPT,)
            )
        return True

    def settle(self, uid: str, outcome: Outcome) -> None:
        """Note how it was answered."""
        self._connection.execute(
            "UPDATE command SET code = ?, message = ? WHERE uid = ?", (outcome.code, outcome.message, uid)
        )

    def outcome(self, uid: str) -> Outcome | None:
        """How it was answered; None if it is not known (any more)."""
        row = self._connection.execute("SELECT code, message FROM command WHERE uid = ?", (uid,)).fetchone()
        return Outcome(row[0], row[1] or "") if row is not None else None

    # --- parameters ---

    def parameters(self) -> dict[tuple[str, str], JsonValue]:
        """What was set for charge points, by evse_id and name."""
        rows = self._connection.execute("SELECT evse_id, name, content FROM parameter")
        return {(evse_id, name): json.loads(content) for evse_id, name, content in rows}

    def save_parameter(self, evse_id: str, name: str, content: JsonValue) -> None:
        """Keep one of them."""
        self._connection.execute(
            "INSERT INTO parameter VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content",
            (evse_id, name, json.dumps(content)),
        )

    def forget_parameters(self) -> None:
        """Forget all of them."""
        self._connection.execute("DELETE FROM parameter")

    # --- single values ---

    def value(self, name: str) -> JsonValue:
        """A single value; None if there is none."""
        text = self._one("SELECT content FROM value WHERE name = ?", name)
        return json.loads(text) if isinstance(text, str) else None

    def save_value(self, name: str, content: JsonValue) -> None:
        """Keep a single value; None forgets it."""
        if content is None:
            self._connection.execute("DELETE FROM value WHERE name = ?", (name,))
        else:
            self._connection.execute(
                "INSERT INTO value VALUES (?, ?) ON CONFLICT DO UPDATE SET content = excluded.content",
                (name, json.dumps(content)),
            )


class Peek:
    """A look at single values of a file that perhaps another process has open; nothing is changed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def value(self, name: str) -> JsonValue:
        """A single value; None if there is none, or no file."""
        if not self._path.exists():
            return None
        try:
            with closing(sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
                row = connection.execute("SELECT content FROM value WHERE name = ?", (name,)).fetchone()
        except sqlite3.Error:
            return None
        return json.loads(row[0]) if row is not None else None

    def save_value(self, name: str, content: JsonValue) -> None:
        """Refuse: this is only a look."""
        raise TypeError(f"{name} cannot be set to {content!r} here")


def _prepare(path: Path) -> None:
    """Make the folder and the file, readable by the owner only: a login is kept in it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    path.chmod(0o600)
