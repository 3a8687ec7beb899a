"""Every published message is valid FIMP on a valid topic, whatever the hub sends."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.errors import Rejected
from bridge.fimp.report import error_report
from bridge.fimp.topic import Topic
from tests.clock import settle
from tests.unit.hub.odd_values import JUNK, ODD_TEXT
from tests.unit.hub.socketless_bridge import end, socketless_bridge
from tests.way_out import faults

ADAPTER = "pt:j1/mt:cmd/rt:ad/rn:bluecurrent/ad:1"


COMMANDS = st.sampled_from(
    [
        "cmd.charge.start", "cmd.charge.stop", "cmd.state.get_report", "cmd.cable_lock.set", "cmd.cable_lock.get_report",
        "cmd.current_session.get_report", "cmd.current_session.set_current", "cmd.max_current.set",
        "cmd.max_current.get_report", "cmd.phase_mode.get_report", "cmd.meter.get_report", "cmd.meter_ext.get_report",
        "cmd.sup_params.get_report", "cmd.param.get_report", "cmd.param.set", "cmd.thing.reboot",
        "cmd.thing.get_inclusion_report", "cmd.thing.delete", "cmd.thing.inclusion", "cmd.network.reset",
        "cmd.network.get_node", "cmd.network.get_all_nodes", "cmd.ping.send", "cmd.app.get_manifest",
        "cmd.app.get_state", "cmd.app.get_diag", "cmd.app.reset", "cmd.config.get_extended_report",
        "cmd.config.extended_set", "cmd.auth.set_tokens", "cmd.auth.login", "cmd.auth.logout", "cmd.log.set_level",
        "cmd.log.get_level", "cmd.discovery.request", "cmd.app.uninstall",
    ]
) | ODD_TEXT  # fmt: skip

PARAMETERS = st.fixed_dictionaries(
    {
        "parameter_id": st.sampled_from(
            ["free_charging", "delayed_charging_days", "delayed_charging_start", "battery_size_kwh", "session_card",
             "limit_current", "limit_days", "current_battery_percentage", "available"]
        ) | ODD_TEXT,
        "value_type": st.sampled_from(["bool", "int", "string", "int_array", None]),
        "value": st.booleans() | st.integers() | st.sampled_from(["07:30", "", [1, 2], 10**4000]) | ODD_TEXT,
    }
)  # fmt: skip

VALUES = st.recursive(
    JUNK | PARAMETERS | st.sampled_from(["BCU1", "W", ["p1"], {"address": "BCU1"}, 16, True, 10**4000, "x" * 5_000]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(ODD_TEXT, inner, max_size=2),
    max_leaves=4,
)

RESP_TO = st.sampled_from(
    [
        "pt:j1/mt:rsp/rt:app/rn:x/ad:1", "pt:j1c1/mt:evt/rt:app/rn:x/ad:1", "pt:j1/mt:cmd/rt:app/rn:x/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:\x07/ad:1", "pt:j1/mt:rsp/rt:app/rn:\uffff/ad:1", "pt:j1/mt:rsp/rt:app/rn:+/ad:1",
        "a/" * 250 + "pt:j1/mt:rsp/rt:app/rn:x/ad:1", f"pt:j1/mt:rsp/rt:app/rn:{'x' * 5_000}/ad:1", "",
    ]
) | ODD_TEXT  # fmt: skip

MESSAGES = st.fixed_dictionaries(
    {"serv": st.just("chargepoint") | ODD_TEXT, "type": COMMANDS, "val": VALUES},
    optional={
        "val_t": st.sampled_from(
            ["null", "string", "int", "float", "bool", "object", "str_map", "str_array", "bin"]
        ) | ODD_TEXT,
        "props": st.dictionaries(st.just("charging_mode") | ODD_TEXT, VALUES, max_size=2) | JUNK,
        "resp_to": RESP_TO | JUNK,
        "uid": st.just("u") | ODD_TEXT | st.just("x" * 5_000) | JUNK,
        "ctime": st.sampled_from(
            ["2026-11-20T12:00:00.000Z", "0001-01-01T00:00:00+14:00", "9999-12-31 23:59:59 -14:00", ""]
        ) | JUNK,
    },
)  # fmt: skip

COMMAND_TOPICS = st.sampled_from(
    [ADAPTER, "pt:j1/mt:cmd/rt:discovery"]
    + [
        f"pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:{service}/ad:BCU1"
        for service in ("chargepoint", "meter_elec", "parameters", "dev_sys", "x")
    ]
    + ["pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint", f"pt:j1/mt:cmd/rt:dev/{'x' * 5_000}"]
)  # fmt: skip

CHARGING = {
    "object": "CH_STATUS", "evse_id": "BCU1",
    "data": {"activity": "charging", "vehicle_status": "C", "actual_p1": 9, "actual_v1": 231, "actual_kwh": 2,
             "max_usage": 32, "start_datetime": "20261120 11:00:00"},
}  # fmt: skip


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(COMMAND_TOPICS, MESSAGES), min_size=1, max_size=5))
def test_every_publication_after_arbitrary_commands_is_valid(asked: list[tuple[str, dict[str, Any]]]) -> None:
    async def run() -> None:
        made = socketless_bridge()
        try:
            made.listed([{"evse_id": "BCU1", "delayed_charging": {"value": True, "permission": "write"}}])
            made.frame(CHARGING)
            made.drain()
            for path, content in asked:
                made.parts.router.take(path, json.dumps({"val_t": "null", "uid": str(uuid4()), **content}).encode())
                await settle(20)
                answers = [one for one in made.drain() if one.item is not None]
                assert answers, "a command was left without an answer"
            assert made.faults() == []
        finally:
            await end(made)

    asyncio.run(run())


@given(ODD_TEXT | st.just("x" * 5_000), st.sampled_from([ADAPTER, "x" * 5_000]))
def test_an_error_report_with_arbitrary_words_of_the_cloud_is_valid(words: str, path: str) -> None:
    report = error_report(
        Rejected(words),
        topic=Topic("evt", "dev", "bluecurrent", "1", "chargepoint", "BCU1"),
        service="chargepoint",
        src="BCU1",
        command_topic=path,
        command=None,
    )
    payload = report.encode(uid=uuid4(), now=datetime(2026, 1, 1, tzinfo=UTC), src="bluecurrent")
    assert not faults(report.topic.path, payload)
