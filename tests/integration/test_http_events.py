"""Server-sent events: what is sent to whom, and readers that do not read."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from bridge.simulator.car import Car
from bridge.web.stream import PUSH_EVERY_S
from tests import showroom
from tests.harness import CABLE, SOCKET, House
from tests.integration.http_client import PATIENCE_S, get, listening, serving, until, url


async def links(events: AsyncIterator[tuple[str, Any]], words: str) -> int:
    """How often the lines about the links came, until they have these words. Other parts change as time passes."""
    pushes = 0
    async with asyncio.timeout(PATIENCE_S):
        async for name, parts in events:
            if name == "message" and "links" in parts:
                pushes += 1
                if words in parts["links"]:
                    return pushes
    raise AssertionError("the stream has ended")


async def test_events_follow_what_happens(house: House) -> None:
    async with listening(url(house, "/events?lang=nl")) as events:
        name, build = await anext(events)
        assert name == "build"
        assert f'data-build="{build}"' in (await get(house, "/")).text
        _, first = await anext(events)
        assert "Geen auto" in first[f"now-{SOCKET}"]
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        await house.push(SOCKET)
        async with asyncio.timeout(PATIENCE_S):
            async for _, parts in events:
                if f"now-{SOCKET}" in parts:
                    break
        assert "Laadt" in parts[f"now-{SOCKET}"]
        assert f"now-{CABLE}" not in parts, "what has not changed is not sent"


async def test_a_burst_of_changes_is_merged_into_few_events() -> None:
    house = showroom.Window(showroom.rich())
    async with serving(house) as server:
        assert server.port is not None
        async with listening(f"http://127.0.0.1:{server.port}/events") as events:
            await anext(events)
            await anext(events)
            begun = time.monotonic()
            for count in range(200):
                house.about = replace(house.about, requests_today={"HELLO": 1000 + count})
                server.changed()
                await asyncio.sleep(0.001)
            pushes = await links(events, "1199")
            assert pushes <= 2 + (time.monotonic() - begun) / PUSH_EVERY_S


async def test_a_reader_that_reads_nothing_delays_no_other(house: House) -> None:
    assert house.service is not None
    port = house.service.web.port
    assert port is not None
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    deaf.connect(("127.0.0.1", port))
    deaf.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
    async with listening(url(house, "/events")) as events:
        await anext(events)
        await anext(events)
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        async with asyncio.timeout(PATIENCE_S):
            async for _, parts in events:
                if f"now-{SOCKET}" in parts:
                    break
    await house.stop()  # must stop in time although a client never reads
    deaf.close()


async def test_a_hundred_readers_get_the_same_events() -> None:
    house = showroom.Window(showroom.rich())
    async with serving(house) as server, AsyncExitStack() as stack:
        address = f"http://127.0.0.1:{server.port}/events"
        readers = [await stack.enter_async_context(listening(address)) for _ in range(100)]
        for events in readers:
            await anext(events)
            await anext(events)
        house.about = replace(house.about, requests_today={"HELLO": 4711})
        server.changed()
        for events in readers:
            await links(events, "4711")


async def test_a_reader_that_has_gone_is_forgotten(house: House) -> None:
    assert house.service is not None
    publisher = house.service.web._publisher  # the number of viewers is not public
    async with listening(url(house, "/events")) as events:
        await anext(events)
        assert len(publisher) == 1
    await until(lambda: len(publisher) == 0)
