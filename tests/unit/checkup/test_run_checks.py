"""Checks that wait run side by side, and their findings come in order."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bridge.checkup.finding import Finding, ok
from bridge.checkup.run_checks import side_by_side


async def test_a_part_that_waits_for_a_later_one_ends() -> None:
    later = asyncio.Event()

    async def first() -> AsyncIterator[Finding]:
        yield ok("broker port", "is open")
        await later.wait()
        yield ok("broker", "accepts a login")

    async def second() -> AsyncIterator[Finding]:
        yield ok("cloud port", "is open")
        later.set()
        yield ok("cloud", "accepts the token")

    found = [finding.what async for finding in side_by_side(first(), second())]
    assert found == ["broker port", "broker", "cloud port", "cloud"]


async def test_a_finding_is_shown_before_its_part_has_ended() -> None:
    seen = asyncio.Event()

    async def first() -> AsyncIterator[Finding]:
        yield ok("broker port", "is open")
        await seen.wait()
        yield ok("broker", "accepts a login")

    async for _ in side_by_side(first()):
        seen.set()


async def test_the_fault_of_a_part_is_raised_and_the_others_are_ended() -> None:
    ended = asyncio.Event()

    async def first() -> AsyncIterator[Finding]:
        yield ok("broker port", "is open")
        raise ZeroDivisionError

    async def second() -> AsyncIterator[Finding]:
        yield ok("cloud port", "is open")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    with pytest.raises(ZeroDivisionError):
        async for _ in side_by_side(first(), second()):
            pass
    assert ended.is_set()
