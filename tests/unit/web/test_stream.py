"""Who looks, and what is sent to them."""

import asyncio
import json
from dataclasses import replace

import pytest

from bridge.web.look import look
from bridge.web.stream import MOST_STREAMS, Publisher, TooMany
from bridge.web.view import View
from tests import showroom


async def test_a_slow_reader_costs_no_memory_and_sees_the_newest_in_the_end() -> None:
    """It gets each part of the page once, as it is in the end, and not the thousand steps on the way there."""
    count, seen = 0, look(showroom.known())

    def view() -> View:
        return replace(seen, requests=replace(seen.requests, today=count))

    def render(shown: View, _: object) -> dict[str, str]:
        return {"links": f"<p>{shown.requests.today}</p>", "service": "<p>same</p>"}

    publisher = Publisher(view, render, every=0)
    stream = publisher.open("en")
    publishing = asyncio.create_task(publisher.run())
    for count in range(1, 1001):  # noqa: B007 - the view reads it
        publisher.changed()
        await asyncio.sleep(0)
    await asyncio.sleep(0.01)
    events = stream.events()
    told = json.loads((await anext(events)).removeprefix("data: "))
    assert told == {"links": "<p>1000</p>", "service": "<p>same</p>"}
    publisher.close(stream)
    assert [event async for event in events] == []
    publishing.cancel()


async def test_there_is_an_end_to_how_many_may_look() -> None:
    publisher = Publisher(lambda: look(showroom.rich()), lambda _, __: {})
    streams = [publisher.open("en") for _ in range(MOST_STREAMS)]
    with pytest.raises(TooMany):
        publisher.open("en")
    publisher.close(streams[0])
    publisher.open("nl")


async def test_a_page_that_cannot_be_rendered_takes_nobodys_room() -> None:
    broken = True

    def render(_: View, __: object) -> dict[str, str]:
        if broken:
            raise ValueError("a template is wrong")
        return {"a": "<p>"}

    publisher = Publisher(lambda: look(showroom.rich()), render)
    with pytest.raises(ValueError, match="template"):
        publisher.open("en")
    assert len(publisher) == 0
    broken = False
    assert await anext(publisher.open("en").events()) == 'data: {"a": "<p>"}\n\n'


async def test_silence_is_filled_with_signs_of_life() -> None:
    publisher = Publisher(lambda: look(showroom.rich()), lambda _, __: {"a": "<p>"})
    events = publisher.open("en", keep_alive=0.01).events()
    await anext(events)
    assert await anext(events) == "event: alive\ndata: .\n\n"
