"""The account behind the simulated cloud: its tokens, cards, charge points, overrides and grid."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Annotated

from pydantic import BaseModel, Field, JsonValue

from bridge.simulator.charge_point import SimulatedChargePoint, SimulatedOverride


@dataclass(slots=True)
class GridConnection:
    """The grid connection of a building. Currents in A.

    Attributes:
        id: the grid id.
        house_a: the current that the building draws on each phase, without its charge points.
        max_install: the main fuse.
        max_reserved: the current that smart charging may use.
    """

    id: str
    house_a: tuple[float, float, float] = (1.4, 0.6, 2.1)
    max_install: float = 25
    max_reserved: float = 20


class OverrideRequest(BaseModel):
    """The fields of POST_SET_OVERRIDE_CURRENT and POST_EDIT_OVERRIDE_CURRENT that count, as on the wire."""

    chargepoints: list[str]
    overridevalue: Annotated[int | float, Field(ge=0)]
    overridestarttime: str
    overridestoptime: str
    overridestartdays: list[str]
    overridestopdays: list[str]


@dataclass(slots=True)
class SimulatedSchedule:
    """An override as the account keeps it: its number, and the charge points that it is for."""

    number: int
    charge_points: list[str]
    override: SimulatedOverride

    def entry(self) -> dict[str, JsonValue]:
        """Return the entry of LIST_OVERRIDE_CURRENT."""
        return {
            "schedule_id": str(self.number),
            "charge_points": [*self.charge_points],
            "override_current": self.override.current_a,
            "start_time": self.override.start,
            "stop_time": self.override.stop,
            "override_start_days": ",".join(self.override.start_days),
            "override_end_days": ",".join(self.override.stop_days),
        }


@dataclass(slots=True)
class SimulatedAccount:
    """One account.

    Attributes:
        now: returns the time.
        api_token: the token that a login exchanges for a request token.
        password: the password that the app's REST API accepts.
        unlocks_by_websocket: UNLOCK_CONNECTOR works for every `chargepoint_type`. In the real cloud it works for
            `UMOVE` only.
        schedules: the overrides of the current, by number.
        kind_overrides: overrides limit every charge point, show in `max_usage` with smart charging on or off, and a new
            one does not overwrite another. The real cloud does not do this (page 3).
    """

    now: Callable[[], datetime]
    api_token: str = "simulated-api-token"
    request_token: str = "simulated-request-token"
    login: str = "owner@example.org"
    password: str = "simulated-password"
    full_name: str = "The Owner"
    customer_id: str = "C100"
    cards: list[dict[str, JsonValue]] = field(default_factory=list)
    charge_points: dict[str, SimulatedChargePoint] = field(default_factory=dict)
    schedules: dict[int, SimulatedSchedule] = field(default_factory=dict)
    kind_overrides: bool = False
    grids: dict[str, GridConnection] = field(default_factory=dict)
    unlocks_by_websocket: bool = False
    trees: int = 12
    co2: float = 345.6
    _numbers: Iterator[int] = field(default_factory=lambda: count(501))

    def add(self, charge_point: SimulatedChargePoint, grid: GridConnection | None = None) -> SimulatedChargePoint:
        """Put a charge point into the account."""
        self.charge_points[charge_point.evse_id] = charge_point
        if grid is not None:
            self.grids[charge_point.evse_id] = grid
        if not charge_point.default_card and self.cards:
            charge_point.default_card = self.cards[0]
        return charge_point

    def knows_card(self, uid: str) -> bool:
        """Whether a session may be started with a card; `BCU-APP` stands for no card."""
        return uid == "BCU-APP" or any(card["uid"] == uid for card in self.cards)

    # --- overrides of the current ---

    def save_schedule(self, request: Mapping[str, object], schedule_id: int | None = None) -> SimulatedSchedule:
        """Make or change an override. A new one overwrites those of its charge points.

        Raises:
            ValueError: a field is missing, or of another kind.
        """
        wanted = OverrideRequest.model_validate(request)
        number = next(self._numbers) if schedule_id is None else schedule_id
        if schedule_id is None and not self.kind_overrides:
            self._overwrite(set(wanted.chargepoints))
        override = SimulatedOverride(
            wanted.overridevalue,
            wanted.overridestarttime,
            wanted.overridestoptime,
            tuple(wanted.overridestartdays),
            tuple(wanted.overridestopdays),
        )
        schedule = SimulatedSchedule(number, wanted.chargepoints, override)
        self.schedules[number] = schedule
        self._apply()
        return schedule

    def clear_schedule(self, schedule_id: int) -> bool:
        """Remove an override; False if there is none with this id."""
        found = self.schedules.pop(schedule_id, None) is not None
        self._apply()
        return found

    def _overwrite(self, evse_ids: set[str]) -> None:
        for number, schedule in list(self.schedules.items()):
            left = [evse_id for evse_id in schedule.charge_points if evse_id not in evse_ids]
            if left:
                schedule.charge_points = left
            else:
                del self.schedules[number]

    def _apply(self) -> None:
        for point in self.charge_points.values():
            point.kind_overrides = self.kind_overrides
            point.overrides = [
                schedule.override for schedule in self.schedules.values() if point.evse_id in schedule.charge_points
            ]
            point.step(0.0)

    # --- wire form ---

    def describe(self) -> dict[str, JsonValue]:
        """Return the ACCOUNT answer."""
        return {
            "object": "ACCOUNT",
            "full_name": self.full_name,
            "email": self.login,
            "login": self.login,
            "should_reset_password": False,
            "developer_mode_enabled": False,
            "tel": "",
            "marketing_target": "bluecurrent",
            "first_login_app": "01-JAN-20",
            "hubspot_user_identity": "simulated",
        }

    def grid_currents(self, evse_id: str) -> tuple[float, float, float]:
        """Return the current on each phase of the grid connection of a charge point, A."""
        grid = self.grids[evse_id]
        total = list(grid.house_a)
        for other, same in self.grids.items():
            if same.id != grid.id or other not in self.charge_points:
                continue
            for socket in self.charge_points[other].sockets:
                phases = socket.car.phases if socket.car is not None else 0
                for phase in range(phases):
                    total[phase] += socket.current_a
        return round(total[0], 1), round(total[1], 1), round(total[2], 1)

    def grid_status(self, evse_id: str) -> dict[str, JsonValue]:
        """Return the GRID_STATUS answer, which names the grid and not the charge point."""
        grid = self.grids[evse_id]
        phases = self.grid_currents(evse_id)
        return {
            "object": "GRID_STATUS",
            "data": {
                "id": grid.id,
                **{f"grid_actual_p{index}": current for index, current in enumerate(phases, 1)},
                "grid_max_install": grid.max_install,
                "grid_max_reserved": grid.max_reserved,
            },
        }

    def grid_current(self, evse_id: str) -> dict[str, JsonValue]:
        """Return the GRID_CURRENT push."""
        phases = self.grid_currents(evse_id)
        currents = {f"grid_actual_p{index}": current for index, current in enumerate(phases, 1)}
        return {"object": "GRID_CURRENT", "evse_id": evse_id, **currents}


def example_account(now: Callable[[], datetime]) -> SimulatedAccount:
    """Return the account of the demo: a socket and a fixed cable with smart charging behind one grid connection."""
    account = SimulatedAccount(now)
    account.cards = [
        _card("046C8CCA8C1D90", "NL-ANW-CZPYJFFML-3", "House card"),
        _card("A1B2C3D4E5F6", "NL-ABC-123456-0", "Visitors"),
    ]
    grid = GridConnection("GRID-BCU102728")
    account.add(
        SimulatedChargePoint(
            "BCU102728", now, name="Driveway", model_type="U:MOVE16", max_usage=16, smart_charging=True, smart_limit=16
        ),
        grid,
    )
    account.add(
        SimulatedChargePoint(
            "BCU100186",
            now,
            name="Carport",
            model_type="H:MOVE-C32T2",
            chargepoint_type="HIDDEN",
            is_cable=True,
            max_usage=32,
            smart_charging=True,
            smart_limit=20,
            plug_and_charge=True,
            delayed_days=[1, 2, 3, 4, 5, 6, 7],
            delayed_start="23:00",
            delayed_end="07:00",
        ),
        grid,
    )
    return account


def _card(uid: str, number: str, name: str) -> dict[str, JsonValue]:
    return {
        "uid": uid,
        "id": number,
        "name": name,
        "customer_name": "The Owner",
        "valid": 1,
        "date_created": "2023-06-27",
        "date_modified": "2023-07-11",
        "date_became_invalid": "",
    }
