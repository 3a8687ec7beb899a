"""Collects the state of the service for the view."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from bridge.account.fleet import Fleet
from bridge.bluecurrent.link import Link
from bridge.chargepoint.amsterdam import last_midnight
from bridge.chargepoint.power import powers
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.hub.broker import Broker
from bridge.hub.reporter import Reporter
from bridge.logs import RecentErrors
from bridge.runtime_settings import RuntimeSettings
from bridge.web.history import History, Sample
from bridge.web.journal import Journal
from bridge.web.look import CURVE_POINTS, DAYS, Known, look
from bridge.web.view import View

SESSIONS_EVERY: Final = timedelta(minutes=1)
"""The shortest time between two reads of the sessions on disk. The latest session of a socket is in memory."""


class Observer:
    """The state of the service, as the page shows it.

    Args:
        version: of the bridge.
        where: host and port of the broker.
        clock: tells the time.
        link: the link to the cloud.
        broker: the connection to the hub.
        reporter: what waits for it.
        fleet: the charge points.
        runtime: the grace, the state set, the nominal voltage.
        errors: the last lines of the log.
        sessions: those that began after a moment, from the disk.
    """

    def __init__(
        self,
        *,
        version: str,
        where: str,
        clock: Clock,
        link: Link,
        broker: Broker,
        reporter: Reporter,
        fleet: Fleet,
        runtime: RuntimeSettings,
        errors: RecentErrors,
        sessions: Callable[[datetime], Sequence[SessionRecord]],
    ) -> None:
        self._version = version
        self._where = where
        self._clock = clock
        self._link = link
        self._broker = broker
        self._reporter = reporter
        self._fleet = fleet
        self._runtime = runtime
        self._errors = errors
        self._read_sessions = sessions
        self._started = clock.now()
        self._histories: dict[str, History] = {}
        self._sessions: Sequence[SessionRecord] = ()
        self._sessions_read: datetime | None = None
        self.journal = Journal()

    def tick(self) -> bool:
        """Add a sample of power to each curve; True when the curves got a new point."""
        now = self._clock.now()
        twins = self._fleet.twins()
        self._histories = {twin.address: self._histories.get(twin.address) or History() for twin in twins}
        grown = [self._histories[twin.address].add(now, self._sample(twin, now)) for twin in twins]
        return any(grown)

    def _sample(self, twin: Twin, now: datetime) -> Sample:
        status = twin.status
        if status is None or status.activity is Activity.OFFLINE or not twin.visible(now, self._runtime.grace):
            return None, None, None
        return powers(status, self._runtime.values.nominal_voltage)

    def _latest_sessions(self, now: datetime) -> Sequence[SessionRecord]:
        if self._sessions_read is None or not timedelta() <= now - self._sessions_read < SESSIONS_EVERY:
            self._sessions = self._read_sessions(last_midnight(now) - timedelta(days=DAYS))
            self._sessions_read = now
        return self._sessions

    def view(self) -> View:
        """The state now."""
        now, values = self._clock.now(), self._runtime.values
        return look(
            Known(
                now=now,
                version=self._version,
                started_at=self._started,
                link=self._link.status,
                broker=self._broker.status,
                where=self._where,
                waiting=self._reporter.waiting,
                dropped=self._reporter.dropped,
                link_reconnects=self.journal.link_reconnects,
                broker_reconnects=self.journal.broker_reconnects,
                requests_today=self._link.requests_today,
                requests_total=self._link.requests_total,
                twins=self._fleet.twins(),
                grids=self._fleet.grids(),
                commands=self.journal.commands,
                outcomes=self.journal.outcomes,
                errors=tuple(self._errors.lines),
                sessions=self._latest_sessions(now),
                curves={address: history.points(CURVE_POINTS) for address, history in self._histories.items()},
                grace=self._runtime.grace,
                state_set=values.state_set,
                nominal_voltage=values.nominal_voltage,
                account=self._fleet.account,
            )
        )
