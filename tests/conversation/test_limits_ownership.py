"""Whose override it is: the bridge changes and removes its own, and leaves the user's alone."""

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.conversation.cars import unplug
from tests.conversation.limit_commands import DAYS, OVERRIDES, requests, schedules, set_max, set_session
from tests.harness import SOCKET, House


@pytest.mark.parametrize("current", [9, 7])
async def test_no_override_is_made_while_the_user_has_one(charging: House, current: int) -> None:
    """A schedule of the user is never overwritten, whatever its content: the cloud keeps one per charge point."""
    theirs = charging.cloud.account.save_schedule(_request(SOCKET, 9, DAYS[:5]))
    number, since = theirs.number, charging.mark
    for type_ in ("cmd.max_current.set", "cmd.current_session.set_current"):
        error = await charging.hub.refused(SOCKET, type_, val_t="int", val=current)
        assert error.message.value == "ERR_INVALID_STATE"
        assert "9 A" in str(error.message.properties["msg"])
    assert requests(charging) == []
    assert schedules(charging) == {number: 9}
    assert charging.hub.find("evt.max_current.report", SOCKET, since=since) == []
    # The maximum limit needs no schedule. Once the user's schedule is gone, the bridge can make its own.
    assert (await set_max(charging, 16)).message.value == 16
    charging.cloud.account.clear_schedule(number)
    assert (await set_max(charging, current)).message.value == current


async def test_mode_slow_is_refused_before_anything_is_started(house: House) -> None:
    house.cloud.account.save_schedule(_request(SOCKET, 9))
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": "slow"})
    assert error.message.value == "ERR_INVALID_STATE"
    assert house.cloud.requests_for("START_SESSION", *OVERRIDES[1:]) == []
    assert house[SOCKET].sockets[0].session is None


@pytest.mark.parametrize("days", [DAYS, DAYS[:5]])
@pytest.mark.parametrize("wanted", [12, 16])
async def test_an_override_that_was_edited_elsewhere_is_the_users(house: House, days: list[str], wanted: int) -> None:
    await set_max(house, 10)
    (number,) = schedules(house)
    house.cloud.account.save_schedule(_request(SOCKET, 14, days), number)
    since = house.mark
    error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=wanted)
    assert error.message.value == "ERR_INVALID_STATE"
    # The bridge's limit has ended, which is reported; the user's schedule is neither edited nor cleared.
    await house.hub.expect("evt.max_current.report", SOCKET, since=since, value=16)
    await house.restart()
    await house.tick()
    assert requests(house) == [("SET", 10)]
    assert schedules(house) == {number: 14}


async def test_an_override_that_was_edited_while_the_bridge_was_down_is_the_users(house: House) -> None:
    await set_max(house, 10)
    await house.stop()
    (number,) = schedules(house)
    house.cloud.account.save_schedule(_request(SOCKET, 14), number)
    since = house.mark
    await house.start()
    await house.hub.expect("evt.max_current.report", SOCKET, since=since, value=16)
    await house.tick()
    assert schedules(house) == {number: 14}


def _request(evse_id: str, current: int, days: Sequence[str] = DAYS) -> dict[str, Any]:
    return {
        "chargepoints": [evse_id],
        "overridestarttime": "00:00",
        "overridestartdays": list(days),
        "overridestoptime": "23:59",
        "overridestopdays": list(days),
        "overridevalue": current,
    }


async def test_the_bridges_override_is_found_after_a_restart(house: House) -> None:
    await set_max(house, 10)
    made = schedules(house)
    await house.restart()
    assert (await set_max(house, 10)).message.value == 10
    assert schedules(house) == made
    await set_max(house, 12)
    assert schedules(house) == dict.fromkeys(made, 12)


@pytest.mark.parametrize("later", [10, 12, 16])
async def test_an_override_that_was_removed_elsewhere_is_made_again_if_still_wanted(house: House, later: int) -> None:
    """The cloud does not push a change of a schedule."""
    await set_max(house, 10)
    await house.stop()
    (removed,) = schedules(house)
    house.cloud.account.clear_schedule(removed)
    await house.start()
    await house.hub.until(lambda: list(schedules(house).values()) == [10])
    assert removed not in schedules(house)
    await set_max(house, later)
    assert list(schedules(house).values()) == ([later] if later < 16 else [])


async def test_a_removed_override_is_noticed_by_the_current_that_flows(house: House) -> None:
    await set_max(house, 10)
    await house.push(SOCKET)
    (removed,) = schedules(house)
    house.cloud.account.clear_schedule(removed)
    await house.push(SOCKET)
    await house.hub.until(lambda: list(schedules(house).values()) == [10])
    # At the start, before the first one was made, and now.
    assert len(house.cloud.requests_for("LIST_OVERRIDE_CURRENT")) == 3


async def test_changing_an_override_that_is_gone_makes_a_new_one(house: House) -> None:
    await set_max(house, 10)
    (removed,) = schedules(house)
    house.cloud.account.schedules.clear()
    assert (await set_max(house, 12)).message.value == 12
    assert list(schedules(house).values()) == [12]
    assert removed not in schedules(house)


async def test_clearing_an_override_that_is_gone_succeeds(house: House) -> None:
    await set_max(house, 10)
    house.cloud.account.schedules.clear()
    assert (await set_max(house, 16)).message.value == 16
    assert schedules(house) == {}


@pytest.mark.parametrize("wanted_again", [False, True])
async def test_an_override_that_was_made_without_an_answer_is_found(build: HouseMaker, wanted_again: bool) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        house.cloud.faults.unanswered.add("POST_SET_OVERRIDE_CURRENT")
        error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
        assert error.message.value == "ERR_TIMEOUT"
        house.cloud.faults.unanswered.clear()
        if wanted_again:
            await set_max(house, 10)
            assert list(schedules(house).values()) == [10]
        else:
            await house.hub.until(lambda: not schedules(house))  # it was refused, so it does not hold
        assert len(house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")) == 1


async def test_a_crash_between_question_and_answer_leaves_no_override_behind(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 30}) as house:
        house.cloud.faults.unanswered.add("POST_SET_OVERRIDE_CURRENT")
        await house.hub.say(
            f"pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:{SOCKET}",
            type="cmd.max_current.set",
            val_t="int",
            val=10,
        )
        await house.hub.until(lambda: bool(schedules(house)))
        await house.crash()
        house.cloud.faults.unanswered.clear()
        await house.start()
        await house.hub.until(lambda: len(house.cloud.requests_for("LIST_OVERRIDE_CURRENT")) > 1)
        await set_max(house, 9)
        assert list(schedules(house).values()) == [9]


async def test_a_limit_that_cannot_be_given_back_is_tried_again(charging: House) -> None:
    await set_session(charging, 8)
    charging.cloud.faults.refuse["POST_CLEAR_OVERRIDE_CURRENT"] = "not now"
    await unplug(charging)
    await charging.hub.until(lambda: bool(charging.cloud.requests_for("POST_CLEAR_OVERRIDE_CURRENT")))
    for _ in range(3):
        await charging.tick()
    assert len(charging.cloud.requests_for("POST_CLEAR_OVERRIDE_CURRENT")) == 1  # not at every tick
    charging.cloud.faults.refuse.clear()
    charging.cloud.drop()  # after a reconnect it is tried at once
    await charging.hub.until(lambda: not schedules(charging))


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("cmd.thing.delete", {"val_t": "str_map", "val": {"address": SOCKET}}),
        ("cmd.network.reset", {}),
        ("cmd.app.reset", {}),
        ("cmd.app.uninstall", {}),
    ],
)
async def test_nothing_is_left_limited_that_the_hub_can_no_longer_lift(
    house: House, type_: str, fields: dict[str, Any]
) -> None:
    await set_max(house, 10)
    await house.hub.adapter(type_, **fields)
    await house.hub.until(lambda: not schedules(house))
