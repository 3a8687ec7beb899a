"""A client of the bridge's HTTP server, and a server without a bridge."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx

from bridge.logs import Log
from bridge.settings import HttpSettings
from bridge.web.observer import Observer
from bridge.web.server import WebServer
from tests.harness import House

PATIENCE_S = 8.0
NO_CERTIFICATES = False
"""The server has no TLS. To read the certificates of this machine takes a client longer than its request."""


def url(house: House, path: str = "/") -> str:
    """An address on the bridge's HTTP server."""
    assert house.service is not None
    assert house.service.web.port is not None
    return f"http://127.0.0.1:{house.service.web.port}{path}"


async def get(house: House, path: str, **headers: str) -> httpx.Response:
    """The answer to a GET."""
    async with httpx.AsyncClient(verify=NO_CERTIFICATES) as client:
        return await client.get(url(house, path), headers=headers)


async def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - many things, and none of them has an event for it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """Server-sent events: the name and the data of each."""
    async with (
        httpx.AsyncClient(timeout=PATIENCE_S, verify=NO_CERTIFICATES) as client,
        client.stream("GET", address) as response,
    ):
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")

        async def events() -> AsyncIterator[tuple[str, Any]]:
            name = "message"
            async for line in response.aiter_lines():
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    data = line.removeprefix("data: ")
                    yield name, json.loads(data) if name == "message" else data
                    name = "message"

        yield events()


@asynccontextmanager
async def serving(observer: Observer, log: Log | None = None) -> AsyncIterator[WebServer]:
    """A server of its own, without a bridge."""
    server = WebServer(HttpSettings(listen="127.0.0.1:0"), observer, (log or Log("warning")).logger)
    running = asyncio.create_task(server.run())
    await until(lambda: server.port is not None)
    try:
        yield server
    finally:
        server.stop()
        async with asyncio.timeout(PATIENCE_S):
            await running
