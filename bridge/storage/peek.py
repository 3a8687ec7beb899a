"""Read-only access to the storage, also while the service has it open."""

import json
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from pydantic import JsonValue

from bridge.chargepoint.records import SessionRecord
from bridge.storage.database import StorageUnusable, newer, open_read_only
from bridge.storage.rows import (
    DESCRIPTIONS,
    ENERGY_BEFORE,
    HAS_CURRENCY,
    HAS_SESSIONS,
    SESSIONS,
    SESSIONS_BEFORE_CURRENCIES,
    SETTINGS,
    VALUE,
    Query,
    to_record,
    utc_text,
)
from bridge.storage.schema import VERSION, version_of

R = TypeVar("R")


class Peek:
    """Reads the storage without changing or creating the file. Another process may have it open.

    Args:
        path: the path of the file, which need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def _read(self, query: Query[R], *parameters: str | None) -> list[R]:
        """Return the rows of a query; none if there is no file.

        Raises:
            StorageUnusable: the file exists and cannot be read.
        """
        if not self._path.exists():
            return []
        try:
            with closing(open_read_only(self._path)) as connection:
                version = version_of(connection)
                if version == 0:
                    return []  # the file is empty until the first start of the service
                if version > VERSION:
                    raise StorageUnusable(newer(self._path, version))
                return query.read(connection, *parameters)
        except sqlite3.Error as error:
            raise StorageUnusable(f"{self._path} cannot be read: {error}.", permanent=False) from error

    def value(self, name: str) -> JsonValue:
        """Return a single value; None if there is none, or the file cannot be read."""
        try:
            rows = self._read(VALUE, name)
            return json.loads(rows[0][0]) if rows else None
        except (StorageUnusable, ValueError):
            return None

    def save_value(self, name: str, content: JsonValue) -> None:
        """Raise TypeError, since the access is read-only."""
        raise TypeError(f"{name} cannot be set to {content!r} here")

    def exists(self) -> bool:
        """Whether there is a file."""
        return self._path.exists()

    def has_sessions(self) -> bool:
        """Whether there is a file with a table of sessions. The next start of the service adds it to an older file.

        Raises:
            StorageUnusable: the file cannot be read.
        """
        return bool(self._read(HAS_SESSIONS))

    def sessions(self, *, since: datetime | None = None, address: str | None = None) -> list[SessionRecord]:
        """Return the recorded sessions, with the arguments of `Storage.sessions`.

        Raises:
            StorageUnusable: the file cannot be read.
        """
        if not self.has_sessions():
            return []
        query = SESSIONS if self._read(HAS_CURRENCY) else SESSIONS_BEFORE_CURRENCIES
        return [to_record(row) for row in self._read(query, utc_text(since), address)]

    def energy_before(self) -> dict[str, float]:
        """Return what `Storage.energy_before` returns.

        Raises:
            StorageUnusable: the file cannot be read.
        """
        return dict(self._read(ENERGY_BEFORE)) if self.has_sessions() else {}

    def names(self) -> dict[str, str]:
        """Return the owner's name for each charge point, by evse_id.

        Raises:
            StorageUnusable: the file cannot be read.
        """
        return {evse_id: SETTINGS.validate_json(description).name for evse_id, description in self._read(DESCRIPTIONS)}
