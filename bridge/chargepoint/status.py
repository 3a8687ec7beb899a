"""The live values of one socket (the cloud's CH_STATUS)."""

from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Final

from bridge.chargepoint.cloud_fields import CURRENT, ENERGY, FLAG, MOMENT, MONEY, SECONDS, VOLTAGE, Word, cloud_field
from bridge.chargepoint.update import Update
from bridge.immutable import immutable


class Activity(Enum):
    """The activity of a charge point in its status. Any other word is unknown, and becomes None."""

    AVAILABLE = "available"
    CHARGING = "charging"
    DELAYED = "delayed"  # a session that a profile holds back
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    OFFLINE = "offline"


SESSION: Final = (Activity.CHARGING, Activity.DELAYED)
"""The activities during which a session is on. A tuple is searched by identity; a set would hash in Python."""


class Vehicle(Enum):
    """The control-pilot letter of IEC 61851. Any other letter is unknown, and becomes None."""

    NONE = "A"
    CONNECTED = "B"
    READY = "C"  # drawing, or free to
    VENTILATION = "D"  # the same, with ventilation
    NO_POWER = "E"
    FAULT = "F"

    @property
    def connected(self) -> bool:
        """Whether a vehicle without a fault is connected."""
        return self in (Vehicle.CONNECTED, Vehicle.READY, Vehicle.VENTILATION)

    @property
    def ready(self) -> bool:
        """Whether the vehicle has closed its switch, so that it draws or may draw current."""
        return self in (Vehicle.READY, Vehicle.VENTILATION)


ACTIVITY: Final = Word({activity.value: activity for activity in Activity})

VEHICLE: Final = Word(
    {
        **{vehicle.value.lower(): vehicle for vehicle in Vehicle},
        # The official client's words for the letters, and `charging`, which is sent for C (contract 4, "State table").
        "standby": Vehicle.NONE,
        "vehicle_detected": Vehicle.CONNECTED,
        "ready": Vehicle.READY,
        "charging": Vehicle.READY,
        "no_power": Vehicle.NO_POWER,
        "vehicle_error": Vehicle.FAULT,
    }
)

MINIMUM_CURRENT_A: Final = 6
"""The lowest current with which IEC 61851 lets a vehicle charge."""

CARRIES_A: Final = 0.5
"""A phase with a lower current counts as carrying none, since meters have noise (contract 4, "State table")."""

_CURRENTS: Final = ("current_1", "current_2", "current_3")


@immutable(frozen=True, slots=True, kw_only=True)
class Status:
    """The last known values of one socket. None is unknown."""

    activity: Activity | None = cloud_field("activity", "what the charge point says it is doing", ACTIVITY)
    vehicle: Vehicle | None = cloud_field("vehicle_status", "the control-pilot letter of the vehicle", VEHICLE)
    current_1: float | None = cloud_field("actual_p1", "current on phase 1", CURRENT)
    current_2: float | None = cloud_field("actual_p2", "current on phase 2", CURRENT)
    current_3: float | None = cloud_field("actual_p3", "current on phase 3", CURRENT)
    voltage_1: float | None = cloud_field("actual_v1", "voltage on phase 1, 0 when idle", VOLTAGE)
    voltage_2: float | None = cloud_field("actual_v2", "voltage on phase 2, 0 when idle", VOLTAGE)
    voltage_3: float | None = cloud_field("actual_v3", "voltage on phase 3, 0 when idle", VOLTAGE)
    energy: float | None = cloud_field("actual_kwh", "energy since the session began", ENERGY)
    max_usage: float | None = cloud_field("max_usage", "what the charge point can deliver on each phase", CURRENT)
    smart_limit: float | None = cloud_field(
        "smartcharging_max_usage", "the smart-charging limit; counts only while smart charging is on", CURRENT
    )
    max_offline: float | None = cloud_field("max_offline", "the limit while the charge point is offline", CURRENT)
    boosting: bool | None = cloud_field("boosting", "a profile is overridden for this session", FLAG)
    offline_since: datetime | None = cloud_field(
        "offline_since", "since when the charge point has been offline", MOMENT
    )
    started_at: datetime | None = cloud_field("start_datetime", "when the latest session began", MOMENT)
    stopped_at: datetime | None = cloud_field("stop_datetime", "when the latest session ended", MOMENT)
    total_cost: float | None = cloud_field("total_cost", "what the latest session cost; can be below zero", MONEY)
    smart_current_heartbeat_timeout: float | None = cloud_field(
        "smart_current_heartbeat_timeout", "above 0 while a profile holds a session back", SECONDS
    )

    @property
    def currents(self) -> tuple[float | None, float | None, float | None]:
        """The currents on phases 1 to 3, A."""
        return self.current_1, self.current_2, self.current_3

    @property
    def voltages(self) -> tuple[float | None, float | None, float | None]:
        """The voltages on phases 1 to 3, V."""
        return self.voltage_1, self.voltage_2, self.voltage_3

    @property
    def draws(self) -> bool:
        """Whether any phase carries current."""
        one, two, three = self.current_1 or 0.0, self.current_2 or 0.0, self.current_3 or 0.0
        return one >= CARRIES_A or two >= CARRIES_A or three >= CARRIES_A

    @property
    def session_on(self) -> bool:
        """Whether a session is open (the state table's `session`)."""
        return self.activity in SESSION

    @property
    def idle(self) -> bool:
        """Whether no current can flow: no session is open, or the vehicle has not closed its switch."""
        return self.activity is Activity.AVAILABLE or self.vehicle in (Vehicle.NONE, Vehicle.CONNECTED)


def after(before: Status, update: Update[Status]) -> Status:
    """Return the status after a push.

    A field that the push leaves out keeps its value, except that a current becomes 0 while none can flow (contract 4,
    "Readings that cannot be").
    """
    status = update.onto(before)
    if not status.idle:
        return status
    one, two, three = (
        current if name in update.present else 0.0 for name, current in zip(_CURRENTS, status.currents, strict=True)
    )
    return replace(status, current_1=one, current_2=two, current_3=three)
