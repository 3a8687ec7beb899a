"""Parsing of text to objects and of objects to values: lenient forms and bounds."""

import json
from dataclasses import dataclass

import pytest

from bridge.bluecurrent.wire import MOST_CHARACTERS, BadFrame, FieldReader, decode
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Setting, Tariff
from bridge.chargepoint.cloud_fields import FLAG, TEXT, cloud_field

_SETTINGS = FieldReader(ChargePointSettings)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (r'{"name": "Garage \ud83d"}', "Garage \ufffd"),
        (r'{"name": "Garage \ud83d."}', "Garage \ufffd."),
        (r'{"name": "\ude00 \ud83d\ude00"}', "\ufffd \U0001f600"),
        (r'{"name": "\\ud83d"}', r"\ud83d"),  # an escaped backslash, and no escape
        (r'{"name": "\\\ud83d\n"}', "\\\ufffd\n"),
        (r'{"name": "\ud83d\ud83d"}', "\ufffd\ufffd"),
        ('{"name": "\ud83d"}', "\ufffd"),
        (b'{"name": "caf\xe9"}', "caf\ufffd"),
        (b'{"name": "\xf0\x9f\x98"}', "\ufffd"),
        ('{"name": "two\nlines"}', "two lines"),
        ('\ufeff{"name": "x"}', "x"),
        (b'\xef\xbb\xbf{"name": "x"}', "x"),
        ('{"name": "\U0001f600"}', "\U0001f600"),
    ],
)
def test_invalid_characters_are_replaced(text: str | bytes, name: str) -> None:
    assert decode(text) == {"name": name}


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "5", "{", "null", '{"a": 1} x', "[" * 100_000, '{"a":' * 100_000, '{"a": ' + "9" * 10_000 + "}",
        b"\x00\xff", "\ud83d", '{"a": "' + "x" * MOST_CHARACTERS + '"}',
    ],
)  # fmt: skip
def test_text_that_is_no_json_object_is_rejected(text: str | bytes) -> None:
    with pytest.raises(BadFrame):
        decode(text)


def settings(**data: object) -> tuple[ChargePointSettings, frozenset[str], list[str]]:
    """Settings with this data, the given fields, and the odd ones."""
    oddities: list[str] = []
    update = _SETTINGS.read(json.loads(json.dumps(data)), oddities)
    return update.values, update.present, oddities


def test_an_invalid_nested_value_is_ignored_alone() -> None:
    told_, present, oddities = settings(
        delayed_charging={
            "value": True,
            "permission": "write",
            "selected_days": [0, "x"],
            "start_time": "23:00",
            "end_time": "25:00",
        },
        plug_and_charge_charge_card={"uid": "A1", "valid": "1", "name": []},
        tariff={"currency": "SEK", "price_in_vat": "dear"},
        led_intensity={"value": "bright", "permission": "read"},
    )
    assert told_.delayed_charging == Setting(True, "write")
    assert (told_.delayed_days, told_.delayed_end) == ((7,), None)
    assert told_.delayed_start is not None
    assert told_.plug_and_charge_card == Card("A1", valid=True)
    assert told_.tariff == Tariff(currency="SEK")
    assert told_.led_intensity == Setting(None, "read")
    assert {"delayed_end", "delayed_days", "led_intensity"} <= present
    assert oddities == [
        "delayed_charging.selected_days has an entry that cannot be read",
        "delayed_charging.end_time cannot be read",
        "plug_and_charge_charge_card is odd: name is no text",
        "tariff is odd: price_in_vat cannot be read",
        "led_intensity cannot be read",
    ]


@pytest.mark.parametrize("odd", [None, "one", {}, [1, "x"]])
def test_an_odd_frame_does_not_remove_sockets(odd: object) -> None:
    assert "socket_ids" not in settings(socket_ids=odd)[1]
    assert settings(socket_ids=[])[1] == {"socket_ids"}
    assert settings(socket_ids=["2", 1])[0].socket_ids == (2, 1)


@pytest.mark.parametrize(
    "data",
    [
        {"linked_charge_cards_only": True, "public_charging": {"value": True, "permission": "read"}},
        {"public_charging": {"value": True, "permission": "read"}, "linked_charge_cards_only": True},
    ],
)
def test_the_current_name_of_a_field_takes_precedence_over_an_older_one(data: dict[str, object]) -> None:
    assert settings(**data)[0].public_charging == Setting(True, "read")


@pytest.mark.parametrize(
    ("linked", "public"),
    [
        (True, Setting(False)),
        ({"value": False, "permission": "read"}, Setting(True, "read")),
        ({"permission": "none"}, Setting(None, "none")),
        (None, None),
    ],
)
def test_an_older_name_for_the_opposite_is_read_inverted(linked: object, public: Setting[bool] | None) -> None:
    told_, present, oddities = settings(linked_charge_cards_only=linked)
    assert (told_.public_charging, sorted(present), oddities) == (public, ["public_charging"], [])


@pytest.mark.parametrize("card", [{"uid": ""}, {"name": "x"}, {}, None, "BCU-APP"])
def test_a_card_without_a_uid_counts_as_no_card(card: object) -> None:
    told_, present, _ = settings(default_card=card)
    assert told_.default_card is None
    assert present == {"default_card"}


@dataclass(frozen=True)
class Thing:
    """A dataclass with a field that the cloud does not send."""

    name: str = cloud_field("name", "its name", TEXT, default="")
    here: bool | None = cloud_field("here", "it is here", FLAG, lasting=True)
    ours: int = 7


def test_a_missing_field_keeps_its_default() -> None:
    update = FieldReader(Thing).read({"name": None, "here": None, "ours": 8}, [])
    assert update.values == Thing()
    assert update.present == {"name"}
