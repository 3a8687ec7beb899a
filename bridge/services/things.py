"""Things: what the hub knows as devices, and how they come, stay away and leave (contract 6, "Things")."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import JsonValue
from structlog.typing import FilteringBoundLogger

from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.account.sync import Sync
from bridge.chargepoint import limits
from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.twin import Twin
from bridge.errors import InvalidValue, UnknownAddress
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.description import ThingDescription
from bridge.fimp.report import Report
from bridge.fimp.service import DeviceService
from bridge.fimp.topic import LONGEST_PART, is_level
from bridge.logs import Once
from bridge.runtime_settings import RuntimeSettings
from bridge.storage.storage import Storage

MANUFACTURER: Final = "Blue Current"
UNKNOWN_MODEL: Final = "Charge point"
GRID_MODEL: Final = "Grid connection"

INCLUSION: Final = "evt.thing.inclusion_report"
EXCLUSION: Final = "evt.thing.exclusion_report"


class ThingsService:
    """The things of the account, with the services of each.

    A charge point is a thing once all there is to know of it has been asked for, a grid connection once the cloud has
    named it; both unless the user has deleted them.

    Args:
        fleet: the charge points and grid connections.
        exclusions: what the user has deleted.
        sync: asks the cloud for the list of charge points.
        services: what each socket can do.
        grid_services: what each grid connection can do.
        runtime: the grace.
        addresses: the topics.
        storage: keeps what the hub was told of things.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        exclusions: Exclusions,
        sync: Sync,
        services: Sequence[DeviceService[Twin]],
        grid_services: Sequence[DeviceService[GridTwin]],
        runtime: RuntimeSettings,
        addresses: Addresses,
        storage: Storage,
        log: FilteringBoundLogger,
    ) -> None:
        self._fleet = fleet
        self._exclusions = exclusions
        self._sync = sync
        self._services = services
        self._grid_services = grid_services
        self._runtime = runtime
        self._addresses = addresses
        self._storage = storage
        self._log = log
        self._once = Once()
        self._known_to_hub: set[str] = set(storage.inclusions())
        self.commands: Mapping[str, Command] = {
            "cmd.thing.get_inclusion_report": Command(("string",), self._get_inclusion_report),
            "cmd.thing.inclusion": Command(("bool",), self._include, again=self._say_inclusion_done),
            "cmd.thing.delete": Command(("str_map", "object"), self._delete, again=self._say_excluded),
            "cmd.network.reset": Command(("null",), self._reset, again=self._say_reset_done),
        }

    # --- what there is ---

    def included(self, address: str) -> bool:
        """Whether the hub has this address as a thing, or should have it."""
        return address not in self._exclusions and self._is_thing(address)

    def deleted(self, address: str) -> bool:
        """Whether the user has deleted it: it stays away until all things are brought back."""
        return address in self._exclusions

    def _is_thing(self, address: str) -> bool:
        point = self._fleet.charge_point(address)
        if point is not None:
            return point.complete and self._is_addressable(address)
        return self._fleet.grid(address) is not None

    def left_out(self, evse_id: str) -> bool:
        """Whether the hub cannot have a charge point: its evse_id cannot be one level of a topic (contract 3)."""
        addresses = [evse_id, *(twin.address for twin in self._fleet.sockets(evse_id))]
        return not all(is_level(address) for address in addresses)

    def _is_addressable(self, evse_id: str) -> bool:
        """Whether the hub can have a charge point; one that it cannot have is named once."""
        if not self.left_out(evse_id):
            return True
        if self._once.first(evse_id):
            self._log.warning(
                "a charge point is left out: its evse_id cannot be part of a topic; the others are served",
                evse_id=evse_id[:LONGEST_PART],
            )
        return False

    def subjects(self) -> list[str]:
        """The addresses of all charge points and grid connections, and of things that the hub was told of."""
        present = [*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids())]
        return [*present, *(self._known_to_hub - set(present))]

    def addresses(self) -> list[str]:
        """The things, sorted."""
        return sorted(address for address in self.subjects() if self.included(address))

    def will_addresses(self) -> list[str]:
        """The things that a will has to name: those that there are, and those that are about to come."""
        points = (evse_id for evse_id in self._fleet.evse_ids() if is_level(evse_id))
        present = {*points, *(grid.address for grid in self._fleet.grids())}
        return sorted(address for address in present if address not in self._exclusions)

    # --- what they are ---

    def identity(self, address: str) -> ThingDescription | None:
        """The description of a thing without its services; None where there is no such thing."""
        return self._describe(address, (), ())

    def describe(self, address: str) -> ThingDescription | None:
        """The description of a thing; None where there is no such thing."""
        return self._describe(address, self._services, self._grid_services)

    def _describe(
        self,
        address: str,
        services: Sequence[DeviceService[Twin]],
        grid_services: Sequence[DeviceService[GridTwin]],
    ) -> ThingDescription | None:
        point, grid = self._fleet.charge_point(address), self._fleet.grid(address)
        if point is not None:
            model = _part(point.settings.model) or UNKNOWN_MODEL
            name, device_id = point.settings.name.strip() or model, point.evse_id
            found = [service.describe(twin) for twin in point.sockets for service in services]
        elif grid is not None:
            model = name = GRID_MODEL
            device_id = grid.grid.id
            found = [service.describe(grid) for service in grid_services]
        else:
            return None
        return ThingDescription(
            address=address,
            product_name=name,
            product_hash=f"{MANUFACTURER} - {MANUFACTURER} - {model}",
            product_id=model,
            manufacturer=MANUFACTURER,
            device_id=device_id,
            services=[description for description in found if description is not None],
        )

    def find(self, service: str, address: str) -> tuple[DeviceService[Twin] | DeviceService[GridTwin], str]:
        """The service that a command is for, and the thing that it is a part of.

        Args:
            service: the name of the service.
            address: the service address.

        Raises:
            UnknownAddress: there is no such thing, or it has no such service.
        """
        twin, grid = self._fleet.twin(address), self._fleet.grid(address)
        if twin is not None and self.included(twin.evse_id):
            for one in self._services:
                if one.name == service and one.describe(twin) is not None:
                    return one, twin.evse_id
        elif grid is not None and self.included(address):
            for other in self._grid_services:
                if other.name == service and other.describe(grid) is not None:
                    return other, address
        else:
            raise UnknownAddress(f"There is no {address} here.")
        raise UnknownAddress(f"{address} has no service {service}.")

    # --- what is told ---

    def presence(self, address: str) -> Report | None:
        """Whether a thing is there: its inclusion report, or an exclusion report if the hub still has it."""
        if self.included(address):
            description = self.describe(address)
            return self._report(INCLUSION, description.to_json(), address) if description is not None else None
        return self._exclusion(address) if address in self._known_to_hub else None

    def reports(self, address: str, now: datetime, *, settings_changed: bool) -> Iterator[Report]:
        """What the services of a thing tell of it now.

        Args:
            address: the thing.
            now: the time.
            settings_changed: False: only what a status can change.
        """
        for twin in self._fleet.sockets(address):
            for service in self._services:
                yield from service.reports(twin, now, settings_changed=settings_changed)
        grid = self._fleet.grid(address)
        if grid is not None:
            for grid_service in self._grid_services:
                yield from grid_service.reports(grid, now, settings_changed=settings_changed)

    def next_change(self, address: str, now: datetime) -> datetime | None:
        """When, after now, what is told of a thing may change with nothing happening."""
        grace = self._runtime.grace
        times = [twin.next_change(now, grace) for twin in self._fleet.sockets(address)]
        grid = self._fleet.grid(address)
        if grid is not None and grid.link_down_since is not None and grid.link_down_since + grace > now:
            times.append(grid.link_down_since + grace)
        return min((when for when in times if when is not None), default=None)

    def acknowledged_before(self) -> list[Report]:
        """The inclusion reports that the hub has acknowledged before this start."""
        return [self._report(INCLUSION, value, address) for address, value in self._storage.inclusions().items()]

    def acknowledged(self, report: Report) -> None:
        """The broker has an inclusion or exclusion report. Only now it is kept: the next start compares with it."""
        address = report.about
        if report.type == INCLUSION:
            if address not in self._known_to_hub:
                self._log.info("a thing is included", address=address)
            self._known_to_hub.add(address)
            self._storage.save_inclusion(address, report.value)
        elif address in self._known_to_hub:
            self._known_to_hub.discard(address)
            self._storage.save_inclusion(address, None)
            self._log.info("a thing is excluded", address=address, deleted_by_user=address in self._exclusions)

    def _report(self, type_: str, value: JsonValue, address: str) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value, about=address)

    def _exclusion(self, address: str) -> Report:
        return self._report(EXCLUSION, {"address": address}, address)

    # --- what is done ---

    def exclude(self, addresses: Sequence[str]) -> list[Report]:
        """Exclude things that the user deletes, until they are included again. Returns the exclusion reports."""
        self._exclusions.add(addresses)
        for address in addresses:
            for twin in self._fleet.sockets(address):
                self._fleet.limit(twin.address, limits.without_wishes)  # nobody could lift its limits any more
        return [self._exclusion(address) for address in addresses]

    def withdraw(self) -> list[Report]:
        """Exclude all things until the next login. Returns the exclusion reports."""
        addresses = self.addresses()
        self._exclusions.withdraw(addresses)
        return [self._exclusion(address) for address in addresses]

    def bring_back(self) -> None:
        """Allow all things to be included again."""
        self._exclusions.clear()

    # --- what is asked ---

    def expect(self, address: str) -> str:
        """The address of a thing that a command names.

        Raises:
            InvalidValue: no address was given.
            UnknownAddress: there is no such thing.
        """
        if not address:
            raise InvalidValue("Say which thing: its address is its evse_id, such as BCU102728.")
        if not self.included(address):
            raise UnknownAddress(f"There is no thing {address}. There is: {', '.join(self.addresses()) or 'none'}.")
        return address

    async def _get_inclusion_report(self, call: Call) -> Sequence[Report]:
        presence = self.presence(self.expect(call.string_value))
        return [presence] if presence is not None else []

    async def _include(self, call: Call) -> Sequence[Report]:
        """`true` includes all things again and looks for new ones; `false` changes nothing."""
        if call.bool_value:
            self.bring_back()
            await self._sync.look_again()
        return await self._say_inclusion_done(call)

    async def _say_inclusion_done(self, _: Call) -> Sequence[Report]:
        name = self._addresses.resource_name
        type_ = "evt.thing.inclusion_status_report"
        return [Report(self._addresses.adapter, name, type_, "string", "ADD_NODE_DONE")]

    async def _delete(self, call: Call) -> Sequence[Report]:
        return self.exclude([self.expect(_address(call))])

    async def _say_excluded(self, call: Call) -> Sequence[Report]:
        return [self._exclusion(_address(call))]

    async def _reset(self, call: Call) -> Sequence[Report]:
        return [*self.exclude(self.addresses()), *await self._say_reset_done(call)]

    async def _say_reset_done(self, _: Call) -> Sequence[Report]:
        name = self._addresses.resource_name
        return [Report(self._addresses.adapter, name, "evt.network.reset_done", "null", None)]


def _part(text: str) -> str:
    """One part of a product hash: consumers split it at ` - `."""
    return text.replace(" - ", "-").strip()


def _address(call: Call) -> str:
    value = call.message.value
    address = value.get("address") if isinstance(value, dict) else None
    if not isinstance(address, str):
        raise InvalidValue('cmd.thing.delete takes {"address": …}.')
    return address
