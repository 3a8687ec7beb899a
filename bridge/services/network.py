"""The network service of the adapter: node reports, pings and the will (contract 6, "Network" and "The will")."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from uuid import uuid4

from pydantic import JsonValue

from bridge.account.fleet import Fleet
from bridge.account.sync import Sync
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.status import Activity
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.report import Report
from bridge.runtime_settings import RuntimeSettings
from bridge.services.things import ThingsService

WILL_BYTES: Final = 65_535
"""The maximum size of a will's payload (MQTT 3.1.1, 3.1.3.3)."""

SMALLEST_WILL_BYTES: Final = 500
"""The least size to which a will is cut for a broker that takes no larger one. It names a thing or two."""

NODE_BYTES: Final = 200
"""A lower bound for the size of a full node; a will of too many full nodes is not encoded at all."""


class NetworkService:
    """Reports whether each thing can be reached, and builds the will and the goodbye.

    Args:
        fleet: the charge points and grid connections.
        things: the things that the hub knows.
        sync: says whether the account was read since the start, and asks the cloud for a status.
        addresses: builds the topics.
        clock: the source of time.
        runtime: gives the grace: how long the link may be down before things are DOWN.
    """

    def __init__(
        self,
        *,
        fleet: Fleet,
        things: ThingsService,
        sync: Sync,
        addresses: Addresses,
        clock: Clock,
        runtime: RuntimeSettings,
    ) -> None:
        self._fleet = fleet
        self._things = things
        self._sync = sync
        self._addresses = addresses
        self._clock = clock
        self._runtime = runtime
        self._nodes: dict[str, tuple[bool, ChargePointSettings | None, Report]] = {}
        self.awaits_all_nodes = True
        """Whether the report of all nodes has not been acknowledged since the start."""
        self.commands: Mapping[str, Command] = {
            "cmd.network.get_node": Command(("string",), self._get_node),
            "cmd.network.get_all_nodes": Command(("null",), self._get_all_nodes),
            "cmd.ping.send": Command(("string",), self._ping),
        }

    # --- reports ---

    def is_up(self, address: str, now: datetime) -> bool | None:
        """Whether a thing can be reached: the link is up and it is not offline. None: not known yet."""
        grace = self._runtime.grace
        grid = self._fleet.grids.at(address)
        if grid is not None:
            if grid.visible(now, grace):
                return True if grid.seen or grid.link_down_since is None else None
            return False
        twins = [twin for twin in self._fleet.sockets(address) if twin.visible(now, grace)]
        activities = [twin.status.activity for twin in twins if twin.status is not None]
        if any(activity is not Activity.OFFLINE for activity in activities):
            return True
        return None if len(activities) < len(twins) else False

    def node_when_known(self, address: str, now: datetime) -> Report | None:
        """Return the node report of a thing; None while it is not known whether the thing can be reached."""
        up = self.is_up(address, now)
        return self._node_report(address, up=up) if up is not None else None

    def all_nodes_when_known(self, now: datetime) -> Report | None:
        """Return the report of all nodes; None until the account was read and it is known of each whether it is up."""
        if not self._sync.first_look.is_set():
            return None
        addresses = self._things.addresses()
        if not addresses or any(self.is_up(address, now) is None for address in addresses):
            return None
        return self._all_nodes_report(now)

    def all_nodes_acknowledged(self) -> None:
        """Record that the broker has acknowledged the report of all nodes."""
        self.awaits_all_nodes = False

    def all_down_report(self) -> Report:
        """Return the report of all nodes with every thing DOWN, published last at shutdown."""
        return self._all_nodes([self._node(address, up=False) for address in self._things.addresses()])

    def _node(self, address: str, *, up: bool) -> JsonValue:
        about = self._things.identity(address)
        return {
            "address": address,
            "hash": about.product_hash if about is not None else None,
            "alias": about.product_name if about is not None else None,
            "power_source": "ac",
            "wakeup_interval": "-1",
            "comm_tech": "cloud",
            "status": "UP" if up else "DOWN",
            "operationability": [],
            "conn_quality": "undefined",
            "conn_type": "indirect",
        }

    def _node_report(self, address: str, *, up: bool) -> Report:
        """Return the node report of a thing; it is cached until its status or settings change."""
        point = self._fleet.charge_point(address)
        kept, settings = self._nodes.get(address), point.settings if point is not None else None
        if kept is not None and kept[0] is up and kept[1] is settings:
            return kept[2]
        report = self._make_node_report(address, up=up)
        self._nodes[address] = up, settings, report
        return report

    def _make_node_report(self, address: str, *, up: bool) -> Report:
        return Report(
            self._addresses.adapter,
            self._addresses.resource_name,
            "evt.network.node_report",
            "object",
            self._node(address, up=up),
            about=address,
        )

    def _all_nodes_report(self, now: datetime) -> Report:
        return self._all_nodes(
            [
                self._node_report(address, up=bool(self.is_up(address, now))).value
                for address in self._things.addresses()
            ]
        )

    def _all_nodes(self, nodes: list[JsonValue]) -> Report:
        name = self._addresses.resource_name
        return Report(self._addresses.adapter, name, "evt.network.all_nodes_report", "object", nodes)

    # --- the will ---

    def will(self, addresses: Sequence[str], most: int = WILL_BYTES) -> tuple[str, bytes, bool]:
        """Return the will, which the broker publishes if the bridge vanishes: a report of all nodes, all DOWN.

        Args:
            addresses: the things to name.
            most: the maximum size of the payload, bytes.

        Returns:
            The topic, the payload, and whether things are left out because they do not fit into a will.
        """
        if len(addresses) * NODE_BYTES <= most:
            payload = self._will_payload([self._node(address, up=False) for address in addresses])
            if len(payload) <= most:
                return self._addresses.adapter.path, payload, False
        brief: list[JsonValue] = [{"address": address, "status": "DOWN"} for address in addresses]
        payload = self._will_payload(brief)
        left_out = len(payload) > most
        while brief and len(payload) > most:
            excess = (len(payload) - most) // (len(payload) // len(brief)) + 1
            brief = brief[: max(0, len(brief) - excess)]
            payload = self._will_payload(brief)
        return self._addresses.adapter.path, payload, left_out

    def _will_payload(self, nodes: list[JsonValue]) -> bytes:
        return self._all_nodes(nodes).encode(uid=uuid4(), now=self._clock.now(), src=self._addresses.resource_name)

    # --- queries ---

    async def _get_node(self, call: Call) -> Sequence[Report]:
        address = self._things.expect(call.string_value)
        return [self._node_report(address, up=bool(self.is_up(address, self._clock.now())))]

    async def _get_all_nodes(self, _: Call) -> Sequence[Report]:
        return [self._all_nodes_report(self._clock.now())]

    async def _ping(self, call: Call) -> Sequence[Report]:
        """Measure the round trip of a status request to the cloud, ms. A thing that is then DOWN has not answered."""
        address = self._things.expect(call.string_value)
        before = self._clock.monotonic()
        grid = self._fleet.grids.at(address)
        try:
            if grid is not None:
                await self._sync.ask_grid(grid)
            else:
                await self._sync.ask_status(address)
        except BridgeError:
            answered = False
        else:
            answered = bool(self.is_up(address, self._clock.now()))
        delay = round((self._clock.monotonic() - before) * 1000) if answered else 0
        status = "SUCCESS" if answered else "FAILED"
        value: JsonValue = {"address": address, "status": status, "delay": delay, "nodes": []}
        return [Report(self._addresses.adapter, self._addresses.resource_name, "evt.ping.report", "object", value)]
