"""What fails in a callback of the event loop is a line of the log, and nothing beside it."""

import asyncio
import io
import json
import os
from pathlib import Path

import pytest

from bridge.logs import Log
from bridge.service import Service
from bridge.settings import Settings
from bridge.tasks import loop_failures_logged
from tests.clock import settle


def closed_descriptor() -> int:
    """The number of a file descriptor that is closed."""
    reading, writing = os.pipe()
    os.close(reading)
    os.close(writing)
    return writing


def fail() -> None:
    """A callback with a fault."""
    raise RuntimeError("out of paper")


async def fail_later() -> None:
    """A task that nobody waits for."""
    raise RuntimeError("out of ink")


def lines_of(stream: io.StringIO) -> list[dict[str, str]]:
    """The lines of a log."""
    return [json.loads(text) for text in stream.getvalue().splitlines()]


async def test_a_closed_socket_is_one_line_without_a_traceback(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """`aiomqtt` registers a writer on a socket that has been closed since."""
    stream, loop = io.StringIO(), asyncio.get_running_loop()
    with loop_failures_logged(Log("info", "json", stream).logger):
        loop.call_soon_threadsafe(loop.add_writer, closed_descriptor(), fail)
        await settle()
    (line,) = lines_of(stream)
    assert (line["event"], line["level"]) == ("a connection was closed while it was in use", "info")
    assert "exception" not in line
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []


async def test_a_fault_of_a_callback_is_one_line_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    stream, loop = io.StringIO(), asyncio.get_running_loop()
    with loop_failures_logged(Log("info", "json", stream).logger):
        loop.call_soon(fail)
        await settle()
        lost = asyncio.ensure_future(fail_later())
        await settle()
        del lost
    first, second = lines_of(stream)
    assert (first["event"], first["level"]) == ("a callback failed; the service keeps running", "error")
    assert "out of paper" in first["exception"]
    assert (second["reason"], "out of ink" in second["exception"]) == ("Task exception was never retrieved", True)
    assert caplog.records == []


async def test_the_handler_of_before_is_back_afterwards() -> None:
    loop = asyncio.get_running_loop()
    log = Log("info", "json", io.StringIO()).logger
    before = loop.get_exception_handler()
    with loop_failures_logged(log):
        assert loop.get_exception_handler() is not before
    assert loop.get_exception_handler() is before


async def test_the_service_logs_them_while_it_runs(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = Settings.model_validate(
        {"mqtt": {"port": 1}, "storage": {"path": tmp_path / "bridge.db"}, "http": {"listen": ""}}
    )
    stream, stop, loop = io.StringIO(), asyncio.Event(), asyncio.get_running_loop()
    service = asyncio.create_task(Service(settings, Log("info", "json", stream)).run(stop))
    await settle()
    loop.call_soon(fail)
    await settle()
    stop.set()
    await service
    assert [line["event"] for line in lines_of(stream) if line["level"] == "error"] == [
        "a callback failed; the service keeps running"
    ]
    assert [record for record in caplog.records if record.name == "asyncio"] == []
