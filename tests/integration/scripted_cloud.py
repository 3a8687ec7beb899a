"""A cloud that sends exactly what a test scripts, and a link to it."""

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from websockets.asyncio.server import ServerConnection

from bridge.bluecurrent.frames import Frame
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.protocol import LinkStatus
from bridge.bluecurrent.tap import Tap
from bridge.clock import SystemClock
from bridge.errors import BridgeError
from bridge.logs import Log

PATIENCE_S = 5.0

Said = dict[str, Any]


class Recorded(Tap):
    """Records the frames of both directions."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []

    def sent(self, text: str) -> None:
        self.lines.append(("sent", str(json.loads(text)["command"])))

    def received(self, text: str | bytes) -> None:
        self.lines.append(("received", str(json.loads(text)["object"])))

    def lost(self, error: BridgeError) -> None:
        self.lines.append(("lost", str(error)))


class ScriptedCloud:
    """Answers the login and HELLO, and everything else as the test scripts."""

    def __init__(self) -> None:
        self.answers: dict[str, Callable[[Said], list[Said]]] = {}
        self.seen: list[Said] = []
        self.connections: set[ServerConnection] = set()
        self.url = ""
        self.tokens: dict[str, str] = {"api": "request"}
        self.login_gate = asyncio.Event()
        self.login_gate.set()

    async def serve(self, connection: ServerConnection) -> None:
        """One connection."""
        self.connections.add(connection)
        with contextlib.suppress(Exception):
            async for text in connection:
                said = json.loads(text)
                self.seen.append(said)
                for frame in await self._answer(said):
                    await connection.send(json.dumps(frame))
        self.connections.discard(connection)

    async def _answer(self, said: Said) -> list[Said]:
        command = str(said["command"])
        if command == "VALIDATE_API_TOKEN":
            await self.login_gate.wait()
            token = self.tokens.get(said["token"])
            return [{"object": "STATUS_API_TOKEN", "success": token is not None, "token": token}]
        if command == "HELLO" and command not in self.answers:
            return [{"object": "HELLO"}]
        answer = self.answers.get(command)
        return answer(said) if answer is not None else []

    async def say(self, *frames: Said | str) -> None:
        """Send a frame without a request."""
        for connection in list(self.connections):
            for frame in frames:
                await connection.send(frame if isinstance(frame, str) else json.dumps(frame))

    def commands(self) -> list[str]:
        """The received requests."""
        return [str(said["command"]) for said in self.seen]


class LinkedUp:
    """A link and its cloud."""

    def __init__(self, cloud: ScriptedCloud, **options: Any) -> None:
        self.cloud = cloud
        self.tap = Recorded()
        self.log = io.StringIO()
        self.frames: list[Frame] = []
        self.statuses: list[LinkStatus] = []
        self.link = Link(
            cloud.url,
            **{
                "clock": SystemClock(),
                "jitter": lambda: 0.0,
                "log": Log("debug", "json", self.log).logger,
                "command_timeout": 3.0,
                "tap": self.tap,
                **options,
            },
        )
        self.link.frame_listeners = (self.frames.append,)
        self.link.status_listeners = (self.statuses.append,)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():  # noqa: ASYNC110 - several things can make it so
                await asyncio.sleep(0.005)

    async def up(self) -> None:
        """Wait until requests can be made."""
        await self.until(lambda: self.link.status.up)

    def logged(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.log.getvalue().splitlines()]


async def nothing() -> None:
    """The first requests of the bridge, of which a test of the link needs none."""


@contextlib.asynccontextmanager
async def running(cloud: ScriptedCloud, token: str | None = "api", **options: Any) -> AsyncIterator[LinkedUp]:
    """A link that runs."""
    linked = LinkedUp(cloud, **options)
    linked.link.set_token(token)
    task = asyncio.create_task(linked.link.run(nothing))
    try:
        yield linked
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
