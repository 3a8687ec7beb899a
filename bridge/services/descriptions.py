"""How things are described to the hub: charge points with all services of all their sockets, and grid connections."""

from collections.abc import Sequence
from typing import Final

from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.twin import Twin
from bridge.fimp.description import ThingDescription
from bridge.fimp.service import DeviceService

MANUFACTURER: Final = "Blue Current"
UNKNOWN_MODEL: Final = "Charge point"
GRID_MODEL: Final = "Grid connection"


def describe_charge_point(twins: Sequence[Twin], services: Sequence[DeviceService[Twin]]) -> ThingDescription:
    """A charge point: one thing, whatever the number of its sockets."""
    evse_id, evse = twins[0].evse_id, twins[0].settings
    model = _part(evse.model) or UNKNOWN_MODEL
    descriptions = (service.describe(twin) for twin in twins for service in services)
    return ThingDescription(
        address=evse_id,
        product_name=evse.name.strip() or model,
        product_hash=f"{MANUFACTURER} - {MANUFACTURER} - {model}",
        product_id=model,
        manufacturer=MANUFACTURER,
        device_id=evse_id,
        services=[description for description in descriptions if description is not None],
    )


def describe_grid(twin: GridTwin, services: Sequence[DeviceService[GridTwin]]) -> ThingDescription:
    """A grid connection: a thing of its own."""
    descriptions = (service.describe(twin) for service in services)
    return ThingDescription(
        address=twin.address,
        product_name=GRID_MODEL,
        product_hash=f"{MANUFACTURER} - {MANUFACTURER} - {GRID_MODEL}",
        product_id=GRID_MODEL,
        manufacturer=MANUFACTURER,
        device_id=twin.grid.id,
        services=[description for description in descriptions if description is not None],
    )


def _part(text: str) -> str:
    """One part of a product hash: consumers split it at ` - `."""
    return text.replace(" - ", "-").strip()
