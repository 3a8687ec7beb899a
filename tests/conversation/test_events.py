"""What every event has in common: its fields, its topic and its source."""

import json

from bridge.fimp.values import fits
from tests.conftest import HouseMaker
from tests.conversation.cars import charge
from tests.harness import SOCKET, House, device_topic


async def test_every_event_has_all_fields_with_valid_types(house: House) -> None:
    await charge(house)
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    await house.hub.refused(SOCKET, "cmd.charge.fly")
    assert len({heard.message.uid for heard in house.hub.heard}) == len(house.hub.heard)
    for heard in house.hub.heard:
        raw = json.loads(heard.message.to_bytes())
        assert {"serv", "type", "val_t", "val", "props", "tags", "src", "ver", "uid", "ctime", "topic"} <= set(raw)
        assert raw["topic"] == heard.path
        assert isinstance(raw["props"], dict)
        assert all(isinstance(value, str) for value in raw["props"].values())
        assert raw["tags"] == []
        assert fits(raw["val_t"], raw["val"]), raw
        assert len(raw["ctime"].partition(".")[2]) == len("123+01:00")
        assert len(raw["uid"]) == 36
        assert raw["uid"][14] == "4"
        assert "corid" not in raw or raw["corid"]


async def test_a_global_prefix_is_before_every_topic(build: HouseMaker) -> None:
    async with build(mqtt={"topic_prefix": "site/one"}) as house:
        since = house.mark
        uid = await house.hub.say(
            f"site/one/{device_topic(SOCKET)}", type="cmd.state.get_report", resp_to="pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        )
        await house.hub.until(lambda: len(house.hub.find("evt.state.report", since=since, corid=uid)) == 2)
        event, copy = house.hub.find("evt.state.report", since=since, corid=uid)
        assert event.path == f"site/one/{device_topic(SOCKET, kind='evt')}"
        assert copy.path == "site/one/pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        assert copy.message.topic == "pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        assert all(heard.path.startswith("site/one/") for heard in house.hub.heard)


async def test_a_configured_resource_name_is_in_topics_and_source(build: HouseMaker) -> None:
    async with build(fimp={"resource_name": "charger", "resource_address": "2"}) as house:
        topic = device_topic(SOCKET).replace("rn:bluecurrent/ad:1", "rn:charger/ad:2")
        answers = await house.hub.ask(topic, "cmd.state.get_report")
        assert answers[0].path == topic.replace("mt:cmd", "mt:evt")
        assert answers[0].message.src == "charger"
