"""Modes `delayed` and `price_based`, and `normal` while a profile is on: requests in order."""

import asyncio
import json

import pytest

from tests.conftest import HouseMaker
from tests.conversation.cars import plug
from tests.conversation.mode_commands import ATTRIBUTE, LIFTING, REQUEST, asked, refused, start, switch_on
from tests.harness import SOCKET, House, described

DAYS = [1, 2, 3, 4, 5, 6, 7]


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


async def test_a_session_whose_profile_was_overridden_cannot_be_held_back(house: House) -> None:
    await switch_on(house, "delayed")
    await plug(house)
    assert await start(house, "normal") == ("charging", "normal")
    before = asked(house)
    assert (await refused(house, "delayed")).message.value == "ERR_INVALID_STATE"
    assert asked(house) == before


# --- normal, with a profile on ---


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_mode_normal_overrides_no_profile_for_a_session_after_that_of_the_start(
    house: House, profile: str
) -> None:
    """The session of the start is over and one of a card has begun before the verdict on the start arrives."""
    await switch_on(house, profile)
    await plug(house)
    house.cloud.faults.no_verdict = {"START_SESSION"}
    normal = asyncio.create_task(start(house, "normal"))
    await house.hub.until(lambda: house.running.fleet.expect(SOCKET).memory.session_open)
    house[SOCKET].stop()
    await house.push(SOCKET)
    await house.hub.until(lambda: not house.running.fleet.expect(SOCKET).memory.session_open)
    house[SOCKET].start("046C8CCA8C1D90")
    await house.push(SOCKET)
    await house.hub.until(lambda: house.running.fleet.expect(SOCKET).memory.session_open)
    await house.cloud.send_all(json.dumps({"object": "STATUS_START_SESSION", "success": True, "evse_id": SOCKET}))
    assert (await normal)[1] == profile
    assert asked(house) == ["START_SESSION"]


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_mode_normal_overrides_the_profile(house: House, profile: str) -> None:
    await switch_on(house, profile)
    await plug(house)
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house) == ["START_SESSION", LIFTING[profile]]
    assert await start(house, "normal") == ("charging", "normal")
    assert len(asked(house)) == 2


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_start_without_a_mode_follows_the_profile(house: House, profile: str) -> None:
    await switch_on(house, profile)
    await plug(house)
    assert await start(house) == ("ready_to_charge", profile)
    assert asked(house) == ["START_SESSION"]
    assert await start(house) == ("charging", "normal")  # a second start overrides the profile
    assert asked(house) == ["START_SESSION", LIFTING[profile]]


async def test_a_start_without_a_mode_does_not_override_a_profile_that_lets_it_charge(house: House) -> None:
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
async def test_a_profile_is_overridden_only_once_per_session(house: House, restarts: bool) -> None:
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


async def test_a_hold_without_a_profile_is_left_alone(house: House) -> None:
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


async def test_a_price_based_hold_is_recognised_by_its_limit(house: House) -> None:
    point = house[SOCKET]
    point.price_is_low, point.smart_limit = True, 0.0
    await switch_on(house, "price_based")
    await plug(house)
    assert await start(house) == ("ready_to_charge", "price_based")
    await start(house)
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


async def test_a_price_based_hold_that_shows_as_delayed_is_lifted(house: House) -> None:
    house[SOCKET].price_hold_shows_delayed = True
    await switch_on(house, "price_based")
    await plug(house)
    assert await start(house) == ("ready_to_charge", "price_based")
    assert await start(house) == ("charging", "normal")
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


async def test_a_start_in_mode_normal_lifts_the_hold_right_after_another_start(house: House) -> None:
    await switch_on(house, "price_based")
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1)
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": "normal"})
    house.cloud.faults.quiet = False
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    assert asked(house) == ["START_SESSION", LIFTING["price_based"]]


async def plug_without_smart_charging(house: House, profile: str) -> None:
    """A car comes while a profile is on and smart charging is off."""
    house[SOCKET].smart_charging = False
    setattr(house[SOCKET], ATTRIBUTE[profile], True)
    await house.cloud.push_settings(house[SOCKET])
    await plug(house)


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_profile_is_off_while_smart_charging_is_off(house: House, profile: str) -> None:
    """Issue 12, row 5."""
    await plug_without_smart_charging(house, profile)
    assert await start(house, "normal") == ("charging", "normal")
    assert asked(house) == ["START_SESSION"]  # no profile holds the session
    assert await start(house, profile) == ("ready_to_charge", profile)
    assert asked(house) == ["START_SESSION", REQUEST[profile]]


@pytest.mark.parametrize("profile", ["delayed", "price_based"])
async def test_a_confirmed_switch_counts_before_the_settings_say_so(house: House, profile: str) -> None:
    await plug_without_smart_charging(house, profile)
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
async def test_a_session_that_shows_as_delayed_late_is_lifted(house: House, again: dict[str, str] | None) -> None:
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
async def test_a_late_hold_is_not_lifted_after_another_command(house: House, then: str) -> None:
    await switch_on(house, "delayed")
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1, props={"charging_mode": "normal"})
    await house.hub.command(SOCKET, then, 1, props={"charging_mode": "delayed"})
    house.cloud.faults.quiet = False
    await house.push(SOCKET)
    await asyncio.sleep(0.2)
    assert "OVERRIDE_DELAYED_CHARGING_TIMEOUT" not in asked(house)
