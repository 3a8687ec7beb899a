"""Keeps what is remembered of sockets, and their sessions, on disk: at once when it matters, else once a minute."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.records import SessionRecord, records_of
from bridge.chargepoint.session import Memory, lose_sight
from bridge.chargepoint.twin import Steering, Twin
from bridge.storage.storage import Storage

EVERY: Final = timedelta(minutes=1)


class Recorder:
    """Writes the memories of twins and the records of their sessions, always both in one write.

    Args:
        storage: the file.
        now: the time.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._dirty: dict[str, Memory] = {}
        self._records: dict[tuple[str, int], SessionRecord] = {}
        self._written = now()

    def changed(self, before: Twin | None, after: Twin | None) -> None:
        """A twin has changed."""
        if after is not None and after.steering != (before.steering if before is not None else Steering()):
            self._storage.save_steering(after.address, after.steering)
        if after is None or (before is not None and before.memory == after.memory):
            return
        self._dirty[after.address] = after.memory
        self.note(records_of(before, after))
        if before is None or before.memory.outline != after.memory.outline:
            self.write()

    def note(self, records: Iterable[SessionRecord]) -> None:
        """These records have changed; they are written with the next change of a memory that matters."""
        self._records |= {(record.address, record.number): record for record in records}

    def write_if_due(self) -> None:
        """Write what has changed or is owed, if the last write is a minute ago, or the clock has been set back."""
        if abs(self._now() - self._written) >= EVERY:
            self.write()

    def write(self) -> None:
        """Write what has changed or is owed."""
        self._written = self._now()
        if self._dirty or self._records:
            self._storage.save_memories(self._dirty, self._written, self._records.values())
            self._dirty.clear()
            self._records.clear()
        else:
            self._storage.write_owed()

    def close(self, twins: list[Twin]) -> None:
        """Write everything for the last time: from now on nothing is seen."""
        now = self._now()
        memories = {twin.address: lose_sight(twin.memory, now) for twin in twins}
        self._storage.save_memories(memories, now, self._records.values())
        self._dirty.clear()
        self._records.clear()
