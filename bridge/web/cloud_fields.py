"""Every field that the cloud has told, by its own name, for `GET /api/state` (design page 3, last section)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from bridge.bluecurrent.bodies import AccountBody
from bridge.chargepoint.averages import averages, grid_averages
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status
from bridge.chargepoint.told import as_told


@dataclass(frozen=True, slots=True)
class ChargePointFields:
    """What the cloud has told of a charge point. It becomes JSON only where somebody asks for that.

    Attributes:
        settings: its description and settings.
        sockets: the status of each of its sockets, by number; the number of an only one is None.
        grid: the grid connection that it is behind, where that is known.
    """

    settings: ChargePointSettings = field(default_factory=ChargePointSettings)
    sockets: Sequence[tuple[int | None, Status]] = ()
    grid: Grid | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """The fields by their own names. Those of several sockets stand under `sockets`, by number."""
        shown = as_told(self.settings)
        statuses = {number: self._status(status) for number, status in self.sockets}
        if None in statuses:
            shown |= statuses[None]
        else:
            shown["sockets"] = {str(number): status for number, status in statuses.items()}
        if self.grid is not None:
            shown |= {name: value for name, value in grid_fields(self.grid).items() if name != "id"}
        return shown

    def _status(self, status: Status) -> dict[str, JsonValue]:
        return as_told(status) | as_told(averages(status, smart_charging=bool(self.settings.smart_charging)))


def account_fields(account: AccountBody | None) -> dict[str, JsonValue] | None:
    """What the cloud has told of the account; None for nothing yet."""
    return as_told(account) if account is not None else None


def grid_fields(grid: Grid) -> dict[str, JsonValue]:
    """What the cloud has told of a grid connection."""
    return as_told(grid) | as_told(grid_averages(grid))
