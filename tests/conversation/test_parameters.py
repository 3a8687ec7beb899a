"""The service `parameters`: every id, every setter with its request, every wrong value."""

import asyncio
import json
from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, Heard, House

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


async def supported(house: House, evse_id: str = SOCKET) -> dict[str, dict[str, Any]]:
    """The entries of `evt.sup_params.report`, by id."""
    (answer,) = await house.hub.command(evse_id, "cmd.sup_params.get_report", service="parameters")
    assert answer.message.value_type == "object"
    entries: Any = answer.message.value
    return {entry["parameter_id"]: entry for entry in entries}


async def put(house: House, parameter_id: str, value: object, evse_id: str = SOCKET, **more: Any) -> Heard:
    """Set a parameter; returns the answer."""
    kinds = {bool: "bool", int: "int", str: "string", list: "int_array"}
    wish = {"parameter_id": parameter_id, "value_type": kinds.get(type(value), "string"), "value": value, **more}
    (answer,) = await house.hub.command(evse_id, "cmd.param.set", service="parameters", val_t="object", val=wish)
    return answer


async def get(house: House, parameter_id: str, evse_id: str = SOCKET) -> Heard:
    """Ask for a parameter; returns the answer."""
    (answer,) = await house.hub.command(
        evse_id, "cmd.param.get_report", service="parameters", val_t="string", val=parameter_id
    )
    return answer


def value_of(answer: Heard) -> object:
    """The value in `evt.param.report`."""
    assert answer.message.type == "evt.param.report", answer
    content: Any = answer.message.value
    assert answer.message.storage is not None
    assert (answer.message.storage.strategy, answer.message.storage.sub_value) == ("aggregate", content["parameter_id"])
    return content["value"]


async def test_which_parameters_there_are(house: House) -> None:
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


async def test_what_is_known_is_reported_at_the_start(house: House) -> None:
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


SETTERS: list[tuple[str, object, dict[str, object]]] = [
    ("free_charging", True, {"command": "SET_PLUG_AND_CHARGE", "value": True}),
    ("linked_charge_cards_only", False, {"command": "SET_PUBLIC_CHARGING", "value": True}),
    ("available", False, {"command": "SET_INOPERATIVE"}),
    ("delayed_charging", True, {"command": "SET_DELAYED_CHARGING", "value": True}),
    ("price_based_charging", True, {"command": "SET_PRICE_BASED_CHARGING", "value": True}),
    (
        "expected_departure_time",
        "07:30",
        {"command": "PATCH_PRICE_BASED_CHARGING_SETTINGS", "expected_departure_time": "07:30"},
    ),
    ("current_battery_percentage", 40, {"command": "PATCH_PRICE_BASED_CHARGING_SETTINGS", "current_battery_pct": 40}),
    ("minimum_percentage", 0, {"command": "PATCH_PRICE_BASED_CHARGING_SETTINGS", "minimum_pct": 0}),
    ("battery_size_kwh", 58, {"command": "PATCH_PRICE_BASED_CHARGING_SETTINGS", "battery_size_kwh": 58}),
    (
        "plug_and_charge_card",
        "A1B2C3D4E5F6",
        {"command": "SET_PLUG_AND_CHARGE_CHARGE_CARD", "token_uid": "A1B2C3D4E5F6"},
    ),
]


@pytest.mark.parametrize(("parameter_id", "value", "request_"), SETTERS, ids=[setter[0] for setter in SETTERS])
@pytest.mark.parametrize("pushed", [True, False], ids=["pushed", "not pushed"])
async def test_each_setter(
    house: House, parameter_id: str, value: object, request_: dict[str, object], pushed: bool
) -> None:
    # The verdict is enough, except for `available`, which only a status shows.
    house.cloud.faults.quiet = not pushed and parameter_id != "available"
    before = len(house.cloud.seen)
    answer = await put(house, parameter_id, value)
    assert value_of(answer) == value
    (sent,) = house.cloud.seen[before:]
    assert {name: content for name, content in sent.items() if name != "flow_id"} == {"evse_id": SOCKET, **request_}
    assert value_of(await get(house, parameter_id)) == value
    assert len(house.cloud.seen) == before + 1


SHOWN = [setter for setter in SETTERS if setter[0] not in {"current_battery_percentage", "minimum_percentage",
                                                           "battery_size_kwh", "expected_departure_time"}]  # fmt: skip


@pytest.mark.parametrize(("parameter_id", "value", "request_"), SHOWN, ids=[setter[0] for setter in SHOWN])
async def test_a_setter_is_answered_when_its_effect_shows(
    house: House, parameter_id: str, value: object, request_: dict[str, object]
) -> None:
    house.cloud.faults.no_verdict = {str(request_["command"])}
    assert value_of(await put(house, parameter_id, value)) == value
    assert len(house.cloud.requests_for(str(request_["command"]))) == 1


async def test_a_setter_is_refused_also_where_its_effect_would_show(house: House) -> None:
    house.cloud.faults.verdict["SET_INOPERATIVE"] = "REJECTED"
    assert (await put(house, "available", False)).message.value == "ERR_REJECTED"
    house.cloud.faults.verdict.clear()
    assert value_of(await put(house, "available", False)) is False


async def test_what_is_available_already_needs_no_request(house: House) -> None:
    before = len(house.cloud.seen)
    assert value_of(await put(house, "available", True)) is True
    assert len(house.cloud.seen) == before


async def test_back_to_available(house: House) -> None:
    await put(house, "available", False)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "unavailable"
    assert value_of(await put(house, "available", True)) is True
    assert house.cloud.requests_for("SET_OPERATIVE")
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "disconnected"


async def test_a_session_that_a_block_ended_is_not_finished(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    await put(house, "available", False)
    await put(house, "available", True)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "ready_to_charge"


async def test_one_profile_at_a_time(house: House) -> None:
    house.cloud.faults.quiet = True
    await put(house, "delayed_charging", True)
    await put(house, "price_based_charging", True)
    assert value_of(await get(house, "delayed_charging")) is False


async def test_a_schedule_is_sent_once_all_of_it_is_known(house: House) -> None:
    before = len(house.cloud.seen)
    assert value_of(await put(house, "delayed_charging_days", [5, 1])) == [5, 1]
    assert value_of(await put(house, "delayed_charging_start", "23:00")) == "23:00"
    assert len(house.cloud.seen) == before  # kept, and reported
    await house.restart()
    before = len(house.cloud.seen)
    assert value_of(await get(house, "delayed_charging_start")) == "23:00"  # restarts included
    assert value_of(await put(house, "delayed_charging_end", "06:45")) == "06:45"
    (sent,) = house.cloud.seen[before:]
    assert (sent["command"], sent["days"], sent["start_time"], sent["end_time"]) == (
        "SAVE_SCHEDULE_DELAYED_CHARGING", "[1,5]", "23:00", "06:45",
    )  # fmt: skip
    assert value_of(await get(house, "delayed_charging_days")) == [1, 5]
    before = len(house.cloud.seen)
    assert value_of(await put(house, "delayed_charging_start", "22:30")) == "22:30"  # now each change goes out
    assert house.cloud.seen[before]["start_time"] == "22:30"


async def test_a_schedule_that_the_cloud_knows(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[CABLE].delayed_charging = True
        await house.start()
        assert value_of(await get(house, "delayed_charging_days", CABLE)) == [1, 2, 3, 4, 5, 6, 7]
        assert value_of(await get(house, "delayed_charging_start", CABLE)) == "23:00"


async def test_the_session_card_is_kept_here_and_goes_before_the_others(build: HouseMaker) -> None:
    async with build(charging={"card": "046C8CCA8C1D90"}) as house:
        before = len(house.cloud.seen)
        assert value_of(await put(house, "session_card", "A1B2C3D4E5F6")) == "A1B2C3D4E5F6"
        assert len(house.cloud.seen) == before
        await house.restart()
        assert value_of(await get(house, "session_card")) == "A1B2C3D4E5F6"
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
        await house.hub.command(SOCKET, "cmd.charge.start", 2)
        assert house.cloud.requests_for("START_SESSION")[0]["session_token"] == "A1B2C3D4E5F6"


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


async def test_a_setter_that_the_cloud_refuses(house: House) -> None:
    house.cloud.faults.refuse["SET_PLUG_AND_CHARGE"] = "not now"
    error = await put(house, "free_charging", True)
    assert error.message.value == "ERR_REJECTED"
    assert "not now" in str(error.message.properties["msg"])
    assert value_of(await get(house, "free_charging")) is False


async def test_the_value_that_the_cloud_confirmed_counts(house: House) -> None:
    house.cloud.faults.silent.add("SET_PLUG_AND_CHARGE")
    wish = {"parameter_id": "free_charging", "value_type": "bool", "value": True}
    uid = await house.hub.say(
        f"pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:parameters/ad:{SOCKET}",
        serv="parameters", type="cmd.param.set", val_t="object", val=wish,
    )  # fmt: skip
    await house.hub.until(lambda: bool(house.cloud.requests_for("SET_PLUG_AND_CHARGE")))
    answer = {
        "object": "STATUS_SET_PLUG_AND_CHARGE",
        "success": True,
        "evse_id": SOCKET,
        "result": {"setting": "set false"},
    }
    await house.cloud.send_all(json.dumps(answer))
    report = await house.hub.expect("evt.param.report", SOCKET, corid=uid)
    assert value_of(report) is False


async def test_settings_changed_elsewhere_are_reported(house: House) -> None:
    since = house.mark
    house[SOCKET].plug_and_charge = True
    await house.cloud.push_settings(house[SOCKET])
    await house.hub.until(lambda: bool(house.hub.find("evt.param.report", SOCKET, since=since)))
    await asyncio.sleep(0.05)
    (report,) = house.hub.find("evt.param.report", SOCKET, since=since)
    assert value_of(report) is True


async def test_what_a_status_told_is_unknown_while_the_cloud_is_away(build: HouseMaker) -> None:
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


async def test_a_part_of_the_schedule_that_the_cloud_tells_is_not_kept_here(house: House) -> None:
    """Only a value that was set through the bridge takes precedence over the cloud's."""

    async def tell(**delayed: object) -> None:
        data = {"delayed_charging": {"value": False, "permission": "write", **delayed}}
        since = house.mark
        await house.cloud.send_all(json.dumps({"object": "CH_SETTINGS", "evse_id": SOCKET, "data": data}))
        await house.hub.expect("evt.param.report", SOCKET, since=since)

    await tell(selected_days=[1, 2])
    assert value_of(await put(house, "delayed_charging_start", "22:00")) == "22:00"
    await tell(selected_days=[3])
    assert value_of(await get(house, "delayed_charging_days")) == [3]
    before = len(house.cloud.seen)
    assert value_of(await put(house, "delayed_charging_end", "06:00")) == "06:00"
    (sent,) = house.cloud.seen[before:]
    assert (sent["days"], sent["start_time"], sent["end_time"]) == ("[3]", "22:00", "06:00")
    await tell(selected_days=[4], start_time="21:00", end_time="05:00")  # no value is kept any more
    assert [value_of(await get(house, f"delayed_charging_{part}")) for part in ("days", "start", "end")] == [
        [4], "21:00", "05:00",
    ]  # fmt: skip


@pytest.mark.parametrize(("tariff", "currency"), [({}, "EUR"), ({"currency": "SEK"}, "SEK"), ({"currency": ""}, "EUR")])
async def test_a_cost_is_in_the_currency_of_the_tariff(house: House, tariff: dict[str, str], currency: str) -> None:
    data = {"plug_and_charge": True, "tariff": tariff}
    since = house.mark
    await house.cloud.send_all(json.dumps({"object": "CH_SETTINGS", "evse_id": SOCKET, "data": data}))
    await house.hub.expect("evt.param.report", SOCKET, since=since)
    entries = await supported(house)
    assert entries["total_cost"]["name"] == f"Cost of a session, {currency}"


async def test_units_and_bounds_are_told(house: House) -> None:
    entries = await supported(house)
    assert (entries["led_brightness"]["min"], entries["led_brightness"]["max"]) == (0, 100)
    assert entries["max_offline"]["name"] == "Limit while offline, A"


async def test_an_empty_or_missing_type_of_a_value_is_that_of_the_parameter(house: House) -> None:
    for more in ({"value_type": None}, {"value_type": ""}):
        assert value_of(await put(house, "free_charging", True, **more)) is True


@pytest.mark.parametrize("answer", [(0, "Unknown command"), (2, "forbidden")])
async def test_a_block_goes_by_the_apps_side_where_the_link_cannot_do_it(
    build: HouseMaker, answer: tuple[int, str]
) -> None:
    async with build(side=True) as house:
        house.cloud.faults.error |= {"SET_INOPERATIVE": answer, "SET_OPERATIVE": answer}
        assert value_of(await put(house, "available", False)) is False
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert state.message.value == "unavailable"
        assert value_of(await put(house, "available", True)) is True
        assert (house.cloud.rest_calls["setinoperative"], house.cloud.rest_calls["setoperative"]) == (1, 1)


async def test_a_block_that_the_apps_side_does_not_allow_either(build: HouseMaker) -> None:
    async with build(side=True) as house:
        house.cloud.faults.error["SET_INOPERATIVE"] = (2, "forbidden")
        house.cloud.faults.rest_error["setinoperative"] = (2, "forbidden")
        error = await put(house, "available", False)
        assert error.message.value == "ERR_REJECTED"
        assert "forbidden" in str(error.message.properties["msg"])


READ_BACK = [
    setter
    for setter in SETTERS
    if setter[0] not in ("current_battery_percentage", "minimum_percentage", "battery_size_kwh")
]


@pytest.mark.parametrize(("parameter_id", "value", "request_"), READ_BACK, ids=[setter[0] for setter in READ_BACK])
async def test_the_status_that_shows_it_answers_a_setter(
    house: House, parameter_id: str, value: object, request_: dict[str, object]
) -> None:
    """A `STATUS_` often never comes (recorded of SET_INOPERATIVE); the answer does not wait a minute for it."""
    house.cloud.faults.unanswered.add(str(request_["command"]))
    if parameter_id == "expected_departure_time":
        house[SOCKET].price_based_charging = True  # the cloud sends its details only while the profile is on
    assert value_of(await put(house, parameter_id, value)) == value


async def test_what_is_kept_for_a_charge_point_is_told_of_all_its_sockets(build: HouseMaker) -> None:
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
