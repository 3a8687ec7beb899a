"""Reports and errors, and the descriptions of things."""

from datetime import UTC, datetime
from uuid import UUID

from bridge.errors import InvalidState
from bridge.fimp.description import Interface, ServiceDescription, ThingDescription
from bridge.fimp.message import SKIP, Message, aggregate
from bridge.fimp.report import Report, error_report
from bridge.fimp.topic import Topic

DEVICE = Topic("evt", "dev", "bluecurrent", "1", "chargepoint", "BCU1")
ADAPTER = Topic("evt", "ad", "bluecurrent", "1")
UID = UUID("12345678-1234-4234-8234-123456789abc")


def test_a_report_becomes_a_message() -> None:
    report = Report(DEVICE, "chargepoint", "evt.state.report", "string", "charging", {"charging_mode": "normal"})
    written = report.encode(uid=UID, now=datetime(2026, 1, 1, tzinfo=UTC), src="bluecurrent", corid="c")
    message = Message.parse(written)
    assert (message.service, message.type, message.value) == ("chargepoint", "evt.state.report", "charging")
    assert (message.corid, message.uid, message.src, message.version) == ("c", str(UID), "bluecurrent", "1")
    assert message.topic == str(DEVICE)


def test_reports_of_different_sub_values_do_not_replace_each_other() -> None:
    watts = Report(DEVICE, "meter_elec", "evt.meter.report", "float", 1.0, storage=aggregate("W"))
    energy = Report(DEVICE, "meter_elec", "evt.meter.report", "float", 1.0, storage=aggregate("kWh"))
    assert watts.key != energy.key


def test_an_error_on_a_device_topic_is_not_kept_by_the_hub() -> None:
    error = InvalidState("No.")
    on_device = error_report(error, topic=DEVICE, service="chargepoint", src="BCU1", command_topic="t", command=None)
    on_adapter = error_report(error, topic=ADAPTER, service="bluecurrent", src="b", command_topic="t", command=None)
    assert on_device.storage == SKIP
    assert on_adapter.storage is None
    assert on_device.value == "ERR_INVALID_STATE"
    assert set(on_device.properties) == {"msg", "src", "cmd_topic", "cmd_service", "cmd_type"}


def test_an_inclusion_report_has_the_shape_that_the_hub_reads() -> None:
    service = ServiceDescription(
        "chargepoint", "/rt:dev/x", "ch_0", [Interface("in", "cmd.charge.start", "null")], {"sup_states": ["error"]}
    )
    thing = ThingDescription("BCU1", "Home", "A - B - C", "C", "B", "BCU1", [service])
    report = thing.to_json()
    assert report["groups"] == ["ch_0"]
    assert report["comm_tech"] == "cloud"
    assert report["wakeup_interval"] == "-1"
    assert report["services"] == [
        {
            "name": "chargepoint",
            "address": "/rt:dev/x",
            "groups": ["ch_0"],
            "enabled": True,
            "interfaces": [{"intf_t": "in", "msg_t": "cmd.charge.start", "val_t": "null", "ver": "1"}],
            "props": {"sup_states": ["error"]},
        }
    ]
