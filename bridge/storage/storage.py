"""Everything that must survive a restart, in one SQLite file that `bridge.storage.database` reads and writes."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from pydantic import JsonValue
from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.session import Memory, lose_sight
from bridge.chargepoint.twin import Steering, Twin
from bridge.clock import SystemClock
from bridge.errors import ErrorCode
from bridge.storage.database import Database
from bridge.storage.rows import (
    COMMANDS,
    DESCRIPTIONS,
    ENERGY_BEFORE,
    EXCLUDED,
    INCLUSIONS,
    KNOWN_SINCE,
    MEMORIES,
    MEMORY,
    PARAMETERS,
    SAVE_SESSION,
    SESSIONS,
    SESSIONS_OF,
    SETTINGS,
    STEERING,
    STEERINGS,
    VALUES,
    to_record,
    to_row,
    utc_text,
)
from bridge.storage.writer import Statement

CHECKPOINT_ROWS: Final = 250
"""The number of rows written after which a checkpoint is due."""

RESTARTS: Final = "restarts"
"""The name of the single value that counts the restarts of the service."""

COMMANDS_KEPT: Final = 1000
"""How many acting commands are remembered, by their `uid` (contract 8)."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to an acting command: an error code and its text, or (`code` is None) a success."""

    code: ErrorCode | None
    message: str


class Storage:
    """The contents of the storage.

    Single values and commands are also kept in memory, and everything else is read only at a start. So a change that
    cannot be written yet, because the disk is full or does not answer, is still known.

    Args:
        path: the path of the file, or `:memory:`.
        log: gets a line for a damaged file, a migration, and writes that fail.
        now: returns the present time.

    Raises:
        StorageUnusable: the file is of a newer version or another program, is in use, or cannot be opened.
    """

    def __init__(
        self,
        path: Path | str,
        log: FilteringBoundLogger | None = None,
        now: Callable[[], datetime] | None = None,
    ) -> None:
        self._now = now = now or SystemClock().now
        self._database = Database(path, check=_read_everything, now=now, log=log or structlog.get_logger())
        self._changes_moved = 0
        self._values: dict[str, JsonValue] = {
            name: json.loads(content) for name, content in self._database.read(VALUES)
        }
        self._commands: dict[str, Outcome] = {
            uid: Outcome(code, message or "") for uid, code, message in self._database.read(COMMANDS)
        }

    @property
    def changes(self) -> int:
        """The number of rows written since the file was opened."""
        return self._database.changes

    def write_owed(self) -> None:
        """Write what could not be written before, because the disk was full or did not answer."""
        self._database.write_owed()

    @property
    def needs_checkpoint(self) -> bool:
        """Whether so much was written that a checkpoint is due."""
        return self.changes - self._changes_moved >= CHECKPOINT_ROWS

    async def checkpoint(self) -> None:
        """Move the write-ahead log into the file, in a thread: a slow disk must not hold up the event loop."""
        self._changes_moved = self.changes
        await asyncio.to_thread(self._database.checkpoint)
        self._database.begin_log()

    def close(self) -> None:
        """Write what is still to be written, and close the file."""
        self._database.close()

    # --- charge points ---

    def charge_points(self) -> dict[str, ChargePointSettings]:
        """Return the last known settings of each charge point, by evse_id."""
        return {
            evse_id: SETTINGS.validate_json(description) for evse_id, description in self._database.read(DESCRIPTIONS)
        }

    def known_since(self) -> dict[str, datetime]:
        """Return since when the bridge has known each charge point, by evse_id."""
        rows = self._database.read(KNOWN_SINCE)
        return {evse_id: datetime.fromisoformat(known_since) for evse_id, known_since in rows}

    def save_charge_point(self, evse_id: str, settings: ChargePointSettings) -> None:
        """Save the settings of a charge point."""
        sql = (
            "INSERT INTO charge_point (evse_id, description, known_since) VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET description = excluded.description"
        )
        parameters = (evse_id, SETTINGS.dump_json(settings).decode(), self._now().isoformat())
        self._database.write({("charge_point", evse_id): (sql, parameters)})

    def forget_charge_point(self, evse_id: str) -> None:
        """Delete a charge point that has left the account. The memories of its sockets stay, since it may come back."""
        sql = "DELETE FROM charge_point WHERE evse_id = ?"
        self._database.write({("charge_point", evse_id): (sql, (evse_id,))})

    def memories(self) -> dict[str, Memory]:
        """Return the memory of each socket, by its identity. A socket counts as unseen since its memory was written."""
        rows = self._database.read(MEMORIES)
        return {
            identity: lose_sight(MEMORY.validate_json(content), datetime.fromisoformat(written_at))
            for identity, content, written_at in rows
        }

    def save_memories(
        self, memories: Mapping[str, Memory], now: datetime, records: Iterable[SessionRecord] = ()
    ) -> None:
        """Save the memories of sockets, by their identities, and the records of their sessions in one transaction."""
        statements: dict[Hashable, Statement] = {}
        for identity, memory in memories.items():
            sql = (
                "INSERT INTO memory VALUES (?, ?, ?)"
                " ON CONFLICT DO UPDATE SET content = excluded.content, written_at = excluded.written_at"
            )
            parameters = (identity, MEMORY.dump_json(memory).decode(), now.isoformat())
            statements["memory", identity] = (sql, parameters)
        for record in records:
            statements["session", record.evse_id, record.address, record.number] = (SAVE_SESSION, to_row(record))
        self._database.write(statements)

    def rename_socket(self, before: Twin, after: Twin) -> None:
        """Move the sessions of a socket to another one of its charge point, and delete what else is kept of it."""
        self._database.write(
            {
                ("session-of", before.identity): (
                    "UPDATE OR REPLACE session SET address = ?, socket = ? WHERE evse_id = ? AND address = ?",
                    (after.address, after.socket, before.evse_id, before.address),
                ),
                ("memory", before.identity): ("DELETE FROM memory WHERE identity = ?", (before.identity,)),
                ("steering", before.identity): ("DELETE FROM steering WHERE identity = ?", (before.identity,)),
            }
        )

    def steerings(self) -> dict[str, Steering]:
        """Return the observed properties and the limits of each socket, by its identity."""
        rows = self._database.read(STEERINGS)
        return {identity: STEERING.validate_json(content) for identity, content in rows}

    def save_steering(self, identity: str, steering: Steering) -> None:
        """Save the observed properties and the limits of a socket."""
        sql = "INSERT INTO steering VALUES (?, ?) ON CONFLICT DO UPDATE SET content = excluded.content"
        parameters = (identity, STEERING.dump_json(steering).decode())
        self._database.write({("steering", identity): (sql, parameters)})

    # --- sessions ---

    def sessions(self, *, since: datetime | None = None, address: str | None = None) -> list[SessionRecord]:
        """Return the recorded sessions, sorted by their start.

        Args:
            since: the earliest start; None for any.
            address: the socket; None for all.
        """
        return [to_record(row) for row in self._database.read(SESSIONS, utc_text(since), address)]

    def sessions_of(self, addresses: Sequence[str], since: datetime) -> list[SessionRecord]:
        """Return the sessions of these sockets that began at `since` or later. Other rows are not read."""
        return [to_record(row) for row in self._database.read(SESSIONS_OF, json.dumps(addresses), utc_text(since))]

    def energy_before(self) -> dict[str, float]:
        """Return the energy, kWh, that each socket delivered before its sessions were recorded, by address.

        Together with the sessions it adds up to the lifetime energy.
        """
        return dict(self._database.read(ENERGY_BEFORE))

    # --- things ---

    def inclusions(self) -> dict[str, JsonValue]:
        """Return the last inclusion report that was sent for each thing, by address."""
        rows = self._database.read(INCLUSIONS)
        return {address: json.loads(inclusion) for address, inclusion in rows}

    def save_inclusion(self, address: str, report: JsonValue) -> None:
        """Save the inclusion report that was sent for a thing, or (`report` is None) its exclusion."""
        text = json.dumps(report) if report is not None else None
        sql = (
            "INSERT INTO thing (address, inclusion) VALUES (?, ?)"
            " ON CONFLICT DO UPDATE SET inclusion = excluded.inclusion"
        )
        self._database.write({("inclusion", address): (sql, (address, text))})

    def excluded(self) -> set[str]:
        """Return the addresses of the things that the user has deleted."""
        return {address for (address,) in self._database.read(EXCLUDED)}

    def exclude(self, addresses: Iterable[str]) -> None:
        """Save that the user has deleted these things."""
        sql = "INSERT INTO thing (address, excluded) VALUES (?, 1) ON CONFLICT DO UPDATE SET excluded = 1"
        self._database.write({("excluded", address): (sql, (address,)) for address in addresses})

    def include_all(self) -> None:
        """Save that no thing is deleted any more."""
        self._database.write({("excluded",): ("UPDATE thing SET excluded = 0", ())})

    # --- commands ---

    def claim(self, uid: str) -> bool:
        """Record that an acting command is carried out. Return False if its `uid` was recorded before."""
        if uid in self._commands:
            return False
        self._commands[uid] = Outcome(None, "")
        statements: dict[Hashable, Statement] = {("command", uid): _command(uid, Outcome(None, ""))}
        for old in list(self._commands)[:-COMMANDS_KEPT]:
            del self._commands[old]
            statements["command", old] = ("DELETE FROM command WHERE uid = ?", (old,))
        self._database.write(statements)
        return True

    def settle(self, uid: str, outcome: Outcome) -> None:
        """Record the answer to an acting command."""
        if uid in self._commands:
            self._commands[uid] = outcome
            self._database.write({("command", uid): _command(uid, outcome)})

    def outcome(self, uid: str) -> Outcome | None:
        """Return the answer to an acting command; None if its `uid` is not known, or not any more."""
        return self._commands.get(uid)

    # --- parameters ---

    def parameters(self) -> dict[tuple[str, str], JsonValue]:
        """Return the parameters that the bridge keeps, by evse_id and id of the parameter."""
        rows = self._database.read(PARAMETERS)
        return {(evse_id, name): json.loads(content) for evse_id, name, content in rows}

    def save_parameter(self, evse_id: str, name: str, content: JsonValue) -> None:
        """Save a parameter."""
        sql = "INSERT INTO parameter VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET content = excluded.content"
        self._database.write({("parameter", evse_id, name): (sql, (evse_id, name, json.dumps(content)))})

    def forget_parameters(self) -> None:
        """Delete all parameters."""
        self._database.write({("parameter",): ("DELETE FROM parameter", ())})

    # --- single values ---

    def value(self, name: str) -> JsonValue:
        """Return a single value; None if there is none."""
        return self._values.get(name)

    def save_value(self, name: str, content: JsonValue) -> None:
        """Save a single value; None deletes it."""
        if content is None:
            self._values.pop(name, None)
            statement: Statement = ("DELETE FROM value WHERE name = ?", (name,))
        else:
            text = json.dumps(content)
            self._values[name] = json.loads(text)
            sql = "INSERT INTO value VALUES (?, ?) ON CONFLICT DO UPDATE SET content = excluded.content"
            statement = (sql, (name, text))
        self._database.write({("value", name): statement})

    def count_start(self) -> int:
        """Count a start of the service. Return how often it was started before."""
        before = self.value(RESTARTS)
        restarts = before + 1 if isinstance(before, int) else 0
        self.save_value(RESTARTS, restarts)
        return restarts


def _command(uid: str, outcome: Outcome) -> Statement:
    sql = (
        "INSERT INTO command (uid, code, message) VALUES (?, ?, ?)"
        " ON CONFLICT (uid) DO UPDATE SET code = excluded.code, message = excluded.message"
    )
    return sql, (uid, outcome.code, outcome.message)


def _read_everything(connection: sqlite3.Connection) -> None:
    """Read everything that the bridge will ever read, to detect a damaged file at the start.

    Raises:
        ValueError: some content is invalid.
        sqlite3.DatabaseError: a table cannot be read, or is missing.
    """
    for _, description in DESCRIPTIONS.read(connection):
        SETTINGS.validate_json(description)
    for _, known_since in KNOWN_SINCE.read(connection):
        datetime.fromisoformat(known_since)
    for _, memory, written_at in MEMORIES.read(connection):
        MEMORY.validate_json(memory)
        datetime.fromisoformat(written_at)
    for _, steering in STEERINGS.read(connection):
        STEERING.validate_json(steering)
    for *_, content in (*INCLUSIONS.read(connection), *PARAMETERS.read(connection), *VALUES.read(connection)):
        json.loads(content)
    COMMANDS.read(connection)
    EXCLUDED.read(connection)
    ENERGY_BEFORE.read(connection)
    for row in SESSIONS.read(connection, None, None):
        to_record(row)
