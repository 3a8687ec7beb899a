"""What is so now, of each subject that the hub is told of, in the order in which it is told."""

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
"""The subject of what the adapter tells of itself."""

NETWORK: Final = "#network"
"""The subject of the report of all nodes; no thing can have such an address."""


class Telling:
    """All that the hub is told.

    A subject is the address of a thing, `ADAPTER` or `NETWORK`.

    Args:
        things: which things there are, and what they are.
        network: which of them can be reached.
        chargepoint: the states that a charge point passes through.
        app: the states of the app.
        auth: the state of the login.
        clock: tells the time.
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

    def subjects(self) -> Iterable[str]:
        """Everything that there may be something to tell of."""
        return [*self._things.subjects(), ADAPTER, NETWORK]

    def presence(self, subject: str) -> Report | None:
        """Whether a thing is there: its inclusion or exclusion report. None for what is no thing and was none."""
        return self._things.presence(subject) if subject not in (ADAPTER, NETWORK) else None

    def reports(self, subject: str, *, settings_changed: bool) -> Iterator[Report]:
        """What is so of a subject beside its presence; nothing of what is not known.

        Args:
            subject: whose reports.
            settings_changed: False: only what a status can change is asked for.
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
            node = self._network.node_when_known(subject, now)
            if node is not None:
                yield node
            yield from self._things.reports(subject, now, settings_changed=settings_changed)

    def passed_states(self, before: ChargePoint | None, after: ChargePoint | None, now: datetime) -> list[Report]:
        """The states that the sockets of a charge point have just come into."""
        if before is None or after is None or not self._things.included(after.evse_id):
            return []
        pairs = ((before.socket(twin.address), twin) for twin in after.sockets)
        reports = (self._chargepoint.passed_state(was, twin, now) for was, twin in pairs if was is not None)
        return [report for report in reports if report is not None]

    def errors(self, before: ChargePoint | None, after: ChargePoint | None) -> list[Report]:
        """The errors that a change of a charge point has brought, and that answer no command."""
        if before is None or after is None or before.sockets is after.sockets:
            return []
        pairs = ((before.socket(twin.address), twin) for twin in after.sockets if twin.limits.unheld)
        reports = [self._chargepoint.unheld(was, twin) for was, twin in pairs if was is not None]
        return [report for report in reports if report is not None] if self._things.included(after.evse_id) else []

    def next_change_in(self, subject: str, now: datetime) -> float | None:
        """In how many seconds what is so may change with nothing happening; None: it will not."""
        when = self._things.next_change(subject, now)
        return max(0.0, (when - now).total_seconds()) if when is not None else None

    # --- what was told ---

    def told_before(self) -> Iterable[Report]:
        """What the hub was told before this start, and keeps."""
        return self._things.told_before()

    def told(self, report: Report) -> None:
        """The broker has acknowledged a report that is kept over a restart, or that is told only once in a while."""
        if report.type == ALL_NODES:
            self._network.all_nodes_told()
        else:
            self._things.told(report)

    @property
    def awaits_all_nodes(self) -> bool:
        """All nodes have not been told yet: a change of one of them may be what was missing."""
        return self._network.awaits_all_nodes

    def goodbye(self) -> Iterable[Report]:
        """What is said last."""
        return [self._app.state_report(), self._network.all_down_report()]
