"""Charging modes: a start in each mode, and the requests to the cloud in order."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.simulator.car import Car
from bridge.simulator.charge_point import ProfileName
from tests.conftest import HouseMaker
from tests.harness import SOCKET, Heard, House, described, device_topic

STEERING = (
    "START_SESSION",
    "STOP_SESSION",
    "SET_DELAYED_CHARGING",
    "SET_PRICE_BASED_CHARGING",
    "OVERRIDE_DELAYED_CHARGING_TIMEOUT",
    "OVERRIDE_CHARGING_PROFILES",
    "POST_SET_OVERRIDE_CURRENT",
    "POST_EDIT_OVERRIDE_CURRENT",
    "POST_CLEAR_OVERRIDE_CURRENT",
)
REQUEST = {"delayed": "SET_DELAYED_CHARGING", "price_based": "SET_PRICE_BASED_CHARGING"}
DAYS = [1, 2, 3, 4, 5, 6, 7]
LIFTING = {"delayed": "OVERRIDE_DELAYED_CHARGING_TIMEOUT", "price_based": "OVERRIDE_CHARGING_PROFILES"}
ATTRIBUTE: dict[str, ProfileName] = {"delayed": "delayed_charging", "price_based": "price_based_charging"}


def asked(house: House) -> list[str]:
    """The requests about charging, in order."""
    return [str(frame["command"]) for frame in house.cloud.requests_for(*STEERING)]


async def plug(house: House) -> None:
    """Connect a car."""
    since = house.mark
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="ready_to_charge")


async def start(house: House, mode: str | None = None) -> tuple[object, object]:
    """Start in a mode; returns the state and mode of the answer."""
    props = {"charging_mode": mode} if mode is not None else {}
    answer = (await house.hub.command(SOCKET, "cmd.charge.start", 2, props=props))[0].message
    assert answer.type == "evt.state.report"
    return answer.value, answer.properties.get("charging_mode")


async def refused(house: House, mode: str) -> Heard:
    """A start that is to be refused."""
    return await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": mode})


def modes(house: House) -> list[str]:
    """The modes that are listed."""
    listed: list[str] = described(house.hub, SOCKET)["services"][0]["props"]["sup_charging_modes"]
    return listed


async def switch_on(house: House, profile: str) -> None:
    """The owner switches a profile on, elsewhere."""
    house[SOCKET].switch_profile(ATTRIBUTE[profile], on=True)
    await house.cloud.push_settings(house[SOCKET])
    await asyncio.sleep(0.05)


# --- what is listed ---


@pytest.mark.parametrize(
    ("delayed", "price_based", "expected"),
    [
        ("write", "write", ["normal", "slow", "delayed", "price_based"]),
        ("read", "write", ["normal", "slow", "price_based"]),
        ("write", "none", ["normal", "slow", "delayed"]),
        ("none", "read", ["normal", "slow"]),
    ],
)
async def test_only_modes_that_work_are_listed(
    build: HouseMaker, delayed: Any, price_based: Any, expected: list[str]
) -> None:
    async with build(start=False) as house:
        house[SOCKET].permissions |= {"delayed_charging": delayed, "price_based_charging": price_based}
        await house.start()
        assert modes(house) == expected
        await plug(house)
        for mode in {"delayed", "price_based"} - set(expected):
            assert (await refused(house, mode)).message.value == "ERR_NOT_SUPPORTED"
        assert asked(house) == []


# --- slow ---


async def test_slow_limits_the_session_before_it_begins(house: House) -> None:
    await plug(house)
    assert await start(house, "slow") == ("charging", "slow")
    assert asked(house) == ["POST_SET_OVERRIDE_CURRENT", "START_SESSION"]
    assert house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")[0]["overridevalue"] == 6
    assert house[SOCKET].sockets[0].current_a == 6


async def test_slow_uses_the_current_that_is_set(build: HouseMaker) -> None:
    async with build(charging={"slow_current": 9}) as house:
        await plug(house)
        await start(house, "SLOW")
        assert house[SOCKET].sockets[0].current_a == 9


async def test_slow_while_charging_only_limits(house: House) -> None:
    await plug(house)
    assert await start(house) == ("charging", "normal")
    assert await start(house, "Slow") == ("charging", "slow")
    assert await start(house, "slow") == ("charging", "slow")
    assert asked(house) == ["START_SESSION", "POST_SET_OVERRIDE_CURRENT"]


async def test_normal_lifts_a_slow_limit_and_a_plain_start_does_not(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    assert await start(house) == ("charging", "slow")
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house)[2:] == ["POST_CLEAR_OVERRIDE_CURRENT"]
    assert house.cloud.account.schedules == {}


async def test_normal_leaves_a_limit_that_was_set_by_hand(house: House) -> None:
    await plug(house)
    await start(house)
    await house.hub.command(SOCKET, "cmd.current_session.set_current", val_t="int", val=10)
    assert await start(house, "normal") == ("charging", "normal")
    assert len(house.cloud.account.schedules) == 1


async def test_a_slow_limit_ends_with_its_session(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    await house.hub.until(lambda: not house.cloud.account.schedules)
    assert await start(house) == ("charging", "normal")


@pytest.mark.parametrize("fault", ["verdict", "refuse"])
async def test_a_slow_start_that_is_refused_leaves_no_limit(house: House, fault: str) -> None:
    await plug(house)
    getattr(house.cloud.faults, fault)["START_SESSION"] = "REJECTED"
    assert (await refused(house, "slow")).message.value == "ERR_REJECTED"
    await house.hub.until(lambda: not house.cloud.account.schedules)
    assert asked(house) == ["POST_SET_OVERRIDE_CURRENT", "START_SESSION", "POST_CLEAR_OVERRIDE_CURRENT"]


async def test_what_cannot_be_limited_is_not_started_slowly(house: House) -> None:
    await plug(house)
    house.cloud.faults.refuse["POST_SET_OVERRIDE_CURRENT"] = "not allowed"
    assert (await refused(house, "slow")).message.value == "ERR_REJECTED"
    assert house.cloud.requests_for("START_SESSION") == []


async def test_a_slow_limit_waits_for_a_session_whose_start_is_not_known(house: House) -> None:
    await plug(house)
    house.cloud.faults.verdict["START_SESSION"] = "TIMEOUT"
    assert (await refused(house, "slow")).message.value == "ERR_TIMEOUT"
    await house.tick()
    assert len(house.cloud.account.schedules) == 1
    house[SOCKET].start("046C8CCA8C1D90")  # the session began
    since = house.mark
    await house.push(SOCKET)
    state = await house.hub.expect("evt.state.report", SOCKET, since=since)
    assert (state.message.value, state.message.properties["charging_mode"]) == ("charging", "slow")
    house[SOCKET].unplug()
    await house.push(SOCKET)
    await house.hub.until(lambda: not house.cloud.account.schedules)


# --- delayed, price_based ---


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_profile_is_switched_on_and_the_session_started(house: House, profile: str) -> None:
    await plug(house)
    assert await start(house, profile) == ("ready_to_charge", profile)
    assert asked(house) == [REQUEST[profile], "START_SESSION"]
    assert house.cloud.requests_for(REQUEST[profile])[0]["value"] is True


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_profile_that_is_on_is_not_switched_on_again(house: House, profile: str) -> None:
    await switch_on(house, profile)
    await plug(house)
    assert await start(house, profile) == ("ready_to_charge", profile)
    assert await start(house, profile) == ("ready_to_charge", profile)
    assert asked(house) == ["START_SESSION"]


async def test_while_charging_a_profile_is_only_switched_on(house: House) -> None:
    await plug(house)
    await start(house)
    assert await start(house, "price_based") == ("ready_to_charge", "price_based")
    assert await start(house, "delayed") == ("ready_to_charge", "delayed")  # the cloud allows one at a time
    assert asked(house) == ["START_SESSION", "SET_PRICE_BASED_CHARGING", "SET_DELAYED_CHARGING"]
    assert (house[SOCKET].delayed_charging, house[SOCKET].price_based_charging) == (True, False)


async def test_a_profile_lifts_a_slow_limit(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    assert await start(house, "delayed") == ("ready_to_charge", "delayed")
    assert asked(house)[2:] == ["SET_DELAYED_CHARGING", "POST_CLEAR_OVERRIDE_CURRENT"]


async def test_a_profile_that_is_refused_starts_nothing(house: House) -> None:
    await plug(house)
    house.cloud.faults.refuse["SET_DELAYED_CHARGING"] = "no schedule"
    assert (await refused(house, "delayed")).message.value == "ERR_REJECTED"
    assert house.cloud.requests_for("START_SESSION") == []


async def test_a_session_that_was_told_to_charge_now_cannot_be_held_back_any_more(house: House) -> None:
    await switch_on(house, "delayed")
    await plug(house)
    assert await start(house, "normal") == ("charging", "normal")
    before = asked(house)
    assert (await refused(house, "delayed")).message.value == "ERR_INVALID_STATE"
    assert asked(house) == before


# --- normal, with a profile on ---


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_normal_charges_now_whatever_the_profile_says(house: House, profile: str) -> None:
    await switch_on(house, profile)
    await plug(house)
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house) == ["START_SESSION", LIFTING[profile]]
    assert await start(house, "normal") == ("charging", "normal")
    assert len(asked(house)) == 2


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_plain_start_leaves_the_profile_its_say(house: House, profile: str) -> None:
    await switch_on(house, profile)
    await plug(house)
    assert await start(house) == ("ready_to_charge", profile)
    assert asked(house) == ["START_SESSION"]
    assert await start(house) == ("charging", "normal")  # a second start overrides the profile
    assert asked(house) == ["START_SESSION", LIFTING[profile]]


async def test_a_plain_start_leaves_a_profile_alone_that_lets_the_session_charge(house: House) -> None:
    house[SOCKET].price_is_low = True
    await switch_on(house, "price_based")
    await plug(house)
    assert await start(house) == ("charging", "price_based")
    assert await start(house) == ("charging", "price_based")
    assert asked(house) == ["START_SESSION"]


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_normal_overrides_a_profile_that_lets_the_session_charge_once(house: House, profile: str) -> None:
    point = house[SOCKET]
    point.price_is_low, point.delayed_days, point.delayed_start, point.delayed_end = True, DAYS, "00:00", "24:00"
    await switch_on(house, profile)
    await plug(house)
    assert await start(house) == ("charging", profile)
    assert await start(house, "normal") == ("charging", "normal")
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house) == ["START_SESSION", LIFTING[profile]]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_profile_is_overridden_once_a_session_whatever_the_cloud_makes_of_it(
    house: House, restarts: bool
) -> None:
    await switch_on(house, "price_based")
    await plug(house)
    await start(house, "normal")
    house[SOCKET].sockets[0].boosting = False  # the user has ended the boost
    house[SOCKET].step(0.0)
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=house.mark, value="ready_to_charge")
    if restarts:
        await house.restart()
    for mode in ("normal", None):
        assert await start(house, mode) == ("ready_to_charge", "price_based")
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]
    # The next session has an override of its own.
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house)[2:] == ["STOP_SESSION", "START_SESSION", LIFTING["price_based"]]


async def test_an_override_that_was_refused_can_be_tried_again(house: House) -> None:
    await switch_on(house, "price_based")
    await plug(house)
    await start(house)
    house.cloud.faults.refuse["OVERRIDE_CHARGING_PROFILES"] = "not now"
    assert (await refused(house, "normal")).message.value == "ERR_REJECTED"
    del house.cloud.faults.refuse["OVERRIDE_CHARGING_PROFILES"]
    assert await start(house, "normal") == ("charging", "normal")


HELD_BY_PRICE = {
    "activity": "charging",
    "vehicle_status": "C",
    "actual_p1": 0,
    "actual_p2": 0,
    "actual_p3": 0,
    "max_usage": 16,
    "smartcharging_max_usage": 6,
    "smart_current_heartbeat_timeout": 120,
}


@pytest.mark.parametrize(("state_set", "held"), [("standard", "ready_to_charge"), ("extended", "suspended_by_evse")])
async def test_price_based_charging_holds_with_activity_charging(build: HouseMaker, state_set: str, held: str) -> None:
    """Issue 12, row 1."""
    async with build(fimp={"state_set": state_set}) as house:
        await switch_on(house, "price_based")
        since = house.mark
        await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": HELD_BY_PRICE}))
        state = await house.hub.expect("evt.state.report", SOCKET, since=since)
        assert (state.message.value, state.message.properties["charging_mode"]) == (held, "price_based")
        session = await house.hub.expect("evt.current_session.report", SOCKET, since=since)
        assert session.message.properties["offered_current"] == "0"
        house.cloud.faults.quiet = True
        await house.hub.command(SOCKET, "cmd.charge.start", 2, props={"charging_mode": "normal"})
        await house.hub.command(SOCKET, "cmd.charge.start", 2, props={"charging_mode": "normal"})
        assert asked(house) == ["OVERRIDE_CHARGING_PROFILES"]


async def test_a_hold_that_no_profile_is_the_reason_of_is_left_alone(house: House) -> None:
    point = house[SOCKET]
    point.smart_charging, point.smart_limit = True, 0.0
    await house.cloud.push_settings(point)
    await plug(house)
    assert await start(house, "normal") == ("ready_to_charge", "normal")
    assert await start(house) == ("ready_to_charge", "normal")
    assert asked(house) == ["START_SESSION"]


async def test_a_limit_that_holds_a_session_in_the_window_of_its_profile_is_left_alone(house: House) -> None:
    """`delayed` would show that delayed charging holds the session. Here the profile allows charging, the limit does not."""
    point = house[SOCKET]
    point.delayed_days, point.delayed_start, point.delayed_end = DAYS, "00:00", "24:00"
    point.smart_limit = 0.0
    await switch_on(house, "delayed")
    await plug(house)
    assert await start(house) == ("ready_to_charge", "delayed")
    assert await start(house) == ("ready_to_charge", "delayed")
    assert asked(house) == ["START_SESSION"]


async def test_a_price_based_hold_that_shows_by_its_limit_only(house: House) -> None:
    point = house[SOCKET]
    point.price_is_low, point.smart_limit = True, 0.0
    await switch_on(house, "price_based")
    await plug(house)
    assert await start(house) == ("ready_to_charge", "price_based")
    await start(house)
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


async def test_a_cloud_whose_price_based_hold_is_delayed(house: House) -> None:
    house[SOCKET].price_hold_shows_delayed = True
    await switch_on(house, "price_based")
    await plug(house)
    assert await start(house) == ("ready_to_charge", "price_based")
    assert await start(house) == ("charging", "normal")
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


async def test_normal_counts_although_a_start_has_just_been_accepted(house: House) -> None:
    await switch_on(house, "price_based")
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1)
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": "normal"})
    house.cloud.faults.quiet = False
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_profile_without_smart_charging_is_off(house: House, profile: str) -> None:
    """Issue 12, row 5."""
    house[SOCKET].smart_charging = False
    setattr(house[SOCKET], ATTRIBUTE[profile], True)
    await house.cloud.push_settings(house[SOCKET])
    await plug(house)
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house) == ["START_SESSION"]  # no profile holds the session
    assert await start(house, profile) == ("ready_to_charge", profile)
    assert asked(house) == ["START_SESSION", REQUEST[profile]]


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_confirmed_switch_counts_before_the_settings_say_so(house: House, profile: str) -> None:
    house[SOCKET].smart_charging = False
    setattr(house[SOCKET], ATTRIBUTE[profile], True)
    await house.cloud.push_settings(house[SOCKET])
    await plug(house)
    listed = described(house.hub, SOCKET)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": profile})
    await house.hub.command(SOCKET, "cmd.charge.stop", 1)
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": profile})
    assert asked(house).count(REQUEST[profile]) == 1
    assert described(house.hub, SOCKET) == listed  # the cloud has not confirmed the setting, so the interfaces stay
    # A pushed setting takes precedence over a confirmed switch.
    house.cloud.faults.quiet, house[SOCKET].smart_charging = False, False
    await house.cloud.push_settings(house[SOCKET])
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start", 2, props={"charging_mode": profile})
    assert asked(house).count(REQUEST[profile]) == 2


@pytest.mark.parametrize("again", [None, {}, {"charging_mode": "normal"}])
async def test_a_session_that_turns_out_delayed_late_is_lifted_all_the_same(
    house: House, again: dict[str, str] | None
) -> None:
    await switch_on(house, "delayed")
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": "normal"})
    if again is not None:
        await house.hub.command(SOCKET, "cmd.charge.start", 1, props=again)
    assert asked(house) == ["START_SESSION"]
    house.cloud.faults.quiet = False
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    assert asked(house) == ["START_SESSION", "OVERRIDE_DELAYED_CHARGING_TIMEOUT"]


@pytest.mark.parametrize("then", ["cmd.charge.stop", "cmd.charge.start"])
async def test_but_not_when_something_else_was_asked_for_meanwhile(house: House, then: str) -> None:
    await switch_on(house, "delayed")
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": "normal"})
    await house.hub.command(SOCKET, then, 1, props={"charging_mode": "delayed"})
    house.cloud.faults.quiet = False
    await house.push(SOCKET)
    await asyncio.sleep(0.2)
    assert "OVERRIDE_DELAYED_CHARGING_TIMEOUT" not in asked(house)


# --- the mode in reports ---


async def test_the_mode_is_told_only_while_a_session_is_on(house: House) -> None:
    await plug(house)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert "charging_mode" not in state.message.properties
    await start(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    assert "charging_mode" not in answers[0].message.properties


async def test_a_mode_that_changes_elsewhere_is_told(house: House) -> None:
    await plug(house)
    await start(house)
    since = house.mark
    house[SOCKET].price_is_low = True
    await switch_on(house, "price_based")
    state = await house.hub.expect("evt.state.report", SOCKET, since=since)
    assert (state.message.value, state.message.properties) == ("charging", {"charging_mode": "price_based"})


async def test_slow_lasts_across_a_restart(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    await house.restart()
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.properties == {"charging_mode": "slow"}


@pytest.mark.parametrize("mode", ["turbo", "slowly", " slow"])
async def test_an_unknown_mode_is_refused_and_nothing_sent(house: House, mode: str) -> None:
    await plug(house)
    before = len(house.cloud.seen)
    since = house.mark
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start", props={"charging_mode": mode})
    error = await house.hub.expect("evt.error.report", SOCKET, since=since)
    assert (error.message.value, error.message.corid) == ("ERR_INVALID_VALUE", uid)
    assert "normal, slow" in str(error.message.properties["msg"])
    assert len(house.cloud.seen) == before


async def test_a_limit_that_cannot_be_given_back_does_not_keep_anyone_from_charging(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    house.cloud.faults.refuse["POST_CLEAR_OVERRIDE_CURRENT"] = "not now"
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    await house.hub.until(lambda: "POST_CLEAR_OVERRIDE_CURRENT" in asked(house))
    assert await start(house, "normal") == ("charging", "normal")


async def start_slow_and_meanwhile(house: House, change: Callable[[], object]) -> list[Heard]:
    """Change something while the limit of a `slow` start is being made; returns the answers."""
    await plug(house)
    house.cloud.faults.delay_s = 0.3
    since = house.mark
    uid = await house.hub.say(
        device_topic(SOCKET), type="cmd.charge.start", serv="chargepoint", props={"charging_mode": "slow"}
    )
    await house.hub.until(lambda: bool(house.cloud.requests_for("LIST_OVERRIDE_CURRENT")[1:]))
    change()
    await house.push(SOCKET)
    await house.hub.until(lambda: any(heard.message.corid == uid for heard in house.hub.heard[since:]))
    house.cloud.faults.delay_s = 0
    return [heard for heard in house.hub.heard[since:] if heard.message.corid == uid]


async def test_a_vehicle_that_left_while_its_limit_was_made_is_not_started(house: House) -> None:
    answers = await start_slow_and_meanwhile(house, house[SOCKET].unplug)
    assert [heard.message.value for heard in answers] == ["ERR_INVALID_STATE"]
    assert "START_SESSION" not in asked(house)
    await house.hub.until(lambda: not house.cloud.account.schedules)  # it is cleared at once


async def test_a_session_that_began_while_its_limit_was_made_is_not_started_again(house: House) -> None:
    answers = await start_slow_and_meanwhile(house, lambda: house[SOCKET].start("046C8CCA8C1D90"))
    assert answers[0].brief == ("evt.state.report", "charging")
    assert answers[0].message.properties["charging_mode"] == "slow"
    assert asked(house) == ["POST_SET_OVERRIDE_CURRENT"]


async def test_a_start_that_was_passed_on_before_the_login_lapsed_may_have_happened(build: HouseMaker) -> None:
    async with build() as house:
        await plug(house)
        house.cloud.faults.verdict_delay_s = 1.0
        since = house.mark
        uid = await house.hub.say(
            device_topic(SOCKET), type="cmd.charge.start", serv="chargepoint", props={"charging_mode": "slow"}
        )
        await house.hub.until(lambda: "START_SESSION" in asked(house))
        await asyncio.sleep(0.1)  # RECEIVED_ is in
        await house.cloud.send_all('{"object": "ERROR", "error": 1, "message": "Invalid Auth Token"}')
        await house.hub.until(lambda: any(heard.message.corid == uid for heard in house.hub.heard[since:]))
        (answer,) = [heard for heard in house.hub.heard[since:] if heard.message.corid == uid]
        assert answer.message.value == "ERR_DISCONNECTED"  # it must not say "try again", which would be a second start
        await house.hub.expect("evt.state.report", SOCKET, since=since, value="charging")
        await asyncio.sleep(1.2)  # a tick
        assert house[SOCKET].sockets[0].current_a == 6


@pytest.mark.parametrize("moved", [0, 1])
async def test_a_start_time_that_is_told_before_the_session_does_not_end_its_limit(house: House, moved: int) -> None:
    """The session begins at the given time or a second later, wherever the second ends."""
    await plug(house)
    house.cloud.faults.silent.add("START_SESSION")
    uid = await house.hub.say(
        device_topic(SOCKET), type="cmd.charge.start", serv="chargepoint", props={"charging_mode": "slow"}
    )
    await house.hub.until(lambda: "START_SESSION" in asked(house))
    told = in_amsterdam(house.clock.now()).replace(microsecond=0)
    frame = {"object": "CH_STATUS", "evse_id": SOCKET, "data": {"start_datetime": f"{told:%Y%m%d %H:%M:%S}"}}
    await house.cloud.send_all(json.dumps(frame))
    await asyncio.sleep(0.1)
    house[SOCKET].start("046C8CCA8C1D90")
    session = house[SOCKET].sockets[0].session
    assert session is not None
    session.started_at = told + timedelta(seconds=moved)
    await house.push(SOCKET)
    await house.hub.until(lambda: any(heard.message.corid == uid for heard in house.hub.heard))
    await asyncio.sleep(1.2)  # a tick
    assert house[SOCKET].sockets[0].current_a == 6
    assert asked(house) == ["POST_SET_OVERRIDE_CURRENT", "START_SESSION"]
