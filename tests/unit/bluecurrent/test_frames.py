"""Frames other than CH_STATUS: charge points, settings, cards, grid, verdicts and errors."""

from datetime import time
from typing import Any

import pytest

from bridge.bluecurrent.frames import (
    MOST_ODDITIES,
    AccountBody,
    BadFrame,
    ChargeCards,
    ChargePoints,
    Error,
    GridValues,
    Result,
    SettingsBody,
    Sustainability,
    Token,
    parse_frame,
)
from bridge.bluecurrent.values import MOST_ENTRIES
from bridge.chargepoint.charge_point_settings import Card, Setting, Tariff
from bridge.chargepoint.status import Activity
from tests.unit.bluecurrent.cloud_frames import frame


def test_recorded_charge_points_are_read() -> None:
    parsed = frame(
        object="CHARGE_POINTS",
        data=[
            {
                "evse_id": "BCU100186", "name": "", "model_type": "U:MOVE22", "chargepoint_type": "UMOVE",
                "linked_charge_cards_only": False,
                "default_card": {"uid": "BCU-APP", "id": "BCU-APP", "name": "", "customer_name": "x"},
                "plug_and_charge_notification": False, "plug_and_charge": False,
                "publish_location": {"value": False, "permission": "write"}, "smart_charging": False,
                "tariff": {"tariff_id": "NLBCUT994", "price_ex_vat": 0.2397, "currency": "SEK"},
                "activity": "offline", "x_coord": 50.8, "y_coord": 4.3,
            },
            {
                "evse_id": "BCU123456", "name": "Home", "model_type": "H:MOVE-C32T2", "is_cable": True,
                "public_charging": {"value": False, "permission": "write"},
                "plug_and_charge_charge_card": {"uid": "A1", "id": "NL-1", "name": "Mine", "valid": 1},
                "plug_and_charge": {"value": True, "permission": "read"},
                "delayed_charging": {"value": True, "permission": "none", "start_time": "23:00",
                                     "end_time": "07:00", "selected_days": [1, 5]},
                "price_based_charging": {"value": False, "permission": "admin"},
                "smart_charging": {"value": True}, "socket_ids": [1, 2],
                "led_intensity": {"value": 40, "permission": "read"},
            },
            {"no": "evse_id"},
            "rubbish",
        ],
    )  # fmt: skip
    assert isinstance(parsed.body, ChargePoints)
    old, new = parsed.body.listed
    assert old.evse_id == "BCU100186"
    assert old.update.values.public_charging == Setting(True)
    assert old.update.values.default_card == Card("BCU-APP", "BCU-APP", customer_name="x")
    assert old.update.values.plug_and_charge == Setting(False, "write")
    assert "is_cable" not in old.update.present
    assert old.update.values.chargepoint_type == "UMOVE"
    assert old.update.values.tariff == Tariff(tariff_id="NLBCUT994", price_ex_vat=0.2397, currency="SEK")
    assert (old.activity, new.activity) == (Activity.OFFLINE, None)
    evse = new.update.values
    assert (evse.name, evse.model, evse.is_cable, evse.socket_ids) == ("Home", "H:MOVE-C32T2", True, (1, 2))
    assert evse.plug_and_charge == Setting(True, "read")
    assert evse.plug_and_charge_card == Card("A1", "NL-1", "Mine", True)
    assert evse.delayed_charging == Setting(True, "none")
    assert (evse.delayed_days, evse.delayed_start, evse.delayed_end) == ((1, 5), time(23), time(7))
    assert evse.price_based_charging == Setting(False, "read")  # an unknown permission counts as read-only
    assert evse.smart_charging is True
    assert evse.led_intensity == Setting(40, "read")


def test_a_missing_list_is_not_an_empty_one() -> None:
    assert isinstance(frame(object="CHARGE_POINTS").body, Result)
    assert frame(object="CHARGE_POINTS", data=[]).body == ChargePoints([])


def test_a_profile_that_is_off_keeps_its_hours() -> None:
    parsed = frame(
        object="CH_SETTINGS", data={"evse_id": "B", "delayed_charging": {"value": False, "permission": "write"}}
    )
    assert parsed.evse_id == "B"
    assert isinstance(parsed.body, SettingsBody)
    assert parsed.body.update.present == {"delayed_charging"}


@pytest.mark.parametrize("name", ["cards", "data"])
def test_a_list_of_cards_is_read(name: str) -> None:
    body = frame(
        object="CHARGE_CARDS", **{name: [{"uid": "A1", "id": "NL-1", "valid": 0, "date_created": "2023-06-27"}, {}]}
    ).body
    assert body == ChargeCards([Card("A1", "NL-1", "", False, "2023-06-27")])


def test_grid_values_are_read() -> None:
    answer = frame(object="GRID_STATUS", data={"id": "GRID-BCU102728", "grid_actual_p1": -2, "grid_max_install": 40})
    assert isinstance(answer.body, GridValues)
    assert answer.body.update.present == {"id", "current_1", "max_install"}
    push = frame(object="GRID_CURRENT", evse_id="B", grid_actual_p1=1, grid_actual_p2=2, grid_actual_p3=3)
    assert isinstance(push.body, GridValues)
    assert push.body.update.values.current_3 == 3


def test_account_and_sustainability_are_read() -> None:
    account = frame(object="ACCOUNT", login="a@b", email=None, full_name="A B", first_login_app="01-JAN-20").body
    assert account == AccountBody("a@b", "", "A B", "01-JAN-20")
    assert frame(object="SUSTAINABILITY_STATUS", trees=1, co2=12.345).body == Sustainability(1, 12.345)


@pytest.mark.parametrize("fields", [{"command": "LIST_OVERRIDE_CURRENT"}, {"command": "CH_STATUS", "data": {}}])
def test_an_echo_of_a_command_is_no_frame(fields: dict[str, Any]) -> None:
    with pytest.raises(BadFrame):
        frame(**fields)


@pytest.mark.parametrize(
    ("name", "result", "said"),
    [
        ("STATUS_SET_PLUG_AND_CHARGE", {"setting": "set true"}, Result(True, None, "plug_and_charge")),
        ("SET_PUBLIC_CHARGING", {"setting": "set false"}, Result(False, None, "public_charging")),
        ("STATUS_SET_DELAYED_CHARGING", True, Result(True, None, "delayed_charging")),
        ("SET_PRICE_BASED_CHARGING", False, Result(False, None, "price_based_charging")),
        ("STATUS_SET_DELAYED_CHARGING", {}, Result(None, None)),
        ("STATUS_SET_DELAYED_CHARGING", {"setting": []}, Result(None, None)),
        ("RECEIVED_SET_DELAYED_CHARGING", True, Result(True, None)),
        ("STATUS_START_SESSION", {}, Result(None, None)),
    ],
)
def test_a_verdict_names_the_setting_that_it_has_switched(name: str, result: object, said: Result) -> None:
    assert frame(object=name, evse_id="B", success=True, result=result).body == said


def test_a_list_that_is_too_long_is_cut() -> None:
    parsed = frame(object="CHARGE_POINTS", data=[{"evse_id": f"B{number}"} for number in range(MOST_ENTRIES + 5)])
    assert isinstance(parsed.body, ChargePoints)
    assert len(parsed.body.listed) == MOST_ENTRIES
    assert parsed.oddities == (f"CHARGE_POINTS: has more than {MOST_ENTRIES} entries",)


def test_the_reported_oddities_are_limited() -> None:
    assert len(frame(object="CHARGE_CARDS", cards=["x"] * 500).oddities) == MOST_ODDITIES


def test_a_token_is_read_only_from_a_success() -> None:
    assert frame(object="STATUS_API_TOKEN", success=True, token="A", customer_id="C").body == Token("A", "C")
    assert frame(object="STATUS_API_TOKEN", success=False, token="A").body == Token(None, "")
    assert frame(object="STATUS_API_TOKEN", success=True).body == Token(None, "")


def test_an_error_has_its_code_and_message() -> None:
    assert frame(object="ERROR", error=42, message="Request limit reached").body == Error(42, "Request limit reached")
    assert frame(object="ERROR", error="odd").body == Error(None, "odd")


@pytest.mark.parametrize(
    ("code", "message", "number"),
    [
        ("42", "Request limit reached", 42),
        (" 1 ", "Invalid Auth Token", 1),
        (2.0, "forbidden", 2),
        ("0", "Unknown command", 0),
        (0, "", 0),
        (None, "Request limit reached", 42),
        (None, "invalid auth token.", 1),
        ("Request limit reached", None, 42),
        ("Unknown command", "", 0),
        (True, "odd", None),
        ("4_2", "odd", None),
        ({"code": 42}, "odd", None),
        (None, None, None),
    ],
)
def test_an_error_has_its_number_in_any_form(code: object, message: object, number: int | None) -> None:
    body = frame(object="ERROR", error=code, message=message).body
    assert isinstance(body, Error)
    assert body.number == number


@pytest.mark.parametrize("error", ["", " ", None, 0, 0.0, False, [], {}, "0", "None", "null", "false"])
def test_no_error_in_any_form_is_no_refusal(error: object) -> None:
    assert frame(object="STATUS_START_SESSION", evse_id="BCU102728", success=True, error=error).error == ""


@pytest.mark.parametrize(
    ("result", "value"),
    [({"setting": "set true"}, True), ({"setting": "set false"}, False), (True, True), ({}, None), (None, None)],
)
def test_the_value_of_a_verdict_is_read(result: object, value: bool | None) -> None:
    parsed = frame(object="STATUS_SET_PLUG_AND_CHARGE", success=True, evse_id="B", result=result, error="", flow_id="")
    assert isinstance(parsed.body, Result)
    assert parsed.body.value is value
    assert (parsed.flow_id, parsed.error, parsed.success) == (None, "", True)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "5", "{}", '{"object": ""}', '{"object": null}', '{"object": []}', "\x00"]
)
def test_text_without_an_object_is_no_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        parse_frame(text)
