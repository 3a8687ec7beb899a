"""Fields of the cloud in their wire form."""

from datetime import UTC, datetime, time

from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Setting, Tariff
from bridge.chargepoint.cloud_fields import as_cloud_json, cloud_fields
from bridge.chargepoint.status import Activity, Status, Vehicle


def test_a_status_is_written_with_the_names_of_the_wire() -> None:
    status = Status(
        activity=Activity.CHARGING, vehicle=Vehicle.READY, current_1=16.0, started_at=datetime(2026, 1, 2, tzinfo=UTC)
    )
    told = as_cloud_json(status)
    assert told["activity"] == "charging"
    assert told["vehicle_status"] == "C"
    assert (told["actual_p1"], told["actual_p2"]) == (16.0, None)
    assert told["start_datetime"] == "2026-01-02T00:00:00+00:00"
    assert len(told) == len(cloud_fields(Status))


def test_settings_are_nested_as_on_the_wire() -> None:
    told = as_cloud_json(
        ChargePointSettings(
            tariff=Tariff(currency="SEK", price_in_vat=2.5),
            default_card=Card("A1", customer_name="A. B."),
            delayed_charging=Setting(True, "read"),
            delayed_days=(1, 7),
            delayed_start=time(23),
            minimum_kwh=6.0,
            socket_ids=(1, 2),
        )
    )
    assert isinstance(told["tariff"], dict)
    assert (told["tariff"]["currency"], told["tariff"]["price_in_vat"]) == ("SEK", 2.5)
    assert isinstance(told["default_card"], dict)
    assert told["default_card"]["customer_name"] == "A. B."
    assert told["delayed_charging"] == {
        "value": True, "permission": "read", "selected_days": [1, 7], "start_time": "23:00", "end_time": None,
        "smart_current_heartbeat_timeout": None,
    }  # fmt: skip
    # Only a part of the profile is known.
    assert isinstance(told["price_based_charging"], dict)
    assert told["price_based_charging"]["minimum_kwh"] == 6.0
    assert told["socket_ids"] == [1, 2]


def test_every_field_of_a_status_has_its_name_on_the_wire() -> None:
    assert set(cloud_fields(Status)) == set(Status.__dataclass_fields__)
