"""Current limits: commands in, exact messages out, and the requests to the cloud in order."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from bridge.fimp.message import SKIP
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, Heard, House, described, device_topic, interfaces

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
OVERRIDES = (
    "LIST_OVERRIDE_CURRENT",
    "POST_SET_OVERRIDE_CURRENT",
    "POST_EDIT_OVERRIDE_CURRENT",
    "POST_CLEAR_OVERRIDE_CURRENT",
)


def requests(house: House) -> list[tuple[str, Any]]:
    """The requests that changed overrides: the command, and the value or the id."""
    return [
        (str(frame["command"]).split("_")[1], frame.get("overridevalue", frame.get("schedule_id")))
        for frame in house.cloud.requests_for(*OVERRIDES[1:])
    ]


def schedules(house: House) -> dict[int, float]:
    """The overrides in the cloud: id → A."""
    return {number: entry.override.current_a for number, entry in house.cloud.account.schedules.items()}


async def set_max(house: House, current: int, evse_id: str = SOCKET) -> Heard:
    """Set the standing limit."""
    (answer,) = await house.hub.command(evse_id, "cmd.max_current.set", val_t="int", val=current)
    return answer


async def set_session(house: House, current: int, evse_id: str = SOCKET) -> Heard:
    """Set the session's limit."""
    (answer,) = await house.hub.command(evse_id, "cmd.current_session.set_current", val_t="int", val=current)
    return answer


async def charge(house: House, evse_id: str = SOCKET) -> None:
    """A car charges."""
    since = house.mark
    house[evse_id].plug(Car())
    house[evse_id].start("046C8CCA8C1D90")
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="charging")


async def unplug(house: House, evse_id: str = SOCKET) -> None:
    """Disconnect the car."""
    since = house.mark
    house[evse_id].unplug()
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since, value="disconnected")


@pytest.fixture
async def charging(house: House) -> House:
    """A house in which a car charges with 16 A."""
    await charge(house)
    return house


# --- the standing limit ---


async def test_a_standing_limit_is_made_changed_and_cleared(house: House) -> None:
    answer = await set_max(house, 10)
    assert (*answer.brief, answer.message.value_type) == ("evt.max_current.report", 10, "int")
    (made,) = house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")
    assert made["chargepoints"] == [SOCKET]
    assert (made["overridestarttime"], made["overridestoptime"]) == ("00:00", "23:59")
    assert made["overridestartdays"] == made["overridestopdays"] == DAYS
    (number,) = schedules(house)

    assert (await set_max(house, 13)).message.value == 13
    assert schedules(house) == {number: 13}
    assert (await set_max(house, 16)).message.value == 16
    assert schedules(house) == {}
    assert requests(house) == [("SET", 10), ("EDIT", 13), ("CLEAR", number)]


async def test_the_same_limit_again_asks_nothing_of_the_cloud(house: House) -> None:
    await set_max(house, 10)
    before = len(house.cloud.seen)
    assert (await set_max(house, 10)).message.value == 10
    (answer,) = await house.hub.command(SOCKET, "cmd.max_current.get_report")
    assert answer.brief == ("evt.max_current.report", 10)
    assert len(house.cloud.seen) == before


async def test_what_the_charge_point_can_deliver_anyway_is_no_limit(house: House) -> None:
    before = len(house.cloud.seen)
    assert (await set_max(house, 16)).message.value == 16
    assert len(house.cloud.seen) == before


async def test_the_limit_is_told_once_at_a_start_and_on_change(house: House) -> None:
    assert [heard.message.value for heard in house.hub.find("evt.max_current.report", SOCKET)] == [16]
    assert (await house.hub.expect("evt.max_current.report", CABLE)).message.value == 32


async def test_a_limit_shows_in_what_the_session_is_offered(charging: House) -> None:
    since = charging.mark
    await set_max(charging, 8)
    await charging.hub.until(
        lambda: any(
            heard.message.properties["offered_current"] == "8"
            for heard in charging.hub.find("evt.current_session.report", SOCKET, since=since)
        )
    )
    assert charging[SOCKET].sockets[0].current_a == 8


async def test_nothing_is_told_before_the_cloud_has_agreed(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 30}) as house:
        house.cloud.faults.unanswered.add("POST_SET_OVERRIDE_CURRENT")
        since = house.mark
        await house.hub.say(device_topic(SOCKET), type="cmd.max_current.set", val_t="int", val=10)
        await house.hub.until(lambda: bool(schedules(house)))
        await house.push(SOCKET)
        (answer,) = await house.hub.command(SOCKET, "cmd.max_current.get_report")
        assert answer.message.value == 16
        assert [heard.message.value for heard in house.hub.find("evt.max_current.report", since=since)] == [16]


# --- the session's limit ---


async def test_a_session_limit_is_given_back_when_the_session_ends(charging: House) -> None:
    answer = await set_session(charging, 8)
    assert answer.message.type == "evt.current_session.report"
    assert answer.message.properties["offered_current"] == "8"
    (number,) = schedules(charging)
    await unplug(charging)
    await charging.hub.until(lambda: not schedules(charging))
    assert requests(charging) == [("SET", 8), ("CLEAR", number)]


async def test_the_lower_of_the_two_holds(charging: House) -> None:
    await set_max(charging, 10)
    assert (await set_session(charging, 13)).message.properties["offered_current"] == "10"
    (number,) = schedules(charging)
    assert requests(charging) == [("SET", 10)]  # 13 changes nothing
    await set_session(charging, 8)
    assert schedules(charging) == {number: 8}
    assert (await set_max(charging, 12)).message.value == 12
    assert schedules(charging) == {number: 8}
    await unplug(charging)
    await charging.hub.until(lambda: schedules(charging) == {number: 12})
    assert requests(charging) == [("SET", 10), ("EDIT", 8), ("EDIT", 12)]


async def test_the_full_current_gives_a_session_limit_back(charging: House) -> None:
    await set_session(charging, 8)
    answer = await set_session(charging, 16)
    assert answer.message.properties["offered_current"] == "16"
    assert schedules(charging) == {}


async def test_a_session_limit_is_answered_once_the_charge_point_shows_it(charging: House) -> None:
    await set_session(charging, 8)
    answer = await set_session(charging, 13)
    assert answer.message.properties["offered_current"] == "13"
    assert charging[SOCKET].sockets[0].current_a == 13


async def test_a_session_limit_is_answered_all_the_same_if_the_charge_point_does_not_show_it(charging: House) -> None:
    await set_session(charging, 8)
    charging.cloud.faults.quiet = True
    answer = await set_session(charging, 13)
    assert answer.message.properties["offered_current"] == "8"
    charging.cloud.faults.quiet = False
    since = charging.mark
    await charging.push(SOCKET)
    report = await charging.hub.expect("evt.current_session.report", SOCKET, since=since)
    assert report.message.properties["offered_current"] == "13"


async def test_a_session_that_ended_while_the_bridge_was_down_gives_its_limit_back(charging: House) -> None:
    await set_max(charging, 12)
    await set_session(charging, 8)
    (number,) = schedules(charging)
    await charging.stop()
    charging[SOCKET].unplug()
    await charging.start()
    await charging.hub.until(lambda: schedules(charging) == {number: 12})
    (answer,) = await charging.hub.command(SOCKET, "cmd.max_current.get_report")
    assert answer.message.value == 12


async def test_a_session_limit_holds_across_a_restart_within_the_session(charging: House) -> None:
    await set_session(charging, 8)
    made = schedules(charging)
    assert list(made.values()) == [8]
    await charging.restart()
    await charging.tick()
    assert schedules(charging) == made
    await unplug(charging)
    await charging.hub.until(lambda: not schedules(charging))


async def test_a_session_limit_is_given_back_once_the_link_is_up_again(charging: House) -> None:
    await set_session(charging, 8)
    charging.cloud.faults.refuse_handshake = "maintenance"
    charging.cloud.drop()
    charging[SOCKET].unplug()
    await asyncio.sleep(0.1)
    charging.cloud.faults.refuse_handshake = ""
    await charging.hub.until(lambda: not schedules(charging))


# --- what is refused ---


WRONG = [
    ("int", 5),
    ("int", 17),
    ("int", 0),
    ("int", -10),
    ("float", 10.5),
    ("int", 10.5),
    ("string", "10"),
    ("int", "10"),
    ("bool", True),
    ("int", True),
    ("null", None),
    ("int", None),
]


@pytest.mark.parametrize(("value_type", "value"), WRONG)
@pytest.mark.parametrize("type_", ["cmd.max_current.set", "cmd.current_session.set_current"])
async def test_wrong_values_are_refused_and_nothing_is_sent(
    charging: House, type_: str, value_type: str, value: Any
) -> None:
    before = len(charging.cloud.seen)
    error = await charging.hub.refused(SOCKET, type_, val_t=value_type, val=value)
    assert error.message.value == "ERR_INVALID_VALUE"
    assert len(charging.cloud.seen) == before


async def test_a_session_limit_needs_a_session(house: House) -> None:
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    before = len(house.cloud.seen)
    error = await house.hub.refused(SOCKET, "cmd.current_session.set_current", val_t="int", val=10)
    assert error.message.value == "ERR_INVALID_STATE"
    assert len(house.cloud.seen) == before


@pytest.mark.parametrize(
    ("faults", "code"),
    [
        ({"refuse": {"POST_SET_OVERRIDE_CURRENT": "not allowed"}}, "ERR_REJECTED"),
        ({"error": {"POST_SET_OVERRIDE_CURRENT": (2, "forbidden")}}, "ERR_REJECTED"),
        ({"silent": {"POST_SET_OVERRIDE_CURRENT"}}, "ERR_TIMEOUT"),
    ],
)
async def test_a_limit_that_could_not_be_made_is_not_told_of(
    build: HouseMaker, faults: dict[str, Any], code: str
) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        for name, value in faults.items():
            setattr(house.cloud.faults, name, value)
        since = house.mark
        error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
        assert error.message.value == code
        await house.tick()
        assert house.hub.find("evt.max_current.report", SOCKET, since=since) == []
        (answer,) = await house.hub.command(SOCKET, "cmd.max_current.get_report")
        assert answer.message.value == 16


async def test_a_cloud_that_knows_no_overrides(house: House) -> None:
    house.cloud.faults.error["POST_SET_OVERRIDE_CURRENT"] = (0, "Unknown command")
    since = house.mark
    error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
    assert error.message.value == "ERR_NOT_SUPPORTED"
    await house.hub.expect("evt.thing.inclusion_report", since=since)
    await house.hub.until(lambda: "cmd.max_current.set" not in interfaces(house.hub, SOCKET))
    properties = described(house.hub, SOCKET)["services"][0]["props"]
    assert "sup_max_current" not in properties
    assert "slow" not in properties["sup_charging_modes"]
    seen = len(house.cloud.seen)
    await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
    assert len(house.cloud.seen) == seen


async def test_one_socket_of_several_cannot_be_limited(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.account.add(
            SimulatedChargePoint("BCU300000", house.clock.now, sockets=[Socket(1), Socket(2)])
        ).plug_and_charge = False
        await house.start()
        assert "cmd.max_current.set" not in interfaces(house.hub, "BCU300000")
        error = await house.hub.refused("BCU300000_1", "cmd.max_current.set", val_t="int", val=10)
        assert error.message.value == "ERR_NOT_SUPPORTED"


async def test_while_the_link_is_down_a_limit_is_refused_unless_it_holds_already(house: House) -> None:
    await set_max(house, 10)
    house.cloud.faults.refuse_handshake = "maintenance"
    house.cloud.drop()
    await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
    assert (await set_max(house, 10)).message.value == 10
    error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=12)
    assert error.message.value == "ERR_DISCONNECTED"


# --- one override, owned by the bridge ---


@pytest.mark.parametrize("current", [9, 7])
async def test_none_of_ours_is_made_while_the_users_own_is_there(charging: House, current: int) -> None:
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
async def test_ours_that_was_edited_elsewhere_is_the_users(house: House, days: list[str], wanted: int) -> None:
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


async def test_ours_that_was_edited_while_the_bridge_was_down_is_the_users(house: House) -> None:
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


async def test_ours_is_found_again_after_a_restart(house: House) -> None:
    await set_max(house, 10)
    made = schedules(house)
    await house.restart()
    assert (await set_max(house, 10)).message.value == 10
    assert schedules(house) == made
    await set_max(house, 12)
    assert schedules(house) == dict.fromkeys(made, 12)


@pytest.mark.parametrize("later", [10, 12, 16])
async def test_one_that_was_removed_elsewhere_is_made_again_or_left(house: House, later: int) -> None:
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


async def test_a_removal_shows_in_what_the_charge_point_delivers(house: House) -> None:
    await set_max(house, 10)
    await house.push(SOCKET)
    (removed,) = schedules(house)
    house.cloud.account.clear_schedule(removed)
    await house.push(SOCKET)
    await house.hub.until(lambda: list(schedules(house).values()) == [10])
    # At the start, before the first one was made, and now.
    assert len(house.cloud.requests_for("LIST_OVERRIDE_CURRENT")) == 3


async def test_a_change_of_one_that_is_gone_makes_a_new_one(house: House) -> None:
    await set_max(house, 10)
    (removed,) = schedules(house)
    house.cloud.account.schedules.clear()
    assert (await set_max(house, 12)).message.value == 12
    assert list(schedules(house).values()) == [12]
    assert removed not in schedules(house)


async def test_clearing_one_that_is_gone_is_well(house: House) -> None:
    await set_max(house, 10)
    house.cloud.account.schedules.clear()
    assert (await set_max(house, 16)).message.value == 16
    assert schedules(house) == {}


@pytest.mark.parametrize("wanted_again", [False, True])
async def test_one_that_was_made_without_an_answer_is_not_lost(build: HouseMaker, wanted_again: bool) -> None:
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


# --- while smart charging is off ---

LIMIT_INTERFACES = {
    "cmd.current_session.set_current",
    "cmd.max_current.set",
    "cmd.max_current.get_report",
    "evt.max_current.report",
}


async def switch_smart_charging(house: House, *, on: bool) -> None:
    """In the app."""
    house[SOCKET].smart_charging = on
    await house.cloud.push_settings(house[SOCKET])
    await house.push(SOCKET)
    await house.hub.until(lambda: ("cmd.max_current.set" in interfaces(house.hub, SOCKET)) is on)


async def test_while_smart_charging_is_off_nothing_can_be_limited(charging: House) -> None:
    assert interfaces(charging.hub, SOCKET) >= LIMIT_INTERFACES
    await set_max(charging, 12)
    await switch_smart_charging(charging, on=False)
    await charging.hub.until(lambda: not schedules(charging))
    assert not interfaces(charging.hub, SOCKET) & LIMIT_INTERFACES
    properties = described(charging.hub, SOCKET)["services"][0]["props"]
    assert "slow" not in properties["sup_charging_modes"]
    assert "sup_max_current" not in properties
    before = len(charging.cloud.seen)
    for type_, fields in (
        ("cmd.max_current.set", {"val_t": "int", "val": 10}),
        ("cmd.current_session.set_current", {"val_t": "int", "val": 10}),
        ("cmd.charge.start", {"props": {"charging_mode": "slow"}}),
    ):
        error = await charging.hub.refused(SOCKET, type_, **fields)
        assert error.message.value == "ERR_INVALID_STATE"
        assert "smart charging" in str(error.message.properties["msg"])
    # The maximum limit needs no schedule, and the standing limit is still pending.
    assert (await set_session(charging, 16)).message.type == "evt.current_session.report"
    assert len(charging.cloud.seen) == before
    await switch_smart_charging(charging, on=True)
    await charging.hub.until(lambda: list(schedules(charging).values()) == [12])


async def test_a_standing_limit_waits_until_smart_charging_is_on_again(charging: House) -> None:
    await set_max(charging, 10)
    await set_session(charging, 8)
    await switch_smart_charging(charging, on=False)
    await charging.hub.until(lambda: not schedules(charging))
    (report,) = await charging.hub.command(SOCKET, "cmd.current_session.get_report")
    assert report.message.properties["offered_current"] == "16"
    await charging.restart()
    since = charging.mark
    await switch_smart_charging(charging, on=True)
    await charging.hub.until(lambda: list(schedules(charging).values()) == [10])
    await charging.hub.expect("evt.max_current.report", SOCKET, since=since, value=10)
    (report,) = await charging.hub.command(SOCKET, "cmd.current_session.get_report")
    assert report.message.properties["offered_current"] == "10"


# --- a limit that does not hold ---


async def test_a_limit_that_does_not_hold_is_said_once(build: HouseMaker) -> None:
    clock = FakeClock()
    async with build(clock=clock) as house:
        await charge(house)
        await set_max(house, 10)
        since = house.mark
        house[SOCKET].overrides = []  # the charge point does not follow
        house[SOCKET].step(0)
        for _ in range(5):
            await house.push(SOCKET)
            clock.move(28)
            await house.tick()
        error = await house.hub.expect("evt.error.report", SOCKET, since=since)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        assert error.message.storage == SKIP
        assert set(error.message.properties) == {"msg", "src"}
        assert error.message.corid is None
        await house.hub.expect("evt.current_session.report", SOCKET, since=since)
        (report,) = await house.hub.command(SOCKET, "cmd.current_session.get_report")
        assert report.message.properties["offered_current"] == "16"
        for _ in range(5):
            await house.push(SOCKET)
            clock.move(28)
            await house.tick()
        assert len(house.hub.find("evt.error.report", SOCKET, since=since)) == 1
        # The agreed limit is still reported, and it counts again in the next session.
        (answer,) = await house.hub.command(SOCKET, "cmd.max_current.get_report")
        assert answer.message.value == 10
        await unplug(house)
        await charge(house)
        (report,) = await house.hub.command(SOCKET, "cmd.current_session.get_report")
        assert report.message.properties["offered_current"] == "10"


# --- what is listed ---


async def test_what_can_be_set_is_listed_with_its_bound(house: House) -> None:
    wanted = {
        "cmd.max_current.set",
        "cmd.max_current.get_report",
        "evt.max_current.report",
        "cmd.current_session.set_current",
    }
    assert wanted <= interfaces(house.hub, SOCKET)
    assert described(house.hub, SOCKET)["services"][0]["props"]["sup_max_current"] == 16
    assert described(house.hub, CABLE)["services"][0]["props"]["sup_max_current"] == 32


async def test_the_bound_is_not_lowered_by_our_own_override(house: House) -> None:
    await set_max(house, 8)
    await house.push(SOCKET)
    await asyncio.sleep(0.1)
    assert described(house.hub, SOCKET)["services"][0]["props"]["sup_max_current"] == 16
    await house.restart()
    assert (await set_max(house, 15)).message.value == 15


# --- phases ---


async def test_phases_are_known_once_a_car_has_charged(house: House) -> None:
    assert "evt.phase_mode.report" not in interfaces(house.hub, SOCKET)
    error = await house.hub.refused(SOCKET, "cmd.phase_mode.get_report")
    assert error.message.value == "ERR_INVALID_STATE"
    await charge(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.phase_mode.get_report")
    assert (*answer.brief, answer.message.value_type) == ("evt.phase_mode.report", "NL1L2L3", "string")
    properties = described(house.hub, SOCKET)["services"][0]["props"]
    assert (properties["phases"], properties["sup_phase_modes"]) == (3, ["NL1L2L3"])
    await unplug(house)

    house[SOCKET].plug(Car(phases=1))
    house[SOCKET].start("046C8CCA8C1D90")
    since = house.mark
    await house.push(SOCKET)
    report = await house.hub.expect("evt.phase_mode.report", SOCKET, since=since)
    assert report.message.value == "NL1"
    properties = described(house.hub, SOCKET)["services"][0]["props"]
    assert (properties["phases"], properties["sup_phase_modes"]) == (3, ["NL1", "NL1L2L3"])
    await house.restart()
    (answer,) = await house.hub.command(SOCKET, "cmd.phase_mode.get_report")
    assert answer.message.value == "NL1"


async def test_a_cloud_that_lists_no_overrides_can_limit_nothing(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.error["LIST_OVERRIDE_CURRENT"] = (0, "Unknown command")
        await house.start()
        await house.hub.until(lambda: "cmd.max_current.set" not in interfaces(house.hub, SOCKET))
        seen = len(house.cloud.seen)
        error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        assert len(house.cloud.seen) == seen
