"""Objects that come without a request are news (page 3, "Pushes and data")."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from bridge.chargepoint.status import Activity
from bridge.simulator import wire_form
from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, described, device_topic


async def tell(house: House, **frame: Any) -> None:
    """Let the cloud send a frame without a request."""
    await house.cloud.send_all(json.dumps(frame))


def whole_list(house: House) -> list[dict[str, Any]]:
    """What CHARGE_POINTS lists."""
    return [wire_form.listing(point) for point in house.cloud.account.charge_points.values()]


async def test_statuses_in_a_list_go_each_to_its_own_charge_point(house: House) -> None:
    since = len(house.hub.heard)
    items = [
        {"evse_id": SOCKET, "activity": "available", "vehicle_status": "B"},
        {"evse_id": CABLE, "activity": "unavailable"},
        "rubbish",
        {"evse_id": SOCKET, "activity": "charging", "vehicle_status": "C", "actual_p1": 6},
    ]
    await tell(house, object="CH_STATUS", items=items)
    await house.hub.expect("evt.state.report", CABLE, since=since, value="unavailable")
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="charging")
    told = [heard.message.value for heard in house.hub.find("evt.state.report", SOCKET, since=since)]
    assert told == ["ready_to_charge", "charging"]  # one after the other


async def test_a_charge_point_in_an_unrequested_status_list_is_looked_up(house: House) -> None:
    since = len(house.hub.heard)
    asked = house.cloud.requests["GET_CHARGE_POINTS"]
    await tell(house, object="CH_STATUS", items=[{"evse_id": "BCU999999"}, {"evse_id": CABLE, "activity": "error"}])
    await house.hub.expect("evt.state.report", CABLE, since=since, value="error")
    await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] == asked + 1)


async def test_a_status_before_the_first_list_requests_no_second_one(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.delay_s = 0.2
        starting = asyncio.create_task(house.start())
        await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] == 1)
        await tell(house, object="CH_STATUS", evse_id=SOCKET, data={"activity": "available", "vehicle_status": "A"})
        await starting
        assert house.cloud.requests["GET_CHARGE_POINTS"] == 1
        assert [line for line in house.log_lines() if line["level"] == "warning"] == []


@pytest.mark.parametrize("place", ["top", "data"])
async def test_sockets_named_by_a_status_become_things(house: House, place: str) -> None:
    sockets = {"socket_ids": [1, 2]}
    data = {"socket_id": 2, "activity": "charging", "vehicle_status": "C", "actual_p1": 6}
    frame = {"data": data, **sockets} if place == "top" else {"data": data | sockets}
    await tell(house, object="CH_STATUS", evse_id=SOCKET, **frame)
    await house.hub.expect("evt.state.report", f"{SOCKET}_2", value="charging")
    groups = {service["address"].rpartition("/ad:")[2] for service in described(house.hub, SOCKET)["services"]}
    assert {f"{SOCKET}_1", f"{SOCKET}_2"} <= groups
    assert not house.hub.find("evt.thing.exclusion_report")


async def test_a_grid_status_without_a_charge_point_is_reported(house: House) -> None:
    grid = {"id": "GRID-BCU102728", "grid_actual_p1": 11, "grid_actual_p2": 12, "grid_actual_p3": 13}
    await tell(house, object="GRID_STATUS", data=grid)
    report = await house.hub.expect("evt.meter_ext.report", GRID, value={"i1": 11, "i2": 12, "i3": 13})
    assert report.message.service == "meter_elec"


async def test_a_setting_that_was_switched_elsewhere_is_reported(house: House) -> None:
    for value in ("false", "true"):
        await tell(
            house,
            object="STATUS_SET_PUBLIC_CHARGING",
            evse_id=SOCKET,
            success=True,
            result={"setting": f"set {value}"},
        )
        (answer,) = await house.hub.ask(
            device_topic(SOCKET, "parameters"),
            "cmd.param.get_report",
            serv="parameters",
            val_t="string",
            val="linked_charge_cards_only",
        )
        assert isinstance(answer.message.value, dict)
        assert answer.message.value["value"] is (value == "false")


async def test_a_profile_that_was_switched_elsewhere_is_reported(house: House) -> None:
    for name, on, off in (
        ("STATUS_SET_PRICE_BASED_CHARGING", "price_based_charging", "delayed_charging"),
        ("SET_DELAYED_CHARGING", "delayed_charging", "price_based_charging"),
    ):
        await tell(house, object=name, evse_id=CABLE, success=True, result={"setting": "set true"})
        for parameter, value in ((on, True), (off, False)):
            (answer,) = await house.hub.ask(
                device_topic(CABLE, "parameters"),
                "cmd.param.get_report",
                serv="parameters",
                val_t="string",
                val=parameter,
            )
            assert isinstance(answer.message.value, dict)
            assert answer.message.value["value"] is value, parameter


async def test_a_refused_setting_changes_nothing(house: House) -> None:
    assert house.service is not None
    (before,) = house.service.fleet.sockets(SOCKET)
    await tell(
        house, object="STATUS_SET_PUBLIC_CHARGING", evse_id=SOCKET, success=False, result={"setting": "set true"}
    )
    await tell(
        house, object="STATUS_SET_PUBLIC_CHARGING", evse_id=SOCKET, error="REJECTED", result={"setting": "set true"}
    )
    await house.hub.command(SOCKET, "cmd.state.get_report")
    assert house.service.fleet.sockets(SOCKET)[0].settings == before.settings


async def test_an_unrequested_list_of_charge_points_is_applied(house: House) -> None:
    asked = house.cloud.requests["GET_CHARGE_POINTS"]
    house[SOCKET].name = "By the barn"
    await tell(house, object="CHARGE_POINTS", data=whole_list(house))
    await house.hub.until(lambda: described(house.hub, SOCKET)["product_name"] == "By the barn")
    assert house.cloud.requests["GET_CHARGE_POINTS"] == asked


async def test_a_charge_point_missing_from_a_list_is_asked_for_again_before_it_is_removed(house: House) -> None:
    asked = house.cloud.requests["GET_CHARGE_POINTS"]
    short = [point for point in whole_list(house) if point["evse_id"] != CABLE]
    await tell(house, object="CHARGE_POINTS", data=short)
    await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] > asked)
    await house.hub.command(CABLE, "cmd.state.get_report")
    assert not house.hub.find("evt.thing.exclusion_report")
    del house.cloud.account.charge_points[CABLE]
    await tell(house, object="CHARGE_POINTS", data=short)
    await house.hub.expect("evt.thing.exclusion_report")


async def test_the_activity_of_the_list_counts_until_the_first_status(build: HouseMaker) -> None:
    async def state(house: House) -> object:
        (answer,) = await house.hub.command(CABLE, "cmd.state.get_report")
        return answer.message.value

    async with build(start=False) as house:
        house[CABLE].block(True)
        house.cloud.faults.error["GET_CH_STATUS"] = (9, "not now")
        house.cloud.faults.errors_name_request = True
        service = await house.start(wait=False)
        await house.hub.until(service.parts.sync.first_look.is_set)
        assert await state(house) == "unavailable"
        listed = [point | {"activity": "error"} for point in whole_list(house)]
        await tell(house, object="CHARGE_POINTS", data=listed)
        await house.hub.until(lambda: service.fleet.sockets(CABLE)[0].listed_activity is Activity.ERROR)
        assert await state(house) == "error"
        await tell(house, object="CH_STATUS", evse_id=CABLE, data={"activity": "available", "vehicle_status": "A"})
        await house.hub.expect("evt.state.report", CABLE, value="disconnected")
        await tell(house, object="CHARGE_POINTS", data=whole_list(house))
        assert await state(house) == "disconnected"


async def test_the_fields_of_the_account_are_in_the_state(house: House) -> None:
    assert house.service is not None
    web = house.service.web
    told = {"login": "a@b.example", "tel": "+31 6 1234", "should_reset_password": False, "hubspot_user_identity": "x"}
    await tell(house, object="ACCOUNT", **told)
    async with httpx.AsyncClient() as client, asyncio.timeout(8):
        while (account := (await client.get(f"http://127.0.0.1:{web.port}/api/state")).json()["account"]) is None:  # noqa: ASYNC110 - asked over HTTP
            await asyncio.sleep(0.02)
    assert (account["tel"], account["should_reset_password"], account["developer_mode_enabled"]) == (
        "+31 6 1234", False, None,
    )  # fmt: skip
    assert "hubspot_user_identity" not in account


async def test_the_activity_charging_shows_that_a_car_is_connected(house: House) -> None:
    house[SOCKET].plug(Car())
    await tell(house, object="CH_STATUS", evse_id=SOCKET, data={"activity": "charging", "vehicle_status": "charging"})
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
