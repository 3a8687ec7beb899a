"""The tables of the storage, and the migrations of older files.

A migration is only SQL, so that later changes of the code cannot change what it does. A released migration is never
changed; a new one is added at the end.
"""

import sqlite3
from datetime import datetime
from typing import Final

_V1: Final = (
    """CREATE TABLE charge_point (
    evse_id     TEXT PRIMARY KEY,
    description TEXT NOT NULL          -- JSON of an Evse: how it is known while the cloud is away
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE memory (
    address     TEXT PRIMARY KEY,      -- of the socket
    content     TEXT NOT NULL,         -- JSON of a Memory
    written_at  TEXT NOT NULL          -- until then at least the socket was in sight
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE thing (
    address     TEXT PRIMARY KEY,
    inclusion   TEXT,                  -- JSON of the last inclusion report sent; null before the first
    excluded    INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE command (
    number      INTEGER PRIMARY KEY AUTOINCREMENT,
    uid         TEXT NOT NULL UNIQUE,
    code        TEXT,                  -- what it was answered with, if with an error
    message     TEXT
) STRICT""",
    """CREATE TABLE parameter (        -- what was set for a charge point and the cloud does not keep
    evse_id     TEXT NOT NULL,
    name        TEXT NOT NULL,
    content     TEXT NOT NULL,         -- JSON
    PRIMARY KEY (evse_id, name)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE value (
    name        TEXT PRIMARY KEY,
    content     TEXT NOT NULL          -- JSON
) STRICT, WITHOUT ROWID""",
)

_SESSION_COLUMNS: Final = """
    address        TEXT NOT NULL,      -- of the socket
    number         INTEGER NOT NULL,   -- from 1; below 0 where only a transaction tells of it
    evse_id        TEXT NOT NULL,
    socket         INTEGER,
    started_at     TEXT,               -- null in row 0 only
    ended_at       TEXT,               -- null while it is on
    times_given    INTEGER NOT NULL,   -- 1: by the cloud; 0: from when until when it was seen
    not_before     TEXT,               -- see SessionRecord
    not_after      TEXT,
    energy         REAL NOT NULL,
    cost           REAL,
    peak_power     REAL,
    average_power  REAL,
    card           TEXT,
    mode           TEXT,
    transaction_id TEXT,
"""

_V2: Final = (
    # The ledger. Times are UTC, ISO 8601; energy kWh, cost EUR, power W. Row 0 of a socket is no session: it is what
    # the socket had delivered before sessions were kept, so that the rows add up to its lifetime energy.
    f"CREATE TABLE session ({_SESSION_COLUMNS}    PRIMARY KEY (address, number)\n) STRICT, WITHOUT ROWID",
    """CREATE TABLE steering (
    address     TEXT PRIMARY KEY,      -- of the socket
    content     TEXT NOT NULL          -- JSON: what has been learned of it and is wanted from it
) STRICT, WITHOUT ROWID""",
    # Since when the bridge has known it. Of those known already it is from now on.
    "ALTER TABLE charge_point ADD COLUMN known_since TEXT",
    "UPDATE charge_point SET known_since = moment()",
    """INSERT INTO session
    WITH socket_of (address, evse_id, content) AS (
        SELECT memory.address, coalesce(charge_point.evse_id, memory.address), memory.content
        FROM memory LEFT JOIN charge_point
            ON memory.address = charge_point.evse_id OR memory.address GLOB charge_point.evse_id || '_[0-9]*'
    ), latest (address, evse_id, number, energy, is_open, given, finished, started, ended) AS (
        SELECT address, evse_id, content ->> '$.session.number', content ->> '$.session.energy',
            content ->> '$.session.open', content ->> '$.session.started_at', content ->> '$.session.finished_at',
            strftime('%Y-%m-%dT%H:%M:%S+00:00',
                coalesce(content ->> '$.session.started_at', content ->> '$.session.seen_from')),
            strftime('%Y-%m-%dT%H:%M:%S+00:00',
                coalesce(content ->> '$.session.finished_at', content ->> '$.session.seen_to'))
        FROM socket_of WHERE content ->> '$.session' IS NOT NULL
    )
    SELECT address, 0, evse_id, nullif(CAST(substr(address, length(evse_id) + 2) AS INTEGER), 0),
        NULL, NULL, 0, NULL, NULL, content ->> '$.earlier_energy', NULL, NULL, NULL, NULL, NULL, NULL
    FROM socket_of WHERE content ->> '$.earlier_energy' > 0
    UNION ALL
    SELECT address, number, evse_id, nullif(CAST(substr(address, length(evse_id) + 2) AS INTEGER), 0),
        started, CASE WHEN is_open THEN NULL ELSE max(started, coalesce(ended, started)) END,
        given IS NOT NULL AND (is_open OR finished IS NOT NULL),
        NULL, NULL, energy, NULL, NULL, NULL, NULL, NULL, NULL
    FROM latest""",
)

_SOCKETS_BY_IDENTITY: Final = """WITH socket_of (address, identity) AS (
    SELECT address, evse_id || '/' || socket FROM session WHERE socket IS NOT NULL
    UNION ALL
    SELECT known.identity, evse_id || '/' || substr(known.identity, length(evse_id) + 2)
    FROM {table} AS known JOIN charge_point ON known.identity GLOB evse_id || '_[0-9]*'
)
UPDATE {table} SET identity = (SELECT max(socket_of.identity) FROM socket_of WHERE address = {table}.identity)
WHERE identity NOT IN (SELECT evse_id FROM charge_point) AND identity IN (SELECT address FROM socket_of)"""

_V3: Final = (
    # The observed properties of a socket have a new name.
    """UPDATE steering
    SET content = json_remove(json_set(content, '$.observed', json(content -> '$.traits')), '$.traits')
    WHERE content -> '$.traits' IS NOT NULL""",
    # The capabilities of the cloud are one value. On which charge point an unlock had failed was not kept, and wall
    # boxes are unlocked in another way now, so this is learned again.
    """INSERT INTO value
    SELECT 'capabilities', json_object(
        'overrides_unknown', json(iif(count(*) FILTER (WHERE name = 'overrides_unknown') > 0, 'true', 'false')),
        'takes_socket_id', json(iif(count(*) FILTER (WHERE name = 'takes_socket_ids') > 0, 'true', 'false'))
    )
    FROM value WHERE name IN ('overrides_unknown', 'takes_socket_ids') HAVING count(*) > 0""",
    "DELETE FROM value WHERE name IN ('overrides_unknown', 'takes_socket_ids', 'unlock_unknown')",
    # One seen phase does not show the number of phases of the charge point, since the car may use only one.
    """UPDATE steering SET content = json_remove(content, '$.observed.phases')
    WHERE content ->> '$.observed.phases' = 1""",
    # The ISO code of the currency of the cost. Until now all costs counted as EUR.
    "ALTER TABLE session ADD COLUMN currency TEXT NOT NULL DEFAULT 'EUR'",
    # An address can pass to another charge point (`A_2` is socket 2 of `A`, or a charge point), so a socket is kept
    # under its identity, `A/2`. Of a charge point that has left, the sessions tell which it was.
    "ALTER TABLE memory RENAME COLUMN address TO identity",
    "ALTER TABLE steering RENAME COLUMN address TO identity",
    _SOCKETS_BY_IDENTITY.format(table="memory"),
    _SOCKETS_BY_IDENTITY.format(table="steering"),
    "ALTER TABLE session RENAME TO session_by_address",
    f"""CREATE TABLE session ({_SESSION_COLUMNS}    currency       TEXT NOT NULL DEFAULT 'EUR',
    PRIMARY KEY (address, number, evse_id)
) STRICT, WITHOUT ROWID""",
    "INSERT INTO session SELECT * FROM session_by_address",
    "DROP TABLE session_by_address",
)

MIGRATIONS: Final = (_V1, _V2, _V3)
"""The migration from each version to the next. Version 0 is an empty file."""

VERSION: Final = len(MIGRATIONS)
"""The version of the file that this program reads and writes."""


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of a file; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def upgrade(connection: sqlite3.Connection, now: datetime) -> None:
    """Migrate a file to the present version in one transaction. If that fails, the file is unchanged.

    Args:
        connection: a connection in autocommit mode.
        now: the present time.

    Raises:
        sqlite3.Error: a migration failed.
    """
    version = version_of(connection)
    if version >= VERSION:
        return
    connection.create_function("moment", 0, now.isoformat)
    connection.execute("BEGIN IMMEDIATE")
    try:
        for migration in MIGRATIONS[version:]:
            for statement in migration:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # some errors roll back by themselves
            connection.execute("ROLLBACK")
        raise
