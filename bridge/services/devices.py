"""The devices as the hub hears them: which reports are due, and who takes a command."""

from collections.abc import Sequence

from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import UnknownAddress
from bridge.outbox import Outbox
from bridge.services.device import DeviceService
from bridge.services.fleet import Fleet
from bridge.services.reporting import Reporter
from bridge.services.things import Things


class Devices:
    """All sockets of all things, with their services.

    Args:
        fleet: the twins.
        things: which of them the hub knows.
        services: what each socket can do.
        outbox: where reports go.
        clock: tells the time.
    """

    def __init__(
        self, *, fleet: Fleet, things: Things, services: Sequence[DeviceService], outbox: Outbox, clock: Clock
    ) -> None:
        self._fleet = fleet
        self._things = things
        self._services = {service.name: service for service in services}
        self._outbox = outbox
        self._clock = clock
        self.reporter = Reporter()

    def changed(self, before: Twin | None, after: Twin | None) -> None:
        """A twin has changed: say what is new."""
        if after is None:
            if before is not None and not self._fleet.sockets(before.evse_id):
                self._things.left(before.evse_id)
            return
        if not self._things.included(after.evse_id):
            return
        if before is None or before.evse != after.evse:
            self._things.announce(after.evse_id)
        self.report(after)

    def report(self, twin: Twin) -> None:
        """Say what is due of a socket."""
        if not self._things.included(twin.evse_id):
            return
        now = self._clock.now()
        for service in self._services.values():
            for report in self.reporter.due(service.reports(twin, now), now):
                self._outbox.put(report)
                self.reporter.said(report, now)

    def report_all(self, *, again: bool = False) -> None:
        """Say what is due of every socket, or everything again."""
        if again:
            self.reporter.forget()
        for twin in self._fleet.twins():
            self.report(twin)

    def announce(self, evse_id: str) -> None:
        """Include a charge point if it is new, or tell what has changed in its description."""
        if self._things.announce(evse_id):
            for twin in self._fleet.sockets(evse_id):
                self.report(twin)

    def announce_all(self) -> None:
        """The same for all that are included."""
        for evse_id in self._things.addresses():
            self.announce(evse_id)

    def find(self, service: str, address: str) -> DeviceService:
        """The service that a command is for.

        Raises:
            UnknownAddress: there is no such thing, or it has no such service.
        """
        twin = self._fleet.twin(address)
        if twin is None or not self._things.included(twin.evse_id):
            raise UnknownAddress(f"There is no charge point {address} here.")
        found = self._services.get(service)
        if found is None or found.describe(twin) is None:
            raise UnknownAddress(f"The charge point {address} has no service {service}.")
        return found
