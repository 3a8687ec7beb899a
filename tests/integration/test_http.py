"""The HTTP server over real HTTP: its routes, its host check, and clients that misbehave."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import httpx
import pytest

from bridge.logs import Log
from bridge.settings import HttpSettings
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.web.server import WebServer
from bridge.web.view import Sight, View
from tests import showroom
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, House
from tests.parsed import Parsed

PATIENCE_S = 8.0


def url(house: House, path: str = "/") -> str:
    assert house.service is not None
    assert house.service.web.port is not None
    return f"http://127.0.0.1:{house.service.web.port}{path}"


async def get(house: House, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient() as client:
        return await client.get(url(house, path), headers=headers)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 - many things, and none of them has an event for it
            await asyncio.sleep(0.02)


@asynccontextmanager
async def listening(address: str) -> AsyncIterator[AsyncIterator[tuple[str, Any]]]:
    """Server-sent events: name and data."""
    async with (
        httpx.AsyncClient(timeout=PATIENCE_S) as client,
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
async def serving(sight: Sight, log: Log | None = None) -> AsyncIterator[WebServer]:
    """A server of its own, without a bridge."""
    server = WebServer(HttpSettings(listen="127.0.0.1:0"), sight, (log or Log("warning")).logger)
    running = asyncio.create_task(server.run())
    await until(lambda: server.port is not None)
    try:
        yield server
    finally:
        server.stop()
        async with asyncio.timeout(PATIENCE_S):
            await running


# --- what is served ---


async def test_health_and_readiness(house: House) -> None:
    assert (await get(house, "/healthz")).text == "ok\n"
    assert (await get(house, "/readyz")).status_code == 200
    house.cloud.faults.refuse_handshake = "Already connected"
    house.cloud.drop()
    assert house.service is not None
    service = house.service
    await until(lambda: not service.link.status.up)
    answer = await get(house, "/readyz")
    assert answer.status_code == 503
    assert answer.text.startswith("cloud: ")
    assert (await get(house, "/healthz")).status_code == 200


async def test_without_a_token_it_lives_and_is_not_ready(build: HouseMaker) -> None:
    async with build(start=False, cloud={"api_token": None}) as house:
        service = await house.start(wait=False)
        await until(lambda: service.web.port is not None and service.broker.status.up)
        assert (await get(house, "/healthz")).status_code == 200
        answer = await get(house, "/readyz")
        assert (answer.status_code, answer.text[:45]) == (503, "cloud: There is no Blue Current API token yet")
        assert "The bridge needs an API token" in (await get(house, "/")).text


async def test_the_state_follows_a_car_from_start_to_stop(house: House) -> None:
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start", 2)
    state = (await get(house, "/api/state")).json()
    point = next(point for point in state["charge_points"] if point["evse_id"] == SOCKET)
    (shown,) = point["sockets"]
    assert (point["name"], shown["state"], shown["vehicle"]) == ("Driveway", "charging", True)
    assert shown["power"] == pytest.approx(3 * 16 * 231)
    assert state["link"]["state"] == "up"
    assert [(command["command"], command["code"], command["name"]) for command in state["commands"]] == [
        ("cmd.charge.start", None, "Driveway")
    ]
    metrics = (await get(house, "/metrics")).text
    assert f'bluecurrent_charge_point_state{{charge_point="{SOCKET}",state="charging"}} 1.0' in metrics
    assert 'bluecurrent_commands_total{outcome="OK"} 1.0' in metrics
    page = (await get(house, "/")).text
    assert "Charging" in page
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    assert "Driveway · Stop" in (await get(house, "/")).text


DESCRIBED: dict[str, Parsed] = {
    "evse_id": SOCKET,
    "chargepoint_type": "HIDDEN",
    "public_charging": {"value": False, "permission": "write"},
    "default_card": {"uid": "A1", "id": "NL-1", "name": "Mine", "customer_name": "A. B.", "valid": "1"},
    "preferred_card": {"uid": "B2", "id": "NL-2", "name": "Other", "customer_name": "C. D.", "valid": 0},
    "tariff": {"tariff_id": "NLBCUT58", "price_ex_vat": 0.2, "start_price_ex_vat": 0, "price_in_vat": 0.242,
               "start_price_in_vat": 0, "currency": "SEK", "vat_percentage": 21},
    "plug_and_charge_notification": True,
    "publish_location": {"value": False, "permission": "write"},
    "capacity_tariff": {"value": True, "permission": "read"},
    "smart_charging": True,
    "smart_charging_dynamic": True,
    "location": {"x_coord": 50.1234, "y_coord": 5.01234, "street": "Europalaan", "housenumber": "100",
                 "zipcode": "3526KS", "city": "Utrecht", "country": "NL"},
    "delayed_charging": {"value": False, "permission": "none", "smart_current_heartbeat_timeout": 60},
    "price_based_charging": {"value": True, "permission": "write", "expected_leave_time": "24:00",
                             "expected_kwh": "12", "minimum_kwh": 6},
}  # fmt: skip
STATUS = {
    "actual_p1": 6, "actual_p2": 0, "actual_p3": 0, "actual_v1": 230, "actual_v2": 0, "actual_v3": 0, "boosting": True,
    "max_usage": 16, "smartcharging_max_usage": 10, "max_offline": 7, "smart_current_heartbeat_timeout": 120,
    "offline_since": "20261110 11:41:32", "activity": "charging", "vehicle_status": "C",
}  # fmt: skip


async def test_every_field_that_the_cloud_tells_is_in_the_state_by_its_own_name(house: House) -> None:
    async def shown() -> dict[str, Any]:
        state = (await get(house, "/api/state")).json()
        (cloud,) = [point["cloud"] for point in state["charge_points"] if point["evse_id"] == SOCKET]
        assert isinstance(cloud, dict)
        return cloud

    await house.cloud.send_all(json.dumps({"object": "CH_SETTINGS", "data": DESCRIBED}))
    await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": STATUS}))
    async with asyncio.timeout(PATIENCE_S):
        while (cloud := await shown())["smart_current_heartbeat_timeout"] != 120:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.02)
    assert cloud["tariff"] == {**DESCRIBED["tariff"], "permission": ""}
    for name in ("chargepoint_type", "location", "publish_location", "capacity_tariff", "smart_charging_dynamic"):
        assert cloud[name] == DESCRIBED[name]
    assert cloud["plug_and_charge_notification"] == {"value": True, "permission": "write"}
    assert (cloud["default_card"]["customer_name"], cloud["default_card"]["valid"]) == ("A. B.", True)
    assert (cloud["preferred_card"]["uid"], cloud["preferred_card"]["valid"]) == ("B2", False)
    assert cloud["delayed_charging"]["smart_current_heartbeat_timeout"] == 60
    priced = cloud["price_based_charging"]
    assert (priced["expected_kwh"], priced["minimum_kwh"], priced["expected_leave_time"]) == (12, 6, "00:00")
    assert {name: cloud[name] for name in STATUS} == STATUS | {"offline_since": "2026-11-10T11:41:32+01:00"}
    assert (cloud["avg_current"], cloud["avg_voltage"], cloud["current_left"], cloud["total_kw"]) == (6, 230, 4, 2.39)
    assert {"grid_max_install", "grid_max_reserved", "grid_avg_current", "grid_max_current"} <= set(cloud)


async def test_the_curve_grows_while_time_passes(build: HouseMaker) -> None:
    clock = FakeClock()
    async with build(clock=clock) as house:
        assert house.service is not None
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        await house.push(SOCKET)
        twin = house.service.fleet.twin
        await until(lambda: (shown := twin(SOCKET)) is not None and shown.memory.session_open)
        for _ in range(25):
            clock.move(1)
            house.service.tick()
        state = (await get(house, "/api/state")).json()
        (shown,) = next(point for point in state["charge_points"] if point["evse_id"] == SOCKET)["sockets"]
        assert [point["power_2"] for point in shown["curve"]][-2:] == [16 * 231, 16 * 231]
        assert len(shown["curve"]) == 3  # two times ten seconds, and now


async def test_a_machine_that_slept_has_seen_nothing_meanwhile(build: HouseMaker) -> None:
    clock = FakeClock()
    async with build(clock=clock) as house:
        assert house.service is not None
        house[SOCKET].plug(Car())
        house[SOCKET].start("BCU-APP")
        await house.push(SOCKET)
        twin = house.service.fleet.twin
        await until(lambda: (shown := twin(SOCKET)) is not None and shown.memory.session_open)
        for seconds in (1, 9, 600, 1, 9):
            clock.move(seconds)
            house.service.tick()
        state = (await get(house, "/api/state")).json()
        (shown,) = next(point for point in state["charge_points"] if point["evse_id"] == SOCKET)["sockets"]
        powers = [point["power_2"] for point in shown["curve"]]
        assert powers[0] == 16 * 231 == powers[-1]
        assert powers.count(None) >= 59


async def test_a_large_account_is_shown_in_pages(build: HouseMaker) -> None:
    async with build(start=False) as house:
        for number in range(40):
            house.cloud.account.add(SimulatedChargePoint(f"BCU9000{number:02}", house.clock.now))
        await house.start()
        first, last = (await get(house, "/")).text, (await get(house, "/?page=5")).text
        assert (first.count("<article"), last.count("<article")) == (10, 2)
        assert f"{len(house.cloud.account.charge_points)} charge points" in first
        for odd in ("/?page=0", "/?page=-1", "/?page=x", "/?page=", "/?page=1.5", f"/?page={'9' * 5000}"):
            assert (await get(house, odd)).text.count("<article") == 10, odd
        assert (await get(house, "/?page=99")).text.count("<article") == 2
        state = (await get(house, "/api/state")).json()
        assert [point["evse_id"] for point in state["charge_points"]] == sorted(house.cloud.account.charge_points)
        assert sum(state["summary"]["states"].values()) == state["summary"]["charge_points"] == 42
        async with listening(url(house, "/events?page=5")) as events:
            await anext(events)
            _, parts = await anext(events)
            assert [name for name in parts if name.startswith("now-")] == ["now-BCU900038", "now-BCU900039"]
        metrics = (await get(house, "/metrics")).text
        assert metrics.count("bluecurrent_charge_point_info{") == 42


async def test_health_and_readiness_make_no_view() -> None:
    class Blind(showroom.Window):
        def page(self, number: int) -> View:
            raise AssertionError(number)

        async def whole(self, *, charts: bool) -> View:
            raise AssertionError(charts)

    async with serving(Blind(showroom.no_token())) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
        assert (await client.get(f"http://127.0.0.1:{server.port}/readyz")).status_code == 503


async def test_a_charge_point_that_the_hub_cannot_have_is_named(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.account.add(SimulatedChargePoint("BCU+1/x", house.clock.now))
        service = await house.start(wait=False)
        await until(lambda: service.web.port is not None and "BCU+1/x" in service.fleet.evse_ids())
        page = (await get(house, "/")).text
        assert "A charge point is left out" in page
        assert '<q lang="en">BCU+1/x</q>' in page
        state = (await get(house, "/api/state")).json()
        assert state["summary"]["left_out"] == ["BCU+1/x"]
        assert [point["evse_id"] for point in state["charge_points"] if point["left_out"]] == ["BCU+1/x"]


async def test_what_has_left_the_account_leaves_nothing_behind(house: House) -> None:
    assert house.service is not None
    observer = house.service.parts.observer
    assert {SOCKET, CABLE} <= set(observer._histories)
    house.cloud.account.charge_points.pop(CABLE)
    house.cloud.drop()
    await until(lambda: CABLE not in observer._histories)
    assert CABLE not in observer._tally._entries
    assert CABLE not in (await get(house, "/")).text


async def test_a_refused_command_is_shown_with_its_reason(house: House) -> None:
    await house.hub.refused(SOCKET, "cmd.charge.start")
    await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="string", val="off")
    state = (await get(house, "/api/state")).json()
    assert [(command["command"], command["code"]) for command in state["commands"]] == [
        ("cmd.cable_lock.set", "ERR_INVALID_VALUE"),
        ("cmd.charge.start", "ERR_INVALID_STATE"),
    ]
    assert all(command["words"] for command in state["commands"])


async def test_no_secret_is_shown_anywhere(house: House) -> None:
    await house.hub.adapter("cmd.auth.login", val_t="string", val="hunter2-hunter2")
    await house.hub.adapter(
        "cmd.auth.set_tokens", 1, val_t="object", val={"access_token": "my-own-secret-token", "token_type": "x"}
    )
    for path in ("/", "/api/state", "/metrics", "/readyz"):
        text = (await get(house, path)).text
        for secret in (
            "hunter2",
            "my-own-secret-token",
            house.cloud.account.api_token,
            house.cloud.account.request_token,
        ):
            assert secret not in text, path


async def test_sessions_of_the_past_stand_on_the_page(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    house[SOCKET].step(3600)
    await house.push(SOCKET)
    house[SOCKET].stop()
    await house.push(SOCKET)
    service = await house.restart()
    await until(lambda: service.web.port is not None)
    state = (await get(house, "/api/state")).json()
    (shown,) = next(point for point in state["charge_points"] if point["evse_id"] == SOCKET)["sockets"]
    assert shown["days"][-1]["sessions"] == 1
    assert shown["days"][-1]["energy"] == pytest.approx(11.09, abs=0.01)


async def test_languages_by_header_by_switch_and_remembered(house: House) -> None:
    assert '<html lang="nl"' in (await get(house, "/", **{"Accept-Language": "nl-NL"})).text
    async with httpx.AsyncClient() as client:
        assert '<html lang="nb"' in (await client.get(url(house, "/?lang=nb"))).text
        assert '<html lang="nb"' in (await client.get(url(house), headers={"Accept-Language": "nl"})).text
        assert client.cookies["lang"] == "nb"


# --- to whom, and how ---


async def test_only_reading_is_possible(house: House) -> None:
    async with httpx.AsyncClient() as client:
        for path in ("/", "/events", "/healthz", "/readyz", "/metrics", "/api/state", "/static/page.css"):
            for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
                assert (await client.request(method, url(house, path))).status_code == 405, (method, path)
            head = await client.head(url(house, path))
            assert (head.status_code, head.content) == (200, b""), path
        for path in ("/nothing", "/static/../server.py", "/static/%2e%2e/server.py", "/static/", "/static/page.py"):
            assert (await client.get(url(house, path))).status_code == 404, path


async def test_every_answer_carries_the_protective_headers(house: House) -> None:
    for path in ("/", "/static/page.js", "/api/state", "/metrics", "/nothing"):
        headers = (await get(house, path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "access-control-allow-origin" not in headers
        assert "server" not in headers


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:8099", 200), ("localhost", 200), ("[::1]:8099", 200), ("192.168.1.9", 200), ("server:8099", 200),
        ("server.local", 200), ("bridge.home.arpa:80", 200), ("bridge.lan:8099", 200), ("server.localdomain:8099", 200),
        ("server.fritz.box", 200), ("fritz.box.evil.example", 421), ("evilfritz.box", 421), ("evil.example", 421), ("evil.example:8099", 421),
        ("127.0.0.1.evil.example", 421), ("local.evil.example", 421), ("evil.local.", 200), ("evil.com.", 421),
    ],
)  # fmt: skip
async def test_other_names_for_this_machine_are_not_served(house: House, host: str, status: int) -> None:
    assert (await get(house, "/api/state", Host=host)).status_code == status


async def test_files_are_kept_by_the_browser_and_named_by_what_is_in_them(house: House) -> None:
    page = (await get(house, "/")).text
    (build,) = set(re.findall(r"static/[a-z.]+\?([0-9a-f]+)", page))
    for name in ("page.css", "page.js", "icon.svg"):
        answer = await get(house, f"/static/{name}?{build}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]


# --- events ---


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


async def test_a_burst_of_changes_is_few_events() -> None:
    house = showroom.Window(showroom.rich())
    async with serving(house) as server:
        assert server.port is not None
        async with listening(f"http://127.0.0.1:{server.port}/events") as events:
            await anext(events)
            await anext(events)
            for count in range(200):
                house.about = replace(house.about, requests_today={"HELLO": 1000 + count})
                server.changed()
                await asyncio.sleep(0.001)
            pushes = []
            async with asyncio.timeout(PATIENCE_S):
                async for _, parts in events:
                    pushes.append(parts["links"])
                    if "1199" in parts["links"]:
                        break
            assert len(pushes) <= 4


async def test_a_reader_that_reads_nothing_holds_up_nobody(house: House) -> None:
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


async def test_a_hundred_look_and_all_see_the_same() -> None:
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
            _, parts = await anext(events)
            assert "4711" in parts["links"]


async def test_who_has_gone_is_forgotten(house: House) -> None:
    assert house.service is not None
    publisher = house.service.web._publisher  # the number of viewers is not public
    async with listening(url(house, "/events")) as events:
        await anext(events)
        assert len(publisher) == 1
    await until(lambda: len(publisher) == 0)


# --- beginning and end ---


async def test_it_stops_in_time_with_streams_open(house: House) -> None:
    async with listening(url(house, "/events")) as events, listening(url(house, "/events?lang=nb")) as others:
        await anext(events)
        await anext(others)
        async with asyncio.timeout(5):
            await house.stop()
        async with asyncio.timeout(1):
            assert [name async for name, _ in events] in ([], ["message"], ["message", "message"])


async def test_a_taken_port_is_one_clear_line_and_the_bridge_runs_on(build: HouseMaker) -> None:
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
async def test_an_address_that_cannot_be_had_is_one_line_too(build: HouseMaker, listen: str) -> None:
    async with build(http={"listen": listen}) as house:
        assert [line["level"] for line in house.log_lines() if line["event"] == "there is no status page"] == ["error"]


async def test_empty_turns_it_off(build: HouseMaker) -> None:
    async with build(http={"listen": ""}) as house:
        assert house.service is not None
        assert house.service.web.port is None
        assert not [line for line in house.log_lines() if line["level"] == "error"]


async def test_a_page_that_fails_is_logged_and_the_others_go_on(capfd: pytest.CaptureFixture[str]) -> None:
    class Broken(showroom.Window):
        async def whole(self, *, charts: bool) -> View:
            raise RuntimeError("a fault of our own")

    async with serving(Broken(showroom.rich()), Log("warning", "json")) as server, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/api/state")
        assert (answer.status_code, "fault" in answer.text) == (500, False)
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["a page could not be shown"]
