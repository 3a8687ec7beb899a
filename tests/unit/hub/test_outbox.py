"""The outbox: order, bounds, and what survives."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.hub.outbox import Entry, Outbox, Renewal


def make(limit: int = 100, prefix: str = "") -> Outbox:
    """An empty outbox."""
    return Outbox(
        now=lambda: datetime(2026, 1, 1, tzinfo=UTC), uid=uuid4, src="bluecurrent", prefix=prefix, limit=limit
    )


def report(value: object, address: str = "A", type_: str = "evt.state.report", prefix: str = "") -> Report:
    """A report of some attribute."""
    topic = Topic("evt", "dev", "b", "1", "chargepoint", address, prefix=prefix)
    return Report(topic, "chargepoint", type_, "string", str(value))


async def drain(outbox: Outbox) -> list[object]:
    """The values in the order in which they are published; None for a renewal."""
    values: list[object] = []
    while len(outbox):
        entry = await outbox.first()
        values.append(entry.message.value if isinstance(entry, Entry) else None)
        outbox.done(entry)
    return values


async def test_in_order_and_every_one_while_there_is_room() -> None:
    outbox = make()
    for index in range(20):
        outbox.put(report(index))
    assert await drain(outbox) == [str(index) for index in range(20)]


async def test_when_full_the_newest_of_each_attribute_wins() -> None:
    outbox = make(limit=10)
    for index in range(100):
        outbox.put(report(f"A{index}", "A"))
        outbox.put(report(f"B{index}", "B"))
    values = await drain(outbox)
    assert len(values) <= 10
    assert values[-2:] == ["A99", "B99"]
    for name in "AB":
        numbers = [int(str(value)[1:]) for value in values if str(value).startswith(name)]
        assert numbers == sorted(numbers)


async def test_answers_are_not_replaced() -> None:
    outbox = make(limit=5)
    outbox.put(report("answer"), corid="c")
    outbox.put(report("inclusion"), keep=True)
    for index in range(50):
        outbox.put(report(index))
    values = await drain(outbox)
    assert values[:2] == ["answer", "inclusion"]
    assert values[-1] == "49"
    assert outbox.dropped == 0


async def test_it_never_holds_more_than_it_may() -> None:
    outbox = make(limit=5)
    for index in range(50):
        outbox.put(report(index, f"X{index}"))
    assert len(outbox) == 5
    assert outbox.dropped > 0
    assert (await drain(outbox))[-1] == "49"


async def test_over_a_reconnect_only_answers_and_the_like_stay() -> None:
    outbox = make()
    outbox.put(report("state"))
    outbox.put(report("answer"), corid="c")
    outbox.put(report("inclusion"), keep=True)
    outbox.renew()
    outbox.forget_reports()
    assert len(outbox) == 3  # a renewal that was asked for meanwhile is still due
    outbox.forget_renewals()
    assert await drain(outbox) == ["answer", "inclusion"]


async def test_a_renewal_keeps_its_place() -> None:
    outbox = make()
    outbox.put(report(1))
    outbox.renew()
    outbox.put(report(2))
    first = await outbox.first()
    outbox.done(first)
    assert isinstance(await outbox.first(), Renewal)
    assert await drain(outbox) == [None, "2"]


async def test_what_is_on_its_way_may_be_replaced_meanwhile() -> None:
    outbox = make(limit=3)
    outbox.put(report(1))
    entry = await outbox.first()
    for index in range(2, 10):
        outbox.put(report(index))
    outbox.done(entry)
    assert (await drain(outbox))[-1] == "9"


async def test_waiting_for_the_first_and_for_the_last() -> None:
    outbox = make()
    await asyncio.wait_for(outbox.emptied(), 1)
    waiting = asyncio.create_task(outbox.first())
    await asyncio.sleep(0)
    assert not waiting.done()
    outbox.put(report(1))
    entry = await asyncio.wait_for(waiting, 1)
    emptied = asyncio.create_task(outbox.emptied())
    await asyncio.sleep(0)
    assert not emptied.done()
    outbox.done(entry)
    await asyncio.wait_for(emptied, 1)


@pytest.mark.parametrize(
    ("resp_to", "prefix", "path"),
    [
        ("pt:j1/mt:rsp/rt:app/rn:x/ad:1", "", "pt:j1/mt:rsp/rt:app/rn:x/ad:1"),
        ("pt:j1/mt:rsp/rt:app/rn:x/ad:1", "home", "home/pt:j1/mt:rsp/rt:app/rn:x/ad:1"),
        ("other/pt:j1/mt:rsp/rt:app/rn:x/ad:1", "home", "other/pt:j1/mt:rsp/rt:app/rn:x/ad:1"),
    ],
)
async def test_a_copy_goes_where_it_is_asked_for(resp_to: str, prefix: str, path: str) -> None:
    outbox = make(prefix=prefix)
    outbox.put(report("x", prefix=prefix), corid="c", copy_to=Topic.parse(resp_to))
    original, copy = await outbox.first(), None
    outbox.done(original)
    copy = await outbox.first()
    assert isinstance(original, Entry)
    assert isinstance(copy, Entry)
    assert original.path == (f"{prefix}/" if prefix else "") + "pt:j1/mt:evt/rt:dev/rn:b/ad:1/sv:chargepoint/ad:A"
    assert copy.path == path
    assert copy.message.topic == "pt:j1/mt:rsp/rt:app/rn:x/ad:1"
    assert original.message.uid != copy.message.uid
    assert original.message.corid == copy.message.corid == "c"
