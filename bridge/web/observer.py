"""Collects the state of the service for the view, when a view is requested.

The work per change of a charge point does not depend on the size of the account, and a tick without a change does none.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge import __version__
from bridge.account.address_book import GRIDS, SOCKETS
from bridge.account.fleet import Fleet
from bridge.account.request_budget import RequestBudget
from bridge.bluecurrent.link import Link
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.hub.broker import Broker
from bridge.hub.reporter import Reporter
from bridge.logs import RecentErrors
from bridge.runtime_settings import RuntimeSettings
from bridge.web.build_view import Known, Rules, build_view, charge_points, flowing, why_not_ready
from bridge.web.history import UNKNOWN, History, Point
from bridge.web.journal import Journal
from bridge.web.recent_sessions import ReadSessions, RecentSessions
from bridge.web.tally import Tally
from bridge.web.view import ChargePointView, View

ON_A_PAGE: Final = 10
"""The number of charge points on a page."""

ASLEEP: Final = timedelta(seconds=30)
"""A pause of this length between two ticks means that the machine was suspended and nothing was measured."""


class Observer:
    """Gives the views, and follows changes of charge points for them.

    Args:
        where: host and port of the broker.
        clock: the source of time.
        link: the link to the cloud.
        broker: the connection to the broker.
        reporter: gives the number of messages that wait for the broker.
        fleet: the charge points.
        left_out: returns whether an evse_id cannot be part of a topic.
        budget: counts the requests made to the cloud.
        runtime: gives the grace, the state set and the nominal voltage.
        errors: the last warnings and errors of the log.
        read_sessions: reads sessions from the database.
    """

    def __init__(
        self,
        *,
        where: str,
        clock: Clock,
        link: Link,
        broker: Broker,
        reporter: Reporter,
        fleet: Fleet,
        left_out: Callable[[str], bool],
        budget: RequestBudget,
        runtime: RuntimeSettings,
        errors: RecentErrors,
        read_sessions: ReadSessions,
    ) -> None:
        self._where = where
        self._clock = clock
        self._link = link
        self._broker = broker
        self._reporter = reporter
        self._fleet = fleet
        self._left_out = left_out
        self._budget = budget
        self._runtime = runtime
        self._errors = errors
        self._sessions = RecentSessions(read_sessions)
        self._started = self._ticked = clock.now()
        self._histories: dict[str, History] = {}
        self._tally = Tally()
        self._rules = self._read_rules()
        self.journal = Journal()

    # --- events ---

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Follow a change of a charge point. None stands for one that is new or has left the account."""
        now = self._clock.now()
        has_sockets = after is not None and before is not None and before.has_sockets_of(after)
        left_out = not has_sockets and after is not None and self._left_out(after.evse_id)
        self._tally.changed(before, after, now, self._rules, left_out=left_out)
        for twin in before.sockets if before is not None else ():
            if after is None or after.socket(twin.address) is None:
                self._histories.pop(twin.address, None)
        for twin in after.sockets if after is not None else ():
            was = before.socket(twin.address) if before is not None else None
            if was is None or was.status is not twin.status or was.link_down_since != twin.link_down_since:
                self._note_power(twin, now)

    def runtime_changed(self) -> None:
        """Apply a possible change of the grace, the state set or the nominal voltage."""
        self._rules = self._read_rules()
        self._judge_all(self._clock.now())

    def tick(self) -> None:
        """Detect that the machine was suspended or its clock set back. Called each second."""
        now, before = self._clock.now(), self._ticked
        self._ticked = now
        if timedelta() <= now - before < ASLEEP:
            return
        for history in self._histories.values():
            history.flows(min(now, before), UNKNOWN)
        self._judge_all(now)

    def _judge_all(self, now: datetime) -> None:
        self._tally.judge_all(now, self._rules)
        for twin in self._fleet.twins():
            self._note_power(twin, now)

    def _note_power(self, twin: Twin, now: datetime) -> None:
        down_since = twin.link_down_since
        until = down_since + self._rules.grace if down_since is not None else None
        history = self._histories.get(twin.address)
        if history is None:
            history = self._histories[twin.address] = History()
        history.flows(now, flowing(twin, self._rules.nominal_voltage), until)

    def _read_rules(self) -> Rules:
        values = self._runtime.values
        return Rules(grace=self._runtime.grace, state_set=values.state_set, nominal_voltage=values.nominal_voltage)

    # --- views ---

    def why_not_ready(self) -> str | None:
        """Return the reason why the bridge is not ready; None while it is ready."""
        return why_not_ready(self._link.status, self._broker.status)

    def page(self, number: int) -> View:
        """Return the view with one page of the charge points. A number that is too high gives the last page."""
        evse_ids = self._fleet.evse_ids()
        pages = max(1, -(-len(evse_ids) // ON_A_PAGE))
        number = min(max(1, number), pages)
        shown = evse_ids[(number - 1) * ON_A_PAGE : number * ON_A_PAGE]
        return build_view(self._known(evse_ids, shown, page=number, pages=pages, charts=True, keep=True))

    async def whole(self, *, charts: bool) -> View:
        """Return the view with all charge points. It yields to the event loop after every `ON_A_PAGE` charge points.

        Args:
            charts: include curves and days.
        """
        evse_ids = self._fleet.evse_ids()
        known = self._known(evse_ids, (), page=1, pages=1, charts=False, keep=False)
        points: list[ChargePointView] = []
        for begin in range(0, len(evse_ids), ON_A_PAGE):
            chunk = evse_ids[begin : begin + ON_A_PAGE]
            points += charge_points(self._with_charge_points(known, chunk, charts=charts, keep=False))
            await asyncio.sleep(0)
        return replace(build_view(replace(known, grids=self._fleet.grids.all())), charge_points=tuple(points))

    def _with_charge_points(self, known: Known, evse_ids: Sequence[str], *, charts: bool, keep: bool) -> Known:
        twins = [twin for evse_id in evse_ids for twin in self._fleet.sockets(evse_id)]
        addresses = [twin.address for twin in twins]
        grids = {grid.address: grid for evse_id in evse_ids if (grid := self._fleet.grids.of(evse_id)) is not None}
        return replace(
            known,
            twins=twins,
            grids=[grids[address] for address in sorted(grids)],
            left_out={evse_id for evse_id in evse_ids if self._left_out(evse_id)},
            sessions=self._sessions.of(addresses, known.now, keep=keep) if charts else {},
            curves=self._curves(addresses, known.now) if charts else {},
        )

    def _curves(self, addresses: Sequence[str], now: datetime) -> Mapping[str, tuple[Point, ...]]:
        return {address: self._histories[address].points(now) for address in addresses if address in self._histories}

    def _known(
        self, evse_ids: Sequence[str], shown: Sequence[str], *, page: int, pages: int, charts: bool, keep: bool
    ) -> Known:
        now, commands = self._clock.now(), self.journal.commands
        named = {one.address: self._fleet.twin(one.address) for one in commands}
        known = Known(
            now=now,
            version=__version__,
            started_at=self._started,
            link=self._link.status,
            broker=self._broker.status,
            where=self._where,
            waiting=self._reporter.waiting,
            dropped=self._reporter.dropped,
            link_reconnects=self.journal.link_reconnects,
            broker_reconnects=self.journal.broker_reconnects,
            requests_today=self._budget.today,
            requests_total=self._budget.total,
            requests_per_start=self._budget.per_start,
            requests_per_reconnect=self._budget.per_reconnect,
            summary=self._tally.summary(
                now,
                self._rules,
                evse_ids,
                ON_A_PAGE,
                without_address=[claim.name for claim in self._fleet.addresses.left_out(SOCKETS)],
                grids_left_out=[claim.name for claim in self._fleet.addresses.left_out(GRIDS)],
            ),
            page=page,
            pages=pages,
            twins=(),
            grids=(),
            left_out=(),
            commands=commands,
            names={address: twin.settings.name for address, twin in named.items() if twin is not None},
            outcomes=self.journal.outcomes,
            errors=tuple(self._errors.lines),
            sessions={},
            curves={},
            rules=self._rules,
            account=self._fleet.account,
        )
        return self._with_charge_points(known, shown, charts=charts, keep=keep)
