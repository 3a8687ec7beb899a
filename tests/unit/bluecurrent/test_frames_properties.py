"""Arbitrary text and arbitrary content: it is parsed without impossible values, or rejected."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bluecurrent.frames import (
    MOST_ODDITIES,
    AccountBody,
    BadFrame,
    SettingsBody,
    Statuses,
    Sustainability,
    parse_frame,
)
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Location, Tariff
from bridge.chargepoint.cloud_fields import as_cloud_json, cloud_fields
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.status import Status
from tests.unit.bluecurrent.cloud_frames import RECORDED

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
def test_a_frame_with_arbitrary_content_is_parsed_or_rejected(name: str, fields: dict[str, Any], data: Any) -> None:
    check(json.dumps({**fields, "data": data, "object": name}))


@given(ANY_TEXT | st.text() | st.binary())
def test_arbitrary_text_is_parsed_or_rejected(text: str | bytes) -> None:
    check(text)


@given(
    st.lists(
        st.sampled_from(
            ['{"object":', '"CH_STATUS"', ",", '"data":', "{", "}", "[", "]", '"\\ud83d', '"', "1e999", "NaN"]
        )
    )
)
def test_arbitrary_pieces_of_json_are_parsed_or_rejected(pieces: list[str]) -> None:
    check("".join(pieces))


@given(st.data())
def test_a_cut_frame_is_rejected(data: st.DataObject) -> None:
    whole = json.dumps({"object": "CH_STATUS", "evse_id": "BCU1", "data": RECORDED})
    with pytest.raises(BadFrame):
        parse_frame(whole[: data.draw(st.integers(0, len(whole) - 1))])
