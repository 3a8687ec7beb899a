"""The devices as the hub hears them: which reports are due, and who takes a command."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from bridge.account.fleet import Fleet
from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import UnknownAddress
from bridge.fimp.description import ThingDescription
from bridge.fimp.report import Report
from bridge.fimp.service import DeviceService
from bridge.hub.outbox import Outbox
from bridge.hub.reporting import Reporter
from bridge.services.descriptions import describe_charge_point, describe_grid
from bridge.services.things import Things


class Devices:
    """All sockets of all charge points, and all grid connections, with their services.

    Args:
        fleet: the twins.
        services: what each socket can do.
        grid_services: what each grid connection can do.
        outbox: where reports go.
        clock: tells the time.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        services: Sequence[DeviceService[Twin]],
        grid_services: Sequence[DeviceService[GridTwin]],
        outbox: Outbox,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._services = services
        self._grid_services = grid_services
        self._outbox = outbox
        self._clock = clock
        self._things: Things | None = None
        self.reporter = Reporter()

    def serve(self, things: Things) -> None:
        """From now on, say what there is to say of the things that are included."""
        self._things = things

    def _included(self, address: str) -> bool:
        return self._things is not None and self._things.included(address)

    # --- what there is ---

    def present(self) -> list[str]:
        """The addresses of everything that could be a thing."""
        return [*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids())]

    def describe(self, address: str) -> ThingDescription | None:
        """The description of a thing."""
        twins = self._fleet.sockets(address)
        if twins:
            return describe_charge_point(twins, self._services)
        grid = self._fleet.grid(address)
        return describe_grid(grid, self._grid_services) if grid is not None else None

    # --- what is said ---

    def changed(self, before: Twin | None, after: Twin | None) -> None:
        """The twin of a socket has changed: say what is new."""
        if self._things is None:
            return
        if after is None:
            if before is not None and not self._fleet.sockets(before.evse_id):
                self._things.left(before.evse_id)
            return
        if not self._included(after.evse_id):
            return
        if before is None or before.described_by != after.described_by:
            self._things.announce(after.evse_id)
        self._say_due_of(after, self._clock.now())

    def grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        """The twin of a grid connection has changed: say what is new."""
        if self._things is None:
            return
        if after is None:
            if before is not None:
                self._things.left(before.address)
            return
        if after.seen and before is None:
            self._things.announce(after.address)
        self._say_due_of_grid(after, self._clock.now())

    def report_thing(self, address: str) -> None:
        """Say what is due of one thing."""
        now = self._clock.now()
        for twin in self._fleet.sockets(address):
            self._say_due_of(twin, now)
        grid = self._fleet.grid(address)
        if grid is not None:
            self._say_due_of_grid(grid, now)

    def report_all(self, *, again: bool = False) -> None:
        """Say what is due of everything, or everything again."""
        if again:
            self.reporter.forget()
        for address in self.present():
            self.report_thing(address)

    def _say_due_of(self, twin: Twin, now: datetime) -> None:
        if self._included(twin.evse_id):
            for service in self._services:
                self._say_due(service.reports(twin, now), now)

    def _say_due_of_grid(self, grid: GridTwin, now: datetime) -> None:
        if self._included(grid.address):
            for service in self._grid_services:
                self._say_due(service.reports(grid, now), now)

    def _say_due(self, reports: Iterable[Report], now: datetime) -> None:
        for report in self.reporter.due(reports, now):
            self._outbox.put(report)
            self.reporter.said(report, now)

    # --- who takes a command ---

    def find(self, service: str, address: str) -> DeviceService[Twin] | DeviceService[GridTwin]:
        """The service that a command is for.

        Raises:
            UnknownAddress: there is no such thing, or it has no such service.
        """
        twin, grid = self._fleet.twin(address), self._fleet.grid(address)
        if twin is not None and self._included(twin.evse_id):
            for socket_service in self._services:
                if socket_service.name == service and socket_service.describe(twin) is not None:
                    return socket_service
        elif grid is not None and self._included(address):
            for grid_service in self._grid_services:
                if grid_service.name == service and grid_service.describe(grid) is not None:
                    return grid_service
        else:
            raise UnknownAddress(f"There is no {address} here.")
        raise UnknownAddress(f"{address} has no service {service}.")
