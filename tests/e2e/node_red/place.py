"""A bridge with a Node-RED, and the names of nodes and commands."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import aiomqtt

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.e2e.node_red.program import NodeRed, edited
from tests.harness import SOCKET, House, make_house

TIME: Final = "The time, every minute"
FEED: Final = "MADE-UP PRICES, for the demo"
PRICES: Final = "Prices, every hour"
START, STOP, LIMIT = "cmd.charge.start", "cmd.charge.stop", "cmd.max_current.set"
WHO: Final = "cmd.network.get_all_nodes"


@dataclass
class Place:
    """A bridge with a Node-RED, and a client that records the commands on the broker."""

    house: House
    red: NodeRed
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # topic and message

    async def listen(self, client: aiomqtt.Client) -> None:
        """Receive commands until cancelled."""
        async for arrival in client.messages:
            self.commands.append((str(arrival.topic), json.loads(bytes(arrival.payload))))

    async def deploy(self, functions: dict[str, str] | None = None, **settings: object) -> None:
        """Run the flows with made-up prices or these settings, and wait until they know every charge point."""
        settings = {"PRICES_URL": "demo", **settings}
        await self.red.deploy(edited(functions, **settings))
        all_points = set(self.house.cloud.account.charge_points)

        def known(points: dict[str, Any] | None) -> bool:
            return {evse_id for evse_id, point in (points or {}).items() if "power_w" in point} == all_points

        await self.red.keeps("chargepoints", known)
        if settings["PRICES_URL"] == "demo":
            await self.red.keeps("prices", lambda prices: prices is not None)

    def sent(self, *types: str) -> list[dict[str, Any]]:
        """The commands of these types so far."""
        return [message for _, message in self.commands if message["type"] in types]

    async def hears(self, type_: str, count: int = 1) -> dict[str, Any]:
        """Wait for a number of commands of a type; returns the last."""
        try:
            await self.house.hub.until(lambda: len(self.sent(type_)) >= count)
        except TimeoutError:
            raise AssertionError(f"{count} {type_} did not come; there were {self.commands}") from None
        return self.sent(type_)[-1]

    async def still(self) -> None:
        """Wait until the flow has handled everything: its last query shows that."""
        asked = len(self.sent(WHO))
        await asyncio.sleep(0.05)
        await self.red.click("Ask again")
        await self.hears(WHO, asked + 1)

    async def tick(self, time: datetime) -> list[str]:
        """Set the time; returns the starts and stops that follow."""
        before = len(self.sent(START, STOP))
        await self.red.click(TIME, time.timestamp() * 1000)
        await self.still()
        told = [message["type"] for message in self.sent(START, STOP)[before:]]
        if told:  # Node-RED receives the outcome
            await self.knows(session=told[-1] == START)
        return told

    async def plug(self, evse_id: str = SOCKET) -> None:
        """Connect a car, and wait until Node-RED knows."""
        self.house[evse_id].plug(Car(charge_kwh=6))
        await self.house.push(evse_id)
        await self.knows(evse_id, state="ready_to_charge")

    async def charge(self, seconds: float, evse_id: str = SOCKET) -> None:
        """A car charges for a while."""
        self.house[evse_id].step(seconds)
        await self.house.push(evse_id)

    async def show(self, activity: str | None, evse_id: str = SOCKET) -> None:
        """The charge point shows this activity instead of its own."""
        self.house[evse_id].sockets[0].fault = activity
        await self.house.push(evse_id)

    async def knows(self, evse_id: str = SOCKET, **values: object) -> None:
        """Wait until Node-RED has this value of a charge point."""
        await self.red.keeps("chargepoints", lambda points: values.items() <= points[evse_id].items())

    async def alerted(self, *words: str) -> None:
        """Wait for an alert with all of these words."""
        await self.red.keeps("alerts", lambda alerts: any(all(w in one["text"] for w in words) for one in alerts or []))

    async def alerts(self) -> list[str]:
        """The alerts so far."""
        return [alert["text"] for alert in await self.red.context("alerts") or []]

    @property
    def charging(self) -> bool:
        """Whether the cloud has a session on."""
        return self.house[SOCKET].sockets[0].session is not None


@contextlib.asynccontextmanager
async def make_place(broker: TestBroker, red: NodeRed, folder: Path, **sections: Any) -> AsyncIterator[Place]:
    """The bridge runs; Node-RED runs nothing yet."""
    async with make_house(broker, folder, **sections) as house, aiomqtt.Client(broker.host, broker.port) as client:
        place = Place(house, red)
        await client.subscribe("pt:j1/mt:cmd/#", qos=1)
        listening = asyncio.create_task(place.listen(client))
        try:
            yield place
        finally:
            await red.deploy([])
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening
