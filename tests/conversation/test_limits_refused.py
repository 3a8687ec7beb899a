"""Limits that are refused or must wait: wrong values, a cloud that does not agree, smart charging that is off."""

from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.conversation.limit_commands import schedules, set_max, set_session
from tests.harness import SOCKET, House, described, interfaces

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
async def test_a_limit_that_could_not_be_made_is_not_reported(
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


async def test_limits_are_not_offered_where_the_cloud_knows_no_overrides(house: House) -> None:
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
