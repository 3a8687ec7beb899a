"""A car: what it draws, and when it has had enough. Pure."""

from dataclasses import dataclass
from typing import Final

VOLTAGE_V: Final = 231.0
MINIMUM_A: Final = 6.0
TAPER_FROM: Final = 0.9
"""From this state of charge on the car asks for less and less."""


@dataclass(slots=True)
class Car:
    """A car with a battery.

    Attributes:
        capacity_kwh: what the battery holds.
        charge_kwh: what is in it.
        phases: on how many phases it charges.
        most_a: what it draws at most on each of them.
        target: the state of charge at which it stops.
    """

    capacity_kwh: float = 60.0
    charge_kwh: float = 24.0
    phases: int = 3
    most_a: float = 16.0
    target: float = 1.0

    @property
    def state_of_charge(self) -> float:
        """From 0 to 1."""
        return self.charge_kwh / self.capacity_kwh

    @property
    def full(self) -> bool:
        """It has had enough."""
        return self.state_of_charge >= self.target - 1e-9

    def wants(self) -> float:
        """What it would draw on each phase if nothing held it back, A."""
        if self.full:
            return 0.0
        level = self.state_of_charge
        if level <= TAPER_FROM:
            return self.most_a
        left = max(0.0, (1.0 - level) / (1.0 - TAPER_FROM))
        return max(MINIMUM_A, self.most_a * left)

    def draw(self, offered_a: float, seconds: float) -> tuple[float, float]:
        """Charge for a while.

        Returns:
            The current on each phase it uses, A, and the energy taken, kWh.
        """
        if self.full or offered_a < MINIMUM_A:
            return 0.0, 0.0
        current = min(self.wants(), offered_a)
        energy = current * VOLTAGE_V * self.phases * seconds / 3_600_000
        energy = min(energy, self.capacity_kwh * self.target - self.charge_kwh)
        self.charge_kwh += energy
        return current, energy
