"""The HTTP server: health, the page, and what it gives to whom."""

import re

import httpx
import pytest

from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.web.view import View
from tests import showroom
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, House
from tests.integration.http_client import get, listening, serving, until, url

# --- what is served ---


async def test_readiness_follows_the_links_and_health_does_not(house: House) -> None:
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


async def test_without_a_token_the_service_is_healthy_and_not_ready(build: HouseMaker) -> None:
    async with build(start=False, cloud={"api_token": None}) as house:
        service = await house.start(wait=False)
        await until(lambda: service.web.port is not None and service.broker.status.up)
        assert (await get(house, "/healthz")).status_code == 200
        answer = await get(house, "/readyz")
        assert (answer.status_code, answer.text[:45]) == (503, "cloud: There is no Blue Current API token yet")
        assert "The bridge needs an API token" in (await get(house, "/")).text


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


async def test_health_and_readiness_build_no_view() -> None:
    class Blind(showroom.Window):
        def page(self, number: int) -> View:
            raise AssertionError(number)

        async def whole(self, *, charts: bool) -> View:
            raise AssertionError(charts)

    async with serving(Blind(showroom.no_token())) as server, httpx.AsyncClient() as client:
        assert (await client.get(f"http://127.0.0.1:{server.port}/healthz")).status_code == 200
        assert (await client.get(f"http://127.0.0.1:{server.port}/readyz")).status_code == 503


async def test_a_charge_point_without_a_valid_address_is_named(build: HouseMaker) -> None:
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


async def test_a_charge_point_that_left_the_account_is_forgotten(house: House) -> None:
    assert house.service is not None
    observer = house.service.parts.observer
    assert {SOCKET, CABLE} <= set(observer._histories)
    house.cloud.account.charge_points.pop(CABLE)
    house.cloud.drop()
    await until(lambda: CABLE not in observer._histories)
    assert CABLE not in observer._tally._entries
    assert CABLE not in (await get(house, "/")).text


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


async def test_the_language_follows_the_header_and_the_switch_which_is_remembered(house: House) -> None:
    assert '<html lang="nl"' in (await get(house, "/", **{"Accept-Language": "nl-NL"})).text
    async with httpx.AsyncClient() as client:
        assert '<html lang="nb"' in (await client.get(url(house, "/?lang=nb"))).text
        assert '<html lang="nb"' in (await client.get(url(house), headers={"Accept-Language": "nl"})).text
        assert client.cookies["lang"] == "nb"


# --- to whom, and how ---


async def test_only_get_and_head_are_allowed(house: House) -> None:
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
async def test_a_foreign_host_name_is_not_served(house: House, host: str, status: int) -> None:
    assert (await get(house, "/api/state", Host=host)).status_code == status


async def test_static_files_are_immutable_and_named_by_their_content(house: House) -> None:
    page = (await get(house, "/")).text
    (build,) = set(re.findall(r"static/[a-z.]+\?([0-9a-f]+)", page))
    for name in ("page.css", "page.js", "icon.svg"):
        answer = await get(house, f"/static/{name}?{build}")
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
