"""Mode `slow`: the limit of a session that the start makes, and when it ends."""

import asyncio
import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from bridge.chargepoint.amsterdam import in_amsterdam
from tests.conftest import HouseMaker
from tests.conversation.cars import plug
from tests.conversation.mode_commands import asked, refused, start
from tests.harness import SOCKET, Heard, House, device_topic

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


async def test_mode_normal_removes_a_slow_limit_and_a_start_without_a_mode_does_not(house: House) -> None:
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


@pytest.mark.parametrize("mode", [None, "normal"])
@pytest.mark.parametrize("waits", [True, False])
async def test_a_start_right_after_a_slow_session_is_not_limited(house: House, mode: str | None, waits: bool) -> None:
    await plug(house)
    await start(house, "slow")
    since = house.mark
    stop = await house.hub.say(device_topic(SOCKET), type="cmd.charge.stop")
    if waits:
        await house.hub.expect("evt.current_session.report", SOCKET, since=since, corid=stop)
        since = house.mark
    properties = {"charging_mode": mode} if mode is not None else {}
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start", props=properties)
    await house.hub.expect("evt.current_session.report", SOCKET, since=since, corid=uid)
    assert asked(house)[-3:] == ["STOP_SESSION", "POST_CLEAR_OVERRIDE_CURRENT", "START_SESSION"]
    reports = house.hub.find("evt.current_session.report", SOCKET, since=since)
    assert {report.message.properties["offered_current"] for report in reports} <= {"0", "16"}
    assert reports[-1].message.properties["offered_current"] == "16"


@pytest.mark.parametrize("fault", ["verdict", "refuse"])
async def test_a_slow_start_that_is_refused_leaves_no_limit(house: House, fault: str) -> None:
    await plug(house)
    getattr(house.cloud.faults, fault)["START_SESSION"] = "REJECTED"
    assert (await refused(house, "slow")).message.value == "ERR_REJECTED"
    await house.hub.until(lambda: not house.cloud.account.schedules)
    assert asked(house) == ["POST_SET_OVERRIDE_CURRENT", "START_SESSION", "POST_CLEAR_OVERRIDE_CURRENT"]


async def test_slow_is_refused_where_no_limit_can_be_set(house: House) -> None:
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


# --- the mode in reports ---


async def test_slow_lasts_across_a_restart(house: House) -> None:
    await plug(house)
    await start(house, "slow")
    await house.restart()
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.properties == {"charging_mode": "slow"}


async def test_a_slow_limit_that_cannot_be_removed_does_not_prevent_charging(house: House) -> None:
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
async def test_a_start_time_before_the_session_does_not_end_its_limit(house: House, moved: int) -> None:
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
