"""Writes what has changed to disk: at once when it matters, energy before the hub is told, else once a minute."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from pydantic import JsonValue

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.records import SessionRecord, records_of
from bridge.chargepoint.session import Memory, lose_sight
from bridge.chargepoint.twin import Twin
from bridge.storage.storage import Storage

EVERY: Final = timedelta(minutes=1)

ENERGY_EVERY: Final = timedelta(seconds=1)
"""The energy of a socket is written before each report of it, but not more often than this."""

GRIDS_EVERY: Final = timedelta(seconds=1)
"""All grid connections are one value, so that a thousand of them are not written a thousand times at a start."""

GRIDS: Final = "grids"
"""The key in the storage of the charge points behind each grid connection."""


class Recorder:
    """Writes charge points, the memories of their sockets, and the records of their sessions.

    A memory and the records of its sessions are written in one transaction, so they always agree.

    Args:
        storage: the storage.
        now: returns the present time.
    """

    def __init__(self, storage: Storage, now: Callable[[], datetime]) -> None:
        self._storage = storage
        self._now = now
        self._dirty: dict[str, dict[str, Memory]] = {}  # by evse_id and identity of the socket
        self._records: dict[tuple[str, str, int], SessionRecord] = {}
        self._energy_on_disk: dict[str, tuple[float, datetime]] = {}
        self._told = False
        self._grids = grids_behind(storage.value(GRIDS))
        self._grids_dirty = False
        self._written = now()
        self._grids_written: datetime | None = None

    # --- changes ---

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Record a change of a charge point: at once if it matters after a crash, else with the next write."""
        if after is None:
            if before is not None:
                self._storage.forget_charge_point(before.evse_id)
            return
        if before is None or before.settings != after.settings:
            self._storage.save_charge_point(after.evse_id, after.settings)
        for twin in after.sockets:
            was = before.socket(twin.address) if before is not None else None
            heir_of = before.heir_of if before is not None else None
            if heir_of is not None and after.heir_of is None and twin.memory == heir_of.memory:
                self.write()
                self._storage.rename_socket(heir_of, twin)
            self._twin_changed(was, twin)

    def _twin_changed(self, before: Twin | None, after: Twin) -> None:
        same = before is not None and before.observed is after.observed and before.limits is after.limits
        if not same and (before is None or before.steering != after.steering):
            self._storage.save_steering(after.identity, after.steering)
        if before is not None and (before.memory is after.memory or before.memory == after.memory):
            return
        self._dirty.setdefault(after.evse_id, {})[after.identity] = after.memory
        self.note(records_of(before, after))
        if before is None or before.memory.outline != after.memory.outline:
            self.write()

    def grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        """Record which charge points are behind a grid connection. Its currents are not kept."""
        if after is not None and self._grids.get(after.grid.id) != sorted(after.evse_ids):
            self._grids[after.grid.id] = sorted(after.evse_ids)
            self._grids_dirty = True
        elif after is None and before is not None and self._grids.pop(before.grid.id, None) is not None:
            self._grids_dirty = True
        # The hub is told of a new one at once. A crash before it is on disk would exclude it at the next start.
        if self._grids_dirty and self._may_write_grids():
            self._write_grids()

    def _may_write_grids(self) -> bool:
        return self._grids_written is None or abs(self._now() - self._grids_written) >= GRIDS_EVERY

    def note(self, records: Iterable[SessionRecord]) -> None:
        """Record changed sessions. They are written with the next write."""
        self._records |= {(record.evse_id, record.address, record.number): record for record in records}

    # --- writing ---

    def before_telling(self, evse_id: str) -> None:
        """Write the energy of a charge point unless it is on disk, because the hub is about to be told of it.

        A counter that the hub was told never falls (contract 4, `e_import`), also if the process is killed and another
        session has taken the place of this one in the cloud before the next start. A socket that is told of several
        times a second is written once: the rest follows with the next tick.

        Args:
            evse_id: the charge point. The subject of another message is ignored.
        """
        for identity, memory in self._dirty.get(evse_id, {}).items():
            energy, written = self._energy_on_disk.get(identity, (None, None))
            if memory.lifetime_energy != energy:
                self._told = True
                if written is None or abs(self._now() - written) >= ENERGY_EVERY:
                    self.write()
                    return

    def write_if_due(self) -> None:
        """Write what the hub was told and what could not be written before, and each minute the rest.

        The rest is also written if the clock was set back.
        """
        if self._grids_dirty:
            self._write_grids()
        if self._told or abs(self._now() - self._written) >= EVERY:
            self.write()
        else:
            self._storage.write_owed()

    def write(self) -> None:
        """Write the changes, and those that could not be written before."""
        self._written, self._told = self._now(), False
        if self._dirty or self._records:
            memories = {identity: memory for sockets in self._dirty.values() for identity, memory in sockets.items()}
            self._storage.save_memories(memories, self._written, self._records.values())
            for identity, memory in memories.items():
                self._energy_on_disk[identity] = memory.lifetime_energy, self._written
            self._dirty.clear()
            self._records.clear()
        else:
            self._storage.write_owed()

    def close(self, twins: Sequence[Twin]) -> None:
        """Write everything for the last time. The sockets count as unseen from now on."""
        now = self._now()
        memories = {twin.identity: lose_sight(twin.memory, now) for twin in twins}
        self._storage.save_memories(memories, now, self._records.values())
        self._dirty.clear()
        self._records.clear()
        self._write_grids()

    def _write_grids(self) -> None:
        self._grids_dirty, self._grids_written = False, self._now()
        self._storage.save_value(
            GRIDS, {grid_id: list[JsonValue](evse_ids) for grid_id, evse_ids in self._grids.items()}
        )


def grids_behind(stored: JsonValue) -> dict[str, list[str]]:
    """Return the stored charge points behind each grid connection, by the cloud's id of it."""
    grids = stored if isinstance(stored, dict) else {}
    return {
        grid_id: [str(evse_id) for evse_id in evse_ids]
        for grid_id, evse_ids in grids.items()
        if isinstance(evse_ids, list)
    }
