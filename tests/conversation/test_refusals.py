"""Commands that the bridge or the cloud refuses, each with its code and its words."""

import asyncio
from typing import Any

import pytest

from bridge.simulator.faults import FlowIds
from tests.conftest import HouseMaker
from tests.conversation.cars import charge, plug
from tests.harness import ADAPTER, SOCKET, House, device_topic


@pytest.mark.parametrize(
    ("topic", "fields", "code"),
    [
        (device_topic(SOCKET), {"type": "cmd.charge.fly"}, "ERR_UNKNOWN_INTERFACE"),
        (device_topic("BCU000000"), {"type": "cmd.charge.start"}, "ERR_UNKNOWN_ADDRESS"),
        (device_topic(SOCKET, "toaster"), {"type": "cmd.charge.start"}, "ERR_UNKNOWN_ADDRESS"),
        (ADAPTER, {"type": "cmd.thing.fly"}, "ERR_UNKNOWN_INTERFACE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "string", "val": "true"}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "bool", "val": 1}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "bool", "val": None}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.charge.start"}, "ERR_INVALID_STATE"),
    ],
)
async def test_an_invalid_command_is_refused_with_its_code(
    house: House, topic: str, fields: dict[str, Any], code: str
) -> None:
    since = house.mark
    uid = await house.hub.say(topic, **fields)
    error = (await house.hub.expect("evt.error.report", since=since)).message
    assert (error.value, error.value_type, error.corid) == (code, "string", uid)
    assert set(error.properties) == {"msg", "src", "cmd_topic", "cmd_service", "cmd_type"}
    assert (error.properties["cmd_topic"], error.properties["cmd_type"]) == (topic, fields["type"])
    assert str(error.properties["msg"]).endswith((".", "now"))
    on_device = "/rt:dev/" in topic
    assert (error.storage.strategy if error.storage is not None else None) == ("skip" if on_device else None)
    assert house.hub.heard[-1].path == topic.replace("mt:cmd", "mt:evt")
    assert house.cloud.requests_for("START_SESSION", "UNLOCK_CONNECTOR") == []


REFUSALS = [
    ({"verdict": {"START_SESSION": "REJECTED"}}, "ERR_REJECTED", "REJECTED"),
    ({"verdict": {"START_SESSION": "TIMEOUT"}}, "ERR_TIMEOUT", "not known"),
    ({"refuse": {"START_SESSION": "no active card for chargepoint"}}, "ERR_REJECTED", "no active card"),
    ({"error": {"START_SESSION": (2, "forbidden")}}, "ERR_REJECTED", "forbidden"),
    ({"error": {"START_SESSION": (0, "Unknown command")}}, "ERR_NOT_SUPPORTED", "does not know"),
    ({"error": {"START_SESSION": (9, "")}}, "ERR_REJECTED", "unknown error"),
    ({"silent": {"START_SESSION"}}, "ERR_TIMEOUT", "not known"),
]


@pytest.mark.parametrize("flow_ids", ["echo", "empty", "missing"])
@pytest.mark.parametrize(("faults", "code", "words"), REFUSALS)
async def test_a_refusal_of_the_cloud_is_reported_with_its_code_and_words(
    build: HouseMaker, faults: dict[str, Any], code: str, words: str, flow_ids: FlowIds
) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        await plug(house)
        house.cloud.faults.flow_ids = flow_ids
        for name, value in faults.items():
            setattr(house.cloud.faults, name, value)
        error = await house.hub.refused(SOCKET, "cmd.charge.start")
        assert error.message.value == code
        assert words in str(error.message.properties["msg"])
        assert error.path == device_topic(SOCKET, kind="evt")


async def test_a_command_without_a_verdict_times_out(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        await plug(house)
        house.cloud.faults.verdict_delay_s = 30
        assert (await house.hub.refused(SOCKET, "cmd.charge.start")).message.value == "ERR_TIMEOUT"


async def test_a_command_whose_link_goes_down_is_refused_and_not_repeated(house: House) -> None:
    await plug(house)
    house.cloud.faults.verdict_delay_s = 30
    since = house.mark
    await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
    await house.hub.until(lambda: bool(house.cloud.requests_for("START_SESSION")))
    house.cloud.drop()
    error = await house.hub.expect("evt.error.report", SOCKET, since=since)
    assert error.message.value == "ERR_DISCONNECTED"
    await house.hub.until(lambda: house.cloud.connected)
    await asyncio.sleep(0.1)
    assert len(house.cloud.requests_for("START_SESSION")) == 1  # never replayed


async def test_commands_are_refused_while_the_link_is_down(build: HouseMaker) -> None:
    async with build(cloud={"offline_grace": 0.2}) as house:
        await charge(house)
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.expect("evt.state.report", SOCKET, value="unknown")
        link = house.running.link
        await house.hub.until(lambda: "maintenance" in str(link.status.error))
        for type_ in ("cmd.charge.start", "cmd.charge.stop"):
            error = await house.hub.refused(SOCKET, type_)
            assert error.message.value == "ERR_DISCONNECTED"
            assert "maintenance" in str(error.message.properties["msg"])
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert state.message.value == "unknown"


async def test_commands_are_refused_while_the_request_limit_is_reached(house: House) -> None:
    await plug(house)
    await house.cloud.reach_limit()
    await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_REQUEST_LIMIT"
    assert "00:00:30" in str(error.message.properties["msg"])


async def test_an_error_42_refuses_a_command_for_the_request_limit(house: House) -> None:
    await plug(house)
    house.cloud.faults.error["START_SESSION"] = (42, "Request limit reached")
    assert (await house.hub.refused(SOCKET, "cmd.charge.start")).message.value == "ERR_REQUEST_LIMIT"
