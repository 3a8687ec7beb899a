"""Network: node reports, pings, the daily report."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, Heard, House, make_house

EVENTS = ADAPTER.replace("mt:cmd", "mt:evt")


def node(heard: Heard) -> dict[str, Any]:
    """The value of a node report."""
    value: Any = heard.message.value
    return dict(value)


async def test_a_node_report_describes_the_thing(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.network.get_node", val_t="string", val=SOCKET)
    assert answer.path == EVENTS
    assert (answer.message.type, answer.message.value_type) == ("evt.network.node_report", "object")
    assert node(answer) == {
        "address": SOCKET, "hash": "Blue Current - Blue Current - U:MOVE16", "alias": "Driveway", "power_source": "ac",
        "wakeup_interval": "-1", "comm_tech": "cloud", "status": "UP", "operationability": [],
        "conn_quality": "undefined", "conn_type": "indirect",
    }  # fmt: skip
    for address, code in (("BCU000000", "ERR_UNKNOWN_ADDRESS"), ("", "ERR_INVALID_VALUE")):
        (error,) = await house.hub.adapter("cmd.network.get_node", val_t="string", val=address)
        assert error.message.value == code


async def test_all_nodes_are_reported_at_the_start_and_on_demand(house: House) -> None:
    (at_start,) = house.hub.find("evt.network.all_nodes_report")
    (answer,) = await house.hub.adapter("cmd.network.get_all_nodes")
    for heard in (at_start, answer):
        nodes: Any = heard.message.value
        assert {(one["address"], one["status"]) for one in nodes} == {(SOCKET, "UP"), (CABLE, "UP"), (GRID, "UP")}


async def test_a_node_whose_status_changes_is_reported_at_once(house: House) -> None:
    for fault, status in (("offline", "DOWN"), (None, "UP")):
        since = house.mark
        house[SOCKET].sockets[0].fault = fault
        await house.push(SOCKET)
        report = await house.hub.expect("evt.network.node_report", since=since)
        assert (node(report)["address"], node(report)["status"]) == (SOCKET, status)
        assert report.message.corid is None
        since = house.mark
        await house.push(SOCKET)
        await asyncio.sleep(0.05)
        assert house.hub.find("evt.network.node_report", since=since) == []


async def test_all_nodes_are_reported_every_day(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        since = house.mark
        await clock.pass_by(23 * 3600, step=600)
        await house.hub.command(SOCKET, "cmd.state.get_report", ctime=...)
        assert house.hub.find("evt.network.all_nodes_report", since=since) == []
        await clock.pass_by(2 * 3600, step=600)
        await house.hub.expect("evt.network.all_nodes_report", since=since)


@pytest.mark.parametrize("address", [SOCKET, GRID])
async def test_a_ping_measures_the_delay_to_the_cloud(house: House, address: str) -> None:
    house.cloud.faults.delay_s = 0.05
    (answer,) = await house.hub.adapter("cmd.ping.send", val_t="string", val=address)
    assert (answer.message.type, answer.message.value_type) == ("evt.ping.report", "object")
    report = node(answer)
    assert (report["address"], report["status"], report["nodes"]) == (address, "SUCCESS", [])
    assert 50 <= report["delay"] < 1000


async def test_a_ping_of_a_charge_point_that_is_offline_fails(house: House) -> None:
    house[SOCKET].sockets[0].fault = "offline"
    (answer,) = await house.hub.adapter("cmd.ping.send", val_t="string", val=SOCKET)
    assert (node(answer)["status"], node(answer)["delay"]) == ("FAILED", 0)


async def test_a_ping_fails_while_the_link_is_down(build: HouseMaker) -> None:
    async with build() as house:
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
        (answer,) = await house.hub.adapter("cmd.ping.send", val_t="string", val=SOCKET)
        assert node(answer)["status"] == "FAILED"
        (error,) = await house.hub.adapter("cmd.ping.send", val_t="string", val="BCU000000")
        assert error.message.value == "ERR_UNKNOWN_ADDRESS"
