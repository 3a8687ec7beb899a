"""Of two things that give one address the first is served, the second is named in the log and on the page."""

import json

import httpx
import pytest

from bridge.simulator.account import GridConnection
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, described

LEFT_OUT = "a charge point is left out: its address is another thing's"


def add(house: House, evse_id: str, *sockets: int) -> SimulatedChargePoint:
    """A further charge point in the account."""
    point = SimulatedChargePoint(
        evse_id,
        house.clock.now,
        name=f"Name of {evse_id}",
        sockets=[Socket(number) for number in sockets] or [Socket(1)],
    )
    point.plug_and_charge, point.lists_sockets = False, bool(sockets)
    return house.cloud.account.add(point)


def named(house: House) -> list[str]:
    """The charge points that the log names as left out."""
    return [str(line["evse_id"]) for line in house.log_lines() if str(line["event"]).startswith(LEFT_OUT)]


async def left_out(house: House) -> list[str]:
    """The charge points that the page names as left out."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{house.running.web.port}") as client:
        names: list[str] = (await client.get("/api/state")).json()["summary"]["left_out"]
        html = (await client.get("/")).text
    assert all(name in html for name in names)
    return names


def on_hub(house: House) -> set[str]:
    """The things that the hub has now."""
    there: set[str] = set()
    for heard in house.hub.heard:
        value = heard.message.value
        if heard.message.type == "evt.thing.inclusion_report" and isinstance(value, dict):
            there.add(str(value["address"]))
        if heard.message.type == "evt.thing.exclusion_report" and isinstance(value, dict):
            there.discard(str(value["address"]))
    return there


async def until_known(house: House, *addresses: str) -> None:
    """Wait until the hub has these things, and the bridge has told everything."""
    await house.hub.until(lambda: on_hub(house) == set(addresses) and house.running.reporter.is_settled)


@pytest.mark.parametrize("second_first", [False, True])
async def test_a_charge_point_named_like_a_socket(build: HouseMaker, second_first: bool) -> None:
    async with build(start=False) as house:
        house.cloud.account.charge_points.clear()
        house.cloud.account.grids.clear()
        if second_first:
            add(house, "BCU1_2")
        add(house, "BCU1", 1, 2)
        if not second_first:
            add(house, "BCU1_2")
        await house.start(wait=False)
        served, name = ({"BCU1", "BCU1_2"}, "BCU1 (BCU1_2)") if second_first else ({"BCU1"}, "BCU1_2")
        await until_known(house, *served)
        assert named(house) == [name]
        assert await left_out(house) == [name]
        sockets = {service["address"].rpartition(":")[2] for service in described(house.hub, "BCU1")["services"]}
        assert sockets == ({"BCU1_1"} if second_first else {"BCU1_1", "BCU1_2"})

        # Pushes of both, and a new connection: nothing flaps, and the list is not requested for the second.
        lists, since = house.cloud.requests["GET_CHARGE_POINTS"], house.mark
        for evse_id in ("BCU1", "BCU1_2", "BCU1_2"):
            await house.push(evse_id)
        await house.hub.command("BCU1_1", "cmd.state.get_report")
        assert house.cloud.requests["GET_CHARGE_POINTS"] == lists
        house.cloud.drop()
        await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] == lists + 1)
        await house.stop()
        await house.start(wait=False)
        await house.hub.until(lambda: house.running.link.status.up and house.running.reporter.is_settled)
        await house.hub.command("BCU1_1", "cmd.state.get_report")
        assert not house.hub.find("evt.thing.exclusion_report", since=since)
        assert not house.hub.find("evt.thing.inclusion_report", since=since)
        assert set(named(house)) == {name}

        # The first goes: the second is served, and is not named any more.
        del house.cloud.account.charge_points["BCU1_2" if second_first else "BCU1"]
        house.cloud.drop()
        await until_known(house, "BCU1" if second_first else "BCU1_2")
        await house.hub.command("BCU1_2", "cmd.state.get_report")
        assert await left_out(house) == []


async def test_a_charge_point_that_joins_with_the_address_of_a_grid_connection(house: House) -> None:
    lists = house.cloud.requests["GET_CHARGE_POINTS"]
    new = add(house, GRID)
    await house.cloud.push(new)
    await house.hub.until(lambda: named(house) == [GRID])
    await house.cloud.push(new)
    await house.hub.command(CABLE, "cmd.state.get_report")
    assert house.cloud.requests["GET_CHARGE_POINTS"] == lists
    assert described(house.hub, GRID)["device_id"] == "GRID-BCU102728"
    assert await left_out(house) == [GRID]

    # The grid connection gets another id: its address is free, and the list is requested again.
    for evse_id in (CABLE, SOCKET):
        house.cloud.account.grids[evse_id] = GridConnection("GRID-NEW")
        frame = {"object": "GRID_STATUS", "evse_id": evse_id, "data": {"id": "GRID-NEW"}}
        await house.cloud.send_all(json.dumps(frame))
    await house.hub.until(lambda: described(house.hub, GRID)["device_id"] == GRID)
    await until_known(house, SOCKET, CABLE, GRID, "GRIDNEW")
    await house.hub.command(GRID, "cmd.state.get_report")
    assert named(house) == [GRID]


@pytest.mark.parametrize("restarts", [False, True])
async def test_a_charge_point_at_the_address_of_another_one_inherits_nothing(build: HouseMaker, restarts: bool) -> None:
    async with build(start=False) as house:
        house.cloud.account.charge_points.clear()
        house.cloud.account.grids.clear()
        first = add(house, "BCU1", 1, 2)
        await house.start(wait=False)
        await until_known(house, "BCU1")
        charging = {"socket_id": 2, "activity": "charging", "vehicle_status": "C", "actual_kwh": 9.5, "max_usage": 32}
        await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": "BCU1", "data": charging}))
        await house.hub.until(lambda: energy(house) == 9.5)

        async def change(*points: SimulatedChargePoint) -> None:
            house.cloud.account.charge_points.clear()
            for point in points:
                house.cloud.account.add(point)
            if restarts:
                await house.stop()
                await house.start(wait=False)
            else:
                house.cloud.drop()
            await until_known(house, *(point.evse_id for point in points))
            await house.hub.until(lambda: house.running.fleet.expect("BCU1_2").status is not None)

        second = SimulatedChargePoint("BCU1_2", house.clock.now)
        second.plug_and_charge = False
        await change(second)
        twin = house.running.fleet.expect("BCU1_2")
        assert (twin.evse_id, twin.memory.lifetime_energy, twin.memory.session) == ("BCU1_2", 0, None)
        assert twin.observed.max_current == second.max_usage
        await change(first)  # the first one is back, and continues
        assert energy(house) == 9.5
        assert house.running.fleet.expect("BCU1_2").evse_id == "BCU1"


def energy(house: House) -> float:
    """The lifetime energy of the socket with the address BCU1_2."""
    return house.running.fleet.expect("BCU1_2").memory.lifetime_energy
