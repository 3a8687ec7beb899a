"""Moves cars to and from the simulated charge points, with time running faster than real time."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import Final

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud

TICK_S: Final = 0.5
PUSH_EVERY_S: Final = 2.0
GRID_EVERY_S: Final = 10.0

FIRST_CAR_S: Final = 2.0
NEXT_CAR_S: Final = 5.0
"""The real seconds until the first car comes, and from then on until each further charge point gets its first one."""

CARS: Final = (
    Car(capacity_kwh=58, charge_kwh=43, phases=3, most_a=16),
    Car(capacity_kwh=42, charge_kwh=34, phases=1, most_a=32),
    Car(capacity_kwh=77, charge_kwh=62, phases=3, most_a=16),
)


@dataclass(slots=True)
class Visit:
    """The timers of the car at one charge point, in real seconds.

    Attributes:
        away_s: the time until the next car comes.
        patience_s: the time that a car waits for a start before its driver uses a charge card.
        lingers_s: the time that a full car stays connected.
    """

    cars: Iterator[Car]
    away_s: float = 20.0
    patience_s: float = 45.0
    lingers_s: float = 12.0
    left_s: float = field(default=0.0)
    waited_s: float = 0.0


class Life:
    """Moves the cars of a cloud.

    Args:
        cloud: the simulated cloud.
        speed: simulated seconds per real second.
    """

    def __init__(self, cloud: SimulatedCloud, *, speed: float = 120.0) -> None:
        self._cloud = cloud
        self._speed = speed
        points = cloud.account.charge_points.values()
        # A charge point that starts by itself comes first, so that a car is charging from the beginning.
        order = sorted(points, key=lambda point: not point.plug_and_charge)
        self._visits = {
            point.evse_id: Visit(cycle(CARS[index:] + CARS[:index]), left_s=FIRST_CAR_S + NEXT_CAR_S * index)
            for index, point in enumerate(order)
        }

    async def run(self) -> None:
        """Move the cars until cancelled."""
        since_push = since_grid = 0.0
        while True:
            await asyncio.sleep(TICK_S)
            since_push, since_grid = since_push + TICK_S, since_grid + TICK_S
            changed = [point for point in list(self._cloud.account.charge_points.values()) if self._move(point)]
            due = since_push >= PUSH_EVERY_S
            for point in list(self._cloud.account.charge_points.values()):
                moved = point.step(TICK_S * self._speed)
                if point in changed or (moved and due):
                    await self._cloud.push(point)
            since_push = 0.0 if due else since_push
            if since_grid >= GRID_EVERY_S:
                since_grid = 0.0
                await self._cloud.push_grid()

    def _move(self, point: SimulatedChargePoint) -> bool:
        """Connect or disconnect cars at one charge point. Return whether anything has changed."""
        visit = self._visits.setdefault(point.evse_id, Visit(cycle(CARS)))
        socket = point.sockets[0]
        if socket.car is None:
            visit.left_s -= TICK_S
            if visit.left_s > 0:
                return False
            car = next(visit.cars)
            point.plug(Car(car.capacity_kwh, car.charge_kwh, car.phases, car.most_a, car.target))
            visit.waited_s = 0.0
            return True
        visit.waited_s += TICK_S
        if socket.car.full:
            visit.left_s += TICK_S
            if visit.left_s >= visit.lingers_s:
                point.unplug()
                visit.left_s = visit.away_s
                return True
            return False
        visit.left_s = 0.0
        if socket.session is None and visit.waited_s >= visit.patience_s:
            visit.waited_s = 0.0
            return point.start("046C8CCA8C1D90")
        return False
