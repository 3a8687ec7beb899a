"""The shapes in which the same content has been seen, or can be expected: at the top, in `data`, in lists (page 3)."""

import json

import pytest

from bridge.bluecurrent.frames import (
    ChargeCards,
    ChargePoints,
    Frame,
    GridValues,
    Result,
    SettingsBody,
    Statuses,
    parse_frame,
)
from bridge.chargepoint.status import Activity

STATUS = {"activity": "charging", "actual_p1": "6"}


def frame(**content: object) -> Frame:
    """A frame with this content."""
    return parse_frame(json.dumps(content))


@pytest.mark.parametrize(
    "content",
    [
        {"evse_id": "BCU1", "data": STATUS},
        {"data": {"evse_id": "BCU1", **STATUS}},
        {"evse_id": "BCU1", **STATUS},
        {"evse_id": "BCU1", "items": [STATUS]},
        {"items": [{"evse_id": "BCU1", **STATUS}]},
        {"data": [{"evse_id": "BCU1", **STATUS}]},
        {"data": {"items": [{"evse_id": "BCU1", **STATUS}]}},
        {"data": {"evse_id": "BCU1", "items": [STATUS]}},
        {"items": [{"evse_id": "BCU1", "data": STATUS}]},
    ],
)
def test_a_status_is_read_in_every_shape(content: dict[str, object]) -> None:
    read = frame(object="CH_STATUS", **content)
    assert isinstance(read.body, Statuses)
    (status,) = read.body.sockets
    assert (read.evse_id, status.evse_id, read.oddities) == ("BCU1", "BCU1", ())
    assert (status.update.values.activity, status.update.values.current_1) == (Activity.CHARGING, 6.0)
    assert status.update.present == {"activity", "current_1"}


@pytest.mark.parametrize(
    "content",
    [
        {"evse_id": "BCU1", "data": {"smart_charging": True}},
        {"data": {"evse_id": "BCU1", "smart_charging": True}},
        {"evse_id": "BCU1", "smart_charging": True},
        {"data": [{"evse_id": "BCU1", "smart_charging": True}]},
        {"items": [{"evse_id": "BCU1", "smart_charging": True}]},
    ],
)
def test_settings_are_read_in_every_shape(content: dict[str, object]) -> None:
    read = frame(object="CH_SETTINGS", **content)
    assert isinstance(read.body, SettingsBody)
    assert (read.evse_id, read.body.update.values.smart_charging, read.oddities) == ("BCU1", True, ())


@pytest.mark.parametrize("name", ["GRID_CURRENT", "GRID_STATUS"])
@pytest.mark.parametrize("place", ["top", "data", "list", "items"])
def test_currents_of_a_grid_are_read_in_every_shape(name: str, place: str) -> None:
    content = {"evse_id": "BCU1", "grid_actual_p2": "-3.5"}
    shapes = {"top": content, "data": {"data": content}, "list": {"data": [content]}, "items": {"items": [content]}}
    read = frame(object=name, **shapes[place])  # type: ignore[arg-type] # each is an object
    assert isinstance(read.body, GridValues)
    assert (read.evse_id, read.body.update.values.current_2, read.oddities) == ("BCU1", -3.5, ())


@pytest.mark.parametrize("name", ["CH_SETTINGS", "GRID_CURRENT"])
def test_several_entries_where_one_is_expected_are_logged(name: str) -> None:
    read = frame(object=name, data=[{"evse_id": "BCU1"}, {"evse_id": "BCU2"}])
    assert read.oddities == (f"{name}: has several entries where one is known",)


@pytest.mark.parametrize("place", ["data", "items", "data.items"])
def test_a_list_of_charge_points_is_read_in_every_shape(place: str) -> None:
    listed = [{"evse_id": "BCU1"}, {"evse_id": "BCU2"}]
    outer, _, inner = place.partition(".")
    read = frame(object="CHARGE_POINTS", **{outer: {inner: listed} if inner else listed})
    assert isinstance(read.body, ChargePoints)
    assert [point.evse_id for point in read.body.listed] == ["BCU1", "BCU2"]


@pytest.mark.parametrize("count", [0, 1])
def test_a_missing_list_is_not_an_empty_one(count: int) -> None:
    read = frame(object="CHARGE_POINTS", data=[{"evse_id": "BCU1"}][:count])
    assert isinstance(read.body, ChargePoints)
    assert len(read.body.listed) == count
    assert not isinstance(frame(object="CHARGE_POINTS").body, ChargePoints)


@pytest.mark.parametrize(
    "content",
    [
        {"result": {"setting": "set true"}},
        {"result": {"setting": "Set TRUE"}},
        {"result": {"setting": True}},
        {"result": True},
        {"result": {}, "value": True},
        {"value": True},
    ],
)
def test_the_value_of_a_verdict_is_read_in_every_shape(content: dict[str, object]) -> None:
    read = frame(object="STATUS_SET_PRICE_BASED_CHARGING", evse_id="BCU1", success=True, **content)
    assert isinstance(read.body, Result)
    assert (read.body.value, read.body.setting) == (True, "price_based_charging")


@pytest.mark.parametrize("place", ["cards", "data", "items"])
def test_a_list_of_cards_is_read_in_every_shape(place: str) -> None:
    read = frame(object="CHARGE_CARDS", **{place: [{"uid": "A1", "valid": "1"}]})
    assert isinstance(read.body, ChargeCards)
    assert [(card.uid, card.valid) for card in read.body.cards] == [("A1", True)]
