"""The network: which things can be reached (contract 6, "Network")."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from pydantic import JsonValue

from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint.status import Activity
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.report import Report
from bridge.hub.outbox import Outbox
from bridge.runtime_settings import RuntimeSettings
from bridge.services.things import Things

EVERY: Final = timedelta(days=1)
"""How often all nodes are reported by themselves."""


class Network:
    """Node reports, pings, the will and the goodbye.

    Args:
        fleet: the twins.
        things: what the hub knows.
        cloud: the link.
        addresses: the topics.
        outbox: where reports go.
        clock: tells the time.
        runtime: how long the link may be down before things are DOWN.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        things: Things,
        cloud: Link,
        addresses: Addresses,
        outbox: Outbox,
        clock: Clock,
        runtime: RuntimeSettings,
    ) -> None:
        self._fleet = fleet
        self._things = things
        self._cloud = cloud
        self._addresses = addresses
        self._outbox = outbox
        self._clock = clock
        self._runtime = runtime
        self._said: dict[str, bool] = {}
        self._all_reported: datetime | None = None
        self._begun = False
        self.commands: Mapping[str, Command] = {
            "cmd.network.get_node": Command(("string",), self._get_node),
            "cmd.network.get_all_nodes": Command(("null",), self._get_all_nodes),
            "cmd.ping.send": Command(("string",), self._ping),
        }

    # --- what is said ---

    def _up(self, address: str, now: datetime) -> bool | None:
        """Whether a thing can be reached: the link is up and it is not offline. None: too early to tell."""
        grace = self._runtime.grace
        grid = self._fleet.grid(address)
        if grid is not None:
            if grid.visible(now, grace):
                return True if grid.seen or grid.link_down_since is None else None
            return False
        twins = [twin for twin in self._fleet.sockets(address) if twin.visible(now, grace)]
        activities = [twin.status.activity for twin in twins if twin.status is not None]
        if any(activity is not Activity.OFFLINE for activity in activities):
            return True
        return None if len(activities) < len(twins) else False

    def _node(self, address: str, *, up: bool) -> JsonValue:
        inclusion = self._things.inclusion(address)
        about = inclusion if isinstance(inclusion, dict) else {}
        return {
            "address": address,
            "hash": about.get("product_hash"),
            "alias": about.get("product_name"),
            "power_source": about.get("power_source"),
            "wakeup_interval": about.get("wakeup_interval"),
            "comm_tech": about.get("comm_tech"),
            "status": "UP" if up else "DOWN",
            "operationability": [],
            "conn_quality": "undefined",
            "conn_type": "indirect",
        }

    def _node_report(self, address: str, *, up: bool) -> Report:
        return Report(
            self._addresses.adapter,
            self._addresses.resource_name,
            "evt.network.node_report",
            "object",
            self._node(address, up=up),
            about=address,
        )

    def _all_nodes_report(self, *, all_down: bool = False) -> Report:
        now = self._clock.now()
        nodes = [
            self._node(address, up=not all_down and bool(self._up(address, now)))
            for address in self._things.addresses()
        ]
        name = self._addresses.resource_name
        return Report(self._addresses.adapter, name, "evt.network.all_nodes_report", "object", nodes)

    def report(self, only: str | None = None) -> None:
        """Say what is due: nodes whose status has changed; all of them at the start, and once a day.

        Args:
            only: the one thing that has changed, if there is just one.
        """
        now = self._clock.now()
        addresses = self._things.addresses()
        for address in addresses if only is None else [only] if only in addresses else []:
            up = self._up(address, now)
            if up is None or up is self._said.get(address):
                continue
            self._said[address] = up
            self._outbox.put(self._node_report(address, up=up))
        if not self._begun or (self._all_reported is not None and now - self._all_reported < EVERY):
            return
        if addresses and all(self._up(address, now) is not None for address in addresses):
            self._all_reported = now
            self._outbox.put(self._all_nodes_report())

    def begin(self) -> None:
        """The first look at the account is through: now all nodes can be told."""
        self._begun = True
        self.report()

    def report_again(self) -> None:
        """The broker may have told the will meanwhile: say everything anew."""
        self._said.clear()
        self._all_reported = None
        self.report()

    def forget(self, address: str) -> None:
        """A thing has gone: should it come back, its node is told anew."""
        self._said.pop(address, None)

    def next_due(self) -> datetime | None:
        """When all nodes are due again."""
        return self._all_reported + EVERY if self._all_reported is not None else None

    # --- the end ---

    def will(self) -> tuple[str, bytes]:
        """What the broker is to say if the bridge vanishes: topic and payload."""
        report = self._all_nodes_report(all_down=True)
        message = report.message(uid=uuid4(), now=self._clock.now(), src=self._addresses.resource_name)
        return report.topic.path, message.to_bytes()

    def say_goodbye(self) -> None:
        """The same, said by the bridge itself."""
        self._outbox.put(self._all_nodes_report(all_down=True), keep=True)

    # --- what it is asked ---

    async def _get_node(self, call: Call) -> Sequence[Report]:
        address = call.string_value
        self._things.inclusion(address)
        return [self._node_report(address, up=bool(self._up(address, self._clock.now())))]

    async def _get_all_nodes(self, _: Call) -> Sequence[Report]:
        return [self._all_nodes_report()]

    async def _ping(self, call: Call) -> Sequence[Report]:
        """The round trip of a status request."""
        address = call.string_value
        self._things.inclusion(address)
        before = self._clock.monotonic()
        grid = self._fleet.grid(address)
        try:
            if grid is not None:
                await self._cloud.ask(requests.get_grid_status(min(grid.evse_ids)))
            else:
                await self._cloud.ask(requests.get_status(address))
        except BridgeError:
            status, delay = "FAILED", 0
        else:
            status, delay = "SUCCESS", round((self._clock.monotonic() - before) * 1000)
        value: JsonValue = {"address": address, "status": status, "delay": delay, "nodes": []}
        return [Report(self._addresses.adapter, self._addresses.resource_name, "evt.ping.report", "object", value)]
