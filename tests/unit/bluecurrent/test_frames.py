"""Frames: recorded answers, odd values, and arbitrary input."""

import json
from datetime import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bluecurrent.frames import (
    MOST_ODDITIES,
    AccountBody,
    BadFrame,
    ChargeCards,
    ChargePoints,
    Error,
    Frame,
    GridValues,
    OverridesBody,
    Result,
    SettingsBody,
    Statuses,
    Sustainability,
    Token,
    parse_frame,
)
from bridge.bluecurrent.values import MOST_ENTRIES
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Location, Setting, Tariff
from bridge.chargepoint.cloud_fields import as_cloud_json, cloud_fields
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import Activity, Status, Vehicle


def frame(**fields: Any) -> Frame:
    """A frame, parsed."""
    return parse_frame(json.dumps(fields))


def status(**data: Any) -> tuple[Status, frozenset[str], Frame]:
    """The values of a CH_STATUS with this data, the fields it gave, and the frame."""
    parsed = frame(object="CH_STATUS", evse_id="BCU1", data=data)
    assert isinstance(parsed.body, Statuses)
    (one,) = parsed.body.sockets
    return one.update.values, one.update.present, parsed


RECORDED = {
    "actual_p1": 0, "actual_p2": 1, "actual_p3": 2.5, "activity": "available",
    "actual_v1": 0, "actual_v2": 230, "actual_v3": 231.5, "actual_kwh": 1.25, "max_usage": 10,
    "smartcharging_max_usage": 6, "max_offline": 7, "offline_since": "", "start_datetime": "20221110 11:41:32",
    "stop_datetime": "20221110 11:41:50", "total_cost": 9.93, "vehicle_status": "A", "evse_id": "BCU102728",
    "boosting": False, "something_new": {"x": 1},
}  # fmt: skip


def test_a_recorded_status() -> None:
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


def test_a_cost_below_zero_and_a_heartbeat() -> None:
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
def test_letters_and_words(word: object, vehicle: Vehicle | None) -> None:
    values, present, parsed = status(vehicle_status=word)
    assert "vehicle" in present
    assert values.vehicle is vehicle
    assert bool(parsed.oddities) == (vehicle is None)


@pytest.mark.parametrize("word", ["charging", "Charging", " available "])
def test_activities(word: str) -> None:
    assert status(activity=word)[0].activity is not None


def test_an_unknown_activity_is_unknown_and_told() -> None:
    values, _, parsed = status(activity="dancing")
    assert values.activity is None
    assert parsed.oddities == ("CH_STATUS: activity 'dancing' is not known",)


@pytest.mark.parametrize("odd", ["abc", True, [], {}, -1, 1e999, float("nan"), 10**400])
def test_a_value_that_makes_no_sense_costs_only_itself(odd: object) -> None:
    text = json.dumps({"object": "CH_STATUS", "evse_id": "B", "data": {"actual_kwh": odd, "actual_p1": 4}})
    parsed = parse_frame(text)
    assert isinstance(parsed.body, Statuses)
    update = parsed.body.sockets[0].update
    assert update.present == {"energy", "current_1"}
    assert (update.values.energy, update.values.current_1) == (None, 4)
    assert len(parsed.oddities) == 1
    assert parsed.oddities[0].startswith("CH_STATUS: actual_kwh ")


def test_numbers_as_text() -> None:
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
def test_times(text: str, when: str) -> None:
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


def test_what_a_frame_concerns() -> None:
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
        ({"socket_ids": None}, None),
        ({}, None),
    ],
)
def test_the_sockets_that_a_status_names_at_its_top(fields: dict[str, Any], socket_ids: tuple[int, ...] | None) -> None:
    body = frame(object="CH_STATUS", evse_id="B", **fields).body
    assert isinstance(body, Statuses)
    assert body.socket_ids == socket_ids


def test_recorded_charge_points() -> None:
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


def test_a_list_that_is_missing_is_no_empty_list() -> None:
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
def test_cards(name: str) -> None:
    body = frame(
        object="CHARGE_CARDS", **{name: [{"uid": "A1", "id": "NL-1", "valid": 0, "date_created": "2023-06-27"}, {}]}
    ).body
    assert body == ChargeCards([Card("A1", "NL-1", "", False, "2023-06-27")])


def test_grid() -> None:
    answer = frame(object="GRID_STATUS", data={"id": "GRID-BCU102728", "grid_actual_p1": -2, "grid_max_install": 40})
    assert isinstance(answer.body, GridValues)
    assert answer.body.update.present == {"id", "current_1", "max_install"}
    push = frame(object="GRID_CURRENT", evse_id="B", grid_actual_p1=1, grid_actual_p2=2, grid_actual_p3=3)
    assert isinstance(push.body, GridValues)
    assert push.body.update.values.current_3 == 3


def test_account_and_sustainability() -> None:
    account = frame(object="ACCOUNT", login="a@b", email=None, full_name="A B", first_login_app="01-JAN-20").body
    assert account == AccountBody("a@b", "", "A B", "01-JAN-20")
    assert frame(object="SUSTAINABILITY_STATUS", trees=1, co2=12.345).body == Sustainability(1, 12.345)


@pytest.mark.parametrize(
    "fields",
    [
        {"data": [{"schedule_id": "501", "charge_points": ["B"], "override_current": 10}]},
        {"result": [{"schedule_id": 501, "chargepoint_id": "B", "current": 10}]},
        {"data": [{"schedule_id": 501, "chargepoints": "B", "overridevalue": "10"}]},
    ],
)
def test_overrides(fields: dict[str, Any]) -> None:
    assert frame(object="LIST_OVERRIDE_CURRENT", **fields).body == OverridesBody([Schedule(501, ("B",), 10)])


EVERY_DAY = "MO,TU,WE,TH,FR,SA,SU"
ENTRY = {
    "schedule_id": 1,
    "charge_points": ["B"],
    "override_current": 10,
    "start_time": "00:00",
    "stop_time": "23:59",
    "override_start_days": EVERY_DAY,
    "override_end_days": EVERY_DAY,
}


@pytest.mark.parametrize(
    ("changed", "always"),
    [
        ({}, True),
        ({"override_start_days": "mo, tu,we,th,fr,sa,su"}, True),
        ({"override_start_days": EVERY_DAY.split(",")}, True),
        ({"start_time": "00:00:00", "stop_time": "23:59:00"}, True),
        ({"start_time": "08:00"}, False),
        ({"stop_time": "12:00"}, False),
        ({"override_end_days": "MO,TU"}, False),
        ({"start_time": None}, False),
        ({"start_time": "later"}, False),
        ({"override_end_days": "MO,Tuesday"}, False),
        ({"override_end_days": 7}, False),
    ],
)
def test_an_override_that_always_limits(changed: dict[str, Any], always: bool) -> None:
    body = frame(object="LIST_OVERRIDE_CURRENT", data=[ENTRY | changed]).body
    assert isinstance(body, OverridesBody)
    (schedule,) = body.schedules
    assert (schedule.schedule_id, schedule.charge_points, schedule.current) == (1, ("B",), 10)
    assert schedule.always is always


def test_an_override_of_some_hours() -> None:
    entry = ENTRY | {"start_time": "22:00", "stop_time": "06:30", "override_start_days": "MO,SU"}
    entry |= {"override_end_days": "TU,MO"}
    body = frame(object="LIST_OVERRIDE_CURRENT", data=[entry]).body
    assert body == OverridesBody([Schedule(1, ("B",), 10, (1, 7), time(22, 0), time(6, 30), (1, 2))])


def test_an_override_whose_name_is_no_number_is_there_all_the_same() -> None:
    body = frame(
        object="LIST_OVERRIDE_CURRENT", data=[{"schedule_id": "x7", "charge_points": ["B"]}, {"current": 9}]
    ).body
    assert body == OverridesBody([Schedule(None, ("B",), None)])


def test_the_answer_to_a_new_override() -> None:
    body = frame(object="POST_SET_OVERRIDE_CURRENT", data={"schedule_id": "7", "charge_points": "A, B"}).body
    assert body == OverridesBody([Schedule(7, ("A", "B"), None)])


@pytest.mark.parametrize("name", ["LIST_OVERRIDE_CURRENT", "POST_EDIT_OVERRIDE_CURRENT"])
def test_an_answer_about_overrides_can_stand_under_command(name: str) -> None:
    answer = frame(command=name, data=[{"schedule_id": 1, "charge_points": ["B"]}])
    assert answer.object == name
    assert isinstance(answer.body, OverridesBody)
    assert len(answer.body.schedules) == 1


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
def test_a_verdict_tells_which_setting_it_has_switched(name: str, result: object, said: Result) -> None:
    assert frame(object=name, evse_id="B", success=True, result=result).body == said


def test_a_list_that_is_too_long_is_cut() -> None:
    parsed = frame(object="CHARGE_POINTS", data=[{"evse_id": f"B{number}"} for number in range(MOST_ENTRIES + 5)])
    assert isinstance(parsed.body, ChargePoints)
    assert len(parsed.body.listed) == MOST_ENTRIES
    assert parsed.oddities == (f"CHARGE_POINTS: has more than {MOST_ENTRIES} entries",)


def test_not_every_oddity_is_named() -> None:
    assert len(frame(object="CHARGE_CARDS", cards=["x"] * 500).oddities) == MOST_ODDITIES


def test_tokens() -> None:
    assert frame(object="STATUS_API_TOKEN", success=True, token="A", customer_id="C").body == Token("A", "C")
    assert frame(object="STATUS_API_TOKEN", success=False, token="A").body == Token(None, "")
    assert frame(object="STATUS_API_TOKEN", success=True).body == Token(None, "")


def test_errors() -> None:
    assert frame(object="ERROR", error=42, message="Request limit reached").body == Error(42, "Request limit reached")
    assert frame(object="ERROR", error="odd").body == Error(None, "odd")


@pytest.mark.parametrize(
    ("result", "value"),
    [({"setting": "set true"}, True), ({"setting": "set false"}, False), (True, True), ({}, None), (None, None)],
)
def test_verdicts(result: object, value: bool | None) -> None:
    parsed = frame(object="STATUS_SET_PLUG_AND_CHARGE", success=True, evse_id="B", result=result, error="", flow_id="")
    assert isinstance(parsed.body, Result)
    assert parsed.body.value is value
    assert (parsed.flow_id, parsed.error, parsed.success) == (None, "", True)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "5", "{}", '{"object": ""}', '{"object": null}', '{"object": []}', "\x00"]
)
def test_what_is_no_frame(text: str) -> None:
    with pytest.raises(BadFrame):
        parse_frame(text)


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=12)  # lone surrogates too
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | ANY_TEXT
    | st.sampled_from(
        ["20221110 11:41:32", "00010101 00:00:00", "99991231 23:59:59+14:00", "24:00", "0,1,x", 10**999, "1"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = [
    "CH_STATUS", "CHARGE_POINTS", "CHARGE_CARDS", "CH_SETTINGS", "GRID_STATUS", "GRID_CURRENT", "ACCOUNT",
    "SUSTAINABILITY_STATUS", "LIST_OVERRIDE_CURRENT", "POST_SET_OVERRIDE_CURRENT", "STATUS_API_TOKEN", "ERROR",
    "STATUS_START_SESSION", "RECEIVED_START_SESSION", "STATUS_SET_PLUG_AND_CHARGE", "HELLO", "NEW_THING",
]  # fmt: skip
HEADS = ["data", "items", "cards", "result", "error", "evse_id", "flow_id", "success", "socket_ids", "message", "token"]
TOLD = sorted(
    {
        name
        for cls in (Status, ChargePointSettings, Card, Tariff, Location, Grid, AccountBody, Sustainability)
        for one in cloud_fields(cls).values()
        for name in ".".join([one.name, one.opposite, *one.also]).split(".")
        if name
    }
)
NAMES = st.sampled_from([*TOLD, "value", "permission", "items", "socket_id", "evse_id", "schedule_id", "charge_points"])
INNER = st.dictionaries(NAMES, VALUES | st.dictionaries(NAMES, VALUES, max_size=4), max_size=6)


def check(text: str | bytes) -> None:
    """The text is a frame without impossible values, or it is rejected."""
    try:
        parsed = parse_frame(text)
    except BadFrame:
        return
    assert len(parsed.oddities) <= MOST_ODDITIES
    "".join([parsed.object, parsed.evse_id or "", parsed.error, *parsed.oddities]).encode()  # no lone surrogates
    bodies = parsed.body.sockets if isinstance(parsed.body, Statuses) else ()
    for values in (one.update.values for one in bodies):
        assert all(current is None or 0 <= current <= 200 for current in values.currents)
        assert all(voltage is None or 0 <= voltage <= 500 for voltage in values.voltages)
        assert values.started_at is None or 1999 <= values.started_at.year <= 2101
        as_cloud_json(values)
    if isinstance(parsed.body, SettingsBody):
        told = parsed.body.update.values
        assert set(told.delayed_days or ()) <= set(range(1, 8))
        assert json.dumps(as_cloud_json(told), allow_nan=False, ensure_ascii=False).encode()


@given(
    st.sampled_from(OBJECTS),
    st.dictionaries(st.sampled_from(HEADS), VALUES),
    INNER | st.lists(INNER, max_size=3) | VALUES,
)
def test_no_object_raises_anything_else(name: str, fields: dict[str, Any], data: Any) -> None:
    check(json.dumps({**fields, "data": data, "object": name}))


@given(ANY_TEXT | st.text() | st.binary())
def test_no_text_raises_anything_else(text: str | bytes) -> None:
    check(text)


@given(
    st.lists(
        st.sampled_from(
            ['{"object":', '"CH_STATUS"', ",", '"data":', "{", "}", "[", "]", '"\\ud83d', '"', "1e999", "NaN"]
        )
    )
)
def test_no_heap_of_json_raises_anything_else(pieces: list[str]) -> None:
    check("".join(pieces))


@given(st.data())
def test_no_cut_frame_raises_anything_else(data: st.DataObject) -> None:
    whole = json.dumps({"object": "CH_STATUS", "evse_id": "BCU1", "data": RECORDED})
    with pytest.raises(BadFrame):
        parse_frame(whole[: data.draw(st.integers(0, len(whole) - 1))])
