"""The rows of the storage as typed values, and the SQL that reads and writes them."""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.charge_point_settings import EURO, ChargePointSettings
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Steering
from bridge.errors import ErrorCode

MEMORY: Final = TypeAdapter(Memory)
STEERING: Final = TypeAdapter(Steering)
LIMITS: Final = TypeAdapter(Limits)
SETTINGS: Final = TypeAdapter(ChargePointSettings)


class SessionRow(NamedTuple):
    """A row of the table `session`, in the order of the selected columns. Times are UTC, ISO 8601."""

    address: str
    number: int
    evse_id: str
    socket: int | None
    started_at: str
    ended_at: str | None
    times_given: bool
    not_before: str | None
    not_after: str | None
    energy: float
    cost: float | None
    peak_power: float | None
    card: str | None
    mode: str | None
    transaction_id: str | None
    currency: str


R = TypeVar("R")

Cell = str | int | float | None
"""A value in a table."""


@dataclass(frozen=True, slots=True)
class Query(Generic[R]):
    """An SQL query and the type of its rows.

    Attributes:
        sql: the query.
        rows: validates the rows.
    """

    sql: str
    rows: TypeAdapter[list[R]]

    def read(self, connection: sqlite3.Connection, *parameters: str | None) -> list[R]:
        """Execute the query, and return its rows.

        Raises:
            ValueError: a row has another type.
            sqlite3.Error: the query failed.
        """
        with closing(connection.execute(self.sql, parameters)) as cursor:
            return self.rows.validate_python(cursor.fetchall())


_ONE_TEXT: Final = TypeAdapter(list[tuple[str]])
_TWO_TEXTS: Final = TypeAdapter(list[tuple[str, str]])
_THREE_TEXTS: Final = TypeAdapter(list[tuple[str, str, str]])
_SESSION_ROWS: Final = TypeAdapter(list[SessionRow])
_COUNTS: Final = TypeAdapter(list[tuple[int]])

_COLUMNS: Final = ", ".join(SessionRow._fields)

SESSIONS: Final = Query(
    f"SELECT {_COLUMNS} FROM session WHERE number <> 0"  # noqa: S608 - a constant
    " AND started_at >= coalesce(?, '') AND address = coalesce(?, address) ORDER BY started_at, address, number",
    _SESSION_ROWS,
)
"""Parameters: the earliest start, and the address; null for any."""

SESSIONS_BEFORE_CURRENCIES: Final = Query(SESSIONS.sql.replace("currency", f"'{EURO}'"), _SESSION_ROWS)
"""The same for a file of version 2, which has no currencies: all costs counted as EUR."""

SESSIONS_OF: Final = Query(
    f"SELECT {_COLUMNS} FROM session WHERE number <> 0"  # noqa: S608 - a constant
    " AND address IN (SELECT value FROM json_each(?)) AND started_at >= ? ORDER BY started_at, address, number",
    _SESSION_ROWS,
)
"""Parameters: a JSON array of addresses, and the earliest start."""

HAS_SESSIONS: Final = Query("SELECT 1 FROM sqlite_schema WHERE name = 'session'", _COUNTS)
HAS_CURRENCY: Final = Query("SELECT 1 FROM pragma_table_info('session') WHERE name = 'currency'", _COUNTS)

ENERGY_BEFORE: Final = Query(
    "SELECT address, energy FROM session WHERE number = 0", TypeAdapter(list[tuple[str, float]])
)
STEERINGS: Final = Query("SELECT identity, content FROM steering", _TWO_TEXTS)
DESCRIPTIONS: Final = Query("SELECT evse_id, description FROM charge_point", _TWO_TEXTS)
KNOWN_SINCE: Final = Query("SELECT evse_id, known_since FROM charge_point WHERE known_since IS NOT NULL", _TWO_TEXTS)
MEMORIES: Final = Query("SELECT identity, content, written_at FROM memory", _THREE_TEXTS)
INCLUSIONS: Final = Query("SELECT address, inclusion FROM thing WHERE inclusion IS NOT NULL", _TWO_TEXTS)
EXCLUDED: Final = Query("SELECT address FROM thing WHERE excluded = 1", _ONE_TEXT)
PARAMETERS: Final = Query("SELECT evse_id, name, content FROM parameter", _THREE_TEXTS)
VALUES: Final = Query("SELECT name, content FROM value", _TWO_TEXTS)
VALUE: Final = Query("SELECT content FROM value WHERE name = ?", _ONE_TEXT)
"""Parameter: the name."""

COMMANDS: Final = Query(
    "SELECT uid, code, message FROM command ORDER BY number",
    TypeAdapter(list[tuple[str, ErrorCode | None, str | None]]),
)

_MARKS: Final = ", ".join("?" for _ in (*SessionRow._fields, "average_power"))
SAVE_SESSION: Final = f"INSERT OR REPLACE INTO session ({_COLUMNS}, average_power) VALUES ({_MARKS})"  # noqa: S608 - only constants


def utc_text(when: datetime | None) -> str | None:
    """Return a time as text in UTC, so that texts sort like times."""
    return when.astimezone(UTC).isoformat() if when is not None else None


def _time(text: str | None) -> datetime | None:
    return in_amsterdam(datetime.fromisoformat(text)) if text is not None else None


def to_row(record: SessionRecord) -> tuple[Cell, ...]:
    """Return the parameters of `SAVE_SESSION` for a session."""
    return (
        record.address,
        record.number,
        record.evse_id,
        record.socket,
        utc_text(record.started_at),
        utc_text(record.ended_at),
        record.times_given,
        utc_text(record.not_before),
        utc_text(record.not_after),
        record.energy,
        record.cost,
        record.peak_power,
        record.card,
        record.mode,
        record.transaction,
        record.currency,
        record.average_power,
    )


def to_record(row: SessionRow) -> SessionRecord:
    """Return the session in a row of `SESSIONS` or `SESSIONS_OF`."""
    return SessionRecord(
        address=row.address,
        number=row.number,
        evse_id=row.evse_id,
        socket=row.socket,
        started_at=in_amsterdam(datetime.fromisoformat(row.started_at)),
        ended_at=_time(row.ended_at),
        times_given=row.times_given,
        not_before=_time(row.not_before),
        not_after=_time(row.not_after),
        energy=row.energy,
        cost=row.cost,
        peak_power=row.peak_power,
        card=row.card,
        mode=row.mode,
        transaction=row.transaction_id,
        currency=row.currency,
    )
