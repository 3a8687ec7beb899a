"""The grid connections of the account, each with the charge points behind it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bridge.account.address_book import GRIDS, AddressBook, Claim
from bridge.chargepoint.grid import Grid, GridTwin, grid_address
from bridge.chargepoint.update import Update

GridListener = Callable[[GridTwin | None, GridTwin | None], None]
"""Called with a grid connection before and after a change: None stands for one that is new, or that has gone."""


class Grids:
    """All grid connections. One whose address is empty or another thing's is left out (contract 3).

    Args:
        addresses: the addresses in use.

    Attributes:
        listeners: called, in order, after a change of a grid connection.
    """

    def __init__(self, addresses: AddressBook) -> None:
        self._addresses = addresses
        self._grids: dict[str, GridTwin] = {}
        self._behind: dict[str, str] = {}  # the address of the grid connection, by the charge point behind it
        self._left_out: dict[str, set[str]] = {}  # the charge points behind each one that is left out, by its id
        self.listeners: tuple[GridListener, ...] = ()

    def all(self) -> Sequence[GridTwin]:
        """Return the twins of all grid connections, sorted by address."""
        return [self._grids[address] for address in sorted(self._grids)]

    def at(self, address: str) -> GridTwin | None:
        """Return the twin of a grid connection by its address; None if there is none."""
        return self._grids.get(address)

    def of(self, evse_id: str) -> GridTwin | None:
        """Return the grid connection of a charge point; None if none is known."""
        return self._grids.get(self._behind.get(evse_id, ""))

    # --- changing ---

    def restore(self, grid_id: str, evse_ids: Iterable[str], now: datetime) -> None:
        """Restore a grid connection of before a restart. Its values are unknown."""
        grid = GridTwin(grid=Grid(id=grid_id), evse_ids=frozenset(evse_ids))
        if grid.evse_ids and self._addresses.take(_claim(grid_id)):
            self._put(None, grid.link_lost(now))

    def told(self, evse_id: str, update: Update[Grid]) -> None:
        """Apply a GRID_STATUS that names the grid connection of a charge point and its currents."""
        grid_id = update.values.id
        if not grid_id:
            return
        other = self.of(evse_id)
        if evse_id not in self._left_out.get(grid_id, ()) and (other is None or other.grid.id != grid_id):
            self.leave(evse_id)  # the one that it was behind before
        if self._addresses.take(_claim(grid_id)):
            before = self._grids.get(grid_address(grid_id))
            twin = before or GridTwin(grid=Grid(id=grid_id))
            self._put(before, replace(twin, evse_ids=twin.evse_ids | {evse_id}).pushed(update))
        else:
            self._left_out.setdefault(grid_id, set()).add(evse_id)

    def pushed(self, evse_id: str, update: Update[Grid]) -> None:
        """Apply a GRID_CURRENT: the currents at the grid connection of a charge point."""
        grid = self.of(evse_id)
        if grid is not None:
            self._put(grid, grid.pushed(update))

    def changed(self, update: Update[Grid]) -> None:
        """Apply a GRID_STATUS that names the grid connection and no charge point."""
        grid = self._grids.get(grid_address(update.values.id))
        if grid is not None and grid.grid.id == update.values.id:
            self._put(grid, grid.pushed(update))

    def leave(self, evse_id: str) -> None:
        """Take a charge point off its grid connection, which goes with the last one behind it."""
        self._leave_left_out(evse_id)
        grid = self.of(evse_id)
        if grid is None:
            return
        del self._behind[evse_id]
        left = replace(grid, evse_ids=grid.evse_ids - {evse_id})
        if left.evse_ids:
            self._put(grid, left)
            return
        del self._grids[grid.address]
        self._announce(grid, None)
        self._addresses.release(GRIDS, grid.grid.id, [grid.address])

    def vacant(self, address: str) -> None:
        """Serve a grid connection that was left out, since its address is free now. Its values are not known yet."""
        for grid_id in [grid_id for grid_id in self._left_out if grid_address(grid_id) == address]:
            if self._addresses.take(_claim(grid_id)):
                self._put(None, GridTwin(grid=Grid(id=grid_id), evse_ids=frozenset(self._left_out.pop(grid_id))))

    def _leave_left_out(self, evse_id: str) -> None:
        for grid_id, evse_ids in list(self._left_out.items()):
            evse_ids.discard(evse_id)
            if not evse_ids:
                del self._left_out[grid_id]
                self._addresses.withdraw(GRIDS, grid_id)

    def link_lost(self, now: datetime) -> None:
        """Mark every grid connection as unseen, because the link is down."""
        self._each(lambda grid: grid.link_lost(now))

    def link_found(self, now: datetime, grace: timedelta) -> None:
        """Handle that the link came up. Values are still valid after an outage within the grace."""
        self._each(lambda grid: grid.link_found(now, grace))

    def clock_jumped(self, delta: timedelta) -> None:
        """Move the bridge's own recorded times by `delta`, because the wall clock has jumped (contract 8)."""
        self._each(lambda grid: grid.shifted(delta))

    def _each(self, change: Callable[[GridTwin], GridTwin]) -> None:
        for grid in self.all():
            self._put(grid, change(grid))

    def _put(self, before: GridTwin | None, after: GridTwin) -> None:
        if before != after:
            self._grids[after.address] = after
            self._behind |= dict.fromkeys(after.evse_ids, after.address)
            self._announce(before, after)

    def _announce(self, before: GridTwin | None, after: GridTwin | None) -> None:
        for listener in self.listeners:
            listener(before, after)


def _claim(grid_id: str) -> Claim:
    return Claim(GRIDS, grid_id, grid_address(grid_id))
