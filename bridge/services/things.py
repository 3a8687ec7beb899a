"""Things: how charge points come to the hub, stay away from it, and leave it (contract 6, "Things")."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue
from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.twin import Twin
from bridge.errors import InvalidValue, UnknownAddress
from bridge.fimp.description import ThingDescription
from bridge.fimp.report import Report
from bridge.outbox import Outbox
from bridge.services.command import Call, Command
from bridge.services.device import Addresses, DeviceService
from bridge.services.fleet import Fleet
from bridge.storage import Storage

MANUFACTURER: Final = "Blue Current"
UNKNOWN_MODEL: Final = "Charge point"


class Things:
    """What the hub knows as devices.

    A thing is included once its inclusion report has been sent; from then on it is in the will, and its reports go out.

    Args:
        fleet: the twins.
        services: what each socket can do.
        addresses: the topics.
        outbox: where reports go.
        storage: remembers what was included and what was deleted.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        services: Sequence[DeviceService],
        addresses: Addresses,
        outbox: Outbox,
        storage: Storage,
        log: FilteringBoundLogger,
    ) -> None:
        self._fleet = fleet
        self._services = services
        self._addresses = addresses
        self._outbox = outbox
        self._storage = storage
        self._log = log
        self._inclusions: dict[str, JsonValue] = storage.inclusions()
        self._excluded = storage.excluded()
        self.commands: Mapping[str, Command] = {
            "cmd.thing.get_inclusion_report": Command(("string",), self._get_inclusion_report),
        }

    def included(self, evse_id: str) -> bool:
        """Whether the hub has it as a thing."""
        return evse_id in self._inclusions

    def deleted(self, evse_id: str) -> bool:
        """Whether the user has deleted it: it stays away until all things are brought back."""
        return evse_id in self._excluded

    def addresses(self) -> list[str]:
        """All things."""
        return sorted(self._inclusions)

    def announce(self, evse_id: str) -> bool:
        """Send the inclusion report, if it is not the one sent last. True: the thing is new to the hub."""
        twins = self._fleet.sockets(evse_id)
        if not twins or evse_id in self._excluded:
            return False
        report = describe(twins, self._services).to_json()
        before = self._inclusions.get(evse_id)
        if report == before:
            return False
        self._inclusions[evse_id] = report
        if before is None:
            self._outbox.renew()  # the will must name it before it is heard of
            self._log.info("a charge point is included", evse_id=evse_id)
        self._outbox.put(self._report("evt.thing.inclusion_report", report), keep=True)
        self._storage.save_inclusion(evse_id, report)
        return before is None

    def left(self, evse_id: str) -> None:
        """A charge point has left the account."""
        if self._inclusions.pop(evse_id, None) is None:
            return
        self._log.info("a charge point has left the account and is excluded", evse_id=evse_id)
        self._storage.save_inclusion(evse_id, None)
        self._outbox.put(self._report("evt.thing.exclusion_report", {"address": evse_id}), keep=True)
        self._outbox.renew()

    def _report(self, type_: str, value: JsonValue) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value)

    async def _get_inclusion_report(self, call: Call) -> Sequence[Report]:
        return [self._report("evt.thing.inclusion_report", self.inclusion(call.string_value))]

    def inclusion(self, address: str) -> JsonValue:
        """The inclusion report of a thing.

        Raises:
            InvalidValue: no address was given.
            UnknownAddress: there is no such thing.
        """
        if not address:
            raise InvalidValue("Say which thing: its address is its evse_id, such as BCU102728.")
        report = self._inclusions.get(address)
        if report is None:
            raise UnknownAddress(f"There is no thing {address}. There is: {', '.join(self.addresses()) or 'none'}.")
        return report


def describe(twins: Sequence[Twin], services: Sequence[DeviceService]) -> ThingDescription:
    """The description of a charge point, with all services of all its sockets."""
    evse_id, evse = twins[0].evse_id, twins[0].evse
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


def _part(text: str) -> str:
    """One part of a product hash: consumers split it at ` - `."""
    return text.replace(" - ", "-").strip()
