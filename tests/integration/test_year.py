"""A year of a house with two charge points, in seconds: the simulator's cars, and the bridge's memory on a real disk.

Everything between a frame of the cloud and the file is the bridge's own: parser, fleet, recorder, storage, and what the
account's transactions tell. Only the sockets and the waiting are left out.
"""

import io
import json
import random
import shutil
import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final, cast

import pytest

from bridge.account.fleet import Fleet
from bridge.account.transactions import Transactions
from bridge.bluecurrent.app_api import AppApi, parse_transaction
from bridge.bluecurrent.frames import ChargePoints, Statuses, parse_frame
from bridge.chargepoint.amsterdam import AMSTERDAM, from_wall_clock
from bridge.chargepoint.transaction_matching import Transaction
from bridge.logs import Log
from bridge.simulator import wire_form
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks
from tests.clock import FakeClock

BEGIN: Final = from_wall_clock(datetime(2026, 1, 1))
DAYS: Final = 365
SEED: Final = 2026
SESSIONS: Final = 352  # of each charge point, before the nights of the clock changes are cleared
RESTARTS: Final = 200
SIGHT_LOSSES: Final = 60
CARD: Final = "046C8CCA8C1D90"
CALM: Final = timedelta(minutes=5)
"""So long after something has happened, nothing more of it is to be written."""


@dataclass(frozen=True)
class Visit:
    """A car comes, is started, charges, and leaves."""

    comes: datetime
    starts: datetime
    leaves: datetime
    needs_kwh: float
    phases: int


def visits(chance: random.Random, nights: Sequence[Visit]) -> list[Visit]:
    """A year of them, one after the other, with these nights as they are."""
    stays = [chance.uniform(0.4, 9.0) if chance.random() < 0.8 else chance.uniform(0.05, 0.2) for _ in range(SESSIONS)]
    gaps = [chance.uniform(6, 30) if chance.random() < 0.8 else chance.uniform(0.05, 0.3) for _ in range(SESSIONS)]
    scale = (DAYS * 24 - 12 - sum(stays)) / sum(gaps)
    made, when = [], BEGIN + timedelta(hours=1)
    for stay, gap in zip(stays, gaps, strict=True):
        comes = when + timedelta(hours=gap * scale)
        when = comes + timedelta(hours=stay)
        starts = comes + timedelta(minutes=chance.choice([0, 0, 1, 1]))
        made.append(Visit(comes, starts, when, chance.uniform(0.5, 28), chance.choice([1, 3, 3])))
    clear = timedelta(hours=6)
    free = [
        one for one in made if not any(n.comes - clear < one.leaves and one.comes < n.leaves + clear for n in nights)
    ]
    return sorted([*free, *nights], key=lambda one: one.comes)


def night(*times: tuple[datetime, datetime]) -> list[Visit]:
    """Cars of one night, each from when until when."""
    return [Visit(start, start, end, 60.0, 3) for start, end in times]


SPRING: Final = night((datetime(2026, 3, 29, 0, 20, tzinfo=UTC), datetime(2026, 3, 29, 2, 10, tzinfo=UTC)))
"""From 01:20 over the hour that is skipped to 04:10."""

AUTUMN: Final = night(
    (datetime(2026, 10, 24, 22, 30, tzinfo=UTC), datetime(2026, 10, 25, 0, 2, tzinfo=UTC)),  # 00:30 to 02:02
    (datetime(2026, 10, 25, 0, 10, tzinfo=UTC), datetime(2026, 10, 25, 0, 40, tzinfo=UTC)),  # 02:10 to 02:40
    (datetime(2026, 10, 25, 0, 50, tzinfo=UTC), datetime(2026, 10, 25, 1, 5, tzinfo=UTC)),  # 02:50 to 02:05
    (datetime(2026, 10, 25, 1, 15, tzinfo=UTC), datetime(2026, 10, 25, 3, 0, tzinfo=UTC)),  # 02:15 to 04:00
)


class Bridge:
    """The part of the bridge that remembers, over one start of it."""

    def __init__(self, house: "House", path: Path) -> None:
        self.path = path
        clock, log = house.clock, Log("info", "json", house.log).logger
        self.storage = Storage(path, log, clock.now)
        self.recorder = Recorder(self.storage, clock.now)
        self.fleet = Fleet(
            clock=clock,
            memories=self.storage.memories(),
            steerings=self.storage.steerings(),
        )
        self.transactions = Transactions(
            app_api=cast("AppApi", house),
            fleet=self.fleet,
            storage=self.storage,
            recorder=self.recorder,
            clock=clock,
            tasks=_AtOnce(log),
            log=log,
        )
        self.fleet.listeners = (self.recorder.charge_point_changed, self.transactions.charge_point_changed)
        self.fleet.restore(self.storage.charge_points(), {})

    def hear(self, frame: dict[str, Any]) -> None:
        """A frame of the cloud as text."""
        parsed = parse_frame(json.dumps(frame))
        match parsed.body:
            case Statuses(sockets):
                assert parsed.evse_id is not None
                self.fleet.pushed(parsed.evse_id, sockets)
            case ChargePoints(listed):
                self.fleet.listed(listed)
            case other:
                raise AssertionError(other)

    def tick(self) -> None:
        """A moment has passed."""
        self.recorder.write_if_due()
        self.transactions.tick()

    def stop(self) -> Path:
        """Stop cleanly; returns the path of the file."""
        self.recorder.close(list(self.fleet.twins()))
        self.storage.close()
        return self.path

    def crash(self, folder: Path) -> Path:
        """Keep only the data on disk at this moment, in the place where the next start finds it."""
        path = folder / f"{time.monotonic_ns()}.db"
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{self.path}{ending}", f"{path}{ending}")
        self.storage.close()
        return path


class _AtOnce(BackgroundTasks):
    """Runs what needs no waiting before `start` returns."""

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """See `BackgroundTasks`."""
        with pytest.raises(StopIteration):
            work.send(None)


@dataclass
class House:
    """Charge points, their cars, and a bridge that stops and starts."""

    folder: Path
    chance: random.Random
    clock: FakeClock = field(default_factory=lambda: FakeClock(BEGIN))
    log: io.StringIO = field(default_factory=io.StringIO)
    link_up: bool = True
    bridge: Bridge | None = None

    def __post_init__(self) -> None:
        self.path = self.folder / "bridge.db"
        self.points = [SimulatedChargePoint(evse_id, self.clock.now) for evse_id in ("BCU1", "BCU2")]
        self.last_event = BEGIN

    @property
    def ready(self) -> bool:
        """See `AppApi`."""
        return self.link_up

    async def transactions(self, evse_id: str, since: date) -> list[Transaction]:
        """As the account's REST API has them: the clock's time, without an offset; none that is running."""
        self.event()
        point = next(point for point in self.points if point.evse_id == evse_id)
        return [
            parse_transaction(
                {
                    "transaction_id": one.number,
                    "chargepoint_id": one.evse_id,
                    "socket_id": one.socket,
                    "started_at": one.started_at.astimezone(AMSTERDAM).replace(tzinfo=None),
                    "end_time": one.ended_at.astimezone(AMSTERDAM).replace(tzinfo=None),
                    "kwh": round(one.kwh, 3),
                    "card_id": one.card,
                    "total_costs": round(one.cost_eur, 2),
                }
            )
            for one in reversed(point.transactions)
            if one.ended_at is not None and one.ended_at.astimezone(AMSTERDAM).date() >= since
        ]

    def event(self) -> None:
        """Something happens; for a few minutes more than the usual may be written."""
        self.last_event = self.clock.now()

    def start(self) -> None:
        """Start the bridge, which reads the account."""
        self.event()
        self.bridge = Bridge(self, self.path)
        if self.link_up:
            self.look()

    def look(self) -> None:
        """The bridge asks how they are."""
        assert self.bridge is not None
        self.bridge.hear({"object": "CHARGE_POINTS", "data": [wire_form.listing(point) for point in self.points]})
        for point in self.points:
            self.bridge.hear(wire_form.statuses(point))
        self.bridge.transactions.looked()

    def see(self, link_up: bool) -> None:
        """Take the link up or down."""
        changed, self.link_up = self.link_up != link_up, link_up
        if changed and self.bridge is not None:
            self.event()
            if link_up:
                self.look()
            else:
                with pytest.raises(StopIteration):  # it waits for nothing with so few charge points
                    self.bridge.fleet.link_lost().send(None)

    def end(self) -> None:
        """The bridge stops, or dies."""
        assert self.bridge is not None
        self.path = self.bridge.stop() if self.chance.random() < 0.4 else self.bridge.crash(self.folder)
        self.bridge = None

    def push(self, point: SimulatedChargePoint) -> None:
        """Push the status of a charge point; the bridge may be away."""
        status = wire_form.status(point, point.sockets[0], pushed=True)
        if self.bridge is not None and self.link_up:
            self.bridge.hear({"object": "CH_STATUS", "evse_id": point.evse_id, "data": status})


def away_times(chance: random.Random, plans: Sequence[Sequence[Visit]]) -> Iterator[tuple[datetime, datetime]]:
    """When the bridge is away, from when until when: anywhere, in sessions, and between one and the next."""
    every = [one for plan in plans for one in plan]
    wanted = [BEGIN + timedelta(minutes=chance.uniform(60, DAYS * 1440 - 5000)) for _ in range(RESTARTS // 2)]
    while len(wanted) < RESTARTS:
        one = chance.choice(every)
        inside = one.starts + (one.leaves - one.starts) * chance.random()
        after = one.leaves + timedelta(seconds=chance.choice([-20, 0, 20, 60, 300]))
        wanted.append(chance.choice([inside, after]))
    back = BEGIN
    for goes in sorted(wanted):
        long = chance.random()
        minutes = (
            chance.uniform(0, 5)
            if long < 0.6
            else chance.uniform(10, 180)
            if long < 0.85
            else chance.uniform(700, 3500)
        )
        start = max(goes, back + timedelta(minutes=chance.uniform(1, 30)))
        back = start + timedelta(minutes=minutes)
        yield start, back


def out_of_sight_times(chance: random.Random) -> Iterator[tuple[datetime, datetime]]:
    """When the link is down."""
    for _ in range(SIGHT_LOSSES):
        start = BEGIN + timedelta(minutes=chance.uniform(60, DAYS * 1440 - 2000))
        yield start, start + timedelta(minutes=chance.choice([1.0, 15.0, 400.0]))


@dataclass
class Agenda:
    """What happens when, of one kind: in order, each once."""

    items: list[tuple[datetime, Any]]
    at: int = 0

    def due(self, now: datetime) -> Iterator[Any]:
        """The events that are due."""
        while self.at < len(self.items) and self.items[self.at][0] <= now:
            self.at += 1
            yield self.items[self.at - 1][1]


def car_agenda(point: SimulatedChargePoint, plan: Sequence[Visit]) -> Agenda:
    """The events of the cars of a charge point."""
    items: list[tuple[datetime, Any]] = []
    for visit in plan:
        car = Car(capacity_kwh=80, charge_kwh=70 - visit.needs_kwh, phases=visit.phases, target=70 / 80)
        items += [
            (visit.comes, lambda car=car: point.plug(car)),
            (visit.starts, lambda: point.start(CARD)),
            (visit.leaves, point.unplug),
        ]
    return Agenda(sorted(items, key=lambda item: item[0]))


class Writes:
    """The rows written to disk in a normal step."""

    def __init__(self) -> None:
        self.last: datetime | None = None
        self.while_charging = 0

    def note(self, now: datetime, rows: int, *, charging: bool) -> None:
        """Count the rows written in a step."""
        if not rows:
            return
        assert charging, f"{rows} rows written at {now}, with nothing going on"
        assert self.last is None or now - self.last >= timedelta(minutes=1), f"twice in a minute at {now}"
        self.last = now
        self.while_charging += 1


def run_a_year(house: House, plans: Sequence[Sequence[Visit]]) -> tuple[int, Writes]:
    """Let the year pass; returns the number of starts, and the rows written."""
    cars = [car_agenda(point, plan) for point, plan in zip(house.points, plans, strict=True)]
    times = [((goes, False), (back, True)) for goes, back in away_times(house.chance, plans)]
    coming_and_going = Agenda([item for pair in times for item in pair])
    sight = [((lost, False), (found, True)) for lost, found in out_of_sight_times(house.chance)]
    seeing = Agenda(sorted(item for pair in sight for item in pair))
    lost, starts, drawing, writes = 0, 1, False, Writes()
    house.start()
    while house.clock.now() < BEGIN + timedelta(days=DAYS + 2):
        # In January the cloud pushes every 20 s while something charges; later by the minute, to spare the machine.
        january = house.clock.now() < BEGIN + timedelta(days=31)
        step = 20.0 if drawing and january else 60.0
        house.clock.move(step)
        now, running = house.clock.now(), house.bridge
        rows = running.storage.changes if running is not None else 0
        for comes_back in coming_and_going.due(now):
            starts += comes_back
            house.start() if comes_back else house.end()
        for found in seeing.due(now):
            lost += -1 if found else 1
            house.see(lost == 0)
        for point, agenda in zip(house.points, cars, strict=True):
            acts = list(agenda.due(now))
            for act in acts:
                house.event()
                act()
                house.push(point)
            if point.step(step):
                house.push(point)
        was_drawing, drawing = drawing, any(point.sockets[0].current_a > 0 for point in house.points)
        if drawing != was_drawing:
            house.event()
        if house.bridge is not None:
            house.bridge.tick()
            if house.bridge is running and now - house.last_event > CALM:
                writes.note(now, running.storage.changes - rows, charging=drawing)
    return starts, writes


@pytest.mark.timeout(300)
def test_energy_and_sessions_are_right_after_a_year(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    house = House(tmp_path, chance)
    plans = [visits(chance, SPRING + AUTUMN), visits(chance, SPRING)]
    starts, writes = run_a_year(house, plans)
    bridge = house.bridge
    assert bridge is not None
    assert starts >= RESTARTS + 1
    transactions = [one for point in house.points for one in point.transactions if round(one.kwh, 3) > 0]
    assert len(transactions) >= 690
    for point in house.points:
        rows, twin = bridge.storage.sessions(address=point.evse_id), bridge.fleet.twin(point.evse_id)
        assert twin is not None
        truth = sum(one.kwh for one in point.transactions)
        kept = sum(row.energy for row in rows)
        assert kept == pytest.approx(truth, abs=0.01)
        assert twin.memory.lifetime_energy == pytest.approx(kept, abs=0.001)
        by_id = {row.transaction: row for row in rows if row.transaction is not None}
        assert len(by_id) == len([row for row in rows if row.transaction is not None])  # none twice
        for one in point.transactions:
            if round(one.kwh, 3) > 0:
                row = by_id[str(one.number)]
                assert row.energy == pytest.approx(one.kwh, abs=0.006)
                assert (row.started_at, row.ended_at) == (one.started_at, one.ended_at)
    assert writes.while_charging > 10_000
    logged = [json.loads(line) for line in house.log.getvalue().splitlines()]
    assert [line for line in logged if line["level"] not in {"info", "debug"}] == []
    bridge.stop()
    assert sum(file.stat().st_size for file in bridge.path.parent.glob(f"{bridge.path.name}*")) < 5_000_000
