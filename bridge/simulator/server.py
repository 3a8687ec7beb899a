"""The websocket of the simulated cloud: its connections, pushes and connection faults."""

import asyncio
import json
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

from pydantic import JsonValue
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from bridge.simulator import wire_form
from bridge.simulator.account import SimulatedAccount
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.faults import Faults

JsonFrame = dict[str, JsonValue]
"""A frame as it stands on the wire, in either direction."""

LIMIT_CLOSE_CODE: Final = 4001
REBOOT_S: Final = 2.0


@dataclass(slots=True, eq=False)
class SimulatedServer(ABC):
    """The websocket server of a cloud.

    Attributes:
        account: the account that it serves.
        faults: the faults in force.
        seen: every request since the start, as received, without its tokens.
        single_connection: a second long-lived connection is refused, as the real cloud does.
        rebooting_s: the time that a charge point is offline after a restart.
    """

    account: SimulatedAccount
    faults: Faults = field(default_factory=Faults)
    seen: list[JsonFrame] = field(default_factory=list)
    single_connection: bool = False
    rebooting_s: float = REBOOT_S
    logins: int = 0
    rest_calls: Counter[str] = field(default_factory=Counter)
    handshakes: int = 0
    _server: Server | None = None
    _listening: set[ServerConnection] = field(default_factory=set)  # connections that have sent HELLO
    _open: set[ServerConnection] = field(default_factory=set)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)

    # --- the server ---

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Start to listen. Return the address for `cloud.url`."""
        self._server = await serve(
            self._serve, host, port, process_request=self._handshake, ping_interval=None, close_timeout=0.2
        )
        bound = next(iter(self._server.sockets)).getsockname()
        return f"ws://{bound[0]}:{bound[1]}/haserver"

    async def stop(self) -> None:
        """Close everything."""
        for task in self._tasks:
            task.cancel()
        self.drop()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def _handshake(self, connection: ServerConnection, request: Request) -> Response | None:
        if "Upgrade" not in request.headers:  # `check` asks for the time only
            return connection.respond(HTTPStatus.UPGRADE_REQUIRED, "This is a websocket.\n")
        self.handshakes += 1
        reason = self.faults.refuse_handshake
        if self.faults.limit_reached:
            reason = "Request limit reached"
        elif self.single_connection and self._listening:
            reason = "Already connected"
        if not reason:
            return None
        headers = Headers({"x-websocket-reject-reason": reason, "Content-Length": "0"})
        connection.logger.debug("handshake refused")
        return Response(HTTPStatus.FORBIDDEN, "Forbidden", headers)

    async def _serve(self, connection: ServerConnection) -> None:
        self._open.add(connection)
        try:
            async for text in connection:
                frame = self._read(text)
                if frame is not None:
                    # Answers do not wait for each other, as those of the real cloud do not.
                    self.spawn(self.answer(connection, frame))
        except ConnectionClosed:
            pass
        finally:
            self._open.discard(connection)
            self._listening.discard(connection)

    def spawn(self, work: Coroutine[object, None, None]) -> None:
        """Run a coroutine in the background until the cloud stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @staticmethod
    def _read(text: str | bytes) -> JsonFrame | None:
        try:
            frame = json.loads(text)
        except ValueError:
            return None
        return frame if isinstance(frame, dict) else None

    # --- requests and connections ---

    @property
    def requests(self) -> Counter[str]:
        """The number of requests by command."""
        return Counter(str(frame.get("command")) for frame in self.seen)

    def requests_for(self, *commands: str) -> list[JsonFrame]:
        """Return the requests with one of these commands, in order."""
        return [frame for frame in self.seen if frame.get("command") in commands]

    @property
    def connected(self) -> bool:
        """Whether a client has sent HELLO and is connected."""
        return bool(self._listening)

    def listens(self, connection: ServerConnection) -> None:
        """Push changes to a client from now on: it has sent HELLO."""
        self._listening.add(connection)

    @abstractmethod
    async def answer(self, connection: ServerConnection, frame: JsonFrame) -> None:
        """Answer one frame, on the connection that it came on."""

    async def send(self, connection: ServerConnection, request: JsonFrame, answer: JsonFrame) -> None:
        """Send the answer to a request, with its `flow_id` as the faults say."""
        if request.get("command") in self.faults.unanswered:
            return
        flow_id = request.get("flow_id")
        if answer["object"] == "ERROR" and not self.faults.errors_name_request:
            flow_id = None
        if flow_id is not None and self.faults.flow_ids != "missing":
            answer = {**answer, "flow_id": flow_id if self.faults.flow_ids == "echo" else ""}
        await connection.send(json.dumps(answer))

    # --- pushing ---

    async def send_all(self, text: str) -> None:
        """Send any text to every client that has sent HELLO."""
        for connection in list(self._listening):
            with suppress(ConnectionClosed):
                await connection.send(text)

    async def push(self, point: SimulatedChargePoint) -> None:
        """Push the status of each socket of a charge point."""
        if self.faults.quiet:
            return
        for socket in point.sockets:
            data = wire_form.status(point, socket, pushed=True)
            await self.send_all(json.dumps({"object": "CH_STATUS", "evse_id": point.evse_id, "data": data}))

    async def push_all(self) -> None:
        """Push the status of every charge point."""
        for point in list(self.account.charge_points.values()):
            await self.push(point)

    async def push_settings(self, point: SimulatedChargePoint) -> None:
        """Push a charge point's settings."""
        if not self.faults.quiet:
            await self.send_all(json.dumps({"object": "CH_SETTINGS", "data": wire_form.settings(point)}))
            if self.faults.unasked:
                listed = [wire_form.listing(one) for one in self.account.charge_points.values()]
                await self.send_all(json.dumps({"object": "CHARGE_POINTS", "data": listed}))

    async def push_grid(self) -> None:
        """Push the currents of every grid connection."""
        if not self.faults.quiet:
            for evse_id in self.account.grids:
                await self.send_all(json.dumps(self.account.grid_current(evse_id)))
                if self.faults.unasked:
                    await self.send_all(json.dumps(self.account.grid_status(evse_id)))

    # --- immediate faults ---

    def drop(self) -> None:
        """Cut every connection without a closing handshake."""
        for connection in list(self._open):
            connection.transport.abort()

    def freeze(self) -> None:
        """Stop reading: every connection stays open but answers nothing, not even a ping."""
        for connection in list(self._open):
            connection.transport.pause_reading()

    async def garbage(self, frames: int = 1) -> None:
        """Send invalid frames."""
        kinds = (
            "{",
            "not json",
            "[]",
            '"text"',
            "{}",
            '{"object": 5}',
            '{"object": "CH_STATUS", "data": 7}',
            "\x00",
            "null",
        )
        for index in range(frames):
            await self.send_all(kinds[index % len(kinds)])

    async def reach_limit(self) -> None:
        """Let the day's request limit be reached."""
        self.faults.limit_reached = True
        for connection in list(self._open):
            with suppress(ConnectionClosed):
                await connection.close(LIMIT_CLOSE_CODE, "Request limit reached")
