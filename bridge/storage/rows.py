"""The rows of the storage as values, and the SQL that reads and writes them."""

from datetime import UTC, datetime
from typing import Any, Final

from pydantic import TypeAdapter

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Steering

MEMORY: Final = TypeAdapter(Memory)
STEERING: Final = TypeAdapter(Steering)
LIMITS: Final = TypeAdapter(Limits)
SETTINGS: Final = TypeAdapter(ChargePointSettings)

_RECORD: Final = (
    "address, number, evse_id, socket, started_at, ended_at, times_given, not_before, not_after, energy, cost, "
    "peak_power, card, mode, transaction_id, currency"
)
SESSIONS: Final = (
    f"SELECT {_RECORD} FROM session WHERE number <> 0"  # noqa: S608 - a constant
    " AND started_at >= coalesce(?, '') AND address = coalesce(?, address) ORDER BY started_at, address, number"
)
"""Takes since when, and which address; null is any."""

SESSIONS_OF: Final = (
    f"SELECT {_RECORD} FROM session WHERE number <> 0"  # noqa: S608 - a constant
    " AND address IN (SELECT value FROM json_each(?)) AND started_at >= ? ORDER BY started_at, address, number"
)
"""Takes a JSON array of addresses, and since when."""

HAS_CURRENCY: Final = "SELECT 1 FROM pragma_table_info('session') WHERE name = 'currency'"
"""Files of version 2 and older have no currency: all costs were taken for EUR."""

ENERGY_BEFORE: Final = "SELECT address, energy FROM session WHERE number = 0"
STEERINGS: Final = "SELECT address, content FROM steering"
DESCRIPTIONS: Final = "SELECT evse_id, description FROM charge_point"
SAVE_SESSION: Final = f"INSERT OR REPLACE INTO session ({_RECORD}, average_power) VALUES ({', '.join('?' * 17)})"  # noqa: S608 - constants


def utc_text(when: datetime | None) -> str | None:
    """As text, so that the order of texts is the order of times."""
    return when.astimezone(UTC).isoformat() if when is not None else None


def _time(text: str | None) -> datetime | None:
    return in_amsterdam(datetime.fromisoformat(text)) if text is not None else None


def to_row(record: SessionRecord) -> tuple[object, ...]:
    """A session as `SAVE_SESSION` takes it."""
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


def to_record(row: tuple[Any, ...]) -> SessionRecord:
    """A session as `SESSIONS` gives it."""
    return SessionRecord(
        address=row[0],
        number=row[1],
        evse_id=row[2],
        socket=row[3],
        started_at=in_amsterdam(datetime.fromisoformat(row[4])),
        ended_at=_time(row[5]),
        times_given=bool(row[6]),
        not_before=_time(row[7]),
        not_after=_time(row[8]),
        energy=row[9],
        cost=row[10],
        peak_power=row[11],
        card=row[12],
        mode=row[13],
        transaction=row[14],
        currency=row[15],
    )
