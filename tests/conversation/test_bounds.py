"""The bounds of `SECURITY.md`: input that is too large is refused, and everything else is served."""

import json
from collections import Counter
from uuid import uuid4

import pytest

from bridge.bluecurrent.login import MAX_FRAME_BYTES
from bridge.fimp.message import MAX_BYTES
from bridge.hub.answers import TOPIC_BYTES
from bridge.hub.router import TAKEN_LIMIT, WAITING_LIMIT
from bridge.simulator.car import Car
from tests.conftest import HouseMaker
from tests.harness import ADAPTER, CABLE, SOCKET, House, device_topic


async def test_a_frame_beyond_the_bound_only_closes_the_connection(house: House) -> None:
    await house.cloud.send_all(json.dumps({"object": "NEWS", "data": "x" * MAX_FRAME_BYTES}))
    await house.hub.until(lambda: house.cloud.requests["HELLO"] == 2)
    await house.ready()
    since = house.mark
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="ready_to_charge")


async def test_a_frame_within_the_bound_is_read(house: House) -> None:
    await house.cloud.send_all(json.dumps({"object": "NEWS", "data": "x" * (MAX_FRAME_BYTES - 1000)}))
    since = house.mark
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="ready_to_charge")
    assert house.cloud.requests["HELLO"] == 1


async def test_a_message_beyond_the_bound_is_refused(house: House) -> None:
    since = house.mark
    await house.hub.say(device_topic(SOCKET), type="cmd.state.get_report", src="x" * MAX_BYTES)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_MALFORMED"
    assert (await house.hub.command(SOCKET, "cmd.state.get_report"))[0].message.value == "disconnected"


@pytest.mark.parametrize(("length", "taken"), [(TOPIC_BYTES, True), (TOPIC_BYTES + 1, False)])
async def test_a_resp_to_beyond_the_limit_is_refused(house: House, length: int, taken: bool) -> None:
    reply = "pt:j1/mt:rsp/rt:app/rn:tester/ad:1"
    while length - len(reply) > 200:
        reply = f"{'p' * 99}/{reply}"
    reply = f"{'p' * (length - len(reply) - 1)}/{reply}"
    assert len(reply) == length
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", 2 if taken else 1, resp_to=reply)
    values = {answer.message.value for answer in answers}
    assert values == ({"disconnected"} if taken else {"ERR_INVALID_VALUE"})


async def test_commands_beyond_the_limit_for_one_charge_point_are_refused(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 3.0}) as house:
        house[SOCKET].plug(Car())
        await house.push(SOCKET)
        house.cloud.faults.silent.add("START_SESSION")
        since = house.mark
        sent = [await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")]
        await house.hub.until(lambda: bool(house.cloud.requests["START_SESSION"]))
        sent += [
            await house.hub.say(device_topic(SOCKET), type="cmd.max_current.set", val_t="int", val=10)
            for _ in range(WAITING_LIMIT)
        ]
        refused = await house.hub.expect("evt.error.report", SOCKET, since=since, corid=sent[-1])
        assert refused.message.value == "ERR_INVALID_STATE"
        assert (await house.hub.command(CABLE, "cmd.max_current.set", val_t="int", val=10))[0].message.value == 10

        def answers() -> Counter[str | None]:
            return Counter(heard.message.corid for heard in house.hub.heard[since:] if heard.message.corid in sent)

        await house.hub.until(lambda: len(answers()) == len(sent), patience=20)


async def test_commands_beyond_the_limit_at_a_time_are_refused(house: House) -> None:
    """One command too many is refused, and the bridge takes commands again when the rest is answered."""
    assert house.service is not None
    since, uids = house.mark, [str(uuid4()) for _ in range(TAKEN_LIMIT + 50)]
    for uid in uids:  # at once, so that none is answered before the last one is in
        body: dict[str, object] = {
            "serv": "bluecurrent",
            "type": "cmd.log.get_level",
            "val_t": "null",
            "val": None,
            "uid": uid,
            "src": "x",
        }
        body |= {"props": {}, "tags": [], "ctime": house.clock.now().isoformat(timespec="milliseconds"), "ver": "1"}
        house.service.parts.router.take(ADAPTER, json.dumps(body).encode())
    await house.hub.until(lambda: {heard.message.corid for heard in house.hub.heard[since:]} >= set(uids), patience=30)
    heard = {one.message.corid: one.message for one in house.hub.heard[since:] if one.message.corid in set(uids)}
    kinds = Counter(heard[uid].type for uid in uids)
    assert kinds == {"evt.log.level_report": TAKEN_LIMIT, "evt.error.report": 50}
    assert {heard[uid].value for uid in uids[TAKEN_LIMIT:]} == {"ERR_INVALID_STATE"}
    assert (await house.hub.adapter("cmd.log.get_level"))[0].message.type == "evt.log.level_report"
