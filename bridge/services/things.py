"""The things of the adapter: inclusion, exclusion and description of devices (contract 6, "Things")."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
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

MOST_NAMED: Final = 10
"""The most things that an error message names."""

INCLUSION: Final = "evt.thing.inclusion_report"
EXCLUSION: Final = "evt.thing.exclusion_report"


class ThingsService:
    """The things of the account, with the services of each.

    A charge point becomes a thing once the cloud has answered for its settings and status. A grid connection becomes a
    thing once the cloud has named it. A thing that the user has deleted stays excluded.

    Args:
        fleet: the charge points and grid connections.
        exclusions: the things that the user has deleted.
        sync: asks the cloud for the list of charge points.
        services: the services of each socket.
        grid_services: the services of each grid connection.
        runtime: gives the grace.
        addresses: builds the topics.
        storage: keeps the acknowledged inclusion reports.
        log: the logger.
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

    # --- addresses ---

    def included(self, address: str) -> bool:
        """Whether the hub has this address as a thing, or should have it."""
        return address not in self._exclusions and self._is_thing(address)

    def _is_thing(self, address: str) -> bool:
        point = self._fleet.charge_point(address)
        if point is not None:
            return point.complete and self._is_addressable(address)
        return self._fleet.grids.at(address) is not None

    def left_out(self, evse_id: str) -> bool:
        """Whether a charge point is left out because its evse_id cannot be one level of a topic (contract 3)."""
        addresses = [evse_id, *(twin.address for twin in self._fleet.sockets(evse_id))]
        return not all(is_level(address) for address in addresses)

    def _is_addressable(self, evse_id: str) -> bool:
        """Whether a charge point can have a topic; one that cannot is logged once."""
        if not self.left_out(evse_id):
            return True
        if self._once.first(evse_id):
            self._log.warning(
                "a charge point is left out: its evse_id cannot be part of a topic; the others are served",
                evse_id=evse_id[:LONGEST_PART],
            )
        return False

    def subjects(self) -> list[str]:
        """Return the addresses of all charge points and grid connections, and of things that the hub still has."""
        present = [*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids.all())]
        return [*present, *(self._known_to_hub - set(present))]

    def addresses(self) -> list[str]:
        """Return the addresses of all included things, sorted."""
        return sorted(address for address in self.subjects() if self.included(address))

    def will_addresses(self) -> list[str]:
        """Return the addresses that a will must name: the included things and those about to be included, sorted."""
        points = (evse_id for evse_id in self._fleet.evse_ids() if is_level(evse_id))
        present = {*points, *(grid.address for grid in self._fleet.grids.all())}
        return sorted(address for address in present if address not in self._exclusions)

    # --- descriptions ---

    def identity(self, address: str) -> ThingDescription | None:
        """Return the description of a thing without its services; None if there is no such thing."""
        return self._describe(address, (), ())

    def describe(self, address: str) -> ThingDescription | None:
        """Return the description of a thing; None if there is no such thing."""
        return self._describe(address, self._services, self._grid_services)

    def _describe(
        self,
        address: str,
        services: Sequence[DeviceService[Twin]],
        grid_services: Sequence[DeviceService[GridTwin]],
    ) -> ThingDescription | None:
        point, grid = self._fleet.charge_point(address), self._fleet.grids.at(address)
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
            services=found,
        )

    def find(self, service: str, address: str) -> tuple[DeviceService[Twin] | DeviceService[GridTwin], str]:
        """Return the service that a command is for, and the address of the thing that has it.

        Args:
            service: the name of the service.
            address: the service address.

        Raises:
            UnknownAddress: there is no such thing, or it has no such service.
        """
        twin, grid = self._fleet.twin(address), self._fleet.grids.at(address)
        if twin is not None and self.included(twin.evse_id):
            for one in self._services:
                if one.name == service:
                    return one, twin.evse_id
        elif grid is not None and self.included(address):
            for other in self._grid_services:
                if other.name == service:
                    return other, address
        else:
            raise UnknownAddress(f"There is no thing with the address {address}.")
        raise UnknownAddress(f"{address} has no service {service}.")

    # --- reports ---

    def presence(self, address: str) -> Report | None:
        """Return the inclusion report of a thing, or an exclusion report if only the hub still has it; else None."""
        if self.included(address):
            description = self.describe(address)
            return self._report(INCLUSION, description.to_json(), address) if description is not None else None
        return self._exclusion(address) if address in self._known_to_hub else None

    def reports(self, address: str, now: datetime, *, settings_changed: bool) -> Iterator[Report]:
        """Return the current reports of the services of a thing. Each is made when it is read, from the values of now.

        Args:
            address: the address of the thing.
            now: the time.
            settings_changed: False: only the reports that a CH_STATUS can change.
        """
        grid = self._fleet.grids.at(address)
        of_sockets = (
            service.reports(twin, now, settings_changed=settings_changed)
            for twin in self._fleet.sockets(address)
            for service in self._services
        )
        of_grid = (
            service.reports(one, now, settings_changed=settings_changed)
            for one in ([grid] if grid is not None else ())
            for service in self._grid_services
        )
        return chain.from_iterable(chain(of_sockets, of_grid))

    def next_change(self, address: str, now: datetime) -> datetime | None:
        """Return when after `now` the reports of a thing may change without an event; None: they will not."""
        grace = self._runtime.grace
        times = [twin.next_change(now, grace) for twin in self._fleet.sockets(address)]
        grid = self._fleet.grids.at(address)
        if grid is not None and grid.link_down_since is not None and grid.link_down_since + grace > now:
            times.append(grid.link_down_since + grace)
        return min((when for when in times if when is not None), default=None)

    def acknowledged_before(self) -> list[Report]:
        """Return the inclusion reports that the hub acknowledged before this start."""
        return [self._report(INCLUSION, value, address) for address, value in self._storage.inclusions().items()]

    def acknowledged(self, report: Report) -> None:
        """Keep an inclusion or exclusion report that the broker has acknowledged, to compare with after a restart."""
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

    # --- exclusion ---

    def exclude(self, addresses: Sequence[str]) -> list[Report]:
        """Exclude things that the user deletes and lift their limits. Return the exclusion reports."""
        self._exclusions.add(addresses)
        for address in addresses:
            for twin in self._fleet.sockets(address):
                self._fleet.limit(twin.address, limits.without_wishes)  # no command could lift them any more
        return [self._exclusion(address) for address in addresses]

    def withdraw(self) -> list[Report]:
        """Exclude all things until the next login. Return the exclusion reports."""
        addresses = self.addresses()
        self._exclusions.withdraw(addresses)
        return [self._exclusion(address) for address in addresses]

    def bring_back(self) -> None:
        """Allow all things to be included again."""
        self._exclusions.clear()

    # --- commands ---

    def expect(self, address: str) -> str:
        """Return the address that a command names, if it is that of an included thing.

        Raises:
            InvalidValue: no address was given.
            UnknownAddress: there is no such thing.
        """
        if not address:
            raise InvalidValue("The command names no thing. The address of a thing is its evse_id, such as BCU102728.")
        if not self.included(address):
            known = self.addresses()
            more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
            names = ", ".join(known[:MOST_NAMED]) or "none"
            raise UnknownAddress(f"There is no thing {address}. The things are: {names}{more}.")
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
    """Return text for one part of a product hash, without ` - `, at which consumers split the hash (page 4)."""
    return text.replace(" - ", "-").strip()


def _address(call: Call) -> str:
    value = call.message.value
    address = value.get("address") if isinstance(value, dict) else None
    if not isinstance(address, str):
        raise InvalidValue('cmd.thing.delete takes {"address": …}.')
    return address
