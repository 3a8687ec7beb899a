"""The requests to the cloud, and the answers that they accept (design page 3, "Requests").

A `Request[T]` is a value: the command, its parameters, the objects that can answer it, and how to read a `T` from the
answer. The link sends it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time
from typing import Final, Generic, TypeVar

from pydantic import JsonValue

from bridge.bluecurrent import effects
from bridge.bluecurrent.effects import Shows
from bridge.bluecurrent.frames import (
    AccountBody,
    ChargeCards,
    ChargePoints,
    Frame,
    GridValues,
    ListedChargePoint,
    OverridesBody,
    Result,
    SettingsBody,
    SocketStatus,
    Statuses,
    Sustainability,
)
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.schedules import DAY_ENDS, DAY_STARTS, Schedule
from bridge.chargepoint.update import Update

T_co = TypeVar("T_co", covariant=True)
B = TypeVar("B")


@dataclass(frozen=True, slots=True)
class Request(Generic[T_co]):
    """One request.

    Attributes:
        command: the name on the wire.
        read: reads the result from the frame that answers the request.
        parameters: the other fields of the frame, by their names on the wire.
        answers: the names of the objects that can answer it.
        evse_id: the charge point that the request is for; None for the account.
        acts: the request changes something, and its verdict may take `cloud.command_timeout`.
        alone: its answer does not name its charge point, so only one such request may be in flight.
        shown_by: recognises the effect of the request in a frame that is no answer; None if no frame shows it.
        fits: returns False for an answer that names another schedule or charge point; None if no answer does.
    """

    command: str
    read: Callable[[Frame], T_co]
    parameters: Mapping[str, JsonValue] = field(default_factory=dict)
    answers: frozenset[str] = frozenset()
    evse_id: str | None = None
    acts: bool = False
    alone: bool = False
    shown_by: Shows | None = None
    fits: Callable[[Frame], bool] | None = None

    def frame(self, *, authorization: str, flow_id: str | None) -> dict[str, JsonValue]:
        """Return the frame to send as a JSON object. It carries the token, and must not be logged."""
        frame: dict[str, JsonValue] = {"command": self.command, "Authorization": authorization, **self.parameters}
        if self.evse_id is not None:
            frame["evse_id"] = self.evse_id
        if flow_id is not None:
            frame["flow_id"] = flow_id
        return frame


class UnreadableAnswer(ValueError):
    """The frame that answers the request does not have the expected content."""


def _body(kind: type[B]) -> Callable[[Frame], B]:
    def read(frame: Frame) -> B:
        if not isinstance(frame.body, kind):
            raise UnreadableAnswer(f"{frame.object} cannot be read")
        return frame.body

    return read


def _nothing(_: Frame) -> None:
    return None


def _confirmed(frame: Frame) -> bool | None:
    return frame.body.value if isinstance(frame.body, Result) else None


# --- reading ---


def hello() -> Request[None]:
    """Announce the client. It is the first request on a link; the cloud pushes changes only after its answer."""
    return Request("HELLO", _nothing, {"header": "homeassistant"}, frozenset({"HELLO"}))


def get_account() -> Request[AccountBody]:
    """Request the account's owner."""
    return Request("GET_ACCOUNT", _body(AccountBody), answers=frozenset({"ACCOUNT"}))


def get_charge_cards() -> Request[Sequence[Card]]:
    """Request the account's charge cards, at most 100."""
    read = _body(ChargeCards)
    return Request("GET_CHARGE_CARDS", lambda f: read(f).cards, {"limit": 100}, frozenset({"CHARGE_CARDS"}))


def get_charge_points() -> Request[Sequence[ListedChargePoint]]:
    """Request the list of the account's charge points."""
    read = _body(ChargePoints)
    return Request("GET_CHARGE_POINTS", lambda f: read(f).listed, answers=frozenset({"CHARGE_POINTS"}))


def get_status(evse_id: str) -> Request[Sequence[SocketStatus]]:
    """Request the live values of a charge point, one entry for each of its sockets."""
    read = _body(Statuses)
    return Request("GET_CH_STATUS", lambda f: read(f).sockets, answers=frozenset({"CH_STATUS"}), evse_id=evse_id)


def get_settings(evse_id: str) -> Request[Update[ChargePointSettings]]:
    """Request the settings of a charge point."""
    read = _body(SettingsBody)
    return Request("GET_CH_SETTINGS", lambda f: read(f).update, answers=frozenset({"CH_SETTINGS"}), evse_id=evse_id)


def get_grid_status(evse_id: str) -> Request[Update[Grid]]:
    """Request the grid connection of a charge point. The answer names the grid, not the charge point."""
    read = _body(GridValues)
    return Request(
        "GET_GRID_STATUS", lambda f: read(f).update, answers=frozenset({"GRID_STATUS"}), evse_id=evse_id, alone=True
    )


def get_sustainability() -> Request[Sustainability]:
    """Request the sustainability figures of the account: trees, and CO2 in kg."""
    return Request("GET_SUSTAINABILITY_STATUS", _body(Sustainability), answers=frozenset({"SUSTAINABILITY_STATUS"}))


# --- actions, answered by RECEIVED_ and then STATUS_ ---


def _action(
    command: str, evse_id: str, parameters: Mapping[str, JsonValue] | None = None, *, shown_by: Shows | None = None
) -> Request[None]:
    answers = frozenset({f"STATUS_{command}", command})
    return Request(command, _nothing, parameters or {}, answers, evse_id, acts=True, shown_by=shown_by)


def _for_socket(socket: int | None) -> dict[str, JsonValue]:
    return {} if socket is None else {"socket_id": socket}


def start_session(evse_id: str, card: str, socket: int | None = None) -> Request[None]:
    """Start a session with a card (its uid, or `BCU-APP` for none)."""
    return _action("START_SESSION", evse_id, {"session_token": card, **_for_socket(socket)})


def stop_session(evse_id: str, socket: int | None = None) -> Request[None]:
    """Stop the session."""
    return _action("STOP_SESSION", evse_id, _for_socket(socket))


def soft_reset(evse_id: str) -> Request[None]:
    """Restart the charge point's software."""
    return _action("SOFT_RESET", evse_id)


def reboot(evse_id: str) -> Request[None]:
    """Restart the charge point."""
    return _action("REBOOT", evse_id)


def unlock_connector(evse_id: str, socket: int | None = None) -> Request[None]:
    """Release the cable. The cloud may not know this request."""
    return _action("UNLOCK_CONNECTOR", evse_id, _for_socket(socket))


def set_operative(evse_id: str, *, operative: bool) -> Request[None]:
    """Make the charge point available, or block it. A CH_STATUS often takes the place of the verdict."""
    command = "SET_OPERATIVE" if operative else "SET_INOPERATIVE"
    return _action(command, evse_id, shown_by=effects.operative(evse_id, wanted=operative))


# --- setters, answered by STATUS_ or the same name; RECEIVED_ may precede it ---


def _setter(command: str, evse_id: str, shown_by: Shows | None, **parameters: JsonValue) -> Request[bool | None]:
    """Make a setter. Its result is the value that the cloud confirmed, or None if the answer or effect names none."""
    answers = frozenset({f"STATUS_{command}", command})
    return Request(command, _confirmed, parameters, answers, evse_id, acts=True, shown_by=shown_by)


def set_plug_and_charge(evse_id: str, *, value: bool) -> Request[bool | None]:
    """Let sessions start when a vehicle is plugged in, or not."""
    return _setter("SET_PLUG_AND_CHARGE", evse_id, effects.settings(evse_id, plug_and_charge=value), value=value)


def set_public_charging(evse_id: str, *, value: bool) -> Request[bool | None]:
    """Allow charging with cards other than the linked ones, or not."""
    return _setter("SET_PUBLIC_CHARGING", evse_id, effects.settings(evse_id, public_charging=value), value=value)


def set_plug_and_charge_card(evse_id: str, card: str) -> Request[bool | None]:
    """Set the card for sessions that start when a vehicle is plugged in (its uid, or `BCU-APP` for none)."""
    shown_by = effects.plug_and_charge_card(evse_id, wanted=card)
    return _setter("SET_PLUG_AND_CHARGE_CHARGE_CARD", evse_id, shown_by, token_uid=card)


def set_delayed_charging(evse_id: str, *, value: bool) -> Request[bool | None]:
    """Switch delayed charging on or off."""
    return _setter("SET_DELAYED_CHARGING", evse_id, effects.delayed_charging(evse_id, wanted=value), value=value)


def save_delayed_schedule(evse_id: str, days: Sequence[int], start: time, end: time) -> Request[bool | None]:
    """Set the window of delayed charging: days, 1 Monday to 7 Sunday, and times in Amsterdam."""
    return _setter(
        "SAVE_SCHEDULE_DELAYED_CHARGING",
        evse_id,
        effects.settings(evse_id, delayed_days=days, delayed_start=start, delayed_end=end),
        days="[" + ",".join(str(day) for day in days) + "]",
        start_time=f"{start:%H:%M}",
        end_time=f"{end:%H:%M}",
    )


def set_price_based_charging(evse_id: str, *, value: bool) -> Request[bool | None]:
    """Switch price-based charging on or off."""
    shown_by = effects.settings(evse_id, price_based_charging=value)
    return _setter("SET_PRICE_BASED_CHARGING", evse_id, shown_by, value=value)


def patch_price_based_settings(
    evse_id: str,
    *,
    departure: time | None = None,
    battery_percentage: int | None = None,
    minimum_percentage: int | None = None,
    battery_size_kwh: int | None = None,
) -> Request[bool | None]:
    """Change settings of price-based charging; None leaves one as it is. The cloud reports only the departure."""
    given: dict[str, JsonValue] = {
        "expected_departure_time": f"{departure:%H:%M}" if departure is not None else None,
        "current_battery_pct": battery_percentage,
        "minimum_pct": minimum_percentage,
        "battery_size_kwh": battery_size_kwh,
    }
    parameters = {name: value for name, value in given.items() if value is not None}
    shown_by = effects.settings(evse_id, departure=departure) if departure is not None else None
    return _setter("PATCH_PRICE_BASED_CHARGING_SETTINGS", evse_id, shown_by, **parameters)


def override_delayed_charging(evse_id: str) -> Request[bool | None]:
    """Override delayed charging until the session ends, so that the session charges now."""
    return _setter("OVERRIDE_DELAYED_CHARGING_TIMEOUT", evse_id, effects.boosting(evse_id), value=True)


def override_profiles(evse_id: str) -> Request[bool | None]:
    """Override price-based charging until the session ends, so that the session charges now."""
    return _setter("OVERRIDE_CHARGING_PROFILES", evse_id, effects.boosting(evse_id), value=True)


# --- current overrides ---

DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def list_overrides() -> Request[Sequence[Schedule]]:
    """Request the list of the account's override schedules, those made in the app included."""
    read = _body(OverridesBody)
    return Request("LIST_OVERRIDE_CURRENT", lambda f: read(f).schedules, answers=frozenset({"LIST_OVERRIDE_CURRENT"}))


def _names(frame: Frame, *, schedule_id: int | None = None, evse_id: str | None = None) -> bool:
    """Whether an answer can be about this schedule of this charge point: it does not name another one only."""
    schedules = frame.body.schedules if isinstance(frame.body, OverridesBody) else ()
    return not schedules or any(
        schedule_id in (None, schedule.schedule_id)
        and (not schedule.charge_points or evse_id in (None, *schedule.charge_points))
        for schedule in schedules
    )


def _first(schedule: Schedule) -> str | None:
    return next(iter(schedule.charge_points), None)


def _content(schedule: Schedule) -> dict[str, JsonValue]:
    start, end = schedule.start or DAY_STARTS, schedule.end or DAY_ENDS
    return {
        "chargepoints": [*schedule.charge_points],
        "overridestarttime": f"{start:%H:%M}",
        "overridestartdays": [DAYS[day - 1] for day in schedule.days],
        "overridestoptime": f"{end:%H:%M}",
        "overridestopdays": [DAYS[day - 1] for day in schedule.end_days],
        "overridevalue": schedule.current,
    }


def make_schedule(schedule: Schedule) -> Request[Schedule | None]:
    """Make an override schedule. The given `schedule_id` is ignored.

    The result is the schedule with its id, or None if the answer does not carry the id.
    """
    command, read = "POST_SET_OVERRIDE_CURRENT", _body(OverridesBody)
    return Request(
        command,
        lambda frame: next((one for one in read(frame).schedules if one.schedule_id is not None), None),
        _content(schedule),
        frozenset({command, f"STATUS_{command}"}),
        acts=True,
        fits=lambda frame: _names(frame, evse_id=_first(schedule)),
    )


def edit_schedule(schedule: Schedule) -> Request[None]:
    """Change the content of the override schedule with this `schedule_id`."""
    command = "POST_EDIT_OVERRIDE_CURRENT"
    parameters = {"schedule_id": schedule.schedule_id, **_content(schedule)}
    return Request(
        command,
        _nothing,
        parameters,
        frozenset({command, f"STATUS_{command}"}),
        acts=True,
        fits=lambda frame: _names(frame, schedule_id=schedule.schedule_id, evse_id=_first(schedule)),
    )


def clear_override(schedule_id: int) -> Request[None]:
    """Remove an override schedule."""
    command = "POST_CLEAR_OVERRIDE_CURRENT"
    return Request(
        command,
        _nothing,
        {"schedule_id": schedule_id},
        frozenset({command, f"STATUS_{command}"}),
        acts=True,
        fits=lambda frame: _names(frame, schedule_id=schedule_id),
    )
