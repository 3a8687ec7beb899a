"""Frames from the cloud, turned once into typed values (design page 3, "Pushes and data").

Nothing past this module sees the wire. What a frame has that makes no sense is left out and named in `oddities`; only
what is no frame at all raises.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from pydantic_core import from_json

from bridge.bluecurrent.wire import (
    FlagSetting,
    WireAccount,
    WireCard,
    WireChargePoint,
    WireFrame,
    WireGrid,
    WireModel,
    WireSchedule,
    WireStatus,
    WireSustainability,
    WireTariff,
)
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Setting, Tariff
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.limits import Schedule
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.update import Update

M = TypeVar("M", bound=WireModel)


class BadFrame(ValueError):
    """What came is not JSON, not an object, or an object without a name. It is logged once and skipped."""


# --- the bodies a frame can have ---


@dataclass(frozen=True, slots=True)
class SocketStatus:
    """What a CH_STATUS says of one socket; None where it names none."""

    socket: int | None
    update: Update[Status]


@dataclass(frozen=True, slots=True)
class Statuses:
    """CH_STATUS."""

    sockets: Sequence[SocketStatus]


@dataclass(frozen=True, slots=True)
class ListedChargePoint:
    """One charge point of the account, and what it was doing when the list was made."""

    evse_id: str
    update: Update[ChargePointSettings]
    activity: Activity | None = None


@dataclass(frozen=True, slots=True)
class ChargePoints:
    """CHARGE_POINTS."""

    listed: Sequence[ListedChargePoint]


@dataclass(frozen=True, slots=True)
class ChargeCards:
    """CHARGE_CARDS."""

    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class SettingsBody:
    """CH_SETTINGS."""

    update: Update[ChargePointSettings]


@dataclass(frozen=True, slots=True)
class GridValues:
    """GRID_STATUS and GRID_CURRENT."""

    update: Update[Grid]


@dataclass(frozen=True, slots=True)
class AccountBody:
    """ACCOUNT."""

    login: str
    email: str
    full_name: str
    since: str


@dataclass(frozen=True, slots=True)
class Sustainability:
    """SUSTAINABILITY_STATUS: trees planted, kg of CO2 saved."""

    trees: float | None
    co2: float | None


@dataclass(frozen=True, slots=True)
class OverridesBody:
    """LIST_OVERRIDE_CURRENT, and the answers to its setters (then with one entry, or none after a clear)."""

    schedules: Sequence[Schedule]


@dataclass(frozen=True, slots=True)
class Token:
    """STATUS_API_TOKEN: the token for requests, or None where the API token was refused."""

    value: str | None
    customer_id: str


@dataclass(frozen=True, slots=True)
class Error:
    """ERROR."""

    number: int | None
    message: str


@dataclass(frozen=True, slots=True)
class Result:
    """What a setter's answer says it has set: on, off, or nothing in particular."""

    value: bool | None
    socket: int | None


Body = (
    Statuses
    | ChargePoints
    | ChargeCards
    | SettingsBody
    | GridValues
    | AccountBody
    | Sustainability
    | OverridesBody
    | Token
    | Error
    | Result
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame.

    Attributes:
        object: its name.
        evse_id: the charge point it is about, where it says so.
        flow_id: the request that it answers, where it says so.
        error: why it was refused, in the cloud's words; empty if it was not.
        success: the verdict, where it is one.
        body: what it says.
        oddities: what in it made no sense, for the log.
    """

    object: str
    evse_id: str | None
    flow_id: str | None
    error: str
    success: bool | None
    body: Body
    oddities: Sequence[str] = ()


def parse_frame(text: str | bytes) -> Frame:
    """Read one frame.

    Raises:
        BadFrame: it is none.
    """
    try:
        data = from_json(text)
    except ValueError as error:
        raise BadFrame(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadFrame("not an object")
    reader = _Reader()
    head = reader.read(WireFrame, data)
    if not head.object:
        raise BadFrame("an object without a name")
    body = _BODIES.get(head.object, _result)(data, head, reader)
    inner = head.data if isinstance(head.data, dict) else {}
    evse_id = head.evse_id or inner.get("evse_id")
    return Frame(
        object=head.object,
        evse_id=evse_id if isinstance(evse_id, str) else None,
        flow_id=head.flow_id or None,
        error="" if isinstance(body, Error) else _words(head.error),
        success=head.success,
        body=body,
        oddities=tuple(f"{head.object}: {oddity}" for oddity in reader.oddities),
    )


class _Reader:
    """Reads wire models and gathers what they had to leave out."""

    def __init__(self) -> None:
        self.oddities: list[str] = []

    def read(self, model: type[M], data: object) -> M:
        try:
            value, odd = model.read(data)
        except ValueError:
            self.oddities.append(f"{model.__name__.removeprefix('Wire')} is no object")
            return model()
        self.oddities += [f"{name} cannot be read" for name in odd]
        return value


def _words(error: object) -> str:
    return "" if error in (None, False, {}, []) else str(error).strip()


def _items(data: Mapping[str, Any], *names: str) -> list[Any]:
    for name in names:
        value = data.get(name)
        if isinstance(value, list):
            return value
    return []


# --- one reader for each object ---


def _statuses(data: Mapping[str, Any], head: WireFrame, reader: _Reader) -> Body:
    inner = head.data if isinstance(head.data, dict) else {}
    items = _items(data, "items") or _items(inner, "items") or _items(data, "data") or [inner]
    return Statuses([_socket_status(reader.read(WireStatus, item), reader) for item in items])


_STATUS_FIELDS: Final[Mapping[str, str]] = {
    "actual_p1": "current_1",
    "actual_p2": "current_2",
    "actual_p3": "current_3",
    "actual_v1": "voltage_1",
    "actual_v2": "voltage_2",
    "actual_v3": "voltage_3",
    "actual_kwh": "energy",
    "max_usage": "max_usage",
    "smartcharging_max_usage": "smart_limit",
    "max_offline": "max_offline",
    "boosting": "boosting",
    "offline_since": "offline_since",
    "start_datetime": "started_at",
    "stop_datetime": "stopped_at",
    "total_cost": "total_cost",
    "smart_current_heartbeat_timeout": "smart_current_heartbeat_timeout",
}


def _socket_status(wire: WireStatus, reader: _Reader) -> SocketStatus:
    given = wire.model_fields_set
    values: dict[str, Any] = {ours: getattr(wire, theirs) for theirs, ours in _STATUS_FIELDS.items() if theirs in given}
    if "activity" in given:
        values["activity"] = _activity(wire.activity, reader)
    if "vehicle_status" in given:
        values["vehicle"] = _vehicle(wire.vehicle_status, reader)
    return SocketStatus(wire.socket_id, Update(Status(**values), frozenset(values)))


def _activity(word: str | None, reader: _Reader) -> Activity | None:
    if word is None:
        return None
    try:
        return Activity(word.strip().lower())
    except ValueError:
        reader.oddities.append(f"activity {word!r} is not known")
        return None


_VEHICLE_WORDS: Final[Mapping[str, Vehicle]] = {
    **{vehicle.value.lower(): vehicle for vehicle in Vehicle},
    # The official client's words for the letters.
    "charging": Vehicle.READY,  # design page 3, seed 000
    "standby": Vehicle.NONE,
    "vehicle_detected": Vehicle.CONNECTED,
    "ready": Vehicle.READY,
    "no_power": Vehicle.NO_POWER,
    "vehicle_error": Vehicle.FAULT,
}


def _vehicle(word: str | None, reader: _Reader) -> Vehicle | None:
    if word is None:
        return None
    vehicle = _VEHICLE_WORDS.get(word.strip().lower())
    if vehicle is None:
        reader.oddities.append(f"vehicle_status {word!r} is not known")
    return vehicle


def _charge_points(data: Mapping[str, Any], head: WireFrame, reader: _Reader) -> Body:
    if not isinstance(head.data, list):
        return Result(None, None)  # a list that is missing is no empty list
    listed = []
    for item in _items(data, "data"):
        wire = reader.read(WireChargePoint, item)
        if wire.evse_id:
            listed.append(ListedChargePoint(wire.evse_id, _described(wire), _activity(wire.activity, reader)))
    return ChargePoints(listed)


def _settings(_: Mapping[str, Any], head: WireFrame, reader: _Reader) -> Body:
    return SettingsBody(_described(reader.read(WireChargePoint, head.data)))


def _flag(setting: FlagSetting | None) -> Setting[bool] | None:
    return None if setting is None else Setting(setting.value, setting.permission)


def _described(wire: WireChargePoint) -> Update[ChargePointSettings]:
    given = wire.model_fields_set
    values: dict[str, Any] = {}
    if "is_cable" in given:
        values["is_cable"] = wire.is_cable
    for theirs, ours in (("name", "name"), ("model_type", "model"), ("chargepoint_type", "chargepoint_type")):
        if theirs in given:
            values[ours] = getattr(wire, theirs) or ""
    for name in ("default_card", "plug_and_charge_card"):
        if name in given:
            card = getattr(wire, name)
            values[name] = _card(card) if card is not None else None
    if "tariff" in given:
        values["tariff"] = _tariff(wire.tariff)
    if "socket_ids" in given:
        values["socket_ids"] = tuple(wire.socket_ids or ())
    return _updated(values | _switches(wire) | _profiles(wire))


def _updated(values: dict[str, Any]) -> Update[ChargePointSettings]:
    return Update(ChargePointSettings(**values), frozenset(values))


def _switches(wire: WireChargePoint) -> dict[str, Any]:
    """The settings that are simply on or off, and the lights."""
    given = wire.model_fields_set
    values: dict[str, Any] = {}
    if "linked_charge_cards_only" in given:  # an older name for the opposite
        linked = wire.linked_charge_cards_only
        opposite = None if linked is None or linked.value is None else not linked.value
        values["public_charging"] = Setting(opposite, linked.permission) if linked is not None else None
    for name in ("plug_and_charge", "public_charging", "led_interaction"):
        if name in given:
            values[name] = _flag(getattr(wire, name))
    if "smart_charging" in given:
        values["smart_charging"] = wire.smart_charging.value if wire.smart_charging is not None else None
    if "led_intensity" in given:
        led = wire.led_intensity
        number = None if led is None or led.value is None else int(led.value)
        values["led_intensity"] = None if led is None else Setting(number, led.permission)
    return values


def _profiles(wire: WireChargePoint) -> dict[str, Any]:
    """The two profiles; their details are missing while they are off, and stay as they were."""
    values: dict[str, Any] = {}
    if "delayed_charging" in wire.model_fields_set:
        delayed = wire.delayed_charging
        values["delayed_charging"] = _flag(delayed)
        details = (("selected_days", "delayed_days"), ("start_time", "delayed_start"), ("end_time", "delayed_end"))
        for theirs, ours in details:
            if delayed is not None and theirs in delayed.model_fields_set:
                values[ours] = getattr(delayed, theirs)
    if "price_based_charging" in wire.model_fields_set:
        price_based = wire.price_based_charging
        values["price_based_charging"] = _flag(price_based)
        if price_based is not None and "expected_leave_time" in price_based.model_fields_set:
            values["departure"] = price_based.expected_leave_time
    return values


def _tariff(wire: WireTariff | None) -> Tariff | None:
    if wire is None:
        return None
    return Tariff(
        tariff_id=wire.tariff_id or "",
        currency=wire.currency or "",
        price_ex_vat=wire.price_ex_vat,
        start_price_ex_vat=wire.start_price_ex_vat,
        price_in_vat=wire.price_in_vat,
        start_price_in_vat=wire.start_price_in_vat,
        vat_percentage=wire.vat_percentage,
        permission=wire.permission or "",
    )


def _card(wire: WireCard) -> Card | None:
    if not wire.uid:
        return None
    return Card(
        uid=wire.uid,
        number=wire.id or "",
        name=wire.name or "",
        valid=wire.valid,
        created=wire.date_created or "",
        modified=wire.date_modified or "",
        became_invalid=wire.date_became_invalid or "",
        customer_name=wire.customer_name or "",
    )


def _charge_cards(data: Mapping[str, Any], _: WireFrame, reader: _Reader) -> Body:
    cards = (_card(reader.read(WireCard, item)) for item in _items(data, "cards", "data"))
    return ChargeCards([card for card in cards if card is not None])


_GRID_FIELDS: Final[Mapping[str, str]] = {
    "grid_actual_p1": "current_1",
    "grid_actual_p2": "current_2",
    "grid_actual_p3": "current_3",
    "grid_max_install": "max_install",
    "grid_max_reserved": "max_reserved",
}


def _grid(data: Mapping[str, Any], head: WireFrame, reader: _Reader) -> Body:
    wire = reader.read(WireGrid, head.data if isinstance(head.data, dict) else data)
    given = wire.model_fields_set
    values: dict[str, Any] = {ours: getattr(wire, theirs) for theirs, ours in _GRID_FIELDS.items() if theirs in given}
    if wire.id:
        values["id"] = wire.id
    return GridValues(Update(Grid(**values), frozenset(values)))


def _account(data: Mapping[str, Any], _: WireFrame, reader: _Reader) -> Body:
    wire = reader.read(WireAccount, data)
    return AccountBody(
        login=wire.login or "",
        email=wire.email or "",
        full_name=wire.full_name or "",
        since=wire.first_login_app or "",
    )


def _sustainability(data: Mapping[str, Any], _: WireFrame, reader: _Reader) -> Body:
    wire = reader.read(WireSustainability, data)
    return Sustainability(wire.trees, wire.co2)


def _overrides(data: Mapping[str, Any], head: WireFrame, reader: _Reader) -> Body:
    items = _items(data, "data", "result")
    if not items and isinstance(head.data, dict):
        items = [head.data]
    schedules = []
    for item in items:
        wire = reader.read(WireSchedule, item)
        if wire.schedule_id is None or not wire.schedule_id.strip().isdecimal():
            continue
        points = wire.charge_points
        names = [name.strip() for name in points.split(",")] if isinstance(points, str) else list(points or ())
        schedules.append(Schedule(int(wire.schedule_id), tuple(names), wire.current, wire.always))
    return OverridesBody(schedules)


def _token(data: Mapping[str, Any], head: WireFrame, _: _Reader) -> Body:
    token, customer = data.get("token"), data.get("customer_id")
    granted = head.success is True and isinstance(token, str) and token != ""
    return Token(str(token) if granted else None, str(customer or ""))


def _error(data: Mapping[str, Any], head: WireFrame, _: _Reader) -> Body:
    number = head.error if isinstance(head.error, int) and not isinstance(head.error, bool) else None
    message = data.get("message")
    return Error(number, message.strip() if isinstance(message, str) else _words(head.error))


def _result(data: Mapping[str, Any], head: WireFrame, _: _Reader) -> Body:
    result, socket = head.result, data.get("socket_id")
    if isinstance(result, dict):
        # It comes as "set true" under the name "setting".
        words = str(result.get("setting", "")).lower().split()
        result = True if "true" in words else False if "false" in words else None
    return Result(result if isinstance(result, bool) else None, socket if isinstance(socket, int) else None)


_BODIES: Final[Mapping[str, Callable[[Mapping[str, Any], WireFrame, _Reader], Body]]] = {
    "CH_STATUS": _statuses,
    "CHARGE_POINTS": _charge_points,
    "CHARGE_CARDS": _charge_cards,
    "CH_SETTINGS": _settings,
    "GRID_STATUS": _grid,
    "GRID_CURRENT": _grid,
    "ACCOUNT": _account,
    "SUSTAINABILITY_STATUS": _sustainability,
    "LIST_OVERRIDE_CURRENT": _overrides,
    "POST_SET_OVERRIDE_CURRENT": _overrides,
    "POST_EDIT_OVERRIDE_CURRENT": _overrides,
    "POST_CLEAR_OVERRIDE_CURRENT": _overrides,
    "STATUS_API_TOKEN": _token,
    "ERROR": _error,
}
