"""The number of requests that the bridge makes, as the simulated cloud counts them."""

import asyncio
from functools import partial
from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, described


def spent(house: House) -> list[str]:
    """The commands that the cloud has seen, in order."""
    return [str(frame["command"]) for frame in house.cloud.seen]


def sent_so_many(house: House, count: int) -> bool:
    """Whether the cloud has seen a number of requests."""
    return len(house.cloud.seen) >= count


def asked_so_often(house: House, command: str, count: int) -> bool:
    """Whether the cloud has seen a command so often."""
    return house.cloud.requests[command] >= count


def add(cloud: SimulatedCloud, house: House, count: int) -> None:
    """More charge points."""
    for number in range(count):
        cloud.account.add(SimulatedChargePoint(f"BCU9000{number:02}", house.clock.now))


@pytest.mark.parametrize("more", [0, 1, 8])
async def test_a_start_stays_within_its_requests(build: HouseMaker, more: int) -> None:
    async with build(start=False) as house:
        add(house.cloud, house, more)
        points = len(house.cloud.account.charge_points)
        await house.start()
        assert len(house.cloud.seen) <= 5 + 3 * points
        assert house.cloud.requests["VALIDATE_API_TOKEN"] == 1
        assert house.cloud.requests["GET_CH_STATUS"] == points
        # Charge points without a grid connection are answered by an ERROR that names no request, and hold nothing up.
        grids = partial(asked_so_often, house, "GET_GRID_STATUS", points)
        await house.hub.until(grids)
        await asyncio.sleep(0.1)
        assert house.service is not None
        counts = house.service.link.counts
        assert counts.today(house.clock.now()) == house.cloud.requests == counts.total
        assert counts.total.total() == len(house.cloud.seen)


@pytest.mark.parametrize("evse_id", ["BCU/1", "BCU+1", "BCU#1", "BCU 1", "B" * 400])
async def test_a_charge_point_that_the_hub_cannot_have_costs_no_requests(build: HouseMaker, evse_id: str) -> None:
    async with build(start=False) as house:
        house.cloud.account.add(SimulatedChargePoint(evse_id, house.clock.now))
        await house.start(wait=False)
        for address in (SOCKET, CABLE):
            await house.hub.expect("evt.state.report", address)
        await house.hub.until(partial(asked_so_often, house, "LIST_OVERRIDE_CURRENT", 1))
        house.cloud.drop()
        await house.hub.until(partial(asked_so_often, house, "GET_CH_STATUS", 4))
        about = [frame["command"] for frame in house.cloud.seen if frame.get("evse_id") == evse_id]
        # A grid connection has an address of its own, so the hub can have it.
        assert set(about) <= {"GET_GRID_STATUS"}
        named = [line for line in house.log_lines() if "a charge point is left out" in line["event"]]
        assert len(named) == 1


@pytest.mark.parametrize("with_grid", [True, False])
async def test_a_reconnect_reads_the_list_and_each_status_once(house: House, with_grid: bool) -> None:
    if not with_grid:
        house.cloud.account.grids.clear()
        await house.restart()
        await house.hub.until(partial(asked_so_often, house, "LIST_OVERRIDE_CURRENT", 2))
    points = len(house.cloud.account.charge_points)
    for _ in range(3):
        before, since = len(house.cloud.seen), house.mark
        house.cloud.drop()
        await house.hub.until(partial(sent_so_many, house, before + 2 + points))
        await house.ready()
        await asyncio.sleep(0.1)
        assert spent(house)[before:] == ["HELLO", "GET_CHARGE_POINTS"] + ["GET_CH_STATUS"] * points
        # Nothing has changed and the broker has acknowledged everything, so nothing is reported again.
        for address in (SOCKET, CABLE):
            assert house.hub.find("evt.state.report", address, since=since) == []


async def test_pushes_cost_no_request(house: House) -> None:
    before = len(house.cloud.seen)
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    for _ in range(50):
        house[SOCKET].step(30)
        await house.push(SOCKET)
        await house.cloud.push_grid()
        await house.cloud.push_settings(house[CABLE])
    await house.hub.command(SOCKET, "cmd.state.get_report")
    assert len(house.cloud.seen) == before


async def test_a_push_for_a_charge_point_that_is_not_known_asks_for_the_list_once(house: House) -> None:
    before = len(house.cloud.seen)
    for _ in range(20):
        await house.cloud.send_all('{"object": "CH_STATUS", "evse_id": "BCU777777", "data": {"activity": "available"}}')
    await house.hub.until(lambda: len(house.cloud.seen) > before)
    await asyncio.sleep(0.1)
    assert spent(house)[before:] == ["GET_CHARGE_POINTS"]


async def test_inclusion_asks_for_the_list_once(house: House) -> None:
    before = len(house.cloud.seen)
    await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True)
    assert spent(house)[before:] == ["GET_CHARGE_POINTS"]


async def test_no_requested_report_costs_a_request(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    house[SOCKET].step(60)
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    before = len(house.cloud.seen)
    asked = 0
    for thing in (SOCKET, CABLE, GRID):
        for service in described(house.hub, thing)["services"]:
            for interface in service["interfaces"]:
                type_ = interface["msg_t"]
                if not type_.endswith("get_report"):
                    continue
                value: Any = "free_charging" if type_ == "cmd.param.get_report" else None
                value_type = "string" if value else "null"
                await house.hub.command(thing, type_, service=service["name"], val_t=value_type, val=value)
                asked += 1
    for type_ in ("cmd.network.get_all_nodes", "cmd.app.get_manifest", "cmd.app.get_state", "cmd.log.get_level",
                  "cmd.app.get_diag", "cmd.config.get_extended_report"):  # fmt: skip
        await house.hub.adapter(type_)
    for type_ in ("cmd.thing.get_inclusion_report", "cmd.network.get_node"):
        await house.hub.adapter(type_, val_t="string", val=SOCKET)
    assert asked >= 13
    assert spent(house)[before:] == []
