"""CH_STATUS frames: recorded and odd values, and the sockets that they name."""

import json
from typing import Any

import pytest

from bridge.bluecurrent.frames import (
    Statuses,
    parse_frame,
)
from bridge.chargepoint.charge_point_settings import Card
from bridge.chargepoint.status import Activity, Vehicle
from tests.unit.bluecurrent.cloud_frames import RECORDED, frame, status


def test_a_recorded_status_is_read() -> None:
    values, present, parsed = status(**RECORDED)
    assert parsed.evse_id == "BCU1"
    assert parsed.oddities == ()
    assert values.activity is Activity.AVAILABLE
    assert values.vehicle is Vehicle.NONE
    assert values.currents == (0, 1, 2.5)
    assert values.voltages == (0, 230, 231.5)
    assert (values.energy, values.max_usage, values.smart_limit, values.max_offline) == (1.25, 10, 6, 7)
    assert values.started_at is not None
    assert values.started_at.isoformat() == "2022-11-10T11:41:32+01:00"
    assert values.offline_since is None
    assert values.boosting is False
    assert values.total_cost == 9.93
    assert len(present) == 17


def test_a_cost_below_zero_and_a_heartbeat_are_read() -> None:
    values, _, parsed = status(total_cost=-0.35, smart_current_heartbeat_timeout=120)
    assert (values.total_cost, values.smart_current_heartbeat_timeout) == (-0.35, 120)
    assert parsed.oddities == ()


@pytest.mark.parametrize(("uid", "token"), [("BCU_HOME_USE", "BCU-APP"), ("BCU-APP", "BCU-APP"), ("A1", "A1")])
def test_the_card_that_stands_for_none_is_not_sent_as_a_card(uid: str, token: str) -> None:
    assert Card(uid).session_token == token


def test_a_missing_field_is_not_given_and_null_is_unknown() -> None:
    values, present, _ = status(activity=None, actual_kwh=None)
    assert present == {"activity", "energy"}
    assert values.activity is None


@pytest.mark.parametrize(
    ("word", "vehicle"),
    [
        *((letter.value, letter) for letter in Vehicle),
        ("a", Vehicle.NONE),
        ("standby", Vehicle.NONE),
        ("vehicle_detected", Vehicle.CONNECTED),
        ("ready", Vehicle.READY),
        ("charging", Vehicle.READY),
        ("no_power", Vehicle.NO_POWER),
        ("vehicle_error", Vehicle.FAULT),
        ("X", None),
        ("", None),
        (5, None),
    ],
)
def test_the_vehicle_is_read_from_letters_and_words(word: object, vehicle: Vehicle | None) -> None:
    values, present, parsed = status(vehicle_status=word)
    assert "vehicle" in present
    assert values.vehicle is vehicle
    assert bool(parsed.oddities) == (vehicle is None)


@pytest.mark.parametrize("word", ["charging", "Charging", " available "])
def test_activities_are_read_in_any_letter_case(word: str) -> None:
    assert status(activity=word)[0].activity is not None


def test_an_unknown_activity_is_unknown_and_logged() -> None:
    values, _, parsed = status(activity="dancing")
    assert values.activity is None
    assert parsed.oddities == ("CH_STATUS: activity 'dancing' is not known",)


@pytest.mark.parametrize("odd", ["abc", True, [], {}, -1, 1e999, float("nan"), 10**400])
def test_an_invalid_value_is_ignored_alone(odd: object) -> None:
    text = json.dumps({"object": "CH_STATUS", "evse_id": "B", "data": {"actual_kwh": odd, "actual_p1": 4}})
    parsed = parse_frame(text)
    assert isinstance(parsed.body, Statuses)
    update = parsed.body.sockets[0].update
    assert update.present == {"energy", "current_1"}
    assert (update.values.energy, update.values.current_1) == (None, 4)
    assert len(parsed.oddities) == 1
    assert parsed.oddities[0].startswith("CH_STATUS: actual_kwh ")


def test_numbers_are_read_from_text() -> None:
    assert status(actual_kwh="  5.97", actual_p1="3", max_usage="")[0].energy == 5.97


@pytest.mark.parametrize(
    ("text", "when"),
    [
        ("20221110 11:41:32", "2022-11-10T11:41:32+01:00"),
        ("20220710 11:41:32", "2022-07-10T11:41:32+02:00"),
        ("20221110 11:41:32+00:00", "2022-11-10T12:41:32+01:00"),
        ("20221110 11:41:32+0100", "2022-11-10T11:41:32+01:00"),
        ("2022-11-10T11:41:32", "2022-11-10T11:41:32+01:00"),
        ("2022-11-10T11:41:32Z", "2022-11-10T12:41:32+01:00"),
    ],
)
def test_times_are_read_as_times_in_amsterdam(text: str, when: str) -> None:
    started = status(start_datetime=text)[0].started_at
    assert started is not None
    assert started.isoformat() == when


def test_sockets_each_have_their_own_status() -> None:
    items = [{"socket_id": 1, "activity": "charging"}, {"socket_id": "2", "activity": "available"}]
    for fields in ({"items": items}, {"data": {"items": items}}, {"data": items}, {"items": [], "data": items}):
        body = frame(object="CH_STATUS", evse_id="B", **fields).body
        assert isinstance(body, Statuses)
        assert [(one.evse_id, one.socket) for one in body.sockets] == [("B", 1), ("B", 2)]


ITEMS = [
    {"evse_id": "A", "socket_id": 1, "actual_kwh": 1},
    {"evse_id": "B", "actual_kwh": 2},
    "rubbish",
    {"evse_id": "A", "socket_id": "second", "actual_kwh": 3},
    {"actual_kwh": 4},
]


@pytest.mark.parametrize("fields", [{"items": ITEMS}, {"data": ITEMS}, {"data": {"items": ITEMS}}])
@pytest.mark.parametrize("top", [None, "C"])
def test_a_list_of_statuses_names_its_own_charge_points(fields: dict[str, Any], top: str | None) -> None:
    parsed = frame(object="CH_STATUS", **fields, **({"evse_id": top} if top is not None else {}))
    assert isinstance(parsed.body, Statuses)
    said = [(one.evse_id, one.socket, one.update.values.energy) for one in parsed.body.sockets]
    own = [("A", 1, 1), ("B", None, 2), ("A", None, 3)]
    assert said == (own if top is None else [*own, (top, None, 4)])
    assert parsed.evse_id == top
    assert "CH_STATUS: an entry is no object" in parsed.oddities
    assert "CH_STATUS: socket_id cannot be read" in parsed.oddities
    assert ("CH_STATUS: a status names no charge point" in parsed.oddities) == (top is None)


def test_a_frame_concerns_the_charge_points_that_it_names() -> None:
    both = frame(object="CH_STATUS", items=ITEMS)
    assert [both.concerns(name) for name in "ABC"] == [True, True, False]
    one = frame(object="CH_STATUS", items=[{"evse_id": "A", "socket_id": 1}, {"evse_id": "A", "socket_id": 2}])
    assert (one.evse_id, one.concerns("A"), one.concerns("B")) == ("A", True, False)
    assert frame(object="CHARGE_CARDS", data=[]).concerns("A")
    assert frame(object="STATUS_REBOOT", evse_id="A").concerns("A")
    assert not frame(object="STATUS_REBOOT", evse_id="A").concerns("B")


@pytest.mark.parametrize(
    ("fields", "socket_ids"),
    [
        ({"socket_ids": [1, 2]}, (1, 2)),
        ({"socket_ids": "1,2"}, (1, 2)),
        ({"data": {"socket_ids": [1, 2], "actual_kwh": 1}}, (1, 2)),
        ({"socket_ids": "none"}, None),
        ({"socket_ids": [0, 1]}, None),
        ({"socket_ids": None}, None),
        ({}, None),
    ],
)
def test_the_sockets_at_the_top_of_a_status_are_read(
    fields: dict[str, Any], socket_ids: tuple[int, ...] | None
) -> None:
    body = frame(object="CH_STATUS", evse_id="B", **fields).body
    assert isinstance(body, Statuses)
    assert body.socket_ids == socket_ids


@pytest.mark.parametrize(
    ("socket_id", "number"),
    [(1, 1), ("2", 2), (3.0, 3), (0, None), ("0", None), (-1, None), (True, None), (None, None)],
)
def test_a_socket_has_a_number_from_1(socket_id: object, number: int | None) -> None:
    """0 is the whole charge point, as with OCPP's connectors."""
    body = frame(object="CH_STATUS", evse_id="B", data={"socket_id": socket_id, "actual_kwh": 1}).body
    assert isinstance(body, Statuses)
    assert [status.socket for status in body.sockets] == [number]
