"""Current limits: commands in, exact messages out, and the requests to the cloud in order."""

import asyncio

from bridge.fimp.message import SKIP
from bridge.simulator.car import Car
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.conversation.cars import charge, unplug
from tests.conversation.limit_commands import DAYS, requests, schedules, set_max, set_session
from tests.harness import CABLE, SOCKET, House, described, device_topic, interfaces

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


async def test_the_full_current_of_the_charge_point_is_no_limit(house: House) -> None:
    before = len(house.cloud.seen)
    assert (await set_max(house, 16)).message.value == 16
    assert len(house.cloud.seen) == before


async def test_the_limit_is_reported_once_at_the_start_and_on_change(house: House) -> None:
    assert [heard.message.value for heard in house.hub.find("evt.max_current.report", SOCKET)] == [16]
    assert (await house.hub.expect("evt.max_current.report", CABLE)).message.value == 32


async def test_a_limit_is_the_offered_current_of_the_session(charging: House) -> None:
    since = charging.mark
    await set_max(charging, 8)
    await charging.hub.until(
        lambda: any(
            heard.message.properties["offered_current"] == "8"
            for heard in charging.hub.find("evt.current_session.report", SOCKET, since=since)
        )
    )
    assert charging[SOCKET].sockets[0].current_a == 8


async def test_a_limit_is_reported_only_after_the_cloud_has_agreed(build: HouseMaker) -> None:
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


async def test_the_lower_of_standing_and_session_limit_holds(charging: House) -> None:
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


async def test_a_session_limit_is_answered_even_if_the_charge_point_does_not_show_it(charging: House) -> None:
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


# --- a limit that does not hold ---


async def test_a_limit_that_does_not_hold_is_reported_once(build: HouseMaker) -> None:
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


async def test_the_settable_limits_are_listed_with_their_maximum(house: House) -> None:
    wanted = {
        "cmd.max_current.set",
        "cmd.max_current.get_report",
        "evt.max_current.report",
        "cmd.current_session.set_current",
    }
    assert wanted <= interfaces(house.hub, SOCKET)
    assert described(house.hub, SOCKET)["services"][0]["props"]["sup_max_current"] == 16
    assert described(house.hub, CABLE)["services"][0]["props"]["sup_max_current"] == 32


async def test_an_override_of_the_bridge_does_not_lower_the_maximum(house: House) -> None:
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
