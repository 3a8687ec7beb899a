"""Links and brokers that come and go."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import connect

from bridge.bluecurrent import login
from bridge.errors import AlreadyConnected, Disconnected, RequestLimit
from bridge.simulator.account import SimulatedAccount, example_account
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, House, device_topic, make_house
from tests.proxy import Plug


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


async def test_what_happened_meanwhile_is_told_afterwards(house: House) -> None:
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


async def test_a_login_that_is_no_longer_accepted_is_made_anew(house: House) -> None:
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


async def test_a_handshake_refused_for_the_limit(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        link = house.running.link
        house.cloud.faults.limit_reached = True
        house.cloud.drop()
        await house.hub.until(lambda: not link.status.up)
        await clock.pass_by(3, step=0.5)
        await house.hub.until(lambda: isinstance(link.status.error, RequestLimit))


async def test_a_link_that_drops_right_after_the_handshake_is_tried_less_and_less(
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
async def test_refused_handshakes_are_tried_less_and_less(broker: TestBroker, tmp_path: Path, reason: str) -> None:
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
        assert service.link.requests_total == 0
        assert isinstance(service.link.status.error, Disconnected)
        assert isinstance(service.link.status.error, AlreadyConnected) == (reason == "Already connected")
        cloud.faults.refuse_handshake = ""
        await clock.pass_by(300, step=10)
        await house.hub.until(lambda: service.link.status.up)


async def test_a_link_that_comes_up_and_drops_again_is_tried_less_and_less(broker: TestBroker, tmp_path: Path) -> None:
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
async def test_a_cloud_that_does_not_answer_one_thing(build: HouseMaker, where: str) -> None:
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


async def test_an_open_and_silent_link_is_noticed(build: HouseMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    def impatient(*args: Any, **options: Any) -> Any:
        return connect(*args, ping_interval=0.1, ping_timeout=0.1, **options)

    monkeypatch.setattr(login, "connect", impatient)
    async with build() as house:
        link = house.running.link
        house.cloud.freeze()
        await house.hub.until(lambda: not link.status.up)


# --- the broker ---


@pytest.fixture
async def plug(broker: TestBroker) -> AsyncIterator[Plug]:
    """A proxy between bridge and broker."""
    made = await Plug(broker.host, broker.port).start()
    yield made
    await made.stop()


async def test_a_broker_that_goes_and_comes_back(build: HouseMaker, plug: Plug) -> None:
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


async def test_an_answer_outlives_a_break(build: HouseMaker, plug: Plug) -> None:
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


async def test_a_broker_that_is_not_there_yet(build: HouseMaker, broker: TestBroker) -> None:
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


@pytest.mark.parametrize("last_words", ["stop", "kill"])
async def test_things_that_the_broker_never_heard_of_are_told_by_the_next_start(
    build: HouseMaker, plug: Plug, last_words: str
) -> None:
    plug.pull()  # as with a wrong port in the first settings
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}, start=False) as house:
        service = await house.start(wait=False)
        await house.hub.until(lambda: {SOCKET, CABLE} <= set(service.things.addresses()))
        await (house.stop() if last_words == "stop" else house.kill())
        plug.put_back()
        since = house.mark
        await house.start()

        def told() -> set[object]:
            values = [heard.message.value for heard in house.hub.find("evt.thing.inclusion_report", since=since)]
            return {value["address"] for value in values if isinstance(value, dict)}

        await house.hub.until(lambda: {SOCKET, CABLE, GRID} <= told())
        await house.stop()
        again = house.mark
        await house.start()
        await house.hub.expect("evt.network.all_nodes_report", since=again)
        await house.stop()
        assert house.hub.find("evt.thing.inclusion_report", since=again) == []  # it is not repeated


@pytest.mark.parametrize("last_words", ["stop", "kill"])
async def test_a_thing_that_left_while_the_broker_was_away_is_excluded_by_the_next_start(
    build: HouseMaker, plug: Plug, last_words: str
) -> None:
    async with build(mqtt={"host": "127.0.0.1", "port": plug.port}) as house:
        service = house.service
        assert service is not None
        plug.pull()
        await house.hub.until(lambda: not service.broker.status.up)
        del house.cloud.account.charge_points[CABLE]
        house.cloud.drop()
        await house.hub.until(lambda: CABLE not in service.things.addresses())
        await (house.stop() if last_words == "stop" else house.kill())
        plug.put_back()
        since = house.mark
        await house.start()
        gone = await house.hub.expect("evt.thing.exclusion_report", since=since)
        assert gone.message.value == {"address": CABLE}
        await house.stop()
        again = house.mark
        await house.start()
        await house.stop()
        assert house.hub.find("evt.thing.exclusion_report", since=again) == []  # it is not repeated
        assert house.hub.find("evt.thing.inclusion_report", since=since) == []  # no other thing has changed


async def test_a_command_sent_while_the_bridge_was_away_is_not_lost(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    await house.kill()
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.state.get_report")
    await house.start()
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid)
    assert answer.message.value == "ready_to_charge"


async def test_an_old_start_that_was_sent_while_the_bridge_was_away_is_refused(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.kill()
    old = (datetime.now().astimezone() - timedelta(hours=2)).isoformat(timespec="milliseconds")
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start", ctime=old)
    await house.start()
    error = await house.hub.expect("evt.error.report", SOCKET, corid=uid)
    assert error.message.value == "ERR_EXPIRED"
    assert house.cloud.requests_for("START_SESSION") == []


async def test_the_will_and_the_goodbye(house: House) -> None:
    since = house.mark
    await house.stop()
    goodbye = await house.hub.expect("evt.network.all_nodes_report", since=since)
    nodes = goodbye.message.value
    assert isinstance(nodes, list)
    assert {(node["address"], node["status"]) for node in nodes if isinstance(node, dict)} == {
        (SOCKET, "DOWN"),
        (CABLE, "DOWN"),
        (GRID, "DOWN"),
    }
    await asyncio.sleep(0.1)
    assert len(house.hub.find("evt.network.all_nodes_report", since=since)) == 1  # the will is not published


async def test_a_start_that_was_sent_while_the_bridge_was_away_is_carried_out(house: House) -> None:
    if not house.broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    house[SOCKET].plug(Car())
    await house.kill()
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
    house.cloud.faults.delay_s = 0.1  # the broker is connected long before the cloud
    await house.start()
    answer = await house.hub.expect("evt.state.report", SOCKET, corid=uid)
    assert answer.message.value == "charging"


async def test_a_broker_that_comes_back_is_told_every_state_and_session_of_a_large_account(
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
