"""Log records of libraries are lines of the log."""

import asyncio
import io
import json
import logging
from pathlib import Path

import pytest

from bridge.library_logs import REPORTED_ELSEWHERE, library_logs_included
from bridge.log_level import Level
from bridge.logs import Log
from bridge.service import Service
from bridge.settings import Settings


def logged(level: Level, name: str, rank: int, text: str, *values: object) -> list[dict[str, object]]:
    """The lines that one record of a library gives."""
    stream = io.StringIO()
    with library_logs_included(Log(level, "json", stream).logger):
        logging.getLogger(name).log(rank, text, *values)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("name", ["mqtt", "websockets.client", "aiohttp.client", "uvicorn.error", "asyncio"])
@pytest.mark.parametrize(
    ("rank", "level"), [(logging.WARNING, "warning"), (logging.ERROR, "error"), (logging.CRITICAL, "critical")]
)
def test_a_warning_or_an_error_is_one_line(name: str, rank: int, level: str) -> None:
    (line,) = logged("info", name, rank, "no %s\nleft", "ink")
    assert (line["event"], line["level"], line["library"]) == ("no ink\\nleft", level, name)


@pytest.mark.parametrize("rank", [logging.DEBUG, logging.INFO])
def test_what_is_less_than_a_warning_is_left_out(rank: int) -> None:
    assert logged("debug", "websockets.client", rank, "connection open") == []


@pytest.mark.parametrize(("name", "beginning"), REPORTED_ELSEWHERE)
def test_a_lost_connection_is_reported_by_the_bridge_alone(name: str, beginning: str) -> None:
    assert logged("info", name, logging.ERROR, f"{beginning}: [Errno 32] Broken pipe") == []
    (line,) = logged("debug", name, logging.ERROR, f"{beginning}: [Errno 32] Broken pipe")
    assert line["level"] == "debug"


def test_an_exception_keeps_its_traceback() -> None:
    stream = io.StringIO()
    with library_logs_included(Log("info", "json", stream).logger):
        try:
            int("out of paper")
        except ValueError:
            logging.getLogger("websockets.client").exception("parser failed")
    line = json.loads(stream.getvalue())
    assert "out of paper" in line["exception"]


async def test_the_service_includes_them_while_it_runs(tmp_path: Path) -> None:
    settings = Settings.model_validate(
        {"mqtt": {"port": 1}, "storage": {"path": tmp_path / "bridge.db"}, "http": {"listen": ""}}
    )
    stream, stop, handlers = io.StringIO(), asyncio.Event(), list(logging.getLogger().handlers)
    service = asyncio.create_task(Service(settings, Log("info", "json", stream)).run(stop))
    await asyncio.sleep(0)
    logging.getLogger("websockets.client").error("out of ink")
    stop.set()
    await service
    assert [line["event"] for line in map(json.loads, stream.getvalue().splitlines()) if line["level"] == "error"] == [
        "out of ink"
    ]
    assert logging.getLogger().handlers == handlers
