"""Every field received from the cloud under its wire name, for `GET /api/state` (page 3, "Every field has a place")."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

from bridge.bluecurrent.bodies import AccountBody
from bridge.chargepoint.averages import averages, grid_averages
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.cloud_fields import as_cloud_json
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status


@dataclass(frozen=True, slots=True)
class ChargePointFields:
    """The fields of a charge point. They are converted to JSON only for a request of `/api/state`.

    Attributes:
        settings: its description and settings.
        sockets: the number and status of each socket; the number is None if there is only one.
        grid: the grid connection that it belongs to; None if that is not known.
    """

    settings: ChargePointSettings = field(default_factory=ChargePointSettings)
    sockets: Sequence[tuple[int | None, Status]] = ()
    grid: Grid | None = None

    def as_json(self) -> dict[str, JsonValue]:
        """Return the fields by their wire names. Those of several sockets are under `sockets`, by their numbers."""
        shown = as_cloud_json(self.settings)
        statuses = {number: self._status(status) for number, status in self.sockets}
        if None in statuses:
            shown |= statuses[None]
        else:
            shown["sockets"] = {str(number): status for number, status in statuses.items()}
        if self.grid is not None:
            shown |= {name: value for name, value in grid_fields(self.grid).items() if name != "id"}
        return shown

    def _status(self, status: Status) -> dict[str, JsonValue]:
        return as_cloud_json(status) | as_cloud_json(
            averages(status, smart_charging=bool(self.settings.smart_charging))
        )


def account_fields(account: AccountBody | None) -> dict[str, JsonValue] | None:
    """Return the fields of the account; None if the cloud has sent none yet."""
    return as_cloud_json(account) if account is not None else None


def grid_fields(grid: Grid) -> dict[str, JsonValue]:
    """Return the fields of a grid connection, and the averages computed from them."""
    return as_cloud_json(grid) | as_cloud_json(grid_averages(grid))
