"""A grid connection: the currents of a building on each phase (the cloud's GRID_STATUS and GRID_CURRENT)."""

from dataclasses import field, replace
from datetime import datetime, timedelta
from typing import Self

from bridge.chargepoint.cloud_fields import GRID_CURRENT, TEXT, cloud_field
from bridge.chargepoint.update import Update
from bridge.immutable import immutable


@immutable(frozen=True, slots=True, kw_only=True)
class Grid:
    """The last known values of a grid connection; None is unknown. A current below zero is fed into the grid."""

    id: str = cloud_field("id", "the id of the grid connection; empty until a GRID_STATUS names it", TEXT, default="")
    current_1: float | None = cloud_field("grid_actual_p1", "current of the building on phase 1", GRID_CURRENT)
    current_2: float | None = cloud_field("grid_actual_p2", "current of the building on phase 2", GRID_CURRENT)
    current_3: float | None = cloud_field("grid_actual_p3", "current of the building on phase 3", GRID_CURRENT)
    max_install: float | None = cloud_field(
        "grid_max_install", "what the connection can carry on each phase", GRID_CURRENT
    )
    max_reserved: float | None = cloud_field(
        "grid_max_reserved", "what the charge points behind it may use together", GRID_CURRENT
    )

    @property
    def currents(self) -> tuple[float | None, float | None, float | None]:
        """The currents on phases 1 to 3, A."""
        return self.current_1, self.current_2, self.current_3


@immutable(frozen=True, slots=True, kw_only=True)
class GridTwin:
    """The bridge's picture of one grid connection.

    Attributes:
        grid: the last values.
        evse_ids: the charge points behind it.
        link_down_since: since when the link has been down; None while it is up.
    """

    grid: Grid
    evse_ids: frozenset[str] = field(default_factory=frozenset)
    link_down_since: datetime | None = None

    @property
    def address(self) -> str:
        """The FIMP address: the letters and digits of the grid's id (contract 3)."""
        return grid_address(self.grid.id)

    @property
    def seen(self) -> bool:
        """Whether any current is known."""
        return any(current is not None for current in self.grid.currents)

    def pushed(self, update: Update[Grid]) -> Self:
        """Return the twin after a GRID_STATUS or a GRID_CURRENT."""
        return replace(self, grid=replace(update.onto(self.grid), id=self.grid.id), link_down_since=None)

    def link_lost(self, now: datetime) -> Self:
        """Return the twin after the link went down."""
        return self if self.link_down_since is not None else replace(self, link_down_since=now)

    def link_found(self, now: datetime, grace: timedelta) -> Self:
        """Return the twin after the link came up. After an outage longer than the grace, all values are unknown."""
        if self.visible(now, grace):
            return replace(self, link_down_since=None)
        return replace(self, grid=Grid(id=self.grid.id), link_down_since=None)

    def shifted(self, delta: timedelta) -> Self:
        """Return the twin after the wall clock has jumped by `delta`. The bridge's own times move with it."""
        if self.link_down_since is None:
            return self
        return replace(self, link_down_since=self.link_down_since + delta)

    def visible(self, now: datetime, grace: timedelta) -> bool:
        """Whether the values are still valid: the link is up, or has not been down for longer than the grace."""
        return self.link_down_since is None or now - self.link_down_since < grace


def grid_address(grid_id: str) -> str:
    """Return the FIMP address of a grid connection."""
    return "".join(letter for letter in grid_id if letter.isascii() and letter.isalnum())
