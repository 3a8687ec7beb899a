"""A car with a battery: the current that it draws, and when it is full. Pure."""

from dataclasses import dataclass
from typing import Final

VOLTAGE_V: Final = 231.0
MINIMUM_A: Final = 6.0
TAPER_FROM: Final = 0.9
"""Above this state of charge the car draws less and less current."""


@dataclass(slots=True)
class Car:
    """A car with a battery.

    Attributes:
        capacity_kwh: the capacity of the battery.
        charge_kwh: the energy in the battery.
        phases: the number of phases on which it charges.
        most_a: the highest current that it draws, per phase.
        target: the state of charge at which it stops.
    """

    capacity_kwh: float = 60.0
    charge_kwh: float = 24.0
    phases: int = 3
    most_a: float = 16.0
    target: float = 1.0

    @property
    def state_of_charge(self) -> float:
        """The state of charge, from 0 to 1."""
        return self.charge_kwh / self.capacity_kwh

    @property
    def full(self) -> bool:
        """Whether it has reached its target."""
        return self.state_of_charge >= self.target - 1e-9

    def wants(self) -> float:
        """Return the current that it would draw without a limit, A per phase."""
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
            The current on each of its phases, A, and the energy charged, kWh.
        """
        if self.full or offered_a < MINIMUM_A:
            return 0.0, 0.0
        current = min(self.wants(), offered_a)
        energy = current * VOLTAGE_V * self.phases * seconds / 3_600_000
        energy = min(energy, self.capacity_kwh * self.target - self.charge_kwh)
        self.charge_kwh += energy
        return current, energy
