"""The beginning and the end of the HTTP server, and its faults."""

import asyncio
import json
import socket

import httpx
import pytest

from bridge.logs import Log
from bridge.web.view import View
from tests import showroom
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House
from tests.integration.http_client import listening, serving, url


async def test_the_service_stops_in_time_with_open_streams(house: House) -> None:
    async with listening(url(house, "/events")) as events, listening(url(house, "/events?lang=nb")) as others:
        await anext(events)
        await anext(others)
        async with asyncio.timeout(5):
            await house.stop()
        async with asyncio.timeout(1):
            assert [name async for name, _ in events] in ([], ["message"], ["message", "message"])


async def test_a_taken_port_is_one_log_line_and_the_bridge_continues(build: HouseMaker) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        where = f"127.0.0.1:{taken.getsockname()[1]}"
        async with build(http={"listen": where}) as house:
            (line,) = [line for line in house.log_lines() if line["event"] == "there is no status page"]
            assert line["level"] == "error"
            assert line["reason"] == f"another program listens on {where} (http.listen)"
            assert "http.listen" in line["what_to_do"]
            assert len(await house.hub.command(SOCKET, "cmd.state.get_report")) == 1


@pytest.mark.parametrize("listen", ["no.such.host.invalid:8099", "203.0.113.7:8099"])
async def test_an_unusable_address_is_one_log_line(build: HouseMaker, listen: str) -> None:
    async with build(http={"listen": listen}) as house:
        assert [line["level"] for line in house.log_lines() if line["event"] == "there is no status page"] == ["error"]


async def test_an_empty_address_turns_the_server_off(build: HouseMaker) -> None:
    async with build(http={"listen": ""}) as house:
        assert house.service is not None
        assert house.service.web.port is None
        assert not [line for line in house.log_lines() if line["level"] == "error"]


async def test_a_page_that_fails_is_logged_and_the_others_are_served(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(showroom.Window):
        async def whole(self, *, charts: bool) -> View:
            raise RuntimeError("a fault of our own")

    async with serving(Broken(showroom.rich()), Log("warning", "json")) as server, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/api/state")
        assert (answer.status_code, "fault" in answer.text) == (500, False)
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["a page could not be shown"]
