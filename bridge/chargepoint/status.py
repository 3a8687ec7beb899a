"""The live values of one socket (the cloud's CH_STATUS)."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Final


class Activity(Enum):
    """What a charge point says it is doing; another word is unknown, and stands as None."""

    AVAILABLE = "available"
    CHARGING = "charging"
    DELAYED = "delayed"  # a session that a profile holds back
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    OFFLINE = "offline"


class Vehicle(Enum):
    """The control-pilot letter of IEC 61851; another letter is unknown, and stands as None."""

    NONE = "A"
    CONNECTED = "B"
    READY = "C"  # drawing, or free to
    VENTILATION = "D"  # the same, with ventilation
    NO_POWER = "E"
    FAULT = "F"

    @property
    def connected(self) -> bool:
        """A vehicle that could charge is there."""
        return self in {Vehicle.CONNECTED, Vehicle.READY, Vehicle.VENTILATION}

    @property
    def ready(self) -> bool:
        """The vehicle has closed its switch: it draws, or is free to."""
        return self in {Vehicle.READY, Vehicle.VENTILATION}


MINIMUM_CURRENT_A: Final = 6
"""Below this, IEC 61851 lets no vehicle charge."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The values of one socket as last known; None is unknown.

    Currents in A, voltages in V (0 when idle), energy in kWh since the session began, cost in EUR.

    Attributes:
        current_1: current on phase 1; likewise 2 and 3.
        voltage_1: voltage on phase 1; likewise 2 and 3.
        max_usage: what the charge point can deliver.
        smart_limit: the smart-charging limit in force; counts only while smart charging is on.
        max_offline: the limit while the charge point is offline.
        boosting: a profile is overridden for this session.
        smart_current_heartbeat_timeout: above 0 while a profile holds a session back, s.
    """

    activity: Activity | None = None
    vehicle: Vehicle | None = None
    current_1: float | None = None
    current_2: float | None = None
    current_3: float | None = None
    voltage_1: float | None = None
    voltage_2: float | None = None
    voltage_3: float | None = None
    energy: float | None = None
    max_usage: float | None = None
    smart_limit: float | None = None
    max_offline: float | None = None
    boosting: bool | None = None
    offline_since: datetime | None = None
    started_at: datetime | None = None
    stopped_at: datetime | None = None
    total_cost: float | None = None
    smart_current_heartbeat_timeout: float | None = None

    @property
    def currents(self) -> tuple[float | None, float | None, float | None]:
        """Phases 1 to 3, A."""
        return self.current_1, self.current_2, self.current_3

    @property
    def voltages(self) -> tuple[float | None, float | None, float | None]:
        """Phases 1 to 3, V."""
        return self.voltage_1, self.voltage_2, self.voltage_3

    @property
    def draws(self) -> bool:
        """Current flows on some phase."""
        return any(current is not None and current > 0 for current in self.currents)
