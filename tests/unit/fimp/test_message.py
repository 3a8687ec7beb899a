"""Messages, by table and by property."""

import gzip
import json
import math
import tracemalloc
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.errors import InvalidValue, Malformed
from bridge.fimp.message import LONGEST_NAME, MAX_BYTES, Message, StoragePolicy
from bridge.fimp.topic import PayloadType

BASE = {"serv": "chargepoint", "type": "cmd.charge.start", "val_t": "null", "val": None, "uid": "u-1"}

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
OFFSETS = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
TIMES = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2199, 1, 1), timezones=OFFSETS).map(
    lambda when: when.replace(microsecond=when.microsecond // 1000 * 1000)
)
# No lone surrogates: they cannot be written in UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
SOME = TEXT.filter(bool)


def wire(**changes: Any) -> bytes:
    """A message with some fields changed; `...` leaves one out."""
    fields = {**BASE, **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not ...}).encode()


@given(
    message=st.builds(
        Message,
        service=SOME,
        type=SOME,
        value_type=SOME,
        value=JSON,
        properties=st.dictionaries(TEXT, TEXT, max_size=4),
        tags=st.lists(TEXT, max_size=3),
        storage=st.none() | st.builds(StoragePolicy, strategy=st.none() | TEXT, sub_value=st.none() | TEXT),
        resp_to=st.none() | TEXT,
        corid=st.none() | TEXT,
        uid=SOME,
        ctime=st.none() | TIMES,
        src=st.none() | TEXT,
        version=TEXT,
        topic=st.none() | TEXT,
    ),
    payload_type=st.sampled_from(["j1", "j1c1"]),
)
def test_a_written_message_is_read_back_the_same(message: Message, payload_type: PayloadType) -> None:
    read = Message.parse(message.to_bytes(payload_type), payload_type)
    assert read.model_dump(exclude={"tags"}) == message.model_dump(exclude={"tags"})
    assert list(read.tags) == list(message.tags)


@given(st.binary())
def test_arbitrary_bytes_are_parsed_or_rejected(payload: bytes) -> None:
    for payload_type in ("j1", "j1c1"):
        try:
            Message.parse(payload, payload_type)
        except Malformed:
            pass


@given(JSON, st.sampled_from([*BASE, "props", "tags", "storage", "ctime", "resp_to", "corid", "src", "ver", "topic"]))
def test_arbitrary_json_is_parsed_or_rejected(value: Any, field: str) -> None:
    for payload in (json.dumps(value).encode(), wire(**{field: value})):
        try:
            message = Message.parse(payload)
            message.property("unit")
        except (Malformed, InvalidValue):
            pass


@given(st.data())
def test_a_cut_message_is_rejected(data: st.DataObject) -> None:
    whole = gzip.compress(wire())
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(Malformed):
        Message.parse(whole[:cut] if cut else b"\x1f", "j1c1")


@pytest.mark.parametrize("field", ["serv", "type", "val_t", "uid"])
@pytest.mark.parametrize("value", [..., None, "", 7, []])
def test_a_required_field_is_required(field: str, value: object) -> None:
    with pytest.raises(Malformed, match=field):
        Message.parse(wire(**{field: value}))


def test_val_is_required_unless_it_is_null() -> None:
    assert Message.parse(wire(val=...)).value is None
    with pytest.raises(Malformed, match="no field val"):
        Message.parse(wire(val=..., val_t="bool"))


@pytest.mark.parametrize("field", ["ctime", "src", "corid", "topic", "props", "tags", "storage", "resp_to", "ver"])
@pytest.mark.parametrize("value", [..., None])
def test_the_other_fields_may_be_missing_or_null(field: str, value: object) -> None:
    message = Message.parse(wire(**{field: value}))
    assert message.ctime is None
    assert message.properties == {}
    assert list(message.tags) == []
    assert message.resp_to is None


def test_an_empty_time_is_no_time() -> None:
    assert Message.parse(wire(ctime="")).ctime is None


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (b'"x"', "not an object"),
        (b"null", "not an object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b'{"a": NaN}', "not JSON"),
        (b'{"serv": "\\ud800"}', "not JSON"),
        (b"1" * 5000, "not JSON"),
    ],
)
def test_content_that_is_no_message_is_rejected(payload: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        Message.parse(payload)


def test_a_malformed_message_keeps_its_uid() -> None:
    with pytest.raises(Malformed) as caught:
        Message.parse(wire(serv=...))
    assert caught.value.uid == "u-1"


def test_gzip_in_several_members_is_one_message() -> None:
    text = wire()
    packed = gzip.compress(text[:10]) + gzip.compress(text[10:])
    assert Message.parse(packed, "j1c1").uid == "u-1"


PACKED = gzip.compress(wire(), mtime=0)


@pytest.mark.parametrize("payload", [b"", b"{}", wire(), PACKED + b"x", PACKED[:-1]])
def test_content_that_is_no_gzip_is_rejected(payload: bytes) -> None:
    with pytest.raises(Malformed):
        Message.parse(payload, "j1c1")


def test_a_compressed_message_that_is_too_large_is_refused_before_it_is_unpacked() -> None:
    bomb = gzip.compress(b"\x00" * (50 * MAX_BYTES))
    tracemalloc.start()
    try:
        with pytest.raises(Malformed, match="more than"):
            Message.parse(bomb, "j1c1")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * MAX_BYTES


@pytest.mark.parametrize("payload_type", ["j1", "j1c1"])
@pytest.mark.parametrize("depth", [250, 1_000, 100_000])
@pytest.mark.parametrize(("left", "right"), [("[", "]"), ('{"a":', "}")])
def test_a_message_that_is_nested_too_deeply_is_refused(
    payload_type: PayloadType, depth: int, left: str, right: str
) -> None:
    text = wire().replace(b'"val": null', f'"val": {left * depth}1{right * depth}'.encode())
    with pytest.raises(Malformed):
        Message.parse(gzip.compress(text) if payload_type == "j1c1" else text, payload_type)


def test_a_nested_message_is_read_and_written() -> None:
    value: JsonValue = 1
    for _ in range(100):
        value = [value]
    message = Message.parse(wire(val=value, val_t="object"))
    assert Message.parse(message.to_bytes()).value == value


def test_a_message_that_is_too_large_is_refused_before_it_is_read() -> None:
    fits = wire(src="x" * (MAX_BYTES - len(wire(src=""))))
    assert len(fits) == MAX_BYTES
    assert Message.parse(fits).uid == "u-1"
    with pytest.raises(Malformed, match="more than"):
        Message.parse(fits + b" ")


@pytest.mark.parametrize("field", ["serv", "type", "val_t", "uid"])
def test_a_name_that_is_too_long_is_refused(field: str) -> None:
    """It would be repeated in the answer and in the log."""
    Message.parse(wire(**{field: "x" * LONGEST_NAME}))
    with pytest.raises(Malformed, match=field) as caught:
        Message.parse(wire(**{field: "x" * 100_000}))
    assert len(str(caught.value)) < 500
    assert caught.value.uid == (None if field == "uid" else "u-1")


def test_a_property_that_is_no_text_is_refused_when_it_is_needed() -> None:
    message = Message.parse(wire(props={"charging_mode": 5, "other": "x"}))
    assert message.property("other") == "x"
    assert message.property("missing") is None
    with pytest.raises(InvalidValue, match="charging_mode"):
        message.property("charging_mode")


def test_a_message_is_written_with_all_its_fields() -> None:
    message = Message(
        service="chargepoint",
        type="evt.state.report",
        value_type="string",
        value="charging",
        uid="u-2",
        ctime=datetime(2026, 1, 31, 7, 30, 0, 120_000, tzinfo=UTC),
        src="bluecurrent",
        topic="pt:j1/mt:evt/rt:ad/rn:b/ad:1",
    )
    assert json.loads(message.to_bytes()) == {
        "serv": "chargepoint",
        "type": "evt.state.report",
        "val_t": "string",
        "val": "charging",
        "props": {},
        "tags": [],
        "uid": "u-2",
        "ctime": "2026-01-31T07:30:00.120+00:00",
        "src": "bluecurrent",
        "ver": "1",
        "topic": "pt:j1/mt:evt/rt:ad/rn:b/ad:1",
    }


def test_a_number_too_large_for_a_float_is_no_float() -> None:
    message = Message.parse(wire().replace(b"null}", b"null}").replace(b'"val": null', b'"val": 1e400'))
    assert message.value == math.inf  # and `fits` refuses it


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"val_t": ..., "val": ...}, "The message has no field val_t."),
        ({"val_t": "string", "val": ...}, "The message has no field val."),
        ({"serv": ...}, "The message has no field serv."),
        ({"ctime": "yesterday"}, "The field ctime cannot be read: 'yesterday' is not a time such as "),
    ],
)
def test_the_refusal_names_the_field(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(Malformed) as caught:
        Message.parse(wire(**changes))
    assert str(caught.value).startswith(words)
