"""Runs a plan: the bridge, both lines, the charge points and the hub, and what must hold whatever happens."""

import asyncio
import contextlib
import itertools
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import aiomqtt

from bridge.hub.connection import NO_DELAY
from bridge.simulator.account import SimulatedAccount, example_account
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.control import SideServer
from bridge.simulator.rest import Rest
from bridge.storage.peek import Peek
from bridge.storage.recorder import ENERGY_EVERY
from tests.brokers import TestBroker
from tests.harness import _forget_session, house_settings, two_ports
from tests.integration.faults.bridge_process import BridgeProcess
from tests.integration.faults.commands import Commands, ObservedCloud, until
from tests.integration.faults.ear import Ear
from tests.integration.faults.line import FaultyLine
from tests.integration.faults.moved_clock import MovedClock
from tests.integration.faults.plan import POINTS, Deed, Line, Step
from tests.integration.faults.result import Broken, Figures, Use, check_growth
from tests.integration.faults.truth import differences, energy_differences

CALM_WITHIN_S: Final = 30.0
"""How long all may take to be right again once nothing is wrong any more, in real time."""

SETTLES_WITHIN_S: Final = 10.0
"""How long tasks and files of what is over may take to go."""

LOOKS_A_MOVE: Final = 10
"""So many times is looked before time is let pass: the bridge is to have come to rest between two moves."""

COMMAND_TIMEOUT_S: Final = 2.0


def rig_account(now: Callable[[], Any], points: int = POINTS) -> SimulatedAccount:
    """Charge points with a socket, all of them portable, with smart charging."""
    account = example_account(now)
    account.charge_points.clear()
    account.grids.clear()
    for number in range(points):
        account.add(SimulatedChargePoint(f"BCU{100000 + number}", now, name=f"Place {number}", smart_charging=True))
    return account


@dataclass
class Rig:
    """Everything that runs, while it runs."""

    clock: MovedClock
    cloud: ObservedCloud
    bridge: BridgeProcess
    lines: dict[Line, FaultyLine]
    ear: Ear
    commands: Commands
    storage: Path
    figures: Figures = field(default_factory=Figures)

    @property
    def points(self) -> list[SimulatedChargePoint]:
        """The charge points."""
        return list(self.cloud.account.charge_points.values())

    # --- what happens ---

    async def push(self, point: SimulatedChargePoint) -> None:
        """Have the cloud push a status."""
        self.figures.pushes += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):  # a line that stands still holds up the cloud, too
                await self.cloud.push(point)

    async def time_passes(self, seconds: float) -> None:
        """Let time pass, for everybody."""
        self.clock.move(seconds)
        await self.bridge.ask("move", seconds)
        for point in self.points:
            if point.step(seconds):
                await self.push(point)

    async def time_goes_on(self, seconds: float) -> None:
        """Let time pass while the bridge is not running."""
        self.clock.move(seconds)
        for point in self.points:
            point.step(seconds)

    async def do(self, deed: Deed, point: SimulatedChargePoint) -> None:
        """Somebody does something at a charge point."""
        socket = point.sockets[0]
        if deed == "plug" and socket.car is None:
            point.plug(Car(capacity_kwh=60, charge_kwh=40))
        elif deed == "unplug" and socket.car is not None:
            point.unplug()
        elif deed == "card":
            point.start("A1B2C3D4E5F6")
        elif deed == "error" and socket.fault is None:
            socket.fault = "error"
        elif deed == "mended" and socket.fault == "error":
            socket.fault = None
        await self.push(point)

    async def step(self, step: Step) -> None:
        """One step of a plan."""
        self.figures.faults[step.fault] += 1
        await self._begin(step)
        for deed, number in step.deeds:
            await self.do(deed, self.points[number])
        for wish in step.wishes:
            await self.commands.send(wish, self.points[wish.point].evse_id, step.number)
        await self.time_passes(step.passes_s)
        await asyncio.sleep(step.lasts_s)
        await self._end(step)
        if step.calm:
            await self.calm(step.number)
        elif step.recovers:
            await self.recovered()

    async def _begin(self, step: Step) -> None:
        line = self.lines[step.line]
        match step.fault:
            case "cut":
                line.cut()
            case "stall" | "stall and cut":
                line.freeze()
            case "slow":
                line.slow()
            case "half-close":
                line.half_close()
            case "corrupt":
                line.corrupt()
            case "refuse":
                line.refuses = True
                line.cut()
            case "garbage":
                await self.cloud.garbage(20)
            case "time passes":
                await self.time_passes(10 * step.passes_s)
            case "clock set":
                await self.bridge.ask("set wrong", (step.passes_s - 45) * 4)
            case "disk full":
                self.bridge.fill_disk(full=True)
            case "kill":
                await self.bridge.kill()
                self.commands.excuse()
                self.bridge.start(self.clock.ahead_s)

    async def _end(self, step: Step) -> None:
        if step.fault == "stall and cut":
            self.lines[step.line].cut()
        self.lines[step.line].heal()
        if step.fault == "clock set":
            await self.bridge.ask("set wrong", 0.0)
        if step.fault == "disk full":
            self.bridge.fill_disk(full=False)

    async def settled(self) -> None:
        """Wait until the broker has acknowledged everything: it seems dead if much time passes before it does."""

        async def is_so() -> bool:
            return bool((await self.bridge.ask("status"))["settled"])

        if not await until(is_so, CALM_WITHIN_S):
            raise Broken(f"the broker does not have everything: {await self.bridge.ask('status')}")

    async def recovered(self, patience_s: float = CALM_WITHIN_S) -> bool:
        """Both links are up, and everything is told; time passes meanwhile, for those who wait to try again."""

        async def up() -> bool:
            status = await self.bridge.ask("status")
            if not (status["link"] and status["broker"]):
                await self.time_passes(2.0)
                return False
            return bool(status["settled"] and status["looked"])

        return await until(up, patience_s)

    # --- what must hold ---

    async def calm(self, step: int) -> None:
        """Mend everything, and compare.

        Raises:
            Broken: a promise was broken.
        """
        for line in self.lines.values():
            line.heal()
        await self.commands.sent_again()
        await asyncio.sleep(0.05)
        if not await self.recovered():
            raise Broken(f"the links did not come back: {await self.bridge.ask('status')}")

        async def answered() -> bool:
            return not self.commands.unanswered

        if not await until(answered, CALM_WITHIN_S):
            raise Broken(f"no answer to {self.commands.unanswered} by step {step}")

        looks = itertools.count(1)

        async def right() -> bool:
            await self.ear.fence()
            if not differences(self.ear, self.cloud.account):
                return True
            if next(looks) % LOOKS_A_MOVE == 0:
                await self.time_passes(5.0)  # a limit for a session that never came is lifted after a while
            return False

        if not await until(right, CALM_WITHIN_S):
            raise Broken(f"at step {step}: {differences(self.ear, self.cloud.account)}")
        surplus = self.commands.surplus(self.cloud.arrivals)
        if surplus:
            raise Broken(f"requests that no command accounts for, by step {step}: {surplus}")
        faults = [
            line for line in self.bridge.log if "exception" in line or "callback failed" in str(line.get("event"))
        ]
        if faults:
            raise Broken(f"a fault of the bridge by step {step}: {faults[:3]}")

    async def known(self, patience_s: float = CALM_WITHIN_S) -> bool:
        """The bridge has counted all energy, so no push is on its way to it; and everything is told."""
        truth = {point.evse_id: sum(round(one.kwh, 3) for one in point.transactions) for point in self.points}

        async def counted() -> bool:
            counters = (await self.bridge.ask("status"))["lifetime"]
            return all(abs(counters[evse_id] - energy) < 0.0015 for evse_id, energy in truth.items())

        return await until(counted, patience_s)

    async def measure(self, before: Use | None = None) -> Use:
        """What the bridge uses at rest: once there are no more tasks and files than `before`."""

        async def now_few() -> bool:
            status = await self.bridge.ask("status")
            return before is None or (status["tasks"] <= before[1] and self.bridge.files <= before[2])

        await until(now_few, SETTLES_WITHIN_S)
        status = await self.bridge.ask("collect")
        return self.bridge.resident_mb, status["tasks"], self.bridge.files

    async def at_rest(self) -> None:
        """Let a minute and more pass, so that nothing that was begun is still going on."""
        for _ in range(10):
            await self.time_passes(10.0)
            await asyncio.sleep(0.02)
            await self.settled()
        await self.recovered()

    async def a_day_passes(self) -> None:
        """After a day the account's transactions are read."""
        for _ in range(26):
            await self.time_passes(3600.0)
            await asyncio.sleep(0.02)

    async def books_closed(self) -> None:
        """Everybody leaves; a day later the account's transactions are read. No energy may be missing then.

        Raises:
            Broken: some is.
        """
        for point in self.points:
            point.sockets[0].fault = None
            point.unplug()
            await self.push(point)
        await self.a_day_passes()

        async def complete() -> bool:
            await self.time_passes(600.0)
            return not energy_differences(self.cloud.account, Peek(self.storage).sessions())

        if not await until(complete, CALM_WITHIN_S):
            raise Broken(f"energy: {energy_differences(self.cloud.account, Peek(self.storage).sessions())}")
        lifetime = (await self.bridge.ask("status"))["lifetime"]
        for point in self.points:
            truth = sum(one.kwh for one in point.transactions)
            if abs(lifetime.get(point.evse_id, 0.0) - truth) > 0.002 * (1 + len(point.transactions)):
                raise Broken(f"{point.evse_id}: the counter says {lifetime.get(point.evse_id)}, not {truth:.3f}")


@contextlib.asynccontextmanager
async def running(
    broker: TestBroker,
    folder: Path,
    seed: int = 1,
    *,
    points: int = POINTS,
    patience_s: float = CALM_WITHIN_S,
    energy_every: timedelta = ENERGY_EVERY,
) -> AsyncIterator[Rig]:
    """The rig, with the bridge up and everything known.

    Args:
        broker: the real broker.
        folder: where the bridge keeps its file.
        seed: makes the bytes of a corrupted line.
        points: how many charge points there are.
        patience_s: how long the start may take, in real time.
        energy_every: the time between two writes of the energy that is reported.

    Raises:
        Broken: the bridge did not start.
    """
    chance, clock = random.Random(seed), MovedClock()
    cloud = ObservedCloud(rig_account(clock.now, points), rebooting_s=0.2)
    cloud.arrivals = []
    port = two_ports()
    await cloud.start(port=port)
    side = SideServer(Rest(cloud).routes(), "127.0.0.1", port + 1)
    serving = await side.begin()
    near = two_ports()
    lines: dict[Line, FaultyLine] = {
        "cloud": await FaultyLine("127.0.0.1", port, chance).start(near),
        "broker": await FaultyLine(broker.host, broker.port, chance).start(),
    }
    beside = await FaultyLine("127.0.0.1", port + 1, chance).start(near + 1)
    settings = house_settings(
        broker,
        f"ws://127.0.0.1:{near}/haserver",
        folder,
        mqtt={"host": "127.0.0.1", "port": lines["broker"].port},
        cloud={"command_timeout": COMMAND_TIMEOUT_S},
    )
    async with aiomqtt.Client(broker.host, broker.port, socket_options=NO_DELAY) as client:
        client.pending_calls_threshold = 1000
        ear = Ear(client)
        await client.subscribe("#", qos=1)
        listening = asyncio.create_task(ear.listen())
        bridge = BridgeProcess(settings, energy_every=energy_every)
        rig = Rig(clock, cloud, bridge, lines, ear, Commands(ear, clock.now), settings.storage.path)
        bridge.start(0.0)
        try:
            if not await rig.recovered(patience_s):
                raise Broken(f"the bridge did not start: {bridge.log}")
            yield rig
        finally:
            await bridge.kill()
            listening.cancel()
            for line in (*lines.values(), beside):
                await line.stop()
            await cloud.stop()
            await side.finish(serving)
            await _forget_session(broker, settings.mqtt.client_id)


async def run(broker: TestBroker, folder: Path, seed: int, steps: Sequence[Step], *, warm_up: int = 25) -> Figures:
    """Run a plan.

    Args:
        broker: the real broker.
        folder: where the bridge keeps its file.
        seed: makes the bytes of a corrupted line.
        steps: the plan.
        warm_up: how many steps pass before memory, tasks and files are noted.

    Raises:
        Broken: a promise was broken.
    """
    begun = time.monotonic()
    async with running(broker, folder, seed) as rig:
        kills = any(step.fault == "kill" for step in steps)
        before: Use | None = None
        for step in steps:
            await rig.step(step)
            if step.number == warm_up:
                await rig.calm(step.number)
                await rig.a_day_passes()
                await rig.at_rest()
                before = await rig.measure()
        await rig.calm(steps[-1].number)
        await rig.at_rest()
        after = await rig.measure(before)
        await rig.books_closed()
        figures, before = rig.figures, before or after
        figures.commands, figures.starts = len(rig.commands.sent), rig.bridge.starts
        figures.reports, figures.requests = rig.ear.heard.total(), len(rig.cloud.seen)
        figures.sessions = sum(len(point.transactions) for point in rig.points)
        figures.errors = Counter(
            str(value) for all_ in rig.ear.answers.values() for kind, value in all_[:1] if kind == "evt.error.report"
        )
        figures.memory_mb, figures.tasks, figures.files = zip(before, after, strict=True)  # type: ignore[assignment] # three pairs
        figures.seconds = time.monotonic() - begun
        if not kills:
            check_growth(before, after)
        return figures
