"""Frames with overrides: lists, and answers to a new or edited one."""

from datetime import time
from typing import Any

import pytest

from bridge.bluecurrent.frames import (
    OverridesBody,
)
from bridge.chargepoint.schedules import Schedule
from tests.unit.bluecurrent.cloud_frames import frame


@pytest.mark.parametrize(
    "fields",
    [
        {"data": [{"schedule_id": "501", "charge_points": ["B"], "override_current": 10}]},
        {"result": [{"schedule_id": 501, "chargepoint_id": "B", "current": 10}]},
        {"data": [{"schedule_id": 501, "chargepoints": "B", "overridevalue": "10"}]},
    ],
)
def test_a_list_of_overrides_is_read_under_every_name(fields: dict[str, Any]) -> None:
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
def test_an_override_for_every_hour_of_every_day_is_read_as_one_that_always_limits(
    changed: dict[str, Any], always: bool
) -> None:
    body = frame(object="LIST_OVERRIDE_CURRENT", data=[ENTRY | changed]).body
    assert isinstance(body, OverridesBody)
    (schedule,) = body.schedules
    assert (schedule.schedule_id, schedule.charge_points, schedule.current) == (1, ("B",), 10)
    assert (schedule == Schedule.always_on(1, "B", 10)) is always


def test_the_hours_and_days_of_an_override_are_read() -> None:
    entry = ENTRY | {"start_time": "22:00", "stop_time": "06:30", "override_start_days": "MO,SU"}
    entry |= {"override_end_days": "TU,MO"}
    body = frame(object="LIST_OVERRIDE_CURRENT", data=[entry]).body
    assert body == OverridesBody([Schedule(1, ("B",), 10, (1, 7), time(22, 0), time(6, 30), (1, 2))])


def test_an_override_whose_id_is_no_number_is_listed() -> None:
    body = frame(
        object="LIST_OVERRIDE_CURRENT", data=[{"schedule_id": "x7", "charge_points": ["B"]}, {"current": 9}]
    ).body
    assert body == OverridesBody([Schedule(None, ("B",), None)])


def test_the_answer_to_a_new_override_has_its_id_and_charge_points() -> None:
    body = frame(object="POST_SET_OVERRIDE_CURRENT", data={"schedule_id": "7", "charge_points": "A, B"}).body
    assert body == OverridesBody([Schedule(7, ("A", "B"), None)])


@pytest.mark.parametrize("name", ["LIST_OVERRIDE_CURRENT", "POST_EDIT_OVERRIDE_CURRENT"])
def test_an_answer_about_overrides_can_stand_under_command(name: str) -> None:
    answer = frame(command=name, data=[{"schedule_id": 1, "charge_points": ["B"]}])
    assert answer.object == name
    assert isinstance(answer.body, OverridesBody)
    assert len(answer.body.schedules) == 1
