"""Hostile input from both sides at once: everything is still served, and memory stays flat.

`BRIDGE_HOSTILE_S=60` makes it last a minute.
"""

import asyncio
import os
import random
import time
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.fuzz.targets import corpus
from tests.harness import ADAPTER, device_topic
from tests.integration.faults.commands import until
from tests.integration.faults.driver import Rig, running
from tests.integration.faults.plan import Wish
from tests.integration.faults.result import check_growth
from tests.integration.figures import is_strict, note

LASTS_S = float(os.environ.get("BRIDGE_HOSTILE_S", "60" if is_strict() else "3"))
WARM_UP_S = max(1.0, LASTS_S / 6)
LINES_A_MINUTE = 300
TRUE_WORDS = {"error", "token"}
"""Frames of the corpus with which the cloud ends the link, or its login, by right."""


class Attacker:
    """Sends what nobody should send, changed at random.

    Args:
        rig: everything that runs.
        chance: the changes.
    """

    def __init__(self, rig: Rig, chance: random.Random) -> None:
        self._rig = rig
        self._chance = chance
        self._frames = [path.read_bytes() for path in corpus("frames") if path.name not in TRUE_WORDS]
        self._messages = [path.read_bytes() for name in ("messages", "gzip") for path in corpus(name)]
        topics = [ADAPTER, "pt:j1/mt:cmd/rt:discovery", device_topic("BCU999999"), device_topic(rig.points[0].evse_id)]
        self._topics = [*topics, *(topic.replace("pt:j1/", "pt:j1c1/") for topic in topics)]
        self.sent = 0

    def _changed(self, good: bytes) -> bytes:
        data, chance = bytearray(good), self._chance
        for _ in range(chance.choice([0, 1, 1, 3, 30])):
            if data:
                data[chance.randrange(len(data))] = chance.randrange(256)
        return bytes(data[: chance.randrange(len(data) + 1)] if chance.random() < 0.3 else data)

    async def cloud(self, until_s: float) -> None:
        """The cloud's side."""
        while time.monotonic() < until_s:
            text = self._changed(self._chance.choice(self._frames)).decode(errors="replace")
            await self._rig.cloud.send_all(text)
            if self._chance.random() < 0.1:
                await self._rig.cloud.garbage(9)
            self.sent += 1
            await asyncio.sleep(0.002)

    async def broker(self, until_s: float) -> None:
        """The broker's side."""
        while time.monotonic() < until_s:
            payload = self._changed(self._chance.choice(self._messages))
            await self._rig.ear.client.publish(self._chance.choice(self._topics), payload, qos=1)
            self.sent += 1
            await asyncio.sleep(0.002)

    async def both(self, seconds: float) -> None:
        """Both at once, and a hub that wants to know something each second."""
        end = time.monotonic() + seconds
        await asyncio.gather(self.cloud(end), self.broker(end), self._hub(end))

    async def _hub(self, until_s: float) -> None:
        rig, number = self._rig, 0
        while time.monotonic() < until_s:
            number += 1
            await rig.commands.send(Wish("cmd.state.get_report", 1), rig.points[1].evse_id, number)
            await asyncio.sleep(0.5)


@pytest.mark.timeout(200)
async def test_hostile_input_from_both_sides(lasting: TestBroker, tmp_path: Path) -> None:
    async with running(lasting, tmp_path) as rig:
        attacker = Attacker(rig, random.Random(14))
        await attacker.both(WARM_UP_S)
        await rig.calm(0)
        before, pid = await rig.measure(), rig.bridge.pid
        attacker.sent = 0
        await attacker.both(LASTS_S)
        point = rig.points[1]
        point.plug(Car(capacity_kwh=60, charge_kwh=40))
        await rig.push(point)
        await rig.commands.send(Wish("cmd.charge.start", 1), point.evse_id, 1)

        async def answered() -> bool:
            return not rig.commands.unanswered

        assert await until(answered, 30), rig.commands.unanswered
        await rig.calm(1)
        assert rig.ear.value("evt.state.report", point.evse_id) == "charging"
        after = await rig.measure(before)
        assert rig.bridge.pid == pid
        check_growth(before, after)
        assert len(rig.bridge.log) < LINES_A_MINUTE * (2 + (LASTS_S + WARM_UP_S) / 60)
        answers = [one.answered_at - one.at for one in rig.commands.sent.values() if one.answered_at is not None]
        note(
            f"{attacker.sent:,} frames and messages in {LASTS_S:.0f} s, memory {before[0]:.1f} → {after[0]:.1f} MB, "
            f"slowest answer {1000 * max(answers):.0f} ms, {len(rig.bridge.log)} log lines",
        )
