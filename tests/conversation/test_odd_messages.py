"""Commands with odd values in fields that no command depends on, and a `resp_to` that is no text."""

import json
from typing import Any
from uuid import uuid4

import pytest

from tests.harness import SOCKET, House, device_topic

TOPIC = device_topic(SOCKET)


async def answer_to(house: House, **fields: Any) -> tuple[str, str, object]:
    """The topic, the interface and the value of the answer to a question with these fields."""
    uid, since = str(uuid4()), house.mark
    body = {"serv": "chargepoint", "type": "cmd.state.get_report", "val_t": "null", "val": None, "uid": uid, **fields}
    await house.hub.client.publish(TOPIC, json.dumps(body), qos=1)

    def answers() -> list[tuple[str, str, object]]:
        heard = house.hub.heard[since:]
        return [(one.path, *one.brief) for one in heard if one.message.corid == uid]

    await house.hub.until(lambda: bool(answers()))
    return answers()[0]


@pytest.mark.parametrize("field", ["ver", "src", "corid", "topic", "tags", "storage"])
@pytest.mark.parametrize("value", [1, 1.5, True, [], {}, "x", ["a", 1], {"strategy": 5}, None])
async def test_an_odd_value_in_a_field_that_is_not_needed(house: House, field: str, value: object) -> None:
    assert (await answer_to(house, **{field: value}))[1:] == ("evt.state.report", "disconnected")


@pytest.mark.parametrize("props", [None, {}, [], {"x": 1}, {"charging_mode": None}])
async def test_properties_that_are_empty_or_not_looked_at(house: House, props: object) -> None:
    assert (await answer_to(house, props=props))[1:] == ("evt.state.report", "disconnected")


@pytest.mark.parametrize("resp_to", [5, True, {}, ["pt:j1/mt:rsp/rt:app/rn:tester/ad:1"], {"a": 1}])
async def test_a_resp_to_that_is_no_text(house: House, resp_to: object) -> None:
    event = device_topic(SOCKET, kind="evt")
    assert await answer_to(house, resp_to=resp_to) == (event, "evt.error.report", "ERR_INVALID_VALUE")
