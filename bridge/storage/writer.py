"""Writes to the SQLite file in a thread, so that a disk that does not answer holds up nothing but itself."""

import sqlite3
import time
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.storage.rows import Cell
from bridge.storage.schema import VERSION
from bridge.storage.work_thread import Job, WorkThread

Statement = tuple[str, tuple[Cell, ...]]
"""An SQL statement and its parameters."""

PATIENCE_S: Final = 0.5
"""How long a write is waited for, s. The event loop is blocked meanwhile, as a rule for a tenth of a millisecond."""

LONG_S: Final = 2.0
"""How long a write may take before the log says so, s."""

_ENVIRONMENT_ERRORS: Final = frozenset(
    {
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
    }
)
"""Errors that come from the environment, not from a damaged file."""


@dataclass(frozen=True, slots=True)
class _Write:
    """Statements that the thread executes in one transaction.

    Attributes:
        statements: the statements by the key of what they change.
        result: the time from the start to the end, s.
        began: the time of the start, s.
    """

    statements: Mapping[Hashable, Statement]
    result: Job[float]
    began: float


class Writer:
    """Executes statements in a thread, in transactions, and keeps those that cannot be written for later.

    A write is waited for, so it is in the page cache when `write` returns: a crash of the process loses nothing. A disk
    that has not answered after `PATIENCE_S` is treated like one that is full: the statements stay in memory. Until it
    answers within that time again no write is waited for.

    Args:
        connection: a connection in autocommit mode, which nothing else writes with.
        log: gets a line when writes fail or take long, and when they succeed again.
        threaded: False executes the statements at once, for a database in memory.
    """

    def __init__(self, connection: sqlite3.Connection, log: FilteringBoundLogger, *, threaded: bool) -> None:
        self._connection = connection
        self._log = log
        self._thread = WorkThread("storage") if threaded else None
        self._owed: dict[Hashable, Statement] = {}
        self._pending: _Write | None = None
        self._slow = self._failing = self._singly = False

    def write(self, statements: Mapping[Hashable, Statement]) -> None:
        """Execute statements in one transaction. If the disk is full or does not answer, they are kept for later.

        Args:
            statements: the statements by a key of what they change. A kept statement is replaced by a later one with
                the same key.

        Raises:
            sqlite3.IntegrityError: the values break a constraint of a table. Nothing is written or kept. Where other
                statements were kept before, only those that break it are left out, and logged instead.
        """
        for key in statements:
            self._owed.pop(key, None)
        alone = not self._owed
        self._owed |= statements
        self._write_owed(alone=alone)

    def write_owed(self) -> None:
        """Write the statements that could not be written before."""
        self._write_owed(alone=False)

    def _write_owed(self, *, alone: bool) -> None:
        """Write what is owed; `alone`: it is all of one call, which takes the error of a statement."""
        if self._pending is not None:
            if not self._pending.result.done:
                self._note_long(self._pending)
                return
            self._finish(self._pending)
        while self._owed:
            write = self._pending = self._begin()
            if not write.result.wait(0.0 if self._slow else PATIENCE_S):
                self._slow = True
                return
            if not self._finish(write, alone=alone):
                return
        self._singly = False

    def _begin(self) -> _Write:
        statements = dict(islice(self._owed.items(), 1 if self._singly else None))
        began = time.monotonic()
        result = Job(lambda: self._execute(statements, began))
        if self._thread is not None:
            self._thread.submit(result)
        else:
            result.execute()
        return _Write(statements, result, began)

    def _finish(self, write: _Write, *, alone: bool = False) -> bool:
        """Take the result of a write that has ended. False: nothing can be written at present."""
        self._pending = None
        try:
            self._slow = write.result.result() > PATIENCE_S
        except sqlite3.Error as error:
            if is_environmental(error) or type(error) is sqlite3.DatabaseError:
                self._note_failure(str(error))
                return False
            if len(write.statements) > 1 and not alone:
                self._singly = True  # finds the statement at fault
                return True
            self._forget(write)
            if alone:
                raise
            self._log.exception("a change cannot be kept; the service keeps running")
            return True
        self._forget(write)
        if self._failing:
            self._log.info("the storage can be written again; no change was lost")
        self._failing = False
        return True

    def _forget(self, write: _Write) -> None:
        for key, statement in write.statements.items():
            if self._owed.get(key) is statement:  # else a later statement has taken its place meanwhile
                del self._owed[key]

    def _note_long(self, write: _Write) -> None:
        if time.monotonic() - write.began > LONG_S:
            self._note_failure("the disk does not answer")

    def _note_failure(self, reason: str) -> None:
        if not self._failing:
            self._log.error(
                "the storage cannot be written; the service keeps running, keeps the changes in memory, and "
                "tries again",
                reason=reason,
            )
        self._failing = True

    def begin_log(self) -> None:
        """Begin the write-ahead log anew after a checkpoint, without waiting for it.

        The first write after a complete checkpoint waits for the disk, also with `synchronous=NORMAL`. This one does so
        before any other has to.
        """
        if self._thread is not None:
            with suppress(RuntimeError):  # the storage is being closed
                self._thread.submit(Job(self._write_nothing))

    def close(self) -> None:
        """Write what is still to be written, if possible, however long it takes, and close the connection."""
        if self._pending is not None:
            self._pending.result.wait()
            self._finish(self._pending)
        while self._owed:
            write = self._begin()
            write.result.wait()
            if not self._finish(write):
                break
        if self._thread is not None:
            self._thread.close()
        self._connection.close()

    # --- in the thread ---

    def _execute(self, statements: Mapping[Hashable, Statement], began: float) -> float:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for sql, parameters in statements.values():
                self._connection.execute(sql, parameters)
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:  # some errors roll back by themselves
                self._connection.execute("ROLLBACK")
            raise
        return time.monotonic() - began

    def _write_nothing(self) -> None:
        with suppress(sqlite3.Error):
            self._connection.execute(f"PRAGMA user_version = {VERSION}")  # writes a page, though nothing changes


def is_environmental(error: Exception) -> bool:
    """Whether an error comes from the environment, such as a full disk, and not from a damaged file."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _ENVIRONMENT_ERRORS
