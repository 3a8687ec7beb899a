"""The setters of the service `parameters`: each with its request, its answer, and what it does to a session."""

import json

import pytest

from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.conversation.cars import plug
from tests.conversation.parameter_commands import get, put, value_of
from tests.harness import CABLE, SOCKET, House

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
async def test_every_setter_sends_its_request_and_answers_the_value(
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


async def test_making_an_available_charge_point_available_needs_no_request(house: House) -> None:
    before = len(house.cloud.seen)
    assert value_of(await put(house, "available", True)) is True
    assert len(house.cloud.seen) == before


async def test_a_charge_point_can_be_made_available_again(house: House) -> None:
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


async def test_switching_one_profile_on_switches_the_other_off(house: House) -> None:
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


async def test_the_schedule_of_the_cloud_is_reported(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[CABLE].delayed_charging = True
        await house.start()
        assert value_of(await get(house, "delayed_charging_days", CABLE)) == [1, 2, 3, 4, 5, 6, 7]
        assert value_of(await get(house, "delayed_charging_start", CABLE)) == "23:00"


async def test_the_session_card_is_stored_and_takes_precedence(build: HouseMaker) -> None:
    async with build(charging={"card": "046C8CCA8C1D90"}) as house:
        before = len(house.cloud.seen)
        assert value_of(await put(house, "session_card", "A1B2C3D4E5F6")) == "A1B2C3D4E5F6"
        assert len(house.cloud.seen) == before
        await house.restart()
        assert value_of(await get(house, "session_card")) == "A1B2C3D4E5F6"
        await plug(house)
        await house.hub.command(SOCKET, "cmd.charge.start", 2)
        assert house.cloud.requests_for("START_SESSION")[0]["session_token"] == "A1B2C3D4E5F6"


async def test_a_setter_that_the_cloud_refuses_changes_nothing(house: House) -> None:
    house.cloud.faults.refuse["SET_PLUG_AND_CHARGE"] = "not now"
    error = await put(house, "free_charging", True)
    assert error.message.value == "ERR_REJECTED"
    assert "not now" in str(error.message.properties["msg"])
    assert value_of(await get(house, "free_charging")) is False


async def test_the_value_confirmed_by_the_cloud_is_reported(house: House) -> None:
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


async def test_a_part_of_the_schedule_known_to_the_cloud_is_not_stored(house: House) -> None:
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


@pytest.mark.parametrize("answer", [(0, "Unknown command"), (2, "forbidden")])
async def test_a_block_uses_the_app_api_where_the_link_cannot_do_it(build: HouseMaker, answer: tuple[int, str]) -> None:
    async with build(side=True) as house:
        house.cloud.faults.error |= {"SET_INOPERATIVE": answer, "SET_OPERATIVE": answer}
        assert value_of(await put(house, "available", False)) is False
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert state.message.value == "unavailable"
        assert value_of(await put(house, "available", True)) is True
        assert (house.cloud.rest_calls["setinoperative"], house.cloud.rest_calls["setoperative"]) == (1, 1)


async def test_a_block_that_the_app_api_forbids_too_is_refused(build: HouseMaker) -> None:
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
async def test_a_status_with_the_effect_answers_a_setter(
    house: House, parameter_id: str, value: object, request_: dict[str, object]
) -> None:
    """A `STATUS_` often never comes (recorded of SET_INOPERATIVE); the answer does not wait a minute for it."""
    house.cloud.faults.unanswered.add(str(request_["command"]))
    if parameter_id == "expected_departure_time":
        house[SOCKET].price_based_charging = True  # the cloud sends its details only while the profile is on
    assert value_of(await put(house, parameter_id, value)) == value
