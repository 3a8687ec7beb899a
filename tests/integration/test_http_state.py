"""The state of the account over HTTP: sessions, curves, commands and every field of the cloud."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.simulator.car import Car
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House
from tests.integration.http_client import PATIENCE_S, get, until
from tests.parsed import Parsed


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


async def test_every_field_of_the_cloud_is_in_the_state_by_its_own_name(house: House) -> None:
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


async def curve_after(house: House, clock: FakeClock, steps: Sequence[float]) -> list[dict[str, Any]]:
    """The curve of a session, after ticks of the service that are so many seconds apart."""
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    await house.push(SOCKET)
    twin = house.running.fleet.twin
    await until(lambda: (shown := twin(SOCKET)) is not None and shown.memory.session_open)
    for seconds in steps:
        clock.move(seconds)
        house.running.tick()
    state = (await get(house, "/api/state")).json()
    (shown,) = next(point for point in state["charge_points"] if point["evse_id"] == SOCKET)["sockets"]
    curve: list[dict[str, Any]] = shown["curve"]
    return curve


async def test_the_curve_grows_while_time_passes(build: HouseMaker) -> None:
    clock = FakeClock()
    async with build(clock=clock) as house:
        curve = await curve_after(house, clock, [1] * 25)
        assert [point["power_2"] for point in curve][-2:] == [16 * 231, 16 * 231]
        assert len(curve) == 3  # two times ten seconds, and now


async def test_a_sleep_of_the_machine_is_a_gap_in_the_curve(build: HouseMaker) -> None:
    clock = FakeClock()
    async with build(clock=clock) as house:
        curve = await curve_after(house, clock, [1, 9, 600, 1, 9])
        powers = [point["power_2"] for point in curve]
        assert powers[0] == 16 * 231 == powers[-1]
        assert powers.count(None) >= 59


async def test_a_refused_command_is_shown_with_its_reason(house: House) -> None:
    await house.hub.refused(SOCKET, "cmd.charge.start")
    await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="string", val="off")
    state = (await get(house, "/api/state")).json()
    assert [(command["command"], command["code"]) for command in state["commands"]] == [
        ("cmd.cable_lock.set", "ERR_INVALID_VALUE"),
        ("cmd.charge.start", "ERR_INVALID_STATE"),
    ]
    assert all(command["words"] for command in state["commands"])


async def test_sessions_of_the_past_are_in_the_state(house: House) -> None:
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
