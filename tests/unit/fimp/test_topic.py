"""Topics, by table and by property."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.fimp.topic import (
    LONGEST_PART,
    MOST_LEVELS,
    InvalidTopic,
    MessageType,
    PayloadType,
    ResourceType,
    Topic,
    is_level,
)
from tests.way_out import topic_faults

NAMES = st.text("abcXYZ019_-.", min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("text", "topic"),
    [
        (
            "pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:BCU102728",
            Topic("cmd", "dev", "bluecurrent", "1", "chargepoint", "BCU102728"),
        ),
        ("pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1", Topic("evt", "ad", "bluecurrent", "1")),
        ("pt:j1c1/mt:rsp/rt:app/rn:tpflow/ad:0d08", Topic("rsp", "app", "tpflow", "0d08", payload_type="j1c1")),
        ("pt:j1/mt:rsp/rt:cloud/rn:backend/ad:x", Topic("rsp", "cloud", "backend", "x")),
        ("pt:j1/mt:evt/rt:loc/rn:room/ad:3/sv:thermostat/ad:1", Topic("evt", "loc", "room", "3", "thermostat", "1")),
        ("pt:j1/mt:rsp/rt:loc/rn:room/ad:3", Topic("rsp", "loc", "room", "3")),
        ("pt:j1/mt:rsp/rt:dev/rn:zw/ad:1", Topic("rsp", "dev", "zw", "1")),
        ("pt:j1/mt:rsp/rt:app/rn:flow/ad:1/sv:x/ad:2", Topic("rsp", "app", "flow", "1", "x", "2")),
        ("pt:j1/mt:cmd/rt:discovery", Topic("cmd", "discovery")),
        ("home/pt:j1/mt:cmd/rt:discovery", Topic("cmd", "discovery", prefix="home")),
        ("a/b/pt:j1/mt:cmd/rt:ad/rn:zw/ad:1", Topic("cmd", "ad", "zw", "1", prefix="a/b")),
    ],
)
def test_known_topics_are_parsed_and_written(text: str, topic: Topic) -> None:
    assert Topic.parse(text) == topic
    assert topic.path == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "pt:j1",
        "pt:j1/mt:cmd/rt:ad/rn:zw",
        "pt:j1/mt:cmd/rt:ad/rn:zw/ad:1/sv:x/ad:2",
        "pt:j1/mt:cmd/rt:dev/rn:zw/ad:1",
        "pt:j1/mt:cmd/rt:dev/rn:zw/ad:1/ad:2/sv:x",
        "pt:j1/mt:rsp/rt:app/rn:zw/ad:1/sv:x",
        "pt:j1/mt:rsp/rt:discovery/rn:zw/ad:1",
        "pt:j2/mt:cmd/rt:ad/rn:zw/ad:1",
        "pt:j1/mt:say/rt:ad/rn:zw/ad:1",
        "pt:j1/mt:cmd/rt:thing/rn:zw/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:+/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:x/ad:#",
        "pt:j1/mt:rsp/#",
        "pt:j1/mt:rsp/rt:app/rn:/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:a:b/ad:1",
        "pt:j1/mt:rsp/rt:app/rn:a b/ad:1",
        "/pt:j1/mt:rsp/rt:app/rn:a/ad:1",
        "+/pt:j1/mt:rsp/rt:app/rn:a/ad:1",
        "pt:j1/mt:cmd/rt:discovery/rn:x/ad:1",
        *(
            f"pt:j1/mt:rsp/rt:app/rn:a{bad}/ad:1"
            for bad in "\x00\x07\x1f\x7f\x85\u2028\ud83d\ufdd0\ufdef\ufffe\uffff\U0010ffff"
        ),
        "a/" * 250 + "pt:j1/mt:rsp/rt:app/rn:x/ad:1",
        "a/" * MOST_LEVELS + "pt:j1/mt:cmd/rt:discovery",
        f"pt:j1/mt:rsp/rt:app/rn:{'x' * (LONGEST_PART + 1)}/ad:1",
        f"{'x' * 66_000}/pt:j1/mt:rsp/rt:app/rn:x/ad:1",
    ],
)
def test_text_that_is_no_topic_is_rejected(text: str) -> None:
    with pytest.raises(InvalidTopic) as caught:
        Topic.parse(text)
    assert len(str(caught.value)) < 2_000, "the text is quoted in full"


@given(st.text(st.characters(exclude_categories=())))
def test_every_valid_level_can_be_published(text: str) -> None:
    if is_level(text):
        assert list(topic_faults(text)) == []


@given(
    st.sampled_from(["j1", "j1c1"]),
    st.sampled_from(["cmd", "evt", "rsp"]),
    st.sampled_from(["dev", "ad", "app", "cloud", "loc", "discovery"]),
    NAMES,
    NAMES,
    NAMES,
    NAMES,
    st.lists(NAMES, max_size=3),
)
def test_a_written_topic_is_read_back_the_same(
    payload: PayloadType,
    message: MessageType,
    resource: ResourceType,
    name: str,
    address: str,
    service: str,
    device: str,
    prefix: list[str],
) -> None:
    deep, flat = resource in ("dev", "loc"), resource == "discovery"
    topic = Topic(
        message,
        resource,
        "" if flat else name,
        "" if flat else address,
        service if deep else "",
        device if deep else "",
        payload,
        "/".join(prefix),
    )
    assert Topic.parse(topic.path) == topic


PARTS = st.builds(
    "{}:{}".format,
    st.sampled_from(["pt", "mt", "rt", "rn", "ad", "sv"]),
    st.sampled_from(["j1", "j1c1", "cmd", "evt", "rsp", "dev", "ad", "app", "cloud", "loc", "discovery"]) | NAMES,
)
IN_FORM = st.tuples(
    st.sampled_from(["pt:j1/mt:cmd/rt", "pt:j1/mt:evt/rt", "pt:j1/mt:rsp/rt"]),
    st.sampled_from(["dev", "ad", "app", "cloud", "loc", "discovery"]) | NAMES,
    st.sampled_from(["", "/rn:a", "/rn:a/ad:1", "/rn:a/ad:1/sv:b", "/rn:a/ad:1/sv:b/ad:2"]),
).map(lambda parts: f"{parts[0]}:{parts[1]}{parts[2]}")


@given(st.text() | st.lists(PARTS, max_size=8).map("/".join) | IN_FORM)
def test_what_is_parsed_is_written_the_same_and_everything_else_rejected(text: str) -> None:
    try:
        topic = Topic.parse(text)
    except InvalidTopic:
        return
    assert topic.path == text


def test_the_event_topic_of_a_compressed_command_is_plain() -> None:
    command = Topic.parse("p/pt:j1c1/mt:cmd/rt:dev/rn:b/ad:1/sv:chargepoint/ad:X")
    assert command.as_event().path == "p/pt:j1/mt:evt/rt:dev/rn:b/ad:1/sv:chargepoint/ad:X"
    assert str(command.as_event()) == "pt:j1/mt:evt/rt:dev/rn:b/ad:1/sv:chargepoint/ad:X"
