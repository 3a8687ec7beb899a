"""The SQLite file of the storage: opening, migrating, setting aside a damaged file, reading and checkpoints.

In WAL mode with `synchronous=NORMAL` a commit is a write to the page cache. A crash of the process loses nothing. A
power cut may lose the last writes, never the file. Writes run in the thread of a `Writer`, checkpoints in another one,
and reads use a connection of their own, which waits for neither.
"""

import fcntl
import os
import sqlite3
from collections.abc import Callable, Hashable, Mapping
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path
from typing import Final, TypeVar

from structlog.typing import FilteringBoundLogger

from bridge.storage.rows import Query
from bridge.storage.schema import VERSION, upgrade, version_of
from bridge.storage.writer import Statement, Writer, is_environmental

R = TypeVar("R")

_BUSY_MS: Final = 250
"""How long a write waits for a lock, ms. Other programs hold locks only briefly."""

_LOG_BYTES: Final = 1024 * 1024
"""The size to which the write-ahead log is cut after a checkpoint."""

_LOG_PAGES: Final = 2500
"""The size of the write-ahead log at which a write moves it into the file, if `checkpoint` has not done so before."""


class StorageUnusable(Exception):
    """The storage cannot be used. The message is a sentence that says what to do.

    Attributes:
        permanent: a retry without a change cannot succeed.
    """

    def __init__(self, text: str, *, permanent: bool = True) -> None:
        super().__init__(text)
        self.permanent = permanent


class Database:
    """The SQLite file, which only this process uses.

    Args:
        path: the path of the file, or `:memory:`. Its folder is made, readable only by the owner.
        check: reads all content, and raises ValueError if some of it is invalid.
        now: returns the present time.
        log: gets a line for a damaged file, a migration, and writes that fail.

    Raises:
        StorageUnusable: the file is of a newer version or another program, is in use, or cannot be opened.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        check: Callable[[sqlite3.Connection], object],
        now: Callable[[], datetime],
        log: FilteringBoundLogger,
    ) -> None:
        self._now = now
        self._log = log
        self._file: Path | None = None
        self._lock: int | None = None
        if str(path) == ":memory:":
            self._connection = _connect(path)
            upgrade(self._connection, now())
            self._reader = self._connection
            self._writer = Writer(self._connection, log, threaded=False)
            return
        file = Path(path)
        try:
            self._lock = _lock(file)
            _refuse_foreign_file(file)
            _touch(file)
            self._connection = self._open(file, check)
            self._reader = _connect(file)
            self._reader.execute("PRAGMA query_only = ON")
            self._writer = Writer(self._connection, log, threaded=True)
            self._file = file
            # SQLite keeps the descriptor of this further connection, as closing it would release the locks of the first
            # one (POSIX). So the process has as many open files from the start as ever after.
            self.checkpoint()
        except OSError as error:
            self._unlock()
            raise StorageUnusable(_cannot_use(file, error.strerror or str(error))) from error
        except BaseException:
            self._unlock()
            raise

    def _open(self, file: Path, check: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
        try:
            return self._open_sound(file, check)
        except (sqlite3.DatabaseError, ValueError) as error:
            if is_environmental(error):
                raise StorageUnusable(_cannot_use(file, str(error)), permanent=False) from error
            aside = _set_aside(file, self._now())
            self._log.error(
                "the storage was damaged: it has been set aside, and an empty one is used. Sessions, lifetime energy, "
                "a login from the hub, deleted things and settings made from the hub are lost",
                file=str(file),
                set_aside=str(aside),
                reason=str(error).splitlines()[0],
            )
        _touch(file)
        return self._open_sound(file, check)

    def _open_sound(self, file: Path, check: Callable[[sqlite3.Connection], object]) -> sqlite3.Connection:
        connection = _connect(file)
        try:
            _check_pages(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG_PAGES}")
            connection.execute(f"PRAGMA journal_size_limit = {_LOG_BYTES}")
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            before = version_of(connection)
            upgrade(connection, self._now())
            check(connection)
        except BaseException:
            connection.close()
            raise
        if 0 < before < VERSION:
            self._log.info("the storage has been brought up to date", file=str(file), was=before, version=VERSION)
        return connection

    def close(self) -> None:
        """Write what is still to be written, if possible, and close the file."""
        if self._reader is not self._connection:
            self._reader.close()
        self._writer.close()
        self._unlock()

    def _unlock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self, query: Query[R], *parameters: str | None) -> list[R]:
        """Return the rows of a query."""
        return query.read(self._reader, *parameters)

    @property
    def changes(self) -> int:
        """The number of rows written since the file was opened."""
        return self._connection.total_changes

    # --- writing ---

    def checkpoint(self) -> None:
        """Move the write-ahead log into the file. This waits for the disk, and may run in another thread than writes.

        After a failure, for example because the disk is full, the log is kept, and a later checkpoint moves it.
        """
        if self._file is not None:
            with suppress(sqlite3.Error), closing(_connect(self._file)) as connection:
                connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def begin_log(self) -> None:
        """Begin the write-ahead log anew after a checkpoint, without waiting for it."""
        self._writer.begin_log()

    def write(self, statements: Mapping[Hashable, Statement]) -> None:
        """Execute statements in one transaction, as `Writer.write` does."""
        self._writer.write(statements)

    def write_owed(self) -> None:
        """Write the statements that could not be written before."""
        self._writer.write_owed()


def _connect(path: Path | str) -> sqlite3.Connection:
    # Each connection is used by one thread at a time, though not by the one that has made it.
    return sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)


def _check_pages(connection: sqlite3.Connection) -> None:
    problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if problem != "ok":
        raise ValueError(problem)


def open_read_only(file: Path) -> sqlite3.Connection:
    """Open a file without changing it. Closing the connection does not run a checkpoint.

    Raises:
        sqlite3.Error: the file cannot be opened or read.
    """
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)
    try:
        version_of(connection)
    except sqlite3.OperationalError:
        connection.close()
        if Path(f"{file}-wal").exists():
            raise
        # The folder is read-only. Without a write-ahead log the file is complete.
        connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
    return connection


def _refuse_foreign_file(file: Path) -> None:
    if not file.is_file():
        return
    try:
        with closing(open_read_only(file)) as connection:
            version = version_of(connection)
            tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    except sqlite3.DatabaseError:
        return  # damaged or not accessible: `_open` handles both
    if version > VERSION:
        raise StorageUnusable(newer(file, version))
    if version == 0 and tables:
        raise StorageUnusable(f"{file} is another program's database. Give storage.path a name of its own.")


def newer(file: Path, version: int) -> str:
    """Return the error message for a file that a newer version of the bridge has written."""
    return (
        f"{file} was written by a newer version of the bridge (storage version {version}; this one knows {VERSION}). "
        "Install that version again, or give storage.path another name."
    )


def _cannot_use(file: Path, reason: str) -> str:
    return f"{file} cannot be used: {reason}. The service must be able to write to it and to its folder."


def _lock(path: Path) -> int:
    """Make the folder, and take an exclusive lock on the storage. Return the descriptor of the lock file.

    The folder is readable only by the owner, since the storage holds a login. The lock is a file of its own: closing
    another descriptor of the database file would release the locks of SQLite (POSIX).
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    lock = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        text = f"{path} is in use by another bridge. Stop that one, or give storage.path another name."
        raise StorageUnusable(text, permanent=False) from None
    return lock


def _touch(path: Path) -> None:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with suppress(PermissionError):  # the file belongs to another user, who has given access
        path.chmod(0o600)


def _set_aside(file: Path, now: datetime) -> Path:
    """Rename a file and its write-ahead log. Return the new path."""
    name = f"{file}.damaged-{now.strftime('%Y%m%dT%H%M%S')}"
    aside, number = Path(name), 1
    while aside.exists():
        number += 1
        aside = Path(f"{name}-{number}")
    file.rename(aside)
    for ending in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            Path(f"{file}{ending}").rename(f"{aside}{ending}")
    return aside
