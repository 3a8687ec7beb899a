"""The service `parameters`: which there are, what is told of them, and every wrong value."""

import asyncio
import json

import pytest

from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.conversation.parameter_commands import get, put, supported, value_of
from tests.harness import SOCKET, House

ALL = [
    "free_charging", "linked_charge_cards_only", "available", "delayed_charging", "price_based_charging",
    "delayed_charging_days", "delayed_charging_start", "delayed_charging_end", "expected_departure_time",
    "current_battery_percentage", "minimum_percentage", "battery_size_kwh", "plug_and_charge_card", "session_card",
    "smart_charging", "led_brightness", "led_interaction", "plug_and_charge_notification", "publish_location",
    "max_offline", "total_cost", "limit_current", "limit_days", "limit_start", "limit_end",
]  # fmt: skip

READ_ONLY = {
    "smart_charging", "led_brightness", "led_interaction", "plug_and_charge_notification", "publish_location",
    "max_offline", "total_cost",
}  # fmt: skip


async def test_the_supported_parameters_are_listed(house: House) -> None:
    entries = await supported(house)
    assert list(entries) == ALL
    assert {name for name, entry in entries.items() if entry["read_only"]} == READ_ONLY
    assert entries["delayed_charging_days"]["widget_type"] == "multiselect"
    assert [option["value"] for option in entries["delayed_charging_days"]["options"]] == [1, 2, 3, 4, 5, 6, 7]
    assert entries["battery_size_kwh"] | {"description": ""} == {
        "parameter_id": "battery_size_kwh", "name": "Price-based charging: battery size, kWh", "description": "",
        "value_type": "int", "widget_type": "input", "default_value": None, "read_only": False, "min": 1, "max": 500,
    }  # fmt: skip
    # Options for cards are taken from the account.
    cards = [option["value"] for option in entries["plug_and_charge_card"]["options"]]
    assert cards == ["BCU-APP", "046C8CCA8C1D90", "A1B2C3D4E5F6"]
    assert [option["value"] for option in entries["session_card"]["options"]] == ["", *cards]


async def test_permissions_are_honoured(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[SOCKET].permissions = {
            "plug_and_charge": "read", "delayed_charging": "none", "price_based_charging": "read", "led_intensity": "none",
        }  # fmt: skip
        await house.start()
        entries = await supported(house)
        assert entries["free_charging"]["read_only"] is True
        assert entries["expected_departure_time"]["read_only"] is True
        for gone in ("delayed_charging", "delayed_charging_days", "delayed_charging_start", "led_brightness"):
            assert gone not in entries
            assert (await get(house, gone)).message.value == "ERR_INVALID_VALUE"
            assert (await put(house, gone, True)).message.value == "ERR_INVALID_VALUE"
        before = len(house.cloud.seen)
        assert (await put(house, "free_charging", True)).message.value == "ERR_NOT_SUPPORTED"
        assert len(house.cloud.seen) == before


async def test_known_parameters_are_reported_at_the_start(house: House) -> None:
    told = {
        content["parameter_id"]: content["value"]
        for heard in house.hub.find("evt.param.report", SOCKET)
        if isinstance(content := heard.message.value, dict)
    }
    assert told == {
        "free_charging": False, "linked_charge_cards_only": True, "available": True, "delayed_charging": False,
        "price_based_charging": False, "plug_and_charge_card": "BCU-APP", "session_card": "", "smart_charging": True,
        "led_brightness": 50, "led_interaction": True, "plug_and_charge_notification": False, "publish_location": False,
        "max_offline": 10, "total_cost": "0.00", "limit_current": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameter", "frame"),
    [
        ("total_cost", {"object": "CH_STATUS", "evse_id": SOCKET, "data": {"total_cost": None}}),
        ("max_offline", {"object": "CH_STATUS", "evse_id": SOCKET, "data": {"max_offline": "many"}}),
        ("smart_charging", {"object": "CH_SETTINGS", "data": {"evse_id": SOCKET, "smart_charging": None}}),
    ],
)
async def test_a_value_that_became_unknown_stays_a_parameter(
    house: House, parameter: str, frame: dict[str, object]
) -> None:
    await house.cloud.send_all(json.dumps(frame))
    await house.hub.command(SOCKET, "cmd.state.get_report")
    assert (await get(house, parameter)).message.value == "ERR_INVALID_STATE"
    assert parameter in await supported(house)


async def test_battery_values_are_those_set_last(house: House) -> None:
    assert (await get(house, "battery_size_kwh")).message.value == "ERR_INVALID_STATE"  # before that none
    await put(house, "battery_size_kwh", 58)
    await house.restart()
    assert value_of(await get(house, "battery_size_kwh")) == 58


WRONG: list[tuple[str, object, str]] = [
    ("free_charging", "true", "ERR_INVALID_VALUE"),
    ("free_charging", 1, "ERR_INVALID_VALUE"),
    ("linked_charge_cards_only", None, "ERR_INVALID_VALUE"),
    ("available", "yes", "ERR_INVALID_VALUE"),
    ("delayed_charging", [], "ERR_INVALID_VALUE"),
    ("price_based_charging", 0, "ERR_INVALID_VALUE"),
    ("delayed_charging_days", [0], "ERR_INVALID_VALUE"),
    ("delayed_charging_days", [1, 8], "ERR_INVALID_VALUE"),
    ("delayed_charging_days", [], "ERR_INVALID_VALUE"),
    ("delayed_charging_days", [1, 1], "ERR_INVALID_VALUE"),
    ("delayed_charging_start", "7:30", "ERR_INVALID_VALUE"),
    ("delayed_charging_start", "24:00", "ERR_INVALID_VALUE"),
    ("delayed_charging_end", "half past seven", "ERR_INVALID_VALUE"),
    ("expected_departure_time", "07:60", "ERR_INVALID_VALUE"),
    ("current_battery_percentage", 101, "ERR_INVALID_VALUE"),
    ("minimum_percentage", -1, "ERR_INVALID_VALUE"),
    ("battery_size_kwh", 0, "ERR_INVALID_VALUE"),
    ("battery_size_kwh", 58.5, "ERR_INVALID_VALUE"),
    ("plug_and_charge_card", "nobody's", "ERR_INVALID_VALUE"),
    ("session_card", "nobody's", "ERR_INVALID_VALUE"),
    ("smart_charging", True, "ERR_NOT_SUPPORTED"),
    ("led_brightness", 10, "ERR_NOT_SUPPORTED"),
    ("led_interaction", False, "ERR_NOT_SUPPORTED"),
    ("plug_and_charge_notification", True, "ERR_NOT_SUPPORTED"),
    ("publish_location", True, "ERR_NOT_SUPPORTED"),
    ("max_offline", 6, "ERR_NOT_SUPPORTED"),
    ("total_cost", "0", "ERR_NOT_SUPPORTED"),
    ("toaster", True, "ERR_INVALID_VALUE"),
]


async def test_every_wrong_value_is_refused_and_nothing_sent(house: House) -> None:
    before = len(house.cloud.seen)
    for parameter_id, value, code in WRONG:
        error = await put(house, parameter_id, value)
        assert error.message.value == code, (parameter_id, value)
    error = await put(house, "free_charging", True, value_type="int")
    assert error.message.value == "ERR_INVALID_VALUE"
    for rubbish in ({}, {"parameter_id": "free_charging"}, {"value": True}, {"parameter_id": 7, "value": True}):
        (error,) = await house.hub.command(SOCKET, "cmd.param.set", service="parameters", val_t="object", val=rubbish)
        assert error.message.value == "ERR_INVALID_VALUE"
    error = await house.hub.refused(SOCKET, "cmd.param.get_report", service="parameters", val_t="string", val="toaster")
    assert error.message.value == "ERR_INVALID_VALUE"
    assert len(house.cloud.seen) == before


async def test_settings_changed_elsewhere_are_reported(house: House) -> None:
    since = house.mark
    house[SOCKET].plug_and_charge = True
    await house.cloud.push_settings(house[SOCKET])
    await house.hub.until(lambda: bool(house.hub.find("evt.param.report", SOCKET, since=since)))
    await asyncio.sleep(0.05)
    (report,) = house.hub.find("evt.param.report", SOCKET, since=since)
    assert value_of(report) is True


async def test_values_of_a_status_are_unknown_while_the_cloud_is_away(build: HouseMaker) -> None:
    async with build(cloud={"offline_grace": 0.2}) as house:
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.expect("evt.state.report", SOCKET, value="unknown")
        assert set(await supported(house)) == set(ALL)  # it still has all of them
        for parameter_id in ("available", "max_offline", "total_cost"):
            assert (await get(house, parameter_id)).message.value == "ERR_INVALID_STATE"
        assert value_of(await get(house, "free_charging")) is False
        assert (await put(house, "free_charging", True)).message.value == "ERR_DISCONNECTED"
        assert value_of(await put(house, "session_card", "BCU-APP")) == "BCU-APP"  # it is kept here


@pytest.mark.parametrize(("tariff", "currency"), [({}, "EUR"), ({"currency": "SEK"}, "SEK"), ({"currency": ""}, "EUR")])
async def test_a_cost_is_in_the_currency_of_the_tariff(house: House, tariff: dict[str, str], currency: str) -> None:
    data = {"plug_and_charge": True, "tariff": tariff}
    since = house.mark
    await house.cloud.send_all(json.dumps({"object": "CH_SETTINGS", "evse_id": SOCKET, "data": data}))
    await house.hub.expect("evt.param.report", SOCKET, since=since)
    entries = await supported(house)
    assert entries["total_cost"]["name"] == f"Cost of a session, {currency}"


async def test_units_and_bounds_are_reported(house: House) -> None:
    entries = await supported(house)
    assert (entries["led_brightness"]["min"], entries["led_brightness"]["max"]) == (0, 100)
    assert entries["max_offline"]["name"] == "Limit while offline, A"


async def test_a_missing_value_type_is_that_of_the_parameter(house: House) -> None:
    for more in ({"value_type": None}, {"value_type": ""}):
        assert value_of(await put(house, "free_charging", True, **more)) is True


async def test_a_stored_parameter_is_reported_for_every_socket(build: HouseMaker) -> None:
    async with build(start=False) as house:
        duo = "BCU300000"
        house.cloud.account.add(SimulatedChargePoint(duo, house.clock.now, sockets=[Socket(1), Socket(2)]))
        await house.start()
        for parameter_id, value in (("session_card", "BCU-APP"), ("delayed_charging_start", "22:00")):
            since = house.mark
            assert value_of(await put(house, parameter_id, value, f"{duo}_1")) == value
            report = await house.hub.expect("evt.param.report", f"{duo}_2", since=since)
            assert value_of(report) == value
            (_answer,) = house.hub.find("evt.param.report", f"{duo}_1", since=since)  # nothing is reported twice
