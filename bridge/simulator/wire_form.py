"""The frames of a simulated charge point, as the cloud writes them (design page 3, "Pushes and data")."""

from datetime import datetime
from typing import Final

from pydantic import JsonValue

from bridge.simulator.car import MINIMUM_A, VOLTAGE_V
from bridge.simulator.charge_point import AMSTERDAM, PRICE_EUR, SimulatedChargePoint, SimulatedPermission, Socket

HEARTBEAT_S: Final = 120


def cloud_time(when: datetime | None) -> str:
    """Return a time as the cloud writes it: local, without an offset; empty for none."""
    return when.astimezone(AMSTERDAM).strftime("%Y%m%d %H:%M:%S") if when is not None else ""


def _activity(point: SimulatedChargePoint, socket: Socket) -> str:
    if socket.fault is not None:
        return socket.fault
    if socket.blocked:
        return "unavailable"
    if socket.session is None:
        return "available"
    return "delayed" if point.held(socket) and not point.held_by_price(socket) else "charging"


def status(point: SimulatedChargePoint, socket: Socket, *, pushed: bool = False) -> dict[str, JsonValue]:
    """Return the data of CH_STATUS for one socket.

    Args:
        point: the charge point.
        socket: one of its sockets.
        pushed: the status is pushed, so it uses up one of the stale ones after a start.
    """
    phases = socket.car.phases if socket.car is not None else 0
    drawing = socket.current_a > 0
    transaction = socket.transaction
    stale = socket.stale_pushes > 0 and socket.last is not None
    if pushed and socket.stale_pushes > 0:
        socket.stale_pushes -= 1
    started = socket.last.started_at if stale and socket.last is not None else None
    if not stale and transaction is not None:
        started = transaction.started_at
    data: dict[str, JsonValue] = {
        "actual_p1": round(socket.current_a, 1) if drawing else 0,
        "actual_p2": round(socket.current_a, 1) if drawing and phases > 1 else 0,
        "actual_p3": round(socket.current_a, 1) if drawing and phases > 2 else 0,
        "activity": _activity(point, socket),
        "actual_v1": VOLTAGE_V if drawing else 0,
        "actual_v2": VOLTAGE_V if drawing and point.phases > 1 else 0,
        "actual_v3": VOLTAGE_V if drawing and point.phases > 2 else 0,
        "actual_kwh": round(transaction.kwh, 3) if transaction is not None else 0,
        "boosting": socket.boosting,
        "max_usage": point.usage_a,
        "smartcharging_max_usage": MINIMUM_A if point.held_by_price(socket) else point.advised_a,
        "smart_current_heartbeat_timeout": HEARTBEAT_S if point.held_by_price(socket) else 0,
        "max_offline": point.max_offline,
        "offline_since": cloud_time(point.now()) if socket.fault == "offline" else "",
        "start_datetime": cloud_time(started),
        "stop_datetime": cloud_time(socket.last.ended_at if socket.last is not None else None),
        "total_cost": round(transaction.cost_eur, 2) if transaction is not None else 0,
        "vehicle_status": socket.vehicle,
        "evse_id": point.evse_id,
    }
    if len(point.sockets) > 1:
        data["socket_id"] = socket.number
    return data


def statuses(point: SimulatedChargePoint) -> dict[str, JsonValue]:
    """Return the answer to GET_CH_STATUS."""
    if len(point.sockets) == 1:
        return {"object": "CH_STATUS", "evse_id": point.evse_id, "data": status(point, point.sockets[0])}
    items: list[JsonValue] = [status(point, socket) for socket in point.sockets]
    return {"object": "CH_STATUS", "evse_id": point.evse_id, "socket_ids": [*point.socket_ids], "items": items}


def _setting(
    point: SimulatedChargePoint, name: str, value: JsonValue, granted: SimulatedPermission = "write"
) -> dict[str, JsonValue]:
    return {"value": value, "permission": point.permissions.get(name, granted)}


def settings(point: SimulatedChargePoint) -> dict[str, JsonValue]:
    """Return the data of CH_SETTINGS."""
    delayed: dict[str, JsonValue] = {}
    if point.delayed_charging:
        delayed = {
            "start_time": point.delayed_start,
            "end_time": point.delayed_end,
            "selected_days": [*point.delayed_days],
        }
    price: dict[str, JsonValue] = {}
    if point.price_based_charging:
        price = {"expected_leave_time": point.price_settings.get("expected_departure_time", "")}
    card = point.plug_and_charge_card
    return {
        "evse_id": point.evse_id,
        "model_type": point.model_type,
        "chargepoint_type": point.chargepoint_type,
        "is_cable": point.is_cable,
        "plug_and_charge": _setting(point, "plug_and_charge", point.plug_and_charge),
        "public_charging": _setting(point, "public_charging", point.public_charging),
        "default_card": point.default_card,
        "preferred_card": point.default_card,
        "plug_and_charge_charge_card": {"uid": card, "id": card} if card else _HOME_USE,
        "plug_and_charge_notification": _setting(point, "plug_and_charge_notification", value=False),
        "smart_charging": point.smart_charging,
        "smart_charging_dynamic": point.smart_charging,
        "delayed_charging": {**_setting(point, "delayed_charging", point.delayed_charging), **delayed},
        "price_based_charging": {**_setting(point, "price_based_charging", point.price_based_charging), **price},
        "capacity_tariff": {"value": False, "permission": "none"},
        "led_intensity": _setting(point, "led_intensity", point.led_intensity, "read"),
        "led_interaction": _setting(point, "led_interaction", point.led_interaction, "read"),
        "publish_location": {"value": False, "permission": "write"},
        **({"socket_ids": [*point.socket_ids]} if point.lists_sockets else {}),
        "tariff": _TARIFF,
        "location": _LOCATION,
    }


def listing(point: SimulatedChargePoint) -> dict[str, JsonValue]:
    """Return the entry of CHARGE_POINTS."""
    return {**settings(point), "name": point.name, "activity": _activity(point, point.sockets[0])}


_HOME_USE: Final[dict[str, JsonValue]] = {"uid": "BCU_HOME_USE", "id": "BCU_HOME_USE", "name": "", "customer_name": ""}
_TARIFF: Final[dict[str, JsonValue]] = {
    "tariff_id": "NLBCUT58",
    "price_ex_vat": 0.2066,
    "start_price_ex_vat": 0,
    "price_in_vat": PRICE_EUR,
    "start_price_in_vat": 0,
    "currency": "EUR",
    "vat_percentage": 21,
}
_LOCATION: Final[dict[str, JsonValue]] = {
    "x_coord": 52.0907,
    "y_coord": 5.1214,
    "street": "Voorbeeldstraat",
    "housenumber": "1",
    "zipcode": "1234AB",
    "city": "Utrecht",
    "country": "NL",
}
