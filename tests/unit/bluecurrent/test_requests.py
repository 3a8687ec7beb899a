"""The wire form of requests (page 3, "Requests")."""

from datetime import time

import pytest

from bridge.bluecurrent import requests
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.schedules import Schedule

DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
OVERRIDE = {
    "chargepoints": ["B"],
    "overridestarttime": "00:00",
    "overridestartdays": DAYS,
    "overridestoptime": "23:59",
    "overridestopdays": DAYS,
    "overridevalue": 10,
}


@pytest.mark.parametrize(
    ("request_", "wire"),
    [
        (requests.hello(), {"command": "HELLO", "header": "homeassistant"}),
        (requests.get_account(), {"command": "GET_ACCOUNT"}),
        (requests.get_charge_cards(), {"command": "GET_CHARGE_CARDS", "limit": 100}),
        (requests.get_charge_points(), {"command": "GET_CHARGE_POINTS"}),
        (requests.get_status("B"), {"command": "GET_CH_STATUS", "evse_id": "B"}),
        (requests.get_settings("B"), {"command": "GET_CH_SETTINGS", "evse_id": "B"}),
        (requests.get_grid_status("B"), {"command": "GET_GRID_STATUS", "evse_id": "B"}),
        (requests.get_sustainability(), {"command": "GET_SUSTAINABILITY_STATUS"}),
        (requests.start_session("B", "X"), {"command": "START_SESSION", "evse_id": "B", "session_token": "X"}),
        (
            requests.start_session("B", "X", 2),
            {"command": "START_SESSION", "evse_id": "B", "session_token": "X", "socket_id": 2},
        ),
        (requests.stop_session("B"), {"command": "STOP_SESSION", "evse_id": "B"}),
        (requests.stop_session("B", 1), {"command": "STOP_SESSION", "evse_id": "B", "socket_id": 1}),
        (requests.soft_reset("B"), {"command": "SOFT_RESET", "evse_id": "B"}),
        (requests.reboot("B"), {"command": "REBOOT", "evse_id": "B"}),
        (requests.unlock_connector("B"), {"command": "UNLOCK_CONNECTOR", "evse_id": "B"}),
        (requests.set_operative("B", operative=True), {"command": "SET_OPERATIVE", "evse_id": "B"}),
        (requests.set_operative("B", operative=False), {"command": "SET_INOPERATIVE", "evse_id": "B"}),
        (
            requests.set_plug_and_charge("B", value=True),
            {"command": "SET_PLUG_AND_CHARGE", "evse_id": "B", "value": True},
        ),
        (
            requests.set_public_charging("B", value=False),
            {"command": "SET_PUBLIC_CHARGING", "evse_id": "B", "value": False},
        ),
        (
            requests.set_plug_and_charge_card("B", "X"),
            {"command": "SET_PLUG_AND_CHARGE_CHARGE_CARD", "evse_id": "B", "token_uid": "X"},
        ),
        (
            requests.set_delayed_charging("B", value=True),
            {"command": "SET_DELAYED_CHARGING", "evse_id": "B", "value": True},
        ),
        (
            requests.set_price_based_charging("B", value=True),
            {"command": "SET_PRICE_BASED_CHARGING", "evse_id": "B", "value": True},
        ),
        (
            requests.save_delayed_schedule("B", [1, 2, 5], time(23), time(7, 5)),
            {
                "command": "SAVE_SCHEDULE_DELAYED_CHARGING",
                "evse_id": "B",
                "days": "[1,2,5]",
                "start_time": "23:00",
                "end_time": "07:05",
            },
        ),
        (
            requests.patch_price_based_settings("B", departure=time(7), battery_size_kwh=60),
            {
                "command": "PATCH_PRICE_BASED_CHARGING_SETTINGS",
                "evse_id": "B",
                "expected_departure_time": "07:00",
                "battery_size_kwh": 60,
            },
        ),
        (
            requests.patch_price_based_settings("B", battery_percentage=0, minimum_percentage=20),
            {
                "command": "PATCH_PRICE_BASED_CHARGING_SETTINGS",
                "evse_id": "B",
                "current_battery_pct": 0,
                "minimum_pct": 20,
            },
        ),
        (
            requests.override_delayed_charging("B"),
            {"command": "OVERRIDE_DELAYED_CHARGING_TIMEOUT", "evse_id": "B", "value": True},
        ),
        (requests.override_profiles("B"), {"command": "OVERRIDE_CHARGING_PROFILES", "evse_id": "B", "value": True}),
        (requests.list_overrides(), {"command": "LIST_OVERRIDE_CURRENT"}),
        (requests.make_schedule(Schedule.always_on(0, "B", 10)), {"command": "POST_SET_OVERRIDE_CURRENT", **OVERRIDE}),
        (
            requests.edit_schedule(Schedule.always_on(7, "B", 10)),
            {"command": "POST_EDIT_OVERRIDE_CURRENT", "schedule_id": 7, **OVERRIDE},
        ),
        (requests.clear_override(7), {"command": "POST_CLEAR_OVERRIDE_CURRENT", "schedule_id": 7}),
    ],
    ids=lambda value: value.command if isinstance(value, Request) else "",
)
def test_every_request_has_its_text_on_the_wire(request_: Request[object], wire: dict[str, object]) -> None:
    assert request_.frame(authorization="Token A", flow_id=None) == {"Authorization": "Token A", **wire}
    assert request_.frame(authorization="Token A", flow_id="f")["flow_id"] == "f"
    assert request_.answers
