"""What is taken out, and what is left."""

import json
from pathlib import Path

import pytest
from pydantic import JsonValue, TypeAdapter

from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Location
from bridge.chargepoint.cloud_fields import cloud_fields
from bridge.checkup.redaction import SECRET, Redaction, host_stand_in


def test_a_word_always_has_the_same_replacement() -> None:
    redaction = Redaction()
    assert redaction.hide("Driveway", "NAME") == "NAME-1"
    assert redaction.hide("Carport", "NAME") == "NAME-2"
    assert redaction.hide("Driveway", "NAME") == "NAME-1"
    assert redaction.text("Driveway and Carport") == "NAME-1 and NAME-2"
    assert redaction.hide("", "NAME") == ""
    assert redaction.hide("BCU-APP", "CARD") == "BCU-APP"  # it stands for no card


def test_charge_points_are_numbered_wherever_they_occur() -> None:
    redaction = Redaction()
    redaction.hide_evse_ids(["BCU102728_2", "GRIDBCU102728 BCU100186"])
    assert redaction.text("BCU100186 BCU102728_2 GRIDBCU102728") == "BCU000001 BCU000002_2 GRIDBCU000002"
    assert redaction.text("a new one: BCU999999") == "a new one: BCU000003"


def test_a_common_word_as_a_user_name_replaces_nothing_else() -> None:
    redaction = Redaction()
    redaction.hide("mqtt", "USER")
    text = redaction.text("mqtt.host refuses the user name mqtt. See mqtt.username, not mqttx.")
    assert text == "mqtt.host refuses the user name USER-1. See mqtt.username, not mqttx."


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("someone@example.org wrote", "MAIL wrote"),
        ("at 192.168.1.20:1884", "at PRIVATE-ADDRESS:1884"),
        ("at 145.131.1.2, 127.0.0.1", "at ADDRESS, 127.0.0.1"),
        ("fd00::12:34, ::1", "PRIVATE-ADDRESS, ::1"),
        ("version 1.2.3, 10:11:12 and 00:00:30", "version 1.2.3, 10:11:12 and 00:00:30"),
        ("/home/anna/bridge.toml", "/home/USER/bridge.toml"),
        ("2026-11-21T09:05:54+01:00", "2026-11-21T09:05:54+01:00"),
    ],
)
def test_text_that_looks_like_a_person_is_replaced(text: str, left: str) -> None:
    assert Redaction().text(text) == left


def test_the_name_of_a_field_decides_on_its_replacement() -> None:
    redaction = Redaction()
    content: JsonValue = {
        "name": "Driveway", "card": "046C", "access_token": "x", "login": None, "energy": 3.5, "open": True,
    }  # fmt: skip
    expected = {"name": "NAME-1", "card": "CARD-1", "access_token": SECRET, "login": None, "energy": 3.5, "open": True}
    assert redaction.json(content) == expected
    assert redaction.json(["Driveway", 1]) == ["NAME-1", 1]


def test_the_location_of_a_charge_point_is_replaced() -> None:
    """Of what is kept of a charge point on disk, as the dump shows it."""
    told = {name: f"{name} of the Smiths" for name in cloud_fields(Location)} | {
        "x_coord": "52.123",
        "y_coord": "4.321",
    }
    place = TypeAdapter(Location).validate_python(told)
    settings = ChargePointSettings(
        name="Smith", location=place, x_coord=52.123, y_coord=4.321,
        default_card=Card("046C", "NL-1", "Smith's card", customer_name="J. Smith"),
    )  # fmt: skip
    redacted = json.dumps(Redaction().json(TypeAdapter(ChargePointSettings).dump_python(settings, mode="json")))
    for private in ("Smith", "52.123", "4.321", "046C", "NL-1"):
        assert private not in redacted


def test_private_folders_are_replaced() -> None:
    redaction = Redaction()
    redaction.hide_folder(Path("/srv/the-smiths/bridge.db"))
    redaction.hide_folder(Path("/data/bridge.db"))
    redaction.hide_folder(Path("data/bridge.db"))
    assert redaction.text("/srv/the-smiths/bridge.db") == "FOLDER-1/bridge.db"
    assert redaction.text("/data/bridge.db data/bridge.db") == "/data/bridge.db data/bridge.db"


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("localhost", "localhost"),
        ("127.0.0.1", "127.0.0.1"),
        ("motown.bluecurrent.nl", "motown.bluecurrent.nl"),
        ("smith-hub.local", "HOST.local"),
        ("mqtt.smith.example", "HOST"),
        ("10.0.0.7", "PRIVATE-ADDRESS"),
        ("8.8.8.8", "ADDRESS"),
    ],
)
def test_private_hosts_are_replaced(host: str, told: str) -> None:
    assert host_stand_in(host) == told
