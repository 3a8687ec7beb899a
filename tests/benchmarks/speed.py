"""How fast it is, as ratios to something measured in the same run: `make bench`.

A ratio says the same on every machine. Each line compares the bridge with the least that anybody could do (reading the
JSON, one turn around the broker), and with the official client where that does the same work.
"""

import asyncio
import json
import statistics
import sys
import tempfile
import time
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiomqtt
from bluecurrent_api.utils import handle_status

from bridge.bluecurrent.frames import Frame, Statuses, parse_frame
from bridge.chargepoint.twin import Twin
from bridge.fimp.message import Message
from bridge.hub.broker import AT_ONCE
from bridge.simulator.account import example_account
from bridge.simulator.car import Car
from tests import brokers
from tests.brokers import TestBroker
from tests.harness import SOCKET, device_topic, make_house

ROUNDS: Final = 7
PUSHES: Final = 200
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
COMMAND: Final = json.dumps(
    {
        "serv": "chargepoint",
        "type": "cmd.charge.start",
        "val_t": "null",
        "val": None,
        "props": {"charging_mode": "slow"},
        "tags": [],
        "src": "hub",
        "ver": "1",
        "uid": "3f3a4c0e-5f0f-4a52-9be3-5f3b6d1d5a10",
        "ctime": "2026-11-21T13:00:00.000+01:00",
        "topic": device_topic(SOCKET),
    }
).encode()


def seconds(work: Callable[[], object]) -> float:
    """The best time of one call, s: what disturbs a measurement only ever makes it longer."""
    timer = timeit.Timer(work)
    number, _ = timer.autorange()
    return min(timer.repeat(ROUNDS, number)) / number


def status_text() -> str:
    """A CH_STATUS of a charging car, as the cloud pushes it."""
    point = example_account(lambda: NOW).charge_points[SOCKET]
    point.plug(Car())
    point.start("046C8CCA8C1D90")
    point.step(600)
    return json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": point.status(point.sockets[0])})


def _line(what: str, took: float, base: float, unit: str = "µs") -> None:
    factor = 1e6 if unit == "µs" else 1e3
    sys.stdout.write(f"{what:<64}{took / base:7.1f} x{took * factor:10.1f} {unit}\n")


def reading() -> None:
    """Reading frames and messages."""
    text = status_text()
    frame: Frame = parse_frame(text)
    statuses = frame.body
    if not isinstance(statuses, Statuses):
        raise TypeError("not a CH_STATUS")
    update = statuses.sockets[0].update
    twin = Twin(evse_id=SOCKET).pushed(update, NOW)

    base = seconds(lambda: json.loads(text))
    sys.stdout.write("One CH_STATUS, compared with reading its JSON\n")
    _line("  json.loads", base, base)
    _line("  the official client: json.loads and handle_status", seconds(lambda: handle_status(json.loads(text))), base)
    _line("  the bridge: a typed frame", seconds(lambda: parse_frame(text)), base)
    _line("  the bridge: its twin, session and limits after it", seconds(lambda: twin.pushed(update, NOW)), base)

    base = seconds(lambda: json.loads(COMMAND))
    sys.stdout.write("\nOne command, compared with reading its JSON\n")
    _line("  json.loads", base, base)
    _line("  the bridge: a typed message", seconds(lambda: Message.parse(COMMAND, "j1")), base)


async def through(broker: TestBroker) -> None:
    """From the cloud's push to the hub's ear, and once around the broker alone."""
    with tempfile.TemporaryDirectory() as folder:
        async with make_house(broker, Path(folder)) as house:
            point = house[SOCKET]
            point.plug(Car())
            point.start("046C8CCA8C1D90")
            await house.push(SOCKET)
            await house.hub.expect("evt.state.report", SOCKET, value="charging")
            took = []
            for _ in range(PUSHES):
                point.step(60)
                house.hub.heard.clear()  # so that looking through it costs nothing
                begun = time.perf_counter()
                await house.push(SOCKET)
                await house.hub.expect("evt.current_session.report", SOCKET)
                took.append(time.perf_counter() - begun)
            questions = []
            for _ in range(PUSHES):
                house.hub.heard.clear()
                begun = time.perf_counter()
                await house.hub.command(SOCKET, "cmd.state.get_report")
                questions.append(time.perf_counter() - begun)
    base = await _around(broker)
    sys.stdout.write("\nThrough the whole bridge, compared with one turn around the broker (medians)\n")
    _line("  publish and hear, QoS 1, nothing between", base, base, "ms")
    _line("  push of the cloud until its report is heard", statistics.median(took), base, "ms")
    _line("  question of the hub until its answer is heard", statistics.median(questions), base, "ms")


async def _around(broker: TestBroker) -> float:
    took = []
    async with (
        aiomqtt.Client(broker.host, broker.port, socket_options=AT_ONCE) as speaker,
        aiomqtt.Client(broker.host, broker.port, socket_options=AT_ONCE) as listener,
    ):
        await listener.subscribe("bench", qos=1)
        for _ in range(PUSHES):
            begun = time.perf_counter()
            await speaker.publish("bench", COMMAND, qos=1)
            await anext(listener.messages)
            took.append(time.perf_counter() - begun)
    return statistics.median(took)


if __name__ == "__main__":
    reading()
    with brokers.running(brokers.choose()) as running:
        asyncio.run(through(running))
