"""The checks of `tests/way_out.py`: they accept a good message and find what is wrong in others."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.way_out import faults, topic_faults


def good() -> dict[str, Any]:
    """A message that is as it should be."""
    return {
        "serv": "chargepoint", "type": "evt.state.report", "val_t": "string", "val": "charging", "props": {}, "tags": [],
        "src": "bluecurrent", "ver": "1", "uid": str(uuid4()), "ctime": "2026-01-31T07:30:00.000+01:00",
        "topic": "pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:BCU1",
    }  # fmt: skip


def found(message: dict[str, Any], path: str | None = None) -> list[str]:
    """The violations in a message."""
    return faults(path or message["topic"], json.dumps(message).encode())


def test_a_valid_message_has_no_violation() -> None:
    assert found(good()) == []
    assert found(good(), "home/" + good()["topic"]) == []


@pytest.mark.parametrize(
    "change",
    [
        {"val": "dancing"}, {"val": 5}, {"val_t": "text"}, {"props": None}, {"props": {"charging_mode": 1}},
        {"props": {"x": "y"}}, {"tags": None}, {"uid": "1"}, {"ctime": "2026-01-31T07:30:00Z"}, {"ver": 1},
        {"src": ""}, {"more": 1}, {"type": "evt.dance.report"}, {"serv": ""}, {"storage": {"strategy": "aggregate"}},
        {"type": "evt.meter.report", "serv": "meter_elec", "val_t": "float", "val": 1.5},
        {"type": "evt.meter.report", "serv": "meter_elec", "val_t": "float", "val": float("nan")},
        {"type": "evt.error.report", "val": "ERR_EXPIRED", "props": {"msg": "Too late.", "src": "BCU1"}},
    ],
)  # fmt: skip
def test_an_invalid_field_is_a_violation(change: dict[str, Any]) -> None:
    assert found(good() | change)


def test_a_missing_field_is_a_violation() -> None:
    for name in good():
        assert found({key: value for key, value in good().items() if key != name}, good()["topic"])


@pytest.mark.parametrize("path", ["", "a+b", "a/#", "a\x00", "a\x9f", "a\uffff", "\ud83d", "x" * 65_536, "a/" * 200])
def test_an_invalid_topic_is_a_violation(path: str) -> None:
    assert list(topic_faults(path))


def test_a_number_that_is_not_finite_is_a_violation() -> None:
    text = json.dumps(
        good()
        | {"serv": "meter_elec", "type": "evt.meter_ext.report", "val_t": "float_map", "storage": {"strategy": "split"}}
    )
    assert faults(good()["topic"], text.replace('"charging"', '{"p1": 1e999}').encode())
