"""Averages and the remaining current, computed and named as the official client does.

Only `GET /api/state` shows them. The client multiplies average current, average voltage and the root of three, which is
wrong for one phase and for three (design page 3). `bridge.chargepoint.power` computes the power that is reported.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from bridge.chargepoint.cloud_fields import CURRENT, GRID_CURRENT, POWER, VOLTAGE, cloud_field
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status

ROOT_OF_THREE: Final = 1.732


@dataclass(frozen=True, slots=True, kw_only=True)
class Averages:
    """The averages of a socket over the phases that are not 0. A value that cannot be computed is None."""

    avg_voltage: float | None = cloud_field("avg_voltage", "average voltage of the phases that have one", VOLTAGE)
    avg_current: float | None = cloud_field("avg_current", "average current of the phases that carry one", CURRENT)
    current_left: float | None = cloud_field("current_left", "the limit in force minus that average", CURRENT)
    total_kw: float | None = cloud_field("total_kw", "average voltage times average current times 1.732", POWER)


@dataclass(frozen=True, slots=True, kw_only=True)
class GridAverages:
    """The averages of a grid connection. A value that cannot be computed is None."""

    grid_avg_current: float | None = cloud_field(
        "grid_avg_current", "average current of the phases in use", GRID_CURRENT
    )
    grid_max_current: float | None = cloud_field(
        "grid_max_current", "current of the phase that carries the most", GRID_CURRENT
    )


def averages(status: Status, *, smart_charging: bool) -> Averages:
    """Compute the averages of a socket.

    Args:
        status: the values of the socket.
        smart_charging: smart charging is on, so its limit is the one in force.
    """
    voltage, current = _average(status.voltages), _average(status.currents)
    limit = status.smart_limit if smart_charging else status.max_usage
    left = power = None
    if current is not None and limit is not None:
        left = limit - current
    if current is not None and voltage is not None:
        power = round(current * voltage * ROOT_OF_THREE / 1000, 2)
    return Averages(avg_voltage=voltage, avg_current=current, current_left=left, total_kw=power)


def grid_averages(grid: Grid) -> GridAverages:
    """Compute the averages of a grid connection."""
    known = [current for current in grid.currents if current is not None]
    return GridAverages(grid_avg_current=_average(known), grid_max_current=max(known, default=None))


def _average(phases: Iterable[float | None]) -> float | None:
    known = [phase for phase in phases if phase is not None]
    used = [phase for phase in known if phase]
    if not used:
        return 0.0 if known else None
    return round(sum(used) / len(used), 1)
