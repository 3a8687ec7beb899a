"""High load and invalid input: every important message arrives, and the process keeps running."""

import asyncio
import gzip
import json
import random
import resource
import subprocess
import sys
from collections import defaultdict
from datetime import datetime
from pathlib import Path

from bridge.simulator import wire_form
from bridge.simulator.account import SimulatedAccount
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import CABLE, SOCKET, House, device_topic, make_house

POINTS, PUSHES = 20, 100


def now() -> datetime:
    """The time."""
    return datetime.now().astimezone()


def big_cloud() -> SimulatedCloud:
    """Twenty charge points."""
    account = SimulatedAccount(now)
    for index in range(POINTS):
        account.add(SimulatedChargePoint(f"BCU{index:06d}", now, max_usage=16))
    return SimulatedCloud(account)


async def test_twenty_charge_points_with_pushes_at_full_speed_are_reported(broker: TestBroker, tmp_path: Path) -> None:
    cloud = big_cloud()
    async with make_house(broker, tmp_path, simulated=cloud) as house:
        service = house.service
        assert service is not None
        energy = dict.fromkeys(cloud.account.charge_points, 0.0)

        async def storm() -> None:
            for step in range(1, PUSHES + 1):
                for evse_id in cloud.account.charge_points:
                    energy[evse_id] = step / 100
                    data = {"activity": "charging", "vehicle_status": "C", "actual_kwh": step / 100, "actual_p1": 10}
                    await cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": evse_id, "data": data}))

        def all_told() -> bool:
            last: dict[str, object] = {}
            for heard in house.hub.find("evt.current_session.report"):
                last[heard.address] = heard.message.value
            return last == energy

        await storm()
        await house.hub.until(all_told, patience=30)
        told = defaultdict(list)
        for heard in house.hub.find("evt.current_session.report"):
            told[heard.address].append(heard.message.value)
        for values in told.values():
            # Measurements merge while the broker is slower than the cloud: in order, none twice, and the last one arrives.
            numbers = [float(str(value)) for value in values]
            assert numbers == sorted(set(numbers))
            assert values[-1] == PUSHES / 100
        assert service.reporter.dropped == 0

        # Three more repetitions must not use more memory.
        house.hub.heard.clear()
        before = resident_mb()
        for _ in range(3):
            await storm()
            await house.hub.until(lambda: service.reporter.is_settled, patience=30)
            house.hub.heard.clear()
        assert resident_mb() - before < 15


def resident_mb() -> float:
    """The resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def test_a_slow_command_delays_no_other_charge_point(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 10.0}) as house:
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        house.cloud.faults.verdict_delay_s = 5.0
        await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.until(lambda: bool(house.cloud.requests_for("START_SESSION")))
        loop = asyncio.get_running_loop()
        delays = []
        for letter in "BCBCB":
            house[CABLE].sockets[0].vehicle = letter
            house[CABLE].sockets[0].fault = "charging"
            since, begun = house.mark, loop.time()
            await house.push(CABLE)
            await house.hub.expect("evt.state.report", CABLE, since=since)
            delays.append(loop.time() - begun)
        assert sorted(delays)[2] < 0.05, delays


async def test_broken_frames_in_a_row_are_logged_once_and_keep_the_link_up(house: House) -> None:
    await house.cloud.garbage(300)
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    assert house.service is not None
    assert house.service.link.status.up
    complaints = [line for line in house.log_lines() if "cannot be read" in line["event"]]
    assert len(complaints) == 1


async def test_frames_that_are_cut_anywhere_keep_the_link_up(house: House) -> None:
    whole = json.dumps(wire_form.statuses(house[SOCKET]))
    for cut in range(0, len(whole), 7):
        await house.cloud.send_all(whole[:cut])
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")


async def test_unknown_letters_and_activities_are_logged_once(house: House) -> None:
    since = house.mark
    for _ in range(20):
        data = {"activity": "dancing", "vehicle_status": "Z"}
        await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="unknown")
    await asyncio.sleep(0.05)
    complaints = [
        line["what"]
        for line in house.log_lines()
        if line["event"] == "Blue Current sent a value that the bridge cannot read; the value is ignored"
    ]
    assert complaints == ["CH_STATUS: activity 'dancing' is not known", "CH_STATUS: vehicle_status 'Z' is not known"]


async def test_rubbish_on_every_topic_stops_no_command(house: House) -> None:
    chance = random.Random(7)
    topics = [
        device_topic(SOCKET),
        device_topic("X", "y"),
        "pt:j1/mt:cmd/rt:ad/rn:bluecurrent/ad:1",
        "pt:j1/mt:cmd/rt:discovery",
    ]
    topics += [topic.replace("pt:j1/", "pt:j1c1/") for topic in topics]
    for index in range(400):
        payload = chance.randbytes(chance.randrange(60))
        if index % 4 == 0:
            payload = gzip.compress(payload)
        if index % 5 == 0:
            payload = json.dumps(
                {"serv": "x", "type": "cmd.y.z", "val_t": "int", "val": [{}], "uid": str(index)}
            ).encode()
        await house.hub.client.publish(topics[index % len(topics)], payload, qos=1)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "disconnected"


async def test_an_unknown_charge_point_asks_for_the_list_once(house: House) -> None:
    before = house.cloud.requests["GET_CHARGE_POINTS"]
    for _ in range(10):
        await house.cloud.send_all(
            json.dumps({"object": "CH_STATUS", "evse_id": "BCU999999", "data": {"activity": "available"}})
        )
    await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] > before)
    await asyncio.sleep(0.1)
    assert house.cloud.requests["GET_CHARGE_POINTS"] == before + 1


BOMB = """
import asyncio, gzip, resource, sys
sys.path.insert(0, {root!r})
from bridge.errors import Malformed
from bridge.fimp.message import Message
bomb = bytearray()
packer = __import__("zlib").compressobj(9, wbits=31)
for _ in range(400):
    bomb += packer.compress(b"\\0" * 1_000_000)
bomb += packer.flush()
try:
    Message.parse(bytes(bomb), "j1c1")
except Malformed as error:
    print("refused:", error)
# Linux hands ru_maxrss on from the process that started this one; the high-water mark is this one's own.
marks = [line for line in open("/proc/self/status") if line.startswith("VmHWM")] if sys.platform == "linux" else []
peak_kb = int(marks[0].split()[1]) if marks else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(peak_kb // 1024)
"""


def test_a_compressed_message_of_400_megabytes_is_refused_with_little_memory() -> None:
    root = str(Path(__file__).parents[2])
    done = subprocess.run([sys.executable, "-c", BOMB.format(root=root)], capture_output=True, text=True, check=True)
    refused, peak = done.stdout.splitlines()
    assert refused.startswith("refused: The message unpacks to more than")
    assert int(peak) < 150, f"{peak} MB"
