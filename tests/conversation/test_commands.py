"""Commands that are old, repeated, retained, too many or malformed, and answers that go to `resp_to`."""

import asyncio
import gzip
import json
from datetime import datetime, timedelta
from uuid import uuid4

import pytest

from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.conversation.cars import briefs, charge, plug
from tests.harness import ADAPTER, SOCKET, House, device_topic

# --- refusals ---


async def test_an_old_command_is_refused_but_an_old_question_is_answered(house: House) -> None:
    await plug(house)
    old = (datetime.now().astimezone() - timedelta(seconds=301)).isoformat(timespec="milliseconds")
    error = await house.hub.refused(SOCKET, "cmd.charge.start", ctime=old)
    assert error.message.value == "ERR_EXPIRED"
    assert house.cloud.requests_for("START_SESSION") == []
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report", ctime=old)
    assert state.message.value == "ready_to_charge"
    fresh = (datetime.now().astimezone() - timedelta(seconds=290)).isoformat(timespec="milliseconds")
    assert len(await house.hub.command(SOCKET, "cmd.charge.start", 2, ctime=fresh)) == 2


async def test_a_command_without_a_time_is_carried_out(house: House) -> None:
    await plug(house)
    assert len(await house.hub.command(SOCKET, "cmd.charge.start", 2, ctime=...)) == 2


async def test_a_command_that_expires_while_it_waits_is_refused(build: HouseMaker) -> None:
    async with build(commands={"max_age": 0.4}, cloud={"command_timeout": 5.0}) as house:
        await charge(house)
        house.cloud.faults.verdict_delay_s = 0.6
        since = house.mark
        first = await house.hub.say(device_topic(SOCKET), type="cmd.charge.stop")
        second = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.expect("evt.error.report", SOCKET, since=since, corid=second, value="ERR_EXPIRED")
        assert house.hub.find("evt.state.report", SOCKET, since=since, corid=first)
        assert house.cloud.requests_for("START_SESSION") == []


async def test_a_retained_command_is_refused(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[SOCKET].plug(Car())
        topic, uid = device_topic(SOCKET), str(uuid4())
        body = {"serv": "chargepoint", "type": "cmd.charge.start", "val_t": "null", "val": None, "uid": uid}
        await house.hub.client.publish(topic, json.dumps(body), qos=1, retain=True)
        try:
            await house.start()
            error = await house.hub.expect("evt.error.report", SOCKET, corid=uid)
        finally:
            await house.hub.client.publish(topic, b"", qos=1, retain=True)
        assert error.message.value == "ERR_EXPIRED"
        assert house.cloud.requests_for("START_SESSION") == []
        house.running.parts.router.take(topic, json.dumps({**body, "uid": "u-2"}).encode(), retained=True)
        error = await house.hub.expect("evt.error.report", SOCKET, corid="u-2")
        assert error.message.value == "ERR_EXPIRED"


async def test_the_same_command_twice_is_acted_on_once(house: House) -> None:
    await plug(house)
    uid = str(uuid4())
    first = await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    house[SOCKET].stop()
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="finished")
    again = await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    assert briefs(first)[0] == ("evt.state.report", "charging")
    assert briefs(again)[0] == ("evt.state.report", "finished")  # answered with what is so now
    await house.restart()
    await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_a_repeated_command_gets_the_same_refusal(house: House) -> None:
    uid = str(uuid4())
    first = await house.hub.refused(SOCKET, "cmd.charge.start", uid=uid)
    await plug(house)
    again = await house.hub.refused(SOCKET, "cmd.charge.start", uid=uid)
    assert again.message.value == first.message.value == "ERR_INVALID_STATE"
    assert again.message.properties["msg"] == first.message.properties["msg"]
    assert house.cloud.requests_for("START_SESSION") == []


async def test_too_many_commands_for_one_charge_point_are_refused(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 20.0}) as house:
        await plug(house)
        house.cloud.faults.verdict_delay_s = 20
        since = house.mark
        for _ in range(20):
            await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.until(lambda: len(house.hub.find("evt.error.report", SOCKET, since=since)) >= 4)
        errors = house.hub.find("evt.error.report", SOCKET, since=since)
        assert {error.message.value for error in errors} == {"ERR_INVALID_STATE"}
        assert "waiting" in str(errors[0].message.properties["msg"])
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")  # questions do not wait
        assert state.message.value == "ready_to_charge"


# --- malformed ---


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"serv":"chargepoint","type":"cmd.charge.start"}',
    ],
)
@pytest.mark.parametrize("topic", [device_topic(SOCKET), ADAPTER])
async def test_a_malformed_message_is_answered_on_the_adapters_topic(house: House, topic: str, payload: bytes) -> None:
    since = house.mark
    await house.hub.client.publish(topic, payload, qos=1)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.path == "pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1"
    assert error.message.value == "ERR_MALFORMED"
    assert error.message.properties["cmd_topic"] == topic
    assert len(await house.hub.command(SOCKET, "cmd.state.get_report")) == 1  # the bridge keeps answering


@pytest.mark.parametrize("missing", ["serv", "type", "val_t", "val", "uid"])
async def test_a_message_without_a_required_field_is_malformed(house: House, missing: str) -> None:
    since = house.mark
    fields = {"type": "cmd.cable_lock.set", "val_t": "bool", "val": True, missing: ...}
    await house.hub.say(device_topic(SOCKET), **fields)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_MALFORMED"
    assert missing in str(error.message.properties["msg"])
    assert (error.message.corid is None) == (missing == "uid")


async def test_a_compressed_command_is_answered(house: House) -> None:
    body = {"serv": "chargepoint", "type": "cmd.state.get_report", "val_t": "null", "val": None, "uid": str(uuid4())}
    topic = device_topic(SOCKET).replace("pt:j1", "pt:j1c1")
    since = house.mark
    await house.hub.client.publish(topic, gzip.compress(json.dumps(body).encode()), qos=1)
    answer = await house.hub.expect("evt.state.report", SOCKET, since=since, corid=body["uid"])
    assert answer.path == device_topic(SOCKET, kind="evt")  # events are plain
    await house.hub.client.publish(topic, json.dumps(body).encode(), qos=1)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_MALFORMED"


async def test_an_unknown_topic_below_the_adapters_is_refused(house: House) -> None:
    since = house.mark
    await house.hub.say("pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/oops", type="cmd.state.get_report")
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_UNKNOWN_ADDRESS"


# --- resp_to ---

CALLER = "pt:j1/mt:rsp/rt:app/rn:tester/ad:1"


async def test_a_copy_of_a_report_goes_to_resp_to(house: House) -> None:
    reply = CALLER
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", 2, resp_to=reply)
    assert [answer.path for answer in answers] == [device_topic(SOCKET, kind="evt"), reply]
    assert [answer.message.topic for answer in answers] == [device_topic(SOCKET, kind="evt"), reply]
    assert len({answer.message.uid for answer in answers}) == 2


async def test_a_copy_to_a_gzip_topic_is_compressed(house: House) -> None:
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", 2, resp_to="pt:j1c1/mt:rsp/rt:app/rn:tester/ad:1")
    assert answers[1].message.value == answers[0].message.value


async def test_an_error_goes_only_to_resp_to(house: House) -> None:
    reply = "pt:j1/mt:evt/rt:app/rn:tester/ad:1"
    since = house.mark
    error = await house.hub.refused(SOCKET, "cmd.charge.start", resp_to=reply)
    assert error.path == error.message.topic == reply
    await asyncio.sleep(0.1)
    assert len(house.hub.find("evt.error.report", since=since)) == 1


@pytest.mark.parametrize(
    "resp_to",
    [
        "nonsense", "pt:j1/mt:cmd/rt:app/rn:tester/ad:1", "pt:j1/mt:rsp/rt:app/rn:+/ad:1", "pt:j1/mt:rsp/#", "a/b",
        "pt:j1/mt:rsp/rt:app/rn:a\x07b/ad:1", "pt:j1/mt:rsp/rt:app/rn:a\ufffe/ad:1", f"{'a/' * 250}{CALLER}",
        f"pt:j1/mt:rsp/rt:app/rn:{'x' * 66_000}/ad:1",
    ],
)  # fmt: skip
async def test_an_unusable_resp_to_is_refused(house: House, resp_to: str) -> None:
    await plug(house)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", resp_to=resp_to)
    assert error.message.value == "ERR_INVALID_VALUE"
    assert error.path == device_topic(SOCKET, kind="evt")
    assert house.cloud.requests_for("START_SESSION") == []
    assert house.running.reporter.dropped == 0
