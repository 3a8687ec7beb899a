"""A cloud that is away past the grace: `unknown` and DOWN once, and one refresh when it is back."""

import asyncio
from collections import Counter
from pathlib import Path

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.integration.faults.commands import until
from tests.integration.faults.driver import Rig, running
from tests.integration.faults.truth import differences, states
from tests.integration.figures import note, patience, within

GRACE_S = 60  # the default of `cloud.offline_grace`
AWAY_S = 900
STEP_S = 5
RIGHT_S = 2.0  # promised, after HELLO


def told(rig: Rig, type_: str, since: int) -> Counter[tuple[str, object]]:
    """How often the bridge has reported which value of which thing since a moment."""
    values: Counter[tuple[str, object]] = Counter()
    for kind, address, value in rig.ear.history[since:]:
        if kind == type_:
            values[address, value.get("status") if isinstance(value, dict) else value] += 1
    return values


async def up(rig: Rig) -> bool:
    """Whether the link is up; time passes meanwhile for its next try."""
    if (await rig.bridge.ask("status"))["link"]:
        return True
    await rig.time_passes(STEP_S)
    await rig.settled()
    return False


async def test_a_cloud_away_past_the_grace(lasting: TestBroker, tmp_path: Path) -> None:
    async with running(lasting, tmp_path) as rig:
        for point in rig.points[:2]:
            point.plug(Car(capacity_kwh=60, charge_kwh=40))
            point.start("A1B2C3D4E5F6")
            await rig.push(point)
        await rig.calm(0)
        await rig.at_rest()  # the start has asked all that it asks
        start, things = len(rig.cloud.seen), {point.evse_id for point in rig.points}

        async def down() -> bool:
            return not (await rig.bridge.ask("status"))["link"]

        line, since = rig.lines["cloud"], len(rig.ear.history)
        line.refuses = True
        line.cut()
        assert await until(down, 10)
        for _ in range((GRACE_S - 10) // STEP_S):
            await rig.time_passes(STEP_S)
            await asyncio.sleep(0.01)
            await rig.settled()
        await rig.ear.fence()
        assert told(rig, "evt.state.report", since) == {}  # within the grace nothing is said
        assert told(rig, "evt.network.node_report", since) == {}
        for _ in range(AWAY_S // STEP_S):
            await rig.time_passes(STEP_S)
            await asyncio.sleep(0.005)
            await rig.settled()

        async def said() -> bool:
            return set(told(rig, "evt.state.report", since)) == {(thing, "unknown") for thing in things}

        assert await until(said, 10)
        await rig.ear.fence()
        assert told(rig, "evt.state.report", since) == dict.fromkeys([(thing, "unknown") for thing in things], 1)
        assert told(rig, "evt.network.node_report", since) == dict.fromkeys([(thing, "DOWN") for thing in things], 1)

        rig.points[0].unplug()
        rig.points[2].plug(Car(capacity_kwh=60, charge_kwh=40))
        since, before = len(rig.ear.history), len(rig.cloud.seen)
        line.heal()
        assert await until(lambda: up(rig), 30)
        hello = next(at for at, request, _ in reversed(rig.cloud.arrivals) if request == "HELLO")

        async def right() -> bool:
            await rig.ear.fence()
            return not differences(rig.ear, rig.cloud.account)

        assert await until(right, patience(RIGHT_S)), differences(rig.ear, rig.cloud.account)
        took = asyncio.get_running_loop().time() - hello
        spent = [str(frame["command"]) for frame in rig.cloud.seen[before:]]
        assert spent == ["HELLO", "GET_CHARGE_POINTS", *["GET_CH_STATUS"] * len(things)]
        assert len(spent) <= start
        await rig.at_rest()
        await rig.ear.fence()
        reported = told(rig, "evt.state.report", since)
        assert {thing for thing, _ in reported} == things
        assert set(reported.values()) == {1}  # each state once, and none that is passed through
        assert all(value in states(rig.cloud.account.charge_points[thing]) for thing, value in reported)
        assert told(rig, "evt.network.node_report", since) == dict.fromkeys([(thing, "UP") for thing in things], 1)
        note(
            f"right {took:.2f} s after HELLO, with {len(spent)} requests; the start needed {start}",
        )
        assert took < within(RIGHT_S)
