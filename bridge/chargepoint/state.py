"""The state table (contract 4), the only place that decides the state of a charge point.

`TABLE` has the rows of the table in the contract. The first row that fits, top to bottom, gives the state.
"""

from collections.abc import Callable
from enum import Enum
from typing import Final, Literal, NamedTuple

from bridge.chargepoint.status import MINIMUM_CURRENT_A, SESSION, Activity, Status, Vehicle
from bridge.immutable import immutable

StateSet = Literal["standard", "extended"]


class State(Enum):
    """The states of FIMP's `chargepoint` service that the bridge reports."""

    DISCONNECTED = "disconnected"
    REQUESTING = "requesting"
    READY_TO_CHARGE = "ready_to_charge"
    CHARGING = "charging"
    SUSPENDED_BY_EV = "suspended_by_ev"
    SUSPENDED_BY_EVSE = "suspended_by_evse"
    FINISHED = "finished"
    UNAVAILABLE = "unavailable"
    ERROR = "error"
    UNKNOWN = "unknown"


@immutable(frozen=True, slots=True)
class Situation:
    """The inputs of the state table.

    Attributes:
        visible: the link is up, or has not been down for longer than the grace.
        activity: the last activity; None if unknown.
        vehicle: the last vehicle status; None if unknown.
        held: the charge point holds the session back (`is_held`).
        drawn: this session has delivered energy, or the vehicle was at C or D while current flowed.
        done: the latest session of this plug-in ended, and not by a stop, unlock, reboot or block by the bridge.
        starting: a start was accepted under 60 s ago, with no session or stop since.
    """

    visible: bool
    activity: Activity | None
    vehicle: Vehicle | None
    held: bool = False
    drawn: bool = False
    done: bool = False
    starting: bool = False


class Row(NamedTuple):
    """One row of the table. No activities or vehicles fit any, the unknown one included."""

    activities: tuple[Activity, ...]
    vehicles: tuple[Vehicle, ...]
    condition: Callable[[Situation], bool]
    extended: State
    standard: State


_ANY: Final[tuple[Vehicle, ...]] = ()
_A: Final = (Vehicle.NONE,)
_B: Final = (Vehicle.CONNECTED,)
_CD: Final = (Vehicle.READY, Vehicle.VENTILATION)
_BCD: Final = _B + _CD
_EF: Final = (Vehicle.NO_POWER, Vehicle.FAULT)

_ANYTHING: Final[tuple[Activity, ...]] = ()
_OFFLINE: Final = (Activity.OFFLINE,)
_ERROR: Final = (Activity.ERROR,)
_UNAVAILABLE: Final = (Activity.UNAVAILABLE,)
_AVAILABLE: Final = (Activity.AVAILABLE,)


def _always(_: Situation) -> bool:
    return True


TABLE: Final = (
    Row(_ANYTHING, _ANY, lambda s: not s.visible, State.UNKNOWN, State.UNKNOWN),
    Row(_OFFLINE, _ANY, _always, State.UNKNOWN, State.UNKNOWN),
    Row(_ERROR, _ANY, _always, State.ERROR, State.ERROR),
    Row(_ANYTHING, _EF, _always, State.ERROR, State.ERROR),
    Row(_UNAVAILABLE, _ANY, _always, State.UNAVAILABLE, State.UNAVAILABLE),
    Row(SESSION, _A, lambda s: s.drawn, State.DISCONNECTED, State.DISCONNECTED),
    Row(SESSION, _A, _always, State.REQUESTING, State.REQUESTING),
    Row(SESSION, _BCD, lambda s: s.held, State.SUSPENDED_BY_EVSE, State.READY_TO_CHARGE),
    Row(SESSION, _CD, _always, State.CHARGING, State.CHARGING),
    Row(SESSION, _B, lambda s: s.drawn, State.SUSPENDED_BY_EV, State.FINISHED),
    Row(SESSION, _B, _always, State.SUSPENDED_BY_EV, State.REQUESTING),
    Row(_AVAILABLE, _A, _always, State.DISCONNECTED, State.DISCONNECTED),
    Row(_AVAILABLE, _BCD, lambda s: s.starting, State.REQUESTING, State.REQUESTING),
    Row(_AVAILABLE, _BCD, lambda s: s.done, State.FINISHED, State.FINISHED),
    Row(_AVAILABLE, _BCD, _always, State.READY_TO_CHARGE, State.READY_TO_CHARGE),
    Row(_ANYTHING, _ANY, _always, State.UNKNOWN, State.UNKNOWN),
)


def state(situation: Situation, state_set: StateSet) -> State:
    """Return the state of a charge point in the chosen set."""
    for row in TABLE:
        if row.activities and situation.activity not in row.activities:
            continue
        if row.vehicles and situation.vehicle not in row.vehicles:
            continue
        if row.condition(situation):
            return row.extended if state_set == "extended" else row.standard
    raise AssertionError("the last row fits everything")


def supported_states(state_set: StateSet) -> list[State]:
    """Return every state that the set can report, and no other."""
    reported = [row.extended if state_set == "extended" else row.standard for row in TABLE]
    return [state for state in State if state in reported]


def is_held(status: Status, *, profile_on: bool, smart_charging: bool) -> bool:
    """Whether the charge point holds the session back (the state table's `held`).

    Either a profile holds it, or smart charging offers less current than a vehicle needs.

    Args:
        status: the last values.
        profile_on: delayed or price-based charging is on.
        smart_charging: smart charging is on.
    """
    if is_held_by_profile(status, profile_on=profile_on):
        return True
    limit = status.smart_limit
    return smart_charging and limit is not None and limit < MINIMUM_CURRENT_A and not status.draws


def is_held_by_profile(status: Status, *, profile_on: bool) -> bool:
    """Whether delayed or price-based charging holds the session back.

    Delayed charging sets the activity to `delayed`. Price-based charging leaves it at `charging`, and sets a heartbeat
    timeout while the vehicle is ready and draws nothing (design page 3, "Pushes and data").
    """
    if status.activity is Activity.DELAYED:
        return True
    heartbeat = status.smart_current_heartbeat_timeout or 0.0
    return profile_on and heartbeat > 0 and status.vehicle is Vehicle.READY and not status.draws
