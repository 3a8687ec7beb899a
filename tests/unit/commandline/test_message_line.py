"""The lines of `watch`."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from click import unstyle

from bridge.commandline.message_line import is_error_of, line

NOW = datetime(2026, 1, 1, 12, 30, 15, tzinfo=UTC)
EVENT = "pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:BCU1"


def said(path: str = EVENT, **fields: Any) -> str:
    """The line, without colours."""
    body = {"serv": "s", "val_t": "string", "val": "", "uid": "u", "ctime": NOW.isoformat(), **fields}
    return str(unstyle(line(path, json.dumps(body).encode(), NOW, {"BCU1": "Home"}) or ""))


TRICK = "two\r\nlines\u202e\x1b[31m"
SHOWN = "two  lines[31m"


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "evt.state.report", "val": TRICK, "props": {"charging_mode": TRICK}},
        {"type": "evt.error.report", "val": "ERR_REJECTED", "props": {"msg": TRICK}},
        {"type": "evt.meter.report", "val_t": "float", "val": 1.0, "props": {"unit": TRICK}},
        {"type": "evt.thing.inclusion_report", "val_t": "object", "val": {"product_name": TRICK}},
        {"type": "evt.network.all_nodes_report", "val_t": "object", "val": [{"address": TRICK}]},
        {"type": "evt.param.report", "val_t": "object", "val": {"value": TRICK}},
        {"type": "evt.other.report", "val": TRICK},
        {"type": f"evt.{TRICK}.report", "val": ""},
        {"type": "cmd.param.set", "val": TRICK, "props": {TRICK: TRICK}},
    ],
    ids=lambda fields: fields["type"][:20],
)
def test_a_message_is_one_line(fields: dict[str, Any]) -> None:
    text = said(**fields)
    assert SHOWN in text
    assert not set(text) & set("\r\n\u202e\x1b")


def test_names_and_topics_are_on_one_line() -> None:
    named = line(EVENT, b'{"type": "evt.state.report", "serv": "s", "val_t": "string", "val": "x", "uid": "u"}', NOW,
                 {"BCU1": TRICK})  # fmt: skip
    assert SHOWN in str(unstyle(named or ""))
    assert str(unstyle(line(f"elsewhere{TRICK}", b"{}", NOW) or "")).startswith("12:30:15  not FIMP  elsewhere" + SHOWN)


@pytest.mark.parametrize(
    ("fields", "end"),
    [
        ({"type": "evt.state.report", "val": "charging"}, "state    charging"),
        ({"type": "evt.state.report", "val": "charging", "props": {"charging_mode": "slow"}}, "charging  (slow)"),
        (
            {"type": "evt.current_session.report", "val_t": "float", "val": 3.25, "props": {"offered_current": "16"}},
            "session  3.25 kWh, offered 16 A",
        ),
        ({"type": "evt.meter.report", "val_t": "float", "val": 11088, "props": {"unit": "W"}}, "meter    11088 W"),
        ({"type": "evt.cable_lock.report", "val_t": "bool", "val": True}, "cable    locked"),
        (
            {"type": "evt.error.report", "val": "ERR_TIMEOUT", "props": {"msg": "Nobody knows."}},
            "ERR_TIMEOUT  Nobody knows.",
        ),
        (
            {"type": "evt.network.node_report", "val_t": "object", "val": {"address": "B", "status": "UP"}},
            "nodes    B UP",
        ),
        (
            {
                "type": "evt.thing.inclusion_report",
                "val_t": "object",
                "val": {"address": "B", "product_name": "N", "product_id": "M"},
            },
            "included B  N  (M)",
        ),
        ({"type": "evt.max_current.report", "val_t": "int", "val": 10}, "max_current 10"),
    ],
)
def test_every_report_has_its_line(fields: dict[str, Any], end: str) -> None:
    text = said(**fields)
    assert text.startswith("12:30:15  Home ")
    assert text.endswith(end)


def test_commands_and_answers_are_marked() -> None:
    command = said(
        EVENT.replace("mt:evt", "mt:cmd"),
        type="cmd.charge.start",
        val_t="null",
        val=None,
        props={"charging_mode": "slow"},
    )
    assert command.endswith("» cmd.charge.start charging_mode=slow")
    assert "↩" in said(type="evt.state.report", val="charging", corid="c")


def test_the_content_of_a_login_is_not_shown() -> None:
    text = said(
        "pt:j1/mt:cmd/rt:ad/rn:bluecurrent/ad:1",
        type="cmd.auth.login",
        val_t="object",
        val={"username": "someone", "password": "open-sesame"},
    )
    assert "cmd.auth.login" in text
    assert "sesame" not in text


def test_other_messages_are_marked_as_not_fimp() -> None:
    assert "not FIMP" in (line("some/topic", b"x", NOW) or "")
    assert "not FIMP" in (line(EVENT, b"x", NOW) or "")


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"type": "evt.state.report"}, True),
        ({"type": "evt.param.report", "val_t": "object", "val": {}}, False),
        ({"type": "evt.param.report", "val_t": "object", "val": {}, "corid": "c"}, True),
        ({"type": "evt.meter.report", "val_t": "float", "val": 1, "props": {"unit": "kWh"}}, False),
        ({"type": "evt.meter.report", "val_t": "float", "val": 1, "props": {"unit": "W"}}, True),
    ],
)
def test_details_can_be_left_out(fields: dict[str, Any], seen: bool) -> None:
    body = {"serv": "s", "val_t": "string", "val": "", "uid": "u", **fields}
    assert (line(EVENT, json.dumps(body).encode(), NOW, details=False) is not None) is seen


def test_long_values_are_cut() -> None:
    assert len(said(type="evt.app.manifest_report", val_t="object", val={"x": "y" * 1000})) < 220


ANSWER = "pt:j1/mt:rsp/rt:app/rn:other/ad:1"
REFUSED = {"type": "evt.error.report", "val": "ERR_REJECTED", "corid": "c", "src": "bluecurrent"}


def test_an_error_sent_to_a_resp_to_is_shown_under_the_address_of_its_command() -> None:
    properties = {"msg": "No.", "cmd_topic": EVENT.replace("mt:evt", "mt:cmd")}
    assert said(ANSWER, props=properties, **REFUSED) == "12:30:15  Home             ↩ ERR_REJECTED  No."
    assert "not FIMP" in said(ANSWER, props={"msg": "No.", "cmd_topic": "nonsense"}, **REFUSED)


@pytest.mark.parametrize(
    ("changes", "is_one"),
    [
        ({}, True),
        ({"src": "other"}, False),
        ({"type": "evt.state.report"}, False),
        ({"props": {}}, False),
        ({"uid": None}, False),
    ],
)
def test_only_errors_of_this_bridge_count_as_such(changes: dict[str, Any], is_one: bool) -> None:
    body = {"serv": "s", "val_t": "string", "uid": "u", "props": {"cmd_topic": EVENT}, **REFUSED, **changes}
    payload = json.dumps(body).encode()
    assert is_error_of(ANSWER, payload, "bluecurrent") is is_one
    assert is_error_of(ANSWER.replace("pt:j1", "pt:j1c1"), gzip.compress(payload), "bluecurrent") is is_one
    assert not is_error_of("elsewhere", payload, "bluecurrent")


def test_a_report_without_a_value_has_no_blank_at_its_end() -> None:
    assert said(type="evt.thing.success", val_t="null", val=None).endswith("success")
