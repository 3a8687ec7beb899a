"""A broker that goes and comes back, hangs, or is not there yet."""

import asyncio
from datetime import datetime
from pathlib import Path

from bridge.hub.broker import UNACKNOWLEDGED_S
from bridge.simulator.account import SimulatedAccount
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, device_topic, make_house
from tests.proxy import Plug


async def test_a_broker_that_comes_back_gets_the_current_state(build: HouseMaker, plug: Plug) -> None:
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.service
        assert service is not None
        before, since = len(house.cloud.seen), house.mark
        plug.pull()
        await house.hub.until(lambda: not service.broker.status.up)
        will = await house.hub.expect("evt.network.all_nodes_report", since=since)
        assert isinstance(will.message.value, list)
        assert {node["status"] for node in will.message.value if isinstance(node, dict)} == {"DOWN"}
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        since = house.mark
        plug.put_back()
        state = await house.hub.expect("evt.state.report", SOCKET, since=since)
        assert state.message.value == "ready_to_charge"  # what happened meanwhile
        await house.hub.expect("evt.state.report", CABLE, since=since)  # and the unchanged charge point
        nodes = (await house.hub.expect("evt.network.all_nodes_report", since=since)).message.value
        assert isinstance(nodes, list)
        assert {node["status"] for node in nodes if isinstance(node, dict)} == {"UP"}
        assert len(house.cloud.seen) == before  # no requests are made
        warnings = [line for line in house.log_lines() if line["event"] == "connection to the broker is down"]
        assert 1 <= len(warnings) <= 2


async def test_an_answer_is_published_after_a_break(build: HouseMaker, plug: Plug) -> None:
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.service
        assert service is not None
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
        house.cloud.faults.verdict_delay_s = 0.3
        uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.until(lambda: bool(house.cloud.requests_for("START_SESSION")))
        plug.pull()
        await asyncio.sleep(0.5)  # the verdict comes while the broker is away
        plug.put_back()
        answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid)
        assert answer.message.value == "charging"
        assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_the_cloud_is_read_while_the_broker_hangs(build: HouseMaker, plug: Plug) -> None:
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.service
        assert service is not None
        plug.freeze()
        for step in range(200):
            house[SOCKET].max_usage = 6 + step % 10
            await house.push(SOCKET)
        house[SOCKET].plug(Car())
        await house.push(SOCKET)

        def heard() -> bool:
            twin = service.fleet.twin(SOCKET)
            assert twin is not None
            assert twin.status is not None
            return twin.status.vehicle is not None and twin.status.vehicle.connected

        await house.hub.until(heard)
        assert service.link.status.up


async def test_a_broker_that_was_away_for_long_is_found_within_half_a_minute(
    broker: TestBroker, tmp_path: Path
) -> None:
    clock = FakeClock()
    late = Plug(broker.host, broker.port)
    port = late.reserve()
    async with make_house(
        broker, tmp_path, clock=clock, start=False, mqtt={"host": "127.0.0.1", "port": port}
    ) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: service.broker.status.problem is not None)
        for _ in range(600):  # ten minutes
            clock.move(1)
            await asyncio.sleep(0.004)
        await late.start()
        for _ in range(31):
            clock.move(1)
            await asyncio.sleep(0.02)
        await house.hub.until(lambda: service.broker.status.up)
        await house.kill()
        await late.stop()


async def test_a_broker_has_its_time_to_acknowledge_also_after_a_long_silence(build: HouseMaker, plug: Plug) -> None:
    """As after a night in which the machine slept: the silence before a message does not count."""
    clock = FakeClock()
    async with build(clock=clock, mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.running
        plug.freeze()
        clock.move(3600)  # the meters are repeated
        await house.hub.until(lambda: service.reporter.in_flight > 0)
        await asyncio.sleep(1.2)  # the broker is looked at once a second
        assert service.broker.status.up
        clock.move(UNACKNOWLEDGED_S + 1)
        await house.hub.until(lambda: not service.broker.status.up)
        plug.thaw()


async def test_the_link_works_while_the_broker_is_not_there_yet(build: HouseMaker, broker: TestBroker) -> None:
    late = Plug(broker.host, broker.port)
    port = late.reserve()
    async with build(mqtt={"host": "127.0.0.1", "port": port}, start=False) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: service.link.status.up and service.broker.status.problem is not None)
        assert service.broker.status.problem == f"nothing listens on 127.0.0.1:{port}: see mqtt.host and mqtt.port"
        assert service.fleet.twin(SOCKET) is not None  # the link works meanwhile
        await late.start()
        await house.ready()
        await house.kill()
        await late.stop()


async def test_every_state_and_session_of_a_large_account_is_reported_to_a_broker_that_comes_back(
    broker: TestBroker, tmp_path: Path
) -> None:
    account = SimulatedAccount(lambda: datetime.now().astimezone())
    for number in range(150):
        point = account.add(SimulatedChargePoint(f"BCU{number:06d}", lambda: datetime.now().astimezone()))
        point.plug(Car())
        point.start("BCU-APP")
        point.step(600)
    cloud = SimulatedCloud(account)
    plug = await Plug(broker.host, broker.port).start()
    async with make_house(broker, tmp_path, simulated=cloud, start=False) as house:
        mqtt = house.settings.mqtt.model_copy(update={"host": "127.0.0.1", "port": plug.port})
        house.settings = house.settings.model_copy(update={"mqtt": mqtt})
        service = await house.start(wait=False)
        await house.hub.until(lambda: service.parts.sync.first_look.is_set() and service.reporter.is_settled, 60)
        everybody, since = set(account.charge_points), house.mark
        plug.pull()
        await house.hub.until(lambda: not service.broker.status.up)
        for point in account.charge_points.values():  # all charge points continue
            point.step(600)
            await cloud.push(point)
        plug.put_back()
        await house.hub.until(lambda: service.broker.status.up, 15)
        # A command is answered while everything is reported again.
        await house.hub.command("BCU000149", "cmd.state.get_report", patience=10)
        await house.hub.until(lambda: service.reporter.is_settled, 60)
        await house.hub.fence()
        states = house.hub.find("evt.state.report", since=since)
        sessions = house.hub.find("evt.current_session.report", since=since)
        assert {heard.address for heard in states} == everybody
        assert {heard.address for heard in sessions} == everybody
        last = {heard.address: heard.message.value for heard in sessions}
        assert last == {twin.address: round(twin.memory.session.energy, 3) for twin in service.fleet.twins()
                        if twin.memory.session is not None}  # fmt: skip
        assert service.reporter.dropped == 0
    await plug.stop()
