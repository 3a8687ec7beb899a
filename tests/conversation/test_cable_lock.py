"""The cable's lock: command in, exact messages out, and the requests that the cloud saw."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.conversation.cars import charge, plug
from tests.harness import CABLE, SOCKET, House, interfaces


async def test_unlocking_ends_the_session_and_is_answered_by_the_lock(house: House) -> None:
    await charge(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
    assert answer.brief == ("evt.cable_lock.report", False)
    assert house.cloud.requests_for("UNLOCK_CONNECTOR")[0]["evse_id"] == SOCKET
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")


async def test_a_session_that_begins_before_the_verdict_of_an_unlock_has_its_cable_locked(house: House) -> None:
    await plug(house)
    house.cloud.faults.no_verdict = {"UNLOCK_CONNECTOR"}
    unlock = asyncio.create_task(house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False))
    await house.hub.until(lambda: house[SOCKET].sockets[0].unlocked)
    since = house.mark
    house[SOCKET].start("046C8CCA8C1D90")
    await house.push(SOCKET)
    await house.hub.expect("evt.cable_lock.report", SOCKET, since=since, value=True)
    await house.cloud.send_all(json.dumps({"object": "STATUS_UNLOCK_CONNECTOR", "success": True, "evse_id": SOCKET}))
    (answer,) = await unlock
    assert answer.brief == ("evt.cable_lock.report", True)


async def test_a_lock_command_for_a_locked_cable_is_answered(house: House) -> None:
    await charge(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=True)
    assert answer.brief == ("evt.cable_lock.report", True)


async def test_an_unlocked_cable_cannot_be_locked_by_command(house: House) -> None:
    error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=True)
    assert error.message.value == "ERR_NOT_SUPPORTED"


async def test_a_fixed_cable_is_always_locked(house: House) -> None:
    before = len(house.cloud.seen)
    (answer,) = await house.hub.command(CABLE, "cmd.cable_lock.get_report")
    assert answer.brief == ("evt.cable_lock.report", True)
    (answer,) = await house.hub.command(CABLE, "cmd.cable_lock.set", val_t="bool", val=True)
    assert answer.brief == ("evt.cable_lock.report", True)
    error = await house.hub.refused(CABLE, "cmd.cable_lock.set", val_t="bool", val=False)
    assert error.message.value == "ERR_NOT_SUPPORTED"
    assert len(house.cloud.seen) == before


OTHER = "BCU200200"


@pytest.mark.parametrize("kind", ["UMOVE", ""])
@pytest.mark.parametrize("answer", [(0, "Unknown command"), (2, "forbidden"), (2, "")])
async def test_an_unlock_that_the_cloud_does_not_know_or_forbids_is_remembered_for_that_charge_point(
    build: HouseMaker, kind: str, answer: tuple[int, str]
) -> None:
    async with build(start=False) as house:
        house[SOCKET].chargepoint_type = kind
        house.cloud.account.add(SimulatedChargePoint(OTHER, house.clock.now))
        house.cloud.faults.error["UNLOCK_CONNECTOR"] = answer
        await house.start()
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        since = house.mark
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        await house.hub.expect("evt.thing.inclusion_report", since=since)
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        assert "cmd.cable_lock.set" in interfaces(house.hub, OTHER)

        await house.restart()
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        assert len(house.cloud.requests_for("UNLOCK_CONNECTOR")) == 1


@pytest.mark.parametrize(("fault", "code"), [("silent", "ERR_TIMEOUT"), ("error", "ERR_REJECTED")])
async def test_an_unlock_that_fails_for_another_reason_changes_no_capability(
    house: House, fault: str, code: str
) -> None:
    if fault == "silent":
        house.cloud.faults.silent.add("UNLOCK_CONNECTOR")
    else:
        house.cloud.faults.error["UNLOCK_CONNECTOR"] = (9, "")
    error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
    assert error.message.value == code
    assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)


@contextlib.asynccontextmanager
async def wall_box(build: HouseMaker, *, sockets: int = 1, side: bool = True) -> AsyncIterator[House]:
    """A house whose charge point is no portable one, and charges."""
    async with build(start=False, side=side) as house:
        house[SOCKET].chargepoint_type = "HIDDEN"
        house[SOCKET].sockets = [Socket(number) for number in range(1, sockets + 1)]
        await house.start()
        for socket in house[SOCKET].sockets:
            house[SOCKET].plug(Car(), socket)
            house[SOCKET].start("046C8CCA8C1D90", socket)
        await house.push(SOCKET)
        for address in addresses_of(house):
            await house.hub.expect("evt.state.report", address, value="charging")
        yield house


def addresses_of(house: House) -> list[str]:
    """The service addresses of the charge point's sockets."""
    numbers = [socket.number for socket in house[SOCKET].sockets]
    return [SOCKET] if len(numbers) == 1 else [f"{SOCKET}_{number}" for number in numbers]


async def test_a_wall_box_is_unlocked_by_the_app_api(build: HouseMaker) -> None:
    async with wall_box(build) as house:
        (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert answer.brief == ("evt.cable_lock.report", False)
        await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")  # not `finished`: it was us
        assert house.cloud.rest_calls["unlockconnector"] == 1
        assert house.cloud.requests_for("UNLOCK_CONNECTOR") == []
        assert house[SOCKET].sockets[0].unlocked


async def test_one_socket_of_several_is_unlocked_by_the_app_api(build: HouseMaker) -> None:
    async with wall_box(build, sockets=2) as house:
        address = f"{SOCKET}_2"
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        (answer,) = await house.hub.command(address, "cmd.cable_lock.set", val_t="bool", val=False)
        assert answer.brief == ("evt.cable_lock.report", False)
        assert [socket.unlocked for socket in house[SOCKET].sockets] == [False, True]


async def test_an_unlock_that_the_app_api_forbids_is_remembered(build: HouseMaker) -> None:
    async with wall_box(build) as house:
        house.cloud.faults.rest_error["unlockconnector"] = (2, "forbidden")
        since = house.mark
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        await house.hub.expect("evt.thing.inclusion_report", since=since)
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert house.cloud.rest_calls["unlockconnector"] == 1


async def test_an_unreachable_app_api_changes_no_capability(build: HouseMaker) -> None:
    async with wall_box(build, side=False) as house:
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_DISCONNECTED"
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        house[SOCKET].step(60)
        house[SOCKET].stop()  # and the session that ends now was not ended by us
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="finished")


async def test_the_app_api_is_not_asked_where_the_websocket_unlocks(build: HouseMaker) -> None:
    """The way depends on the type alone: it costs no request to find it out."""
    async with wall_box(build) as house:
        house.cloud.account.unlocks_by_websocket = True
        await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert house.cloud.requests_for("UNLOCK_CONNECTOR") == []
