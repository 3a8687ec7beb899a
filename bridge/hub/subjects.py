"""The subjects that are reported to the hub, and the current reports of each, in publishing order."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

from bridge.chargepoint.charge_point import ChargePoint
from bridge.clock import Clock
from bridge.fimp.report import Report
from bridge.hub.line import ALL_NODES
from bridge.services.app import AppService
from bridge.services.auth import AuthService
from bridge.services.chargepoint import ChargepointService
from bridge.services.network import NetworkService
from bridge.services.things import ThingsService

ADAPTER: Final = ""
"""The subject of the adapter's own reports."""

NETWORK: Final = "#network"
"""The subject of the report of all nodes. `#` is invalid in a thing's address, so it cannot collide with one."""

GOODBYE: Final = "#goodbye"
"""The subject of the goodbye, whose line comes after all others."""


class Subjects:
    """Collects the current reports of each subject from the services.

    A subject is the address of a thing, `ADAPTER` or `NETWORK`.

    Args:
        things: gives the things and their descriptions.
        network: gives the node reports.
        chargepoint: gives the states that a charge point passes through.
        app: gives the app state report.
        auth: gives the login status report.
        clock: the source of time.
    """

    def __init__(
        self,
        *,
        things: ThingsService,
        network: NetworkService,
        chargepoint: ChargepointService,
        app: AppService,
        auth: AuthService,
        clock: Clock,
    ) -> None:
        self._things = things
        self._network = network
        self._chargepoint = chargepoint
        self._app = app
        self._auth = auth
        self._clock = clock

    def names(self) -> Iterable[str]:
        """Return the names of all subjects that may have reports."""
        return [*self._things.subjects(), ADAPTER, NETWORK]

    def presence(self, subject: str) -> Report | None:
        """Return the inclusion or exclusion report of a thing; None for a subject that never was a thing."""
        return self._things.presence(subject) if subject not in (ADAPTER, NETWORK) else None

    def reports(self, subject: str, *, settings_changed: bool) -> Iterator[Report]:
        """Yield the current reports of a subject other than its presence, without those whose value is unknown.

        Each is made when it is read. All are those of one moment, when the first is read.

        Args:
            subject: the subject.
            settings_changed: False: only the reports that a CH_STATUS can change.
        """
        now = self._clock.now()
        if subject == ADAPTER:
            yield self._auth.report()
            yield self._app.state_report()
            return
        if subject == NETWORK:
            report = self._network.all_nodes_when_known(now)
            if report is not None:
                yield report
            return
        if self._things.included(subject):
            reports = self._things.reports(subject, now, settings_changed=settings_changed)
            node = self._network.node_when_known(subject, now)
            if node is not None:
                yield node
            yield from reports

    def is_down(self, subject: str) -> bool:
        """Whether a subject is a thing that is known to be DOWN."""
        return subject not in (ADAPTER, NETWORK) and self._network.is_up(subject, self._clock.now()) is False

    def passed_states(self, before: ChargePoint | None, after: ChargePoint | None, now: datetime) -> list[Report]:
        """Return the state reports of the sockets whose state has changed.

        Args:
            before: the charge point before the change; None: it is new.
            after: the charge point after the change; None: it has left the account.
            now: the time of the change.
        """
        if before is None or after is None:
            return []
        pairs = ((before.socket(twin.address), twin) for twin in after.sockets)
        reports = [self._chargepoint.passed_state(was, twin, now) for was, twin in pairs if was is not None]
        return self._of_included(after, reports)

    def errors(self, before: ChargePoint | None, after: ChargePoint | None) -> list[Report]:
        """Return the error reports that a change of a charge point causes, and that answer no command.

        Args:
            before: the charge point before the change; None: it is new.
            after: the charge point after the change; None: it has left the account.
        """
        if before is None or after is None or before.sockets is after.sockets:
            return []
        pairs = ((before.socket(twin.address), twin) for twin in after.sockets if twin.limits.unheld)
        reports = [self._chargepoint.unheld(was, twin) for was, twin in pairs if was is not None]
        return self._of_included(after, reports)

    def _of_included(self, point: ChargePoint, reports: Iterable[Report | None]) -> list[Report]:
        made = [report for report in reports if report is not None]
        return made if made and self._things.included(point.evse_id) else []

    def next_change_in(self, subject: str, now: datetime) -> float | None:
        """Return the seconds until the reports of a subject may change without an event; None: they will not."""
        when = self._things.next_change(subject, now)
        return max(0.0, (when - now).total_seconds()) if when is not None else None

    # --- acknowledged reports ---

    def acknowledged_before(self) -> Iterable[Report]:
        """Return the inclusion reports that the hub has acknowledged before this start, and keeps."""
        return self._things.acknowledged_before()

    def acknowledged(self, report: Report) -> None:
        """Take note that the broker has acknowledged an inclusion, exclusion or all-nodes report."""
        if report.type == ALL_NODES:
            self._network.all_nodes_acknowledged()
        else:
            self._things.acknowledged(report)

    @property
    def awaits_all_nodes(self) -> bool:
        """Whether the report of all nodes is still to come since the start. Any change of a node may complete it."""
        return self._network.awaits_all_nodes

    def goodbye(self) -> Iterable[Report]:
        """Return the last reports before a clean shutdown: the app state, and all nodes DOWN."""
        return [self._app.state_report(), self._network.all_down_report()]
