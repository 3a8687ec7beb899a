"""Many bridges, each with its own account, and a hub that receives the messages of all."""

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn, Self
from uuid import uuid4

import aiomqtt

from bridge.hub.connection import NO_DELAY
from bridge.simulator.account import example_account
from bridge.simulator.car import Car
from bridge.simulator.cloud import SimulatedCloud
from tests.harness import SOCKET, device_topic
from tests.hub_command import hub_command

ROOT: Final = Path(__file__).parents[2]
HUB: Final = "steady-hub"
EVENTS: Final = "+/pt:j1/mt:evt/#"


@dataclass
class Home:
    """One account: its simulated cloud, and the bridge that serves it, under a topic prefix of its own."""

    name: str
    client_id: str
    cloud: SimulatedCloud
    process: subprocess.Popen[bytes]
    log: Path

    def log_lines(self) -> list[dict[str, Any]]:
        """The log of the bridge."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def topic(self) -> str:
        """Where its charge point takes commands."""
        return f"{self.name}/{device_topic(SOCKET)}"


@contextlib.asynccontextmanager
async def fleet(count: int, port: int, user: str, password: str, folder: Path) -> AsyncIterator[list[Home]]:
    """Bridges at one broker, each as `bluecurrent-fimp run`."""
    async with contextlib.AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(_home(f"home-{number}", port, user, password, folder))
            for number in range(1, count + 1)
        ]


@contextlib.asynccontextmanager
async def _home(name: str, port: int, user: str, password: str, folder: Path) -> AsyncIterator[Home]:
    place = folder / name
    place.mkdir(parents=True)
    cloud = SimulatedCloud(example_account(lambda: datetime.now().astimezone()), rebooting_s=0.2)
    cloud.account.charge_points[SOCKET].plug_and_charge = False
    cloud.account.charge_points[SOCKET].plug(Car())
    client_id = f"bluecurrent-{name}"
    (place / "bridge.toml").write_text(
        f'[mqtt]\nhost = "127.0.0.1"\nport = {port}\n{_login(user, password)}'
        f'client_id = "{client_id}"\ntopic_prefix = "{name}"\n'
        f'[cloud]\nurl = "{await cloud.start()}"\napi_token = "{cloud.account.api_token}"\n'
        '[http]\nlisten = ""\n'
    )
    process = await asyncio.to_thread(_bridge, place)
    try:
        yield Home(name, client_id, cloud, process, place / "log.txt")
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait, 15)
        await cloud.stop()


def _login(user: str, password: str) -> str:
    return f'username = "{user}"\npassword = "{password}"\n' if user else ""


def _bridge(place: Path) -> subprocess.Popen[bytes]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("BRIDGE_")}
    with (place / "log.txt").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "bridge", "run", "--config", str(place / "bridge.toml")],
            cwd=place,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )


@dataclass
class SteadyHub:
    """A hub that reconnects, with a session that the broker keeps; it repeats a command until it is acknowledged.

    Attributes:
        answers: uid of a command → what has answered it.
        up: prefixes under which every thing is UP.
        breaks: how often its connection was lost.
    """

    port: int
    user: str
    password: str
    answers: dict[str, list[tuple[str, Any]]] = field(default_factory=dict)
    up: set[str] = field(default_factory=set)
    heard: Counter[str] = field(default_factory=Counter)
    breaks: int = 0
    _client: aiomqtt.Client | None = None
    _connected: asyncio.Event = field(default_factory=asyncio.Event)
    _news: asyncio.Event = field(default_factory=asyncio.Event)
    _reading: asyncio.Task[NoReturn] | None = None

    async def __aenter__(self) -> Self:
        """Stay connected until `leave`."""
        self._reading = asyncio.create_task(self._read(self.port))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def _read(self, port: int) -> NoReturn:
        while True:
            try:
                async with aiomqtt.Client(
                    "127.0.0.1", port, username=self.user or None, password=self.password or None, identifier=HUB,
                    clean_session=False, timeout=5, socket_options=NO_DELAY,
                ) as client:  # fmt: skip
                    await client.subscribe(EVENTS, qos=1)
                    self._client = client
                    self._connected.set()
                    async for arrival in client.messages:
                        self._take(str(arrival.topic), json.loads(bytes(arrival.payload)))
            except aiomqtt.MqttError:
                self.breaks += self._connected.is_set()
                self._connected.clear()
                port = self.port
                await asyncio.sleep(0.2)

    def _take(self, topic: str, message: dict[str, Any]) -> None:
        home = topic.partition("/")[0]
        self.heard[home] += 1
        if message.get("corid"):
            self.answers.setdefault(message["corid"], []).append((message["type"], message["val"]))
        if message["type"] == "evt.network.all_nodes_report":
            everything_up = {node["status"] for node in message["val"]} == {"UP"}
            (self.up.add if everything_up else self.up.discard)(home)
        self._news.set()

    async def move(self, port: int) -> None:
        """Disconnect, and connect to another port. When that connection is lost, the first port is used again."""
        await self.leave()
        self._connected.clear()
        self._reading = asyncio.create_task(self._read(port))
        await self._connected.wait()

    async def leave(self) -> None:
        """Disconnect."""
        if self._reading is not None:
            self._reading.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reading

    async def say(self, home: Home, type_: str) -> str:
        """Send a command to a charge point until the broker has acknowledged it; returns its uid."""
        uid = str(uuid4())
        command = hub_command(uid, type=type_)
        while True:
            await self._connected.wait()
            assert self._client is not None
            try:
                await self._client.publish(home.topic(), json.dumps(command), qos=1, timeout=5)
            except aiomqtt.MqttError:
                await asyncio.sleep(0.1)
            else:
                return uid

    async def answered(self, uid: str, patience_s: float) -> list[tuple[str, Any]]:
        """Wait for the answer to a command."""
        await self.until(lambda: uid in self.answers, patience_s)
        return self.answers[uid]

    async def until(self, condition: Callable[[], bool], patience_s: float) -> None:
        """Wait until a condition holds; it is checked after every message."""
        async with asyncio.timeout(patience_s):
            while not condition():
                self._news.clear()
                await self._news.wait()
