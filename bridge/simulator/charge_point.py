"""A simulated charge point with its sockets, sessions and settings. `wire_form` has its frames."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from bridge.simulator.car import MINIMUM_A, Car

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
PRICE_EUR: Final = 0.25

PORTABLE: Final = "UMOVE"

SimulatedPermission = Literal["none", "read", "write"]
ProfileName = Literal["delayed_charging", "price_based_charging"]


@dataclass(slots=True)
class SimulatedTransaction:
    """One session as the account keeps it."""

    number: int
    evse_id: str
    socket: int
    card: str
    started_at: datetime
    ended_at: datetime | None = None
    kwh: float = 0.0

    @property
    def cost_eur(self) -> float:
        """The cost of the session, EUR."""
        return self.kwh * PRICE_EUR


@dataclass(slots=True, eq=False)
class Socket:
    """One socket."""

    number: int = 1
    car: Car | None = None
    vehicle: str = "A"
    session: SimulatedTransaction | None = None
    last: SimulatedTransaction | None = None
    fault: str | None = None  # an activity that replaces the real one: error, offline
    blocked: bool = False
    boosting: bool = False
    unlocked: bool = False
    current_a: float = 0.0
    stale_pushes: int = 0

    @property
    def transaction(self) -> SimulatedTransaction | None:
        """The current session, else the last one."""
        return self.session or self.last


_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, slots=True)
class SimulatedOverride:
    """An override of the current, for one charge point. Times are HH:MM in Amsterdam, days `MO` … `SU`."""

    current_a: float
    start: str
    stop: str
    start_days: tuple[str, ...]
    stop_days: tuple[str, ...]

    def limits(self, now: datetime) -> bool:
        """Whether it limits at a time, which is from `start` until before `stop`: not in the last minute of a day."""
        local = now.astimezone(AMSTERDAM)
        clock, today = local.strftime("%H:%M"), _DAYS[local.weekday()]
        if self.start <= self.stop:
            return today in self.start_days and self.start <= clock < self.stop
        return (today in self.start_days and clock >= self.start) or (today in self.stop_days and clock < self.stop)


@dataclass(slots=True, eq=False)
class SimulatedChargePoint:
    """One charge point.

    Attributes:
        now: returns the time.
        price_hold_shows_delayed: the activity is `delayed` while price-based charging holds a session back. The real
            cloud leaves it at `charging` and shows a heartbeat.
        phases: the number of connected phases. While one carries current, all of them show their voltage.
        lists_sockets: CHARGE_POINTS and CH_SETTINGS name the sockets. The real cloud names them in CH_STATUS only.
        stale_start: the number of pushes after a start that still carry the start time of the session before.
    """

    evse_id: str
    now: Callable[[], datetime]
    name: str = ""
    model_type: str = "U:MOVE16"
    chargepoint_type: str = "UMOVE"
    is_cable: bool = False
    phases: int = 3
    lists_sockets: bool = False
    sockets: list[Socket] = field(default_factory=lambda: [Socket()])
    max_usage: float = 16.0
    max_offline: float = 10.0
    smart_charging: bool = False
    smart_limit: float = 16.0
    plug_and_charge: bool = False
    plug_and_charge_card: str | None = None
    public_charging: bool = False
    default_card: dict[str, JsonValue] = field(default_factory=dict)
    delayed_charging: bool = False
    delayed_days: list[int] = field(default_factory=list)
    delayed_start: str = ""
    delayed_end: str = ""
    price_based_charging: bool = False
    price_settings: dict[str, JsonValue] = field(default_factory=dict)
    price_is_low: bool = False
    price_hold_shows_delayed: bool = False
    permissions: dict[str, SimulatedPermission] = field(default_factory=dict)
    led_intensity: int = 50
    led_interaction: bool = True
    overrides: list[SimulatedOverride] = field(default_factory=list)
    kind_overrides: bool = False
    stale_start: int = 1
    transactions: list[SimulatedTransaction] = field(default_factory=list)

    # --- offered current ---

    @property
    def offered_a(self) -> float:
        """The current that it allows a car to draw, A per phase."""
        limits = [self.usage_a]
        if self.smart_charging:
            limits.append(self.advised_a)
        return min(limits)

    @property
    def usage_a(self) -> float:
        """The value of `max_usage`, A per phase."""
        return self._overridden(self.max_usage) if self.kind_overrides else self.max_usage

    @property
    def advised_a(self) -> float:
        """The limit of smart charging, A per phase. Overrides limit only this value (page 3)."""
        counts = self.smart_charging and not self.kind_overrides
        return self._overridden(self.smart_limit) if counts else self.smart_limit

    def _overridden(self, current: float) -> float:
        now = self.now()
        return min([current, *(one.current_a for one in self.overrides if one.limits(now))])

    def held(self, socket: Socket) -> bool:
        """Whether a profile holds the session back. A profile is on only while smart charging is on."""
        if socket.session is None or socket.boosting or not self.smart_charging:
            return False
        if self.delayed_charging:
            return not self._in_window()
        return self.price_based_charging and not self.price_is_low

    def held_by_price(self, socket: Socket) -> bool:
        """Whether price-based charging holds the session back, and shows it by a heartbeat."""
        return self.held(socket) and not self.delayed_charging and not self.price_hold_shows_delayed

    def _in_window(self) -> bool:
        if not (self.delayed_days and self.delayed_start and self.delayed_end):
            return False
        local = self.now().astimezone(AMSTERDAM)
        clock = local.strftime("%H:%M")
        today, yesterday = local.isoweekday(), (local - timedelta(days=1)).isoweekday()
        if self.delayed_start <= self.delayed_end:
            return today in self.delayed_days and self.delayed_start <= clock < self.delayed_end
        evening = today in self.delayed_days and clock >= self.delayed_start
        return evening or (yesterday in self.delayed_days and clock < self.delayed_end)

    # --- events ---

    def plug(self, car: Car, socket: Socket | None = None) -> None:
        """Connect a car."""
        place = socket or self.sockets[0]
        place.car, place.vehicle, place.unlocked = car, "B", False
        if self.plug_and_charge and not place.blocked and place.fault is None:
            self.start(self.plug_and_charge_card or "BCU_HOME_USE", place)
        self.step(0.0)

    def unplug(self, socket: Socket | None = None) -> None:
        """Disconnect the car, which ends its session."""
        place = socket or self.sockets[0]
        self.stop(place)
        place.car, place.vehicle = None, "A"

    def start(self, card: str, socket: Socket | None = None) -> bool:
        """Start a session; False if the charge point cannot."""
        place = socket or self.sockets[0]
        if place.session is not None or place.vehicle == "A" or place.blocked or place.fault is not None:
            return False
        number = 1000 + len(self.transactions)
        place.session = SimulatedTransaction(
            number, self.evse_id, place.number, card, self.now().replace(microsecond=0)
        )
        self.transactions.append(place.session)
        place.stale_pushes = self.stale_start if place.last is not None else 0
        place.boosting = False
        self.step(0.0)
        return True

    def stop(self, socket: Socket | None = None) -> bool:
        """Stop the session; False if there is none."""
        place = socket or self.sockets[0]
        if place.session is None:
            return False
        place.session.ended_at = self.now().replace(microsecond=0)
        place.last, place.session = place.session, None
        place.boosting, place.current_a = False, 0.0
        if place.car is not None:
            place.vehicle = "B"
        return True

    def boost(self, socket: Socket | None = None) -> None:
        """Override the profiles until the session ends."""
        place = socket or self.sockets[0]
        place.boosting = place.session is not None
        self.step(0.0)

    def unlock(self, socket: Socket | None = None) -> bool:
        """Release the cable, which ends the session; False if the cable is part of the charge point."""
        place = socket or self.sockets[0]
        if self.is_cable:
            return False
        self.stop(place)
        place.unlocked = True
        return True

    def switch_profile(self, name: ProfileName, *, on: bool) -> None:
        """Switch a profile. Switching one on also switches smart charging on and the other profile off."""
        if on:
            self.delayed_charging = self.price_based_charging = False
            self.smart_charging = True
        setattr(self, name, on)
        self.step(0.0)

    def block(self, blocked: bool) -> None:
        """Make the charge point unavailable, or available again."""
        for place in self.sockets:
            if blocked:
                self.stop(place)
            place.blocked = blocked

    def step(self, seconds: float) -> bool:
        """Let time pass. Return whether the status has changed."""
        changed = False
        for place in self.sockets:
            before = (place.vehicle, place.current_a)
            place.current_a = 0.0
            if place.session is not None and place.car is not None and place.vehicle in "BCD":
                energy = 0.0
                if not self.held(place):
                    place.current_a, energy = place.car.draw(self.offered_a, seconds)
                    if seconds == 0.0 and not place.car.full and self.offered_a >= MINIMUM_A:
                        place.current_a = min(place.car.wants(), self.offered_a)
                    place.vehicle = "B" if place.car.full else "C"
                elif self.held_by_price(place):
                    place.vehicle = "C"
                place.session.kwh += energy
                changed = changed or energy > 0
            changed = changed or before != (place.vehicle, place.current_a)
        return changed

    @property
    def socket_ids(self) -> list[int]:
        """The numbers of its sockets."""
        return [socket.number for socket in self.sockets]
