"""A grid connection: what a building draws, phase by phase (the cloud's GRID_STATUS and GRID_CURRENT)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """One grid connection as last known; currents in A, below zero while the building feeds in; None is unknown.

    Attributes:
        id: the cloud's name for it; empty until a GRID_STATUS has told it.
        max_install: what the connection can carry.
        max_reserved: what the charge points behind it may use together.
    """

    id: str = ""
    current_1: float | None = None
    current_2: float | None = None
    current_3: float | None = None
    max_install: float | None = None
    max_reserved: float | None = None
