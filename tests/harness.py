"""A bridge between a real broker and a simulated cloud, with a client that plays the hub."""

import asyncio
import contextlib
import io
import itertools
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt
from pydantic import SecretStr

from bridge.clock import Clock, SystemClock
from bridge.commandline.embedded_broker import free_port
from bridge.fimp.message import Message
from bridge.fimp.topic import Topic
from bridge.hub.connection import NO_DELAY
from bridge.logs import Log
from bridge.service import Service
from bridge.settings import Settings
from bridge.simulator.account import example_account
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from bridge.simulator.control import SideServer
from bridge.simulator.rest import Rest
from bridge.world import World
from tests.brokers import TestBroker
from tests.hub_command import hub_command
from tests.way_out import faults

PATIENCE_S = 8.0
SOCKET, CABLE, GRID = "BCU102728", "BCU100186", "GRIDBCU102728"
ADAPTER = "pt:j1/mt:cmd/rt:ad/rn:bluecurrent/ad:1"
FENCE = "tests/fence"
MOST_CHECKED = 500
"""Messages of one test that are compared with the specification at its end."""

_numbers = itertools.count()


def device_topic(address: str, service: str = "chargepoint", kind: str = "cmd") -> str:
    """The topic of a service of a device."""
    return f"pt:j1/mt:{kind}/rt:dev/rn:bluecurrent/ad:1/sv:{service}/ad:{address}"


@dataclass
class Heard:
    """One message that the hub received."""

    path: str
    message: Message
    address: str = ""  # the service address, or the resource address

    @property
    def brief(self) -> tuple[str, object]:
        """Interface and value."""
        return self.message.type, self.message.value


def interfaces(hub: "Hub", address: str, service: str = "chargepoint") -> set[str]:
    """The interfaces that the last inclusion report of a thing lists for a service."""
    return {
        interface["msg_t"]
        for one in described(hub, address)["services"]
        if one["name"] == service
        for interface in one["interfaces"]
    }


def described(hub: "Hub", address: str) -> dict[str, Any]:
    """The last inclusion report of a thing."""
    reports: list[Any] = [heard.message.value for heard in hub.find("evt.thing.inclusion_report")]
    found: dict[str, Any] = [report for report in reports if report["address"] == address][-1]
    return found


@dataclass
class Hub:
    """Receives everything on the broker, and sends commands."""

    client: aiomqtt.Client
    heard: list[Heard] = field(default_factory=list)
    _raw: list[tuple[str, bytes]] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _fences: set[str] = field(default_factory=set)

    async def fence(self) -> None:
        """Wait until every message that the broker has acknowledged is received here."""
        topic = f"{FENCE}/{uuid4()}"
        await self.client.publish(topic, b"", qos=1)
        await self.until(lambda: topic in self._fences)

    async def listen(self) -> None:
        """Receive messages until cancelled."""
        async for arrival in self.client.messages:
            path = str(arrival.topic)
            payload = bytes(arrival.payload)
            if "/mt:cmd/" in path or path.startswith("mt:cmd/"):
                continue
            if path.startswith(FENCE):
                self._fences.add(path)
                self._news.set()
                continue
            if len(self._raw) < MOST_CHECKED and b'"src":"bluecurrent"' in payload:
                self._raw.append((path, payload))
            topic = Topic.parse(path)
            address = topic.service_address or topic.resource_address
            self.heard.append(Heard(path, Message.parse(payload, topic.payload_type), address))
            self._news.set()

    def check(self) -> None:
        """Compare a message of the bridge with the specification (`tests.way_out`)."""
        found = [fault for path, payload in self._raw for fault in faults(path, payload)]
        assert not found, found[:5]

    async def until(self, condition: Callable[[], bool], patience: float = PATIENCE_S) -> None:
        """Wait until a condition holds; it is checked after every message."""
        async with asyncio.timeout(patience):
            while not condition():
                if len(self.heard) > 500:
                    await asyncio.sleep(0.05)  # checking more often would be slow
                self._news.clear()
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.02):
                        await self._news.wait()

    def find(self, type_: str, address: str | None = None, *, since: int = 0, **more: object) -> list[Heard]:
        """The messages of an interface; `more` are fields that they must have."""
        return [
            heard
            for heard in self.heard[since:]
            if heard.message.type == type_
            and (address is None or heard.address == address)
            and all(getattr(heard.message, name) == value for name, value in more.items())
        ]

    async def expect(
        self, type_: str, address: str | None = None, *, since: int = 0, patience: float = PATIENCE_S, **more: object
    ) -> Heard:
        """Wait for the first message of an interface."""
        try:
            await self.until(lambda: bool(self.find(type_, address, since=since, **more)), patience)
        except TimeoutError:
            told = [(heard.path, *heard.brief, dict(heard.message.properties)) for heard in self.heard[since:]]
            raise AssertionError(f"no {type_} {address or ''} {more}; heard: {told}") from None
        return self.find(type_, address, since=since, **more)[0]

    async def say(self, topic: str, **fields: Any) -> str:
        """Send a command; returns its uid."""
        uid: str = fields.pop("uid", str(uuid4()))
        body = {name: value for name, value in hub_command(uid, **fields).items() if value is not ...}
        await self.client.publish(topic, json.dumps(body), qos=1)
        return uid

    async def ask(
        self, topic: str, type_: str, count: int = 1, patience: float = PATIENCE_S, **fields: Any
    ) -> list[Heard]:
        """Send a command, and wait for a number of answers with its corid on any topic."""
        since = len(self.heard)
        uid = await self.say(topic, type=type_, **fields)

        def answers() -> list[Heard]:
            return [heard for heard in self.heard[since:] if heard.message.corid == uid]

        try:
            await self.until(lambda: len(answers()) >= count, patience)
        except TimeoutError:
            told = [(heard.path, *heard.brief, heard.message.corid) for heard in self.heard[since:]]
            raise AssertionError(f"{count} answers to {type_} ({uid}) did not come; heard: {told}") from None
        return answers()

    async def command(
        self, address: str, type_: str, count: int = 1, service: str = "chargepoint", **fields: Any
    ) -> list[Heard]:
        """The same for a service of a device."""
        return await self.ask(device_topic(address, service), type_, count, serv=service, **fields)

    async def refused(self, address: str, type_: str, service: str = "chargepoint", **fields: Any) -> Heard:
        """Send a command that must be refused; returns the error report."""
        answer = (await self.command(address, type_, service=service, **fields))[0]
        assert answer.message.type == "evt.error.report", answer
        return answer

    async def adapter(self, type_: str, count: int = 1, **fields: Any) -> list[Heard]:
        """The same for the adapter."""
        return await self.ask(ADAPTER, type_, count, serv="bluecurrent", **fields)


@dataclass
class House:
    """Everything that a test needs."""

    broker: TestBroker
    settings: Settings
    cloud: SimulatedCloud
    hub: Hub
    clock: Clock
    log: io.StringIO
    service: Service | None = None
    freeze: Callable[[], None] = lambda: None
    _stop: asyncio.Event | None = None
    _task: asyncio.Task[None] | None = None

    @property
    def running(self) -> Service:
        """The service, once it was started."""
        assert self.service is not None
        return self.service

    def __getitem__(self, evse_id: str) -> SimulatedChargePoint:
        return self.cloud.account.charge_points[evse_id]

    async def push(self, evse_id: str) -> None:
        """Let the cloud push the status of a charge point."""
        await self.cloud.push(self[evse_id])

    async def start(self, *, wait: bool = True) -> Service:
        """Start the service, and wait until all its charge points are known."""
        log = Log("debug", "json", self.log)
        world = World(self.clock, jitter=lambda: 0.0, follow_up=0.3, freeze=self.freeze)
        self.service = Service(self.settings, log, world)
        self._stop = asyncio.Event()
        self._task = asyncio.create_task(self.service.run(self._stop))
        await asyncio.sleep(0)  # a service that is killed before its first step would keep its storage open
        if wait:
            await self.ready()
        return self.service

    async def ready(self) -> None:
        """Wait until broker and cloud are up, and every charge point is known."""
        service = self.service
        assert service is not None

        def known() -> bool:
            twins = service.fleet.twins()
            wanted = {point for point in self.cloud.account.charge_points if point not in service.parts.exclusions}
            return (
                service.broker.status.up
                and service.link.status.up
                and {twin.evse_id for twin in twins if twin.status is not None} >= wanted
                and all(service.things.included(evse_id) for evse_id in wanted)
                and service.parts.sync.first_look.is_set()
                and service.reporter.is_settled
            )

        await self.hub.until(known)
        await self.hub.fence()

    async def tick(self) -> None:
        """Run the service's tick now, and give the tasks that it starts a moment."""
        assert self.service is not None
        self.service.tick()
        await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Stop the service cleanly."""
        if self._task is not None and self._stop is not None:
            self._stop.set()
            await self._task
        self._task = None

    async def kill(self) -> None:
        """End the service without a goodbye, as a crash does."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._task = None

    async def crash(self) -> None:
        """End the service as a kill does: nothing more is written."""
        path = self.settings.storage.path
        files = [path, path.with_name(f"{path.name}-wal")]
        kept = {file: file.read_bytes() for file in files if file.exists()}
        await self.kill()
        for file in files:
            file.unlink(missing_ok=True)
        for file, content in kept.items():
            file.write_bytes(content)

    async def restart(self) -> Service:
        """Stop it and start it again."""
        await self.stop()
        return await self.start()

    def log_lines(self) -> list[dict[str, Any]]:
        """The log of the service."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]

    @property
    def mark(self) -> int:
        """The number of messages so far, for `since`."""
        return len(self.hub.heard)


def house_settings(broker: TestBroker, url: str, folder: Path, **sections: dict[str, Any]) -> Settings:
    """The settings of a test's bridge."""
    values: dict[str, dict[str, Any]] = {
        "mqtt": {"host": broker.host, "port": broker.port, "client_id": f"test-{next(_numbers)}-{uuid4().hex[:6]}"},
        "cloud": {"url": url, "api_token": SecretStr("simulated-api-token"), "command_timeout": 2.0},
        "storage": {"path": folder / "bridge.db"},
        "http": {"listen": "127.0.0.1:0"},
    }
    for section, more in sections.items():
        values.setdefault(section, {}).update(more)
    return Settings.model_validate(values)


@contextlib.asynccontextmanager
async def make_house(
    broker: TestBroker,
    folder: Path,
    *,
    clock: Clock | None = None,
    simulated: SimulatedCloud | None = None,
    start: bool = True,
    side: bool = False,
    **sections: dict[str, Any],
) -> AsyncIterator[House]:
    """A bridge between broker and simulated cloud."""
    clock = clock or SystemClock()
    cloud = simulated or SimulatedCloud(example_account(clock.now), rebooting_s=0.2)
    for point in cloud.account.charge_points.values():
        point.plug_and_charge = False
    port = two_ports() if side else 0
    url = await cloud.start(port=port)
    server = SideServer(Rest(cloud).routes(), "127.0.0.1", port + 1)
    serving = await server.begin() if side else None
    settings = house_settings(broker, url, folder, **sections)
    async with aiomqtt.Client(broker.host, broker.port, socket_options=NO_DELAY) as client:
        hub = Hub(client)
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(hub.listen())
        house = House(broker, settings, cloud, hub, clock, io.StringIO())
        try:
            if start:
                await house.start()
            yield house
            hub.check()
        finally:
            await house.kill()
            listening.cancel()
            await cloud.stop()
            if serving is not None:
                await server.finish(serving)
            await _forget_session(broker, settings.mqtt.client_id)


def two_ports() -> int:
    """A free port with a free one above it."""
    while True:
        port = free_port()
        if free_port(port + 1) == port + 1:
            return port


async def _forget_session(broker: TestBroker, client_id: str) -> None:
    with contextlib.suppress(aiomqtt.MqttError):
        async with aiomqtt.Client(broker.host, broker.port, identifier=client_id, clean_session=True):
            pass


def uids() -> Iterator[str]:
    """New UUIDs."""
    while True:
        yield str(uuid4())
