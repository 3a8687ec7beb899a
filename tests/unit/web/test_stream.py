"""Viewers, and the events that they get."""

import asyncio
import json
from dataclasses import replace

import pytest

from bridge.web.build_view import build_view
from bridge.web.stream import MOST_STREAMS, Publisher, TooMany, Wanted
from bridge.web.view import View
from tests import showroom


async def test_a_slow_reader_needs_no_memory_and_gets_the_newest_state() -> None:
    """A slow viewer gets the last version of each part, not the thousand versions before it."""
    count, seen = 0, build_view(showroom.known())

    def view(_: int) -> View:
        return replace(seen, requests=replace(seen.requests, today=count))

    def render(shown: View, _: object) -> dict[str, str]:
        return {"links": f"<p>{shown.requests.today}</p>", "service": "<p>same</p>"}

    publisher = Publisher(view, render, every=0)
    stream = publisher.open(Wanted("en"))
    publishing = asyncio.create_task(publisher.run())
    for count in range(1, 1001):  # noqa: B007 - the view reads it
        publisher.changed()
        await asyncio.sleep(0)
    async with asyncio.timeout(5):
        while "1000" not in stream._unread["links"]:  # noqa: ASYNC110 - it has no event for who does not read
            await asyncio.sleep(0.01)
    events = stream.events()
    told = json.loads((await anext(events)).removeprefix("data: "))
    assert told == {"links": "<p>1000</p>", "service": "<p>same</p>"}
    publisher.close(stream)
    assert [event async for event in events] == []
    publishing.cancel()


async def test_the_number_of_viewers_is_limited() -> None:
    publisher = Publisher(lambda _: build_view(showroom.rich()), lambda _, __: {})
    streams = [publisher.open(Wanted("en")) for _ in range(MOST_STREAMS)]
    with pytest.raises(TooMany):
        publisher.open(Wanted("en"))
    publisher.close(streams[0])
    publisher.open(Wanted("nl"))


async def test_a_page_that_cannot_be_rendered_takes_no_place_of_a_viewer() -> None:
    broken = True

    def render(_: View, __: object) -> dict[str, str]:
        if broken:
            raise ValueError("a template is wrong")
        return {"a": "<p>"}

    publisher = Publisher(lambda _: build_view(showroom.rich()), render)
    with pytest.raises(ValueError, match="template"):
        publisher.open(Wanted("en"))
    assert len(publisher) == 0
    broken = False
    assert await anext(publisher.open(Wanted("en")).events()) == 'data: {"a": "<p>"}\n\n'


async def test_keep_alive_comments_are_sent_while_nothing_changes() -> None:
    publisher = Publisher(lambda _: build_view(showroom.rich()), lambda _, __: {"a": "<p>"})
    events = publisher.open(Wanted("en"), keep_alive=0.01).events()
    await anext(events)
    assert await anext(events) == "event: alive\ndata: .\n\n"


async def test_each_viewer_gets_the_changes_of_its_own_page_and_nothing_else() -> None:
    shown = {1: "one", 2: "two"}

    def view(page: int) -> View:
        return replace(build_view(showroom.known()), page=page)

    publisher = Publisher(view, lambda of, _: {"a": shown[of.page], "b": "same"}, every=0)
    first, second = publisher.open(Wanted("en", 1)).events(), publisher.open(Wanted("en", 2)).events()
    assert [json.loads((await anext(events)).removeprefix("data: "))["a"] for events in (first, second)] == [
        "one",
        "two",
    ]
    publishing = asyncio.create_task(publisher.run())
    shown[2] = "another"
    publisher.changed()
    assert await anext(second) == 'data: {"a": "another"}\n\n'
    shown[1] = "new"
    publisher.changed()
    assert await anext(first) == 'data: {"a": "new"}\n\n'
    publishing.cancel()


async def test_nothing_is_rendered_without_a_viewer() -> None:
    made = 0

    def view(_: int) -> View:
        nonlocal made
        made += 1
        return build_view(showroom.known())

    publisher = Publisher(view, lambda _, __: {"a": "<p>"}, every=0)
    publishing = asyncio.create_task(publisher.run())
    for _ in range(50):
        publisher.changed()
        await asyncio.sleep(0)
    assert made == 0
    publisher.close(publisher.open(Wanted("en")))
    assert made == 1
    publisher.changed()
    await asyncio.sleep(0.01)
    assert made == 1
    publishing.cancel()
