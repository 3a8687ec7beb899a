"""A recording has no personal values; all other values that the bridge reads are kept."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.recording.redaction import STAND_IN, FrameRedaction

KEY = b"k" * 32

TEXTS = ("name", "chargepoint_name", "customer_name", "full_name", "email", "login", "tel", "customer_id", "token")
OF_LOCATIONS = ("street", "housenumber", "zipcode", "city", "country")
OF_CARDS = ("uid", "id", "name", "customer_name")

text = st.text(min_size=1).filter(lambda value: value.strip() not in ("", "BCU-APP", "BCU_HOME_USE"))
degrees = st.floats(-180, 180) | st.integers(-180, 180) | st.floats(-180, 180).map(str)


def card(values: st.SearchStrategy[Any] = text) -> st.SearchStrategy[dict[str, Any]]:
    """A card in its wire form."""
    return st.fixed_dictionaries(dict.fromkeys(OF_CARDS, values), optional={"valid": st.just(1)})


location = st.fixed_dictionaries(dict.fromkeys(OF_LOCATIONS, text) | {"x_coord": degrees, "y_coord": degrees})
listed = st.fixed_dictionaries(
    {
        "evse_id": st.just("BCU102728"),
        "name": text,
        "location": location,
        "default_card": card(),
        "activity": st.just("available"),
    },
    optional={"preferred_card": card(), "plug_and_charge_card": card(), "x_coord": degrees, "y_coord": degrees},
)
frames = st.one_of(
    st.builds(lambda points: {"object": "CHARGE_POINTS", "data": points}, st.lists(listed)),
    st.builds(lambda settings: {"object": "CH_SETTINGS", "data": settings}, listed),
    st.builds(lambda name, cards: {"object": "CHARGE_CARDS", name: cards}, st.sampled_from(["cards", "data"]), st.lists(card())),
    st.builds(lambda cards: {"object": "CHARGE_CARDS", "data": cards}, st.lists(st.fixed_dictionaries({"id": text}))),
    st.builds(lambda values: {"object": "ACCOUNT", **values}, st.fixed_dictionaries(dict.fromkeys(TEXTS, text))),
    st.builds(lambda values: {"object": "ACCOUNT", "data": values}, st.fixed_dictionaries(dict.fromkeys(TEXTS, text))),
    st.builds(lambda token: {"object": "STATUS_API_TOKEN", "success": True, "token": token, "customer_id": token}, text),
    st.builds(
        lambda token, uid: {
            "command": "START_SESSION", "Authorization": f"Token {token}", "session_token": uid, "evse_id": "BCU102728",
        },
        text, text,
    ),
    st.builds(lambda uid: {"command": "SET_PLUG_AND_CHARGE_CHARGE_CARD", "token_uid": uid, "evse_id": "BCU102728"}, text),
    st.builds(lambda who: {"object": "WHAT_IS_NEW", "driver": {"first": who, "born": who}, "e-mail": who, "homeAddress": who}, text),
)  # fmt: skip

KEPT = {"object", "command", "evse_id", "activity", "success", "valid"}


def leaves(before: JsonValue, after: JsonValue, name: str = "") -> list[tuple[str, JsonValue, JsonValue]]:
    """The values of both, side by side, with the name under which they stand."""
    if isinstance(before, dict):
        assert isinstance(after, dict)
        assert len(before) == len(after)
        return [
            leaf
            for key, redacted in zip(before, after, strict=True)
            for leaf in leaves(before[key], after[redacted], key)
        ]
    if isinstance(before, list):
        assert isinstance(after, list)
        return [leaf for pair in zip(before, after, strict=True) for leaf in leaves(*pair, name)]
    return [(name, before, after)]


@given(frames)
def test_every_personal_field_is_replaced(frame: dict[str, Any]) -> None:
    for name, before, after in leaves(frame, FrameRedaction(KEY).redact(frame)):
        if name in KEPT:
            assert after == before, name
        else:
            assert after != before, name
            if "coord" in name:
                assert type(after) is (str if isinstance(before, str) else float), name
                assert abs(float(str(after))) <= 180


@given(frames)
def test_a_value_always_has_the_same_replacement_under_one_key(frame: dict[str, Any]) -> None:
    one = FrameRedaction(KEY)
    stand_ins: dict[str, JsonValue] = {}
    for name, before, after in leaves(frame, one.redact(frame)):
        if name not in KEPT and isinstance(before, str) and "coord" not in name:
            assert stand_ins.setdefault(before.removeprefix("Token "), str(after).removeprefix("Token ")) == str(
                after
            ).removeprefix("Token ")
    assert one.redact(frame) == FrameRedaction(KEY).redact(frame)
    personal = any(name not in KEPT for name, _, _ in leaves(frame, frame))
    assert (one.redact(frame) != FrameRedaction(b"another").redact(frame)) == personal


WORDS = st.from_regex(r"\A[A-Z][a-z]{5,9}q[a-z]{3}\Z")


@given(
    name=WORDS,
    town=WORDS,
    uid=st.from_regex(r"\A04[0-9A-F]{12}\Z"),
    mail=st.from_regex(r"\A[a-z]{4,9}\.[a-z]{4}@[a-z]{5}\.org\Z"),
    token=st.from_regex(r"\A[a-z0-9]{30}[0-9]\Z"),
)
def test_a_replaced_value_is_also_replaced_in_sentences(name: str, town: str, uid: str, mail: str, token: str) -> None:
    redaction = FrameRedaction(KEY, [token])
    redaction.redact({"object": "CH_SETTINGS", "data": {"name": name, "location": {"city": town}}})
    frames: list[JsonValue] = [
        {"object": "ERROR", "error": 9, "message": f"{name} in {town}: card {uid} of {mail} is unknown to {token}"},
        {"object": "RECEIVED_START_SESSION", "evse_id": "BCU102728", "error": f"unknown card {uid}"},
        {"object": "STATUS_X", "result": {"setting": f"set {uid}"}},
        {"object": "NEWS", "activity": f"told by {mail}", f"of {mail}": 1, uid: {"valid": 1}},
    ]
    written = json.dumps([redaction.redact(frame) for frame in frames])
    for secret in (name, town, uid, mail, token):
        assert secret not in written
    assert "BCU102728" in written


@pytest.mark.parametrize(
    "frame",
    [
        {"object": "CH_STATUS", "evse_id": "BCU1", "data": {"activity": "dancing", "actual_p1": 6.5, "start_datetime": "20261120 12:00:00", "vehicle_status": "A", "socket_id": 2}},
        {"object": "CH_STATUS", "evse_id": "X", "items": [{"evse_id": "X", "socket_id": 1, "offline_since": None}]},
        {"object": "CH_SETTINGS", "data": {"evse_id": "BCU1", "model_type": "U:MOVE", "publish_location": {"value": False, "permission": "write"}, "delayed_charging": {"value": True, "permission": "read", "start_time": "23:00", "selected_days": "[0,1]"}, "tariff": {"tariff_id": "NLBCUT58", "currency": "EUR", "price_in_vat": 0.25}, "plug_and_charge_charge_card": {"uid": "BCU_HOME_USE", "id": "BCU_HOME_USE", "name": "", "valid": True}}},
        {"object": "GRID_STATUS", "data": {"id": "GRID-BCU102728", "grid_actual_p1": 1, "grid_max_install": 25}},
        {"command": "POST_SET_OVERRIDE_CURRENT", "chargepoints": ["BCU1"], "overridestarttime": "00:00", "overridestartdays": ["MO"], "overridevalue": 10, "flow_id": "8a1c7c7e-7d2c-4c43-a2cb-86e34a4a7a3e"},
        {"object": "LIST_OVERRIDE_CURRENT", "data": [{"schedule_id": "501", "charge_points": ["BCU1"], "override_start_days": "MO,TU", "stop_time": "23:59"}]},
        {"command": "START_SESSION", "evse_id": "BCU1", "session_token": "BCU-APP"},
        {"object": "RECEIVED_STOP_SESSION", "success": False, "evse_id": "BCU1", "error": "no active session for chargepoint: BCU102728"},
        {"object": "STATUS_SET_PUBLIC_CHARGING", "result": {"setting": "set true"}, "error": ""},
        {"object": "NEWS", "since": "2026-11-20T12:00:00+01:00", "at": "12:30", "count": 3, "share": 0.5, "on": "true", "about": "BCU102728"},
    ],
)  # fmt: skip
def test_fields_that_are_not_personal_are_kept(frame: dict[str, Any]) -> None:
    assert FrameRedaction(KEY).redact(frame) == frame


def test_invalid_values_stay_invalid() -> None:
    odd: Any = {"object": "CHARGE_POINTS", "data": [{"evse_id": 5, "x_coord": 999, "y_coord": "north", "name": None, "uid": True}, 7, "text", []]}  # fmt: skip
    redacted: Any = FrameRedaction(KEY).redact(odd)
    entry, number, words, nothing = redacted["data"]
    assert (entry["evse_id"], entry["name"], entry["uid"], number, nothing) == (5, None, True, 7, [])
    assert entry["x_coord"].startswith(STAND_IN)
    assert entry["y_coord"].startswith(STAND_IN)
    assert words.startswith(STAND_IN)
    assert FrameRedaction(KEY).redact({"actual_p1": float("nan")}) == {"actual_p1": "nan"}


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))  # fmt: skip
def test_arbitrary_frames_are_redacted(value: Any) -> None:
    json.dumps(FrameRedaction(KEY).redact(value), allow_nan=False)
