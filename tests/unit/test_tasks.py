"""Background tasks: their failures, and their end."""

import asyncio
import inspect
import io
import json
import warnings
from collections.abc import AsyncIterator

import pytest

from bridge.logs import Log
from bridge.tasks import BackgroundTasks
from tests.clock import settle


@pytest.fixture
def lines() -> io.StringIO:
    """The log."""
    return io.StringIO()


@pytest.fixture
async def tasks(lines: io.StringIO) -> AsyncIterator[BackgroundTasks]:
    """Background tasks, ended with the test."""
    background = BackgroundTasks(Log("info", "json", lines).logger)
    yield background
    await background.end()


async def _fail() -> None:
    raise RuntimeError("out of paper")


async def _note(done: list[str]) -> None:
    done.append("done")


async def test_a_started_task_runs_without_being_awaited(tasks: BackgroundTasks) -> None:
    done: list[str] = []
    tasks.start(_note(done))
    await settle()
    assert done == ["done"]


async def test_a_failure_is_logged_once_and_stops_nothing_else(tasks: BackgroundTasks, lines: io.StringIO) -> None:
    done: list[str] = []
    tasks.start(_fail())
    tasks.start(_note(done))
    await settle()
    (line,) = (json.loads(text) for text in lines.getvalue().splitlines())
    assert (line["event"], line["level"]) == ("a background task failed; the service keeps running", "error")
    assert "out of paper" in line["exception"]
    assert done == ["done"]


async def test_the_end_cancels_what_is_running_and_waits_for_it(tasks: BackgroundTasks, lines: io.StringIO) -> None:
    steps: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)  # an orderly end takes a moment
            steps.append("ended")

    tasks.start(work())
    await settle()
    await tasks.end()
    assert steps == ["ended"]
    assert lines.getvalue() == ""


async def test_nothing_is_started_after_the_end_not_even_by_what_is_ending(tasks: BackgroundTasks) -> None:
    done: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            tasks.start(_note(done))

    tasks.start(work())
    await settle()
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # "was never awaited"
        await tasks.end()
        tasks.start(_note(done))
    await settle()
    assert done == []


async def test_a_task_that_is_ended_before_its_first_step_is_closed(tasks: BackgroundTasks) -> None:
    work = _note([])
    tasks.start(work)
    await tasks.end()
    await settle()
    assert inspect.getcoroutinestate(work) == "CORO_CLOSED"
