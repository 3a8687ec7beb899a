"""The link to the cloud: breaks, refused logins, request limits, and a cloud that is silent."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from bridge.bluecurrent import login
from bridge.errors import AlreadyConnected, Disconnected, RequestLimit
from bridge.simulator.account import example_account
from bridge.simulator.car import Car
from bridge.simulator.cloud import SimulatedCloud
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House, make_house


async def test_a_short_break_changes_no_state(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    since = house.mark
    house.cloud.drop()
    await house.hub.until(lambda: house.cloud.requests["HELLO"] == 2)
    await house.ready()
    # Reports that the broker has acknowledged and that have not changed are not repeated.
    assert house.hub.find("evt.state.report", SOCKET, since=since) == []
    assert house.hub.find("evt.network.node_report", since=since, value="DOWN") == []


async def test_changes_during_a_break_are_reported_afterwards(house: House) -> None:
    house.cloud.faults.refuse_handshake = "maintenance"
    house.cloud.drop()
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    await asyncio.sleep(0.1)
    house.cloud.faults.refuse_handshake = ""
    await house.hub.expect("evt.state.report", SOCKET, value="charging")


async def test_the_state_is_unknown_once_the_grace_is_over(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        house.cloud.faults.refuse_handshake = "maintenance"
        since = house.mark
        house.cloud.drop()
        link = house.running.link
        await house.hub.until(lambda: not link.status.up)
        await clock.pass_by(58)
        await asyncio.sleep(0.05)
        assert house.hub.find("evt.state.report", SOCKET, since=since) == []
        await clock.pass_by(4)
        await house.hub.expect("evt.state.report", SOCKET, since=since, value="unknown")
        down = await house.hub.expect("evt.network.node_report", since=since)
        assert isinstance(down.message.value, dict)
        assert down.message.value["status"] == "DOWN"
        house.cloud.faults.refuse_handshake = ""
        since = house.mark
        await clock.pass_by(300, step=10)
        await house.hub.expect("evt.state.report", SOCKET, since=since, value="disconnected")


async def test_a_refused_token_is_not_tried_again(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    cloud = SimulatedCloud(example_account(clock.now))
    cloud.faults.refuse_token = True
    async with make_house(broker, tmp_path, clock=clock, simulated=cloud, start=False) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: cloud.logins == 1 and service.link.status.error is not None)
        await clock.pass_by(24 * 3600, step=600)
        await asyncio.sleep(0.05)
        assert cloud.logins == 1
        errors = [line for line in house.log_lines() if line["level"] == "error"]
        assert len(errors) == 1
        assert "my.bluecurrent.nl" in errors[0]["reason"]
        cloud.faults.refuse_token = False
        cloud.account.api_token = "another-token"
        service.link.set_token("another-token")
        await house.hub.until(lambda: service.link.status.up)


async def test_a_lapsed_login_is_renewed(house: House) -> None:
    house.cloud.account.request_token = "changed"
    house.cloud.drop()
    await house.hub.until(lambda: house.cloud.logins == 2)
    await house.ready()
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "disconnected"


async def test_the_request_limit_waits_for_midnight_in_amsterdam(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock(datetime(2026, 11, 20, 22, 0, 0, tzinfo=UTC))  # 23:00 in Amsterdam
    async with make_house(broker, tmp_path, clock=clock) as house:
        link = house.running.link
        await house.cloud.reach_limit()
        await house.hub.until(lambda: isinstance(link.status.error, RequestLimit))
        before = len(house.cloud.seen)
        house.cloud.faults.limit_reached = False
        await clock.pass_by(3600 + 25, step=60)
        await asyncio.sleep(0.05)
        assert len(house.cloud.seen) == before
        await clock.pass_by(10)
        await house.hub.until(lambda: link.status.up)


async def test_a_handshake_refused_for_the_limit_counts_as_the_request_limit(
    broker: TestBroker, tmp_path: Path
) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        link = house.running.link
        house.cloud.faults.limit_reached = True
        house.cloud.drop()
        await house.hub.until(lambda: not link.status.up)
        await clock.pass_by(3, step=0.5)
        await house.hub.until(lambda: isinstance(link.status.error, RequestLimit))


async def test_the_back_off_grows_when_the_link_drops_right_after_the_handshake(
    broker: TestBroker, tmp_path: Path
) -> None:
    clock = FakeClock()
    cloud = SimulatedCloud(example_account(clock.now))
    cloud.faults.drop_after_hello = True
    async with make_house(broker, tmp_path, clock=clock, simulated=cloud, start=False) as house:
        await house.start(wait=False)
        await house.hub.until(lambda: cloud.requests["HELLO"] == 1)
        for _ in range(600):  # ten minutes
            clock.move(1)
            await asyncio.sleep(0.004)
        # 1 + 2 + 4 + … + 128 s, then 150: nine or ten in ten minutes, not three hundred.
        assert 5 <= cloud.requests["HELLO"] <= 11
        assert cloud.logins == 1
        warnings = [line for line in house.log_lines() if line["event"] == "link to Blue Current is down"]
        assert len(warnings) == 1


@pytest.mark.parametrize("reason", ["Already connected", "maintenance", "too many logins"])
async def test_the_back_off_grows_when_handshakes_are_refused(broker: TestBroker, tmp_path: Path, reason: str) -> None:
    clock = FakeClock()
    cloud = SimulatedCloud(example_account(clock.now))
    cloud.faults.refuse_handshake = reason
    async with make_house(broker, tmp_path, clock=clock, simulated=cloud, start=False) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: cloud.handshakes == 1)
        for _ in range(600):  # ten minutes
            clock.move(1)
            await asyncio.sleep(0.004)
        assert 5 <= cloud.handshakes <= 11
        assert cloud.seen == []
        assert service.link.counts.total.total() == 0
        assert isinstance(service.link.status.error, Disconnected)
        assert isinstance(service.link.status.error, AlreadyConnected) == (reason == "Already connected")
        cloud.faults.refuse_handshake = ""
        await clock.pass_by(300, step=10)
        await house.hub.until(lambda: service.link.status.up)


async def test_the_back_off_grows_when_the_link_comes_up_and_drops_again(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        link = house.running.link
        for _ in range(300):
            if link.status.up:
                house.cloud.drop()
            clock.move(1)
            await asyncio.sleep(0.006)
        assert house.cloud.requests["HELLO"] <= 12


@pytest.mark.parametrize("where", ["charge points", "status"])
async def test_a_refused_list_or_status_request_is_repeated_or_replaced_by_pushes(
    build: HouseMaker, where: str
) -> None:
    async with build(start=False) as house:
        command = "GET_CHARGE_POINTS" if where == "charge points" else "GET_CH_STATUS"
        house.cloud.faults.error[command] = (9, "Unknown error")
        service = await house.start(wait=False)
        if where == "status":
            await house.hub.until(lambda: service.link.status.up)
            await house.push(SOCKET)  # a push brings the missing values
            await house.hub.expect("evt.state.report", SOCKET, value="disconnected")
        else:
            await house.hub.until(lambda: "Unknown error" in str(service.link.status.error))
            house.cloud.faults.error.clear()
            await house.ready()


async def test_a_link_without_pongs_is_closed(build: HouseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(*args: Any, **options: Any) -> Any:
        return connect(*args, ping_interval=0.1, ping_timeout=0.1, **options)

    monkeypatch.setattr(login, "connect", impatient)
    async with build() as house:
        link = house.running.link
        house.cloud.freeze()
        await house.hub.until(lambda: not link.status.up)
