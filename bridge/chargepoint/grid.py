"""A grid connection: what a building draws, phase by phase (the cloud's GRID_STATUS and GRID_CURRENT)."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Self

from bridge.chargepoint.told import GRID_CURRENT, TEXT, told
from bridge.chargepoint.update import Update


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One grid connection as last known; None is unknown. Currents are below zero while the building feeds in."""

    id: str = told("id", "the name of the grid connection; empty until a GRID_STATUS tells it", TEXT, default="")
    current_1: float | None = told("grid_actual_p1", "current of the building on phase 1", GRID_CURRENT)
    current_2: float | None = told("grid_actual_p2", "current of the building on phase 2", GRID_CURRENT)
    current_3: float | None = told("grid_actual_p3", "current of the building on phase 3", GRID_CURRENT)
    max_install: float | None = told("grid_max_install", "what the connection can carry on each phase", GRID_CURRENT)
    max_reserved: float | None = told(
        "grid_max_reserved", "what the charge points behind it may use together", GRID_CURRENT
    )

    @property
    def currents(self) -> tuple[float | None, float | None, float | None]:
        """Phases 1 to 3, A."""
        return self.current_1, self.current_2, self.current_3


@dataclass(frozen=True, slots=True, kw_only=True)
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
        """The FIMP address: the grid's id without what is neither letter nor digit (contract 3)."""
        return grid_address(self.grid.id)

    @property
    def seen(self) -> bool:
        """Something has been heard of it."""
        return any(current is not None for current in self.grid.currents)

    def pushed(self, update: Update[Grid]) -> Self:
        """After a GRID_STATUS or a GRID_CURRENT."""
        return replace(self, grid=replace(update.onto(self.grid), id=self.grid.id), link_down_since=None)

    def link_lost(self, now: datetime) -> Self:
        """After the link went down."""
        return self if self.link_down_since is not None else replace(self, link_down_since=now)

    def link_found(self, now: datetime, grace: timedelta) -> Self:
        """After the link came up: after a long break, what was known before it is of no use."""
        if self.visible(now, grace):
            return replace(self, link_down_since=None)
        return replace(self, grid=Grid(id=self.grid.id), link_down_since=None)

    def shifted(self, delta: timedelta) -> Self:
        """After the wall clock has jumped by `delta`: the bridge's own times move with it."""
        if self.link_down_since is None:
            return self
        return replace(self, link_down_since=self.link_down_since + delta)

    def visible(self, now: datetime, grace: timedelta) -> bool:
        """Whether what is known may still be told."""
        return self.link_down_since is None or now - self.link_down_since < grace


def grid_address(grid_id: str) -> str:
    """The FIMP address of a grid connection."""
    return "".join(letter for letter in grid_id if letter.isascii() and letter.isalnum())
