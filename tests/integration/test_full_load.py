"""Twenty charge points that push as fast as possible while the hub sends commands: every command is answered."""

import asyncio
import random
import time
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.integration.faults.commands import until
from tests.integration.faults.driver import Rig, running
from tests.integration.faults.plan import Wish
from tests.integration.figures import note

POINTS, PUSHES, COMMANDS = 20, 2000, 100
REPORTS = (
    "cmd.state.get_report",
    "cmd.current_session.get_report",
    "cmd.max_current.get_report",
    "cmd.meter.get_report",
)
ANSWERED_WITHIN_S = 60.0


async def send_commands(rig: Rig, chance: random.Random) -> list[str]:
    """Send the commands, a quarter of which act; returns the `uid` of those that ask for a report."""
    asked = []
    for number in range(COMMANDS):
        point = chance.randrange(POINTS)
        if number % 8 == 0:
            wish = Wish("cmd.max_current.set", point, chance.randrange(6, 17))
        elif number % 8 == 4:
            wish = Wish("cmd.param.set", point, chance.random() < 0.5)
        else:
            wish = Wish(chance.choice(REPORTS), point)
        await rig.commands.send(wish, rig.points[point].evse_id, number)
        if wish.value is None:
            asked.append(list(rig.commands.sent)[-1])
        await asyncio.sleep(0)
    return asked


async def push(rig: Rig) -> float:
    """Push as fast as the bridge reads; returns the pushes a second."""
    begun = time.monotonic()
    for number in range(PUSHES):
        point = rig.points[number % POINTS]
        point.step(2.0)
        await rig.push(point)
    return PUSHES / (time.monotonic() - begun)


@pytest.mark.timeout(200)
async def test_commands_are_answered_under_full_load(lasting: TestBroker, tmp_path: Path) -> None:
    async with running(lasting, tmp_path, points=POINTS) as rig:
        for point in rig.points:
            point.plug(Car(capacity_kwh=60, charge_kwh=20))
            point.start("A1B2C3D4E5F6")
            await rig.push(point)
        await rig.calm(0)
        rate, asked = await asyncio.gather(push(rig), send_commands(rig, random.Random(7)))

        async def answered() -> bool:
            return not rig.commands.unanswered

        assert await until(answered, ANSWERED_WITHIN_S), rig.commands.unanswered
        assert len(rig.commands.sent) == COMMANDS
        await rig.calm(1)  # the last value of everything has arrived
        sent = [rig.commands.sent[uid] for uid in asked]
        assert all(rig.ear.answers[one.uid][0][0] != "evt.error.report" for one in sent)
        delays = sorted(one.answered_at - one.at for one in sent if one.answered_at is not None)
        p99 = delays[int(0.99 * len(delays))]
        note(
            f"{len(rig.commands.sent)} commands answered beside {rate:,.0f} pushes/s; `get_report` median "
            f"{1000 * delays[len(delays) // 2]:.0f} ms, p99 {1000 * p99:.0f} ms",
        )
