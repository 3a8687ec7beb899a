"""The effects that show that a setter was carried out."""

import json
from collections.abc import Sequence
from datetime import time
from typing import Any

import pytest

from bridge.bluecurrent import requests
from bridge.bluecurrent.frames import parse_frame
from bridge.bluecurrent.requests import Request

A = "A1"


def status(**data: Any) -> dict[str, Any]:
    """A CH_STATUS of A1."""
    return {"object": "CH_STATUS", "evse_id": A, "data": data}


def told(**data: Any) -> dict[str, Any]:
    """A CH_SETTINGS of A1."""
    return {"object": "CH_SETTINGS", "data": {"evse_id": A, **data}}


def written(value: object) -> dict[str, object]:
    """A setting with its permission."""
    return {"value": value, "permission": "write"}


free, block = requests.set_operative(A, operative=True), requests.set_operative(A, operative=False)
plug = requests.set_plug_and_charge(A, value=True)
public = requests.set_public_charging(A, value=False)
delayed, not_delayed = requests.set_delayed_charging(A, value=True), requests.set_delayed_charging(A, value=False)
price = requests.set_price_based_charging(A, value=True)
card, no_card = requests.set_plug_and_charge_card(A, "uid-1"), requests.set_plug_and_charge_card(A, "BCU-APP")
hours = requests.save_delayed_schedule(A, [5, 1], time(23), time(7, 30))
departure = requests.patch_price_based_settings(A, departure=time(7), minimum_percentage=20)
HOURS = {"value": True, "start_time": "23:00", "end_time": "07:30", "selected_days": [1, 5]}
SOCKETS = [{"socket_id": 1, "activity": "unavailable"}, {"socket_id": 2, "activity": "available"}]

BOTH = [{"evse_id": A, "socket_id": number, "activity": "unavailable"} for number in (1, 2)]


@pytest.mark.parametrize(
    ("request_", "frame", "shows"),
    [
        (block, status(activity="unavailable"), True),
        (block, status(activity="available"), False),
        (block, status(activity="charging"), False),
        (block, status(activity="offline"), None),
        (block, status(activity="error"), None),
        (block, status(activity="who knows"), None),
        (block, status(vehicle_status="A"), None),
        (block, {**status(activity="unavailable"), "evse_id": "B1"}, None),
        (block, {"object": "CH_STATUS", "evse_id": A, "items": SOCKETS}, False),  # not all of it yet
        (block, {"object": "CH_STATUS", "items": [*BOTH, {"evse_id": "B1", "activity": "available"}]}, True),
        (free, status(activity="available"), True),
        (free, status(activity="delayed"), True),
        (free, status(activity="unavailable"), False),
        (plug, told(plug_and_charge=written(True)), True),
        (plug, told(plug_and_charge=True), True),
        (plug, told(plug_and_charge=written(False)), False),
        (plug, told(plug_and_charge=written(None)), None),
        (plug, told(plug_and_charge=None), None),
        (plug, told(public_charging=True), None),
        (plug, status(activity="available"), None),
        (plug, {"object": "CH_SETTINGS", "data": {"evse_id": "B1", "plug_and_charge": True}}, None),
        (plug, {"object": "CHARGE_POINTS", "data": [{"evse_id": "B1"}, {"evse_id": A, "plug_and_charge": True}]}, True),
        (plug, {"object": "CHARGE_POINTS", "data": [{"evse_id": "B1", "plug_and_charge": True}]}, None),
        (public, told(public_charging=written(False)), True),
        (public, told(linked_charge_cards_only=written(True)), True),
        (public, told(linked_charge_cards_only=written(False)), False),
        (card, told(plug_and_charge_card={"uid": "uid-1"}), True),
        (card, told(plug_and_charge_charge_card={"uid": "uid-2"}), False),
        (card, told(plug_and_charge_charge_card={"uid": "BCU_HOME_USE"}), False),
        (card, told(plug_and_charge=True), None),
        (no_card, told(plug_and_charge_charge_card={"uid": "BCU_HOME_USE"}), True),
        (no_card, told(plug_and_charge_charge_card=None), True),
        (no_card, told(plug_and_charge_charge_card={"uid": "uid-1"}), False),
        (delayed, told(delayed_charging=written(True)), True),
        (delayed, told(delayed_charging=written(False)), False),
        (delayed, status(activity="delayed"), True),
        (delayed, status(activity="charging"), None),
        (not_delayed, told(delayed_charging=written(False)), True),
        (not_delayed, status(activity="delayed"), False),
        (price, told(price_based_charging=written(True)), True),
        (price, told(price_based_charging=written(False)), False),
        (hours, told(delayed_charging=HOURS), True),
        (hours, told(delayed_charging={**HOURS, "end_time": "07:00"}), False),
        (hours, told(delayed_charging={**HOURS, "selected_days": [1]}), False),
        (hours, told(delayed_charging={"value": True, "start_time": "23:00"}), None),
        (departure, told(price_based_charging={"value": True, "expected_leave_time": "07:00"}), True),
        (departure, told(price_based_charging={"value": True, "expected_leave_time": "08:00"}), False),
        (requests.override_delayed_charging(A), status(boosting=True), True),
        (requests.override_profiles(A), status(boosting=False), False),
        (requests.override_profiles(A), status(activity="charging"), None),
    ],
)
def test_a_frame_shows_the_effect_of_a_request_or_its_opposite_or_neither(
    request_: Request[Any], frame: dict[str, Any], shows: bool | None
) -> None:
    assert request_.shown_by is not None
    assert request_.shown_by(parse_frame(json.dumps(frame))) is shows


@pytest.mark.parametrize(
    "request_",
    [
        requests.start_session(A, "card"),
        requests.stop_session(A),
        requests.reboot(A),
        requests.soft_reset(A),
        requests.unlock_connector(A),
        requests.patch_price_based_settings(A, battery_percentage=50),  # the cloud does not read it back
        requests.get_status(A),
    ],
)
def test_other_requests_are_ended_only_by_their_verdict(request_: Request[Any]) -> None:
    assert request_.shown_by is None


def test_a_frame_with_the_effect_has_no_value_for_the_request() -> None:
    setters: Sequence[Request[bool | None]] = (plug, delayed, hours)
    frame = parse_frame(json.dumps(told(plug_and_charge=True, delayed_charging=HOURS)))
    assert [request.read(frame) for request in setters] == [None, None, None]
