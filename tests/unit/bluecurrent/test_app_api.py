"""The app's REST API: the meaning of each answer, read from a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.link import Link
from bridge.errors import (
    BridgeError,
    Disconnected,
    Forbidden,
    NotSent,
    Rejected,
    Unauthorized,
    UnknownRequest,
    VerdictTimeout,
)

EVSE = "BCU100186"
CUT = (0, "")


@dataclass
class Side:
    """The app's side of a cloud: answers each action in one way, and knows a charge point with one socket.

    Attributes:
        answer: the HTTP status and the body of actions; `CUT` for a connection that ends without an answer.
        statuses: the same for `chargepointstatus`.
        seen: path, authorization and body of each request.
    """

    answer: tuple[int, str] = (200, '{"success": true}')
    statuses: tuple[int, str] = (200, json.dumps({"items": [{"socket_id": 3}]}))
    seen: list[tuple[str, str, str]] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, one request after the other."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in head.splitlines())
                }
                body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
                path = head.split(" ")[1]
                self.seen.append((path, headers["authorization"], body))
                status, text = self.statuses if "chargepointstatus" in path else self.answer
                if not status:
                    return
                kind = "application/json" if text.startswith("{") else "text/plain"
                writer.write(
                    f"HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {len(text)}\r\n\r\n{text}".encode()
                )
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()

    @property
    def actions(self) -> list[tuple[str, dict[str, object]]]:
        """The actions that were asked for, with their bodies."""
        return [(path.rpartition("/")[2], json.loads(body)) for path, _, body in self.seen if body]


@asynccontextmanager
async def serving(side: Side) -> AsyncIterator[AppApi]:
    """The bridge's client for it."""
    server = await asyncio.start_server(side.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    link = SimpleNamespace(request_token="a-token", status=SimpleNamespace(up=True))
    try:
        yield AppApi(f"ws://127.0.0.1:{port - 1}/haserver", cast("Link", link))
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize("body", ['{"success": true}', "OK", "", '{"success": true, "error": ""}'])
async def test_an_unlock_is_sent_for_its_socket(body: str) -> None:
    side = Side(answer=(200, body))
    async with serving(side) as app:
        await app.unlock(EVSE, 2)
    assert side.actions == [("unlockconnector", {"chargepoint_id": EVSE, "socket_id": 2, "flow_id": "flow"})]
    assert side.seen[0][1] == "a-token"  # without a prefix, as this API requires


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((200, json.dumps({"items": [{"socket_id": 3}]})), 3),  # not always 1
        ((200, json.dumps({"items": [{"socket_id": None}]})), 1),
        ((200, json.dumps({"items": []})), 1),
        ((200, json.dumps({"items": 5})), 1),
        ((200, "nonsense"), 1),
        ((404, "not here"), 1),
        ((500, "broken"), 1),
    ],
)
async def test_the_only_socket_has_the_number_that_the_cloud_gives_it(statuses: tuple[int, str], expected: int) -> None:
    side = Side(statuses=statuses)
    async with serving(side) as app:
        await app.unlock(EVSE, None)
    assert [body["socket_id"] for _, body in side.actions] == [expected]


@pytest.mark.parametrize(("operative", "action"), [(True, "setoperative"), (False, "setinoperative")])
async def test_a_block_and_its_removal_are_sent_for_their_socket(operative: bool, action: str) -> None:
    side = Side()
    async with serving(side) as app:
        await app.set_operative(EVSE, 1, operative=operative)
    ((name, body),) = side.actions
    assert (name, body["chargepoint_id"], body["socket_id"]) == (action, EVSE, 1)
    assert len(str(body["flow_id"])) == 36


REFUSALS: list[tuple[int, str, type[BridgeError]]] = [
    (400, '{"object": "ERROR", "error": 0, "message": "Unknown command"}', UnknownRequest),
    (403, '{"object": "ERROR", "error": 2, "message": "forbidden"}', Forbidden),
    (200, '{"success": false, "error": 2}', Forbidden),
    (200, '{"success": false, "error": "forbidden"}', Forbidden),
    (403, "Forbidden", Forbidden),
    (401, '{"object": "ERROR", "error": 1, "message": "Invalid Auth Token"}', Unauthorized),
    (401, "Unauthorized", Unauthorized),
    (400, '{"object": "ERROR", "error": 9, "message": "Unknown error"}', Rejected),
    (200, '{"success": false}', Rejected),
    (200, '{"success": false, "error": true}', Rejected),
    (404, "no such page", Rejected),
    (500, "broken", Disconnected),
    (503, "come back later", Disconnected),
]


@pytest.mark.parametrize(("status", "body", "expected"), REFUSALS)
@pytest.mark.parametrize(
    "ask", [lambda app: app.unlock(EVSE, 1), lambda app: app.set_operative(EVSE, 1, operative=True)]
)
async def test_an_answer_of_the_app_api_has_its_error(
    status: int, body: str, expected: type[BridgeError], ask: Callable[[AppApi], Awaitable[None]]
) -> None:
    async with serving(Side(answer=(status, body))) as app:
        with pytest.raises(BridgeError) as raised:
            await ask(app)
    assert type(raised.value) is expected
    assert "a-token" not in str(raised.value)


async def test_a_missing_answer_leaves_the_outcome_unknown() -> None:
    async with serving(Side(answer=CUT)) as app:
        with pytest.raises(VerdictTimeout):
            await app.unlock(EVSE, 1)


async def test_an_unreachable_app_api_has_not_been_sent_anything() -> None:
    async with serving(Side()) as app:
        pass
    for socket in (1, None):
        with pytest.raises(NotSent, match="cannot be reached"):
            await app.unlock(EVSE, socket)
