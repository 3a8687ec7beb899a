"""The app: manifest, states, configuration, diagnostics, log and discovery."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from bridge import __version__
from bridge.runtime_settings import Values
from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.conversation.cars import plug
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, Heard, House, described, make_house

MANIFEST = Path(__file__).parents[2] / "config/app-manifest.json"
RUNNING = {"app": "RUNNING", "connection": "CONNECTED", "config": "CONFIGURED", "auth": "AUTHENTICATED"}
DEFAULTS = {
    "state_set": "standard", "card": "", "slow_current": 6, "nominal_voltage": 230, "offline_grace": 60,
    "command_max_age": 300, "log_level": "info",
}  # fmt: skip


def content(heard: Heard) -> dict[str, Any]:
    """The value of a report."""
    assert heard.message.value_type == "object"
    value: Any = heard.message.value
    return dict(value)


async def configure(house: House, **values: object) -> dict[str, Any]:
    """Set a part of the configuration; returns the report."""
    (answer,) = await house.hub.adapter("cmd.config.extended_set", val_t="object", val=values)
    assert answer.message.type == "evt.app.config_report"
    return content(answer)


async def test_the_manifest_report_has_the_state_the_configuration_and_the_interfaces(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.app.get_manifest", val_t="string", val="manifest_state")
    assert answer.message.type == "evt.app.manifest_report"
    manifest = content(answer)
    source = json.loads(MANIFEST.read_text())
    assert manifest["configs"] == source["configs"]
    assert manifest["app_state"] == RUNNING
    assert manifest["config_state"] == DEFAULTS
    names = {interface["msg_t"] for interface in manifest["services"][0]["interfaces"]}
    assert {"cmd.app.get_manifest", "evt.app.manifest_report", "cmd.auth.login", "evt.error.report"} <= names
    (plain,) = await house.hub.adapter("cmd.app.get_manifest")
    assert content(plain)["ui_blocks"] == source["ui_blocks"]


def test_every_block_of_the_manifest_has_a_setting_and_can_be_rendered() -> None:
    manifest = json.loads(MANIFEST.read_text())
    configs = {config["id"]: config for config in manifest["configs"]}
    assert set(configs) == set(Values.model_fields)  # every block has a setting, and every setting a block
    assert {name: config["val"]["default"] for name, config in configs.items()} == DEFAULTS
    shown = [name for block in manifest["ui_blocks"] for name in block["configs"]]
    assert sorted(shown) == sorted(configs)
    # The types that the app's settings page can render; it leaves out all others.
    rendered = {
        "list_radio", "list_checkbox", "select_horizontal", "input_string", "input_number", "input_readonly", "text",
    }  # fmt: skip
    assert {config["ui"]["type"] for config in configs.values()} <= rendered
    pressed = [name for block in manifest["ui_blocks"] for name in block["buttons"]]
    assert pressed == [button["id"] for button in manifest["ui_buttons"]]

    def labels(value: Any) -> Any:
        if isinstance(value, dict):
            if "en" in value:
                yield value
            for inner in value.values():
                yield from labels(inner)
        elif isinstance(value, list):
            for inner in value:
                yield from labels(inner)

    found = list(labels(manifest))
    assert len(found) >= 20
    for label in found:
        assert set(label) == {"en", "no", "nl"}
        assert len({bool(text) for text in label.values()}) == 1  # in all three languages, or in none


async def test_the_app_state_follows_the_link(build: HouseMaker) -> None:
    async with build(start=False) as house:
        await house.start()
        told = [content(heard) for heard in house.hub.find("evt.app.state_report")]
        assert told[-1] == RUNNING
        (answer,) = await house.hub.adapter("cmd.app.get_state")
        assert (answer.message.type, content(answer)) == ("evt.app.state_report", RUNNING)
        since = house.mark
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        report = await house.hub.expect("evt.app.state_report", since=since)
        assert content(report)["connection"] in ("DISCONNECTED", "CONNECTING")
        assert content(report)["auth"] == "AUTHENTICATED"  # a link that is down does not change the login state
        since = house.mark
        await house.stop()
        report = await house.hub.expect("evt.app.state_report", since=since)
        assert content(house.hub.find("evt.app.state_report")[-1])["app"] == "TERMINATING"


async def test_the_configuration_report_has_the_defaults(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.config.get_extended_report")
    assert (answer.message.type, content(answer)) == ("evt.config.extended_report", DEFAULTS)


async def test_the_configured_state_set_takes_effect_and_survives_a_restart(house: House) -> None:
    since = house.mark
    report = await configure(house, state_set="extended")
    assert report == {"op_status": "ok", "op_error": "", "app_state": RUNNING}
    await house.hub.until(lambda: len(house.hub.find("evt.thing.inclusion_report", since=since)) == 2)

    def states() -> list[str]:
        service = next(one for one in described(house.hub, SOCKET)["services"] if one["name"] == "chargepoint")
        supported: list[str] = service["props"]["sup_states"]
        return supported

    assert "suspended_by_ev" in states()
    await house.restart()
    house[SOCKET].plug(Car(charge_kwh=60))
    house[SOCKET].start("BCU-APP")
    house[SOCKET].step(1)
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="suspended_by_ev")
    (answer,) = await house.hub.adapter("cmd.config.get_extended_report")
    assert content(answer) == {**DEFAULTS, "state_set": "extended"}

    (answer,) = await house.hub.adapter("cmd.app.reset")
    assert answer.message.type == "evt.app.config_action_report"
    assert content(answer) == {
        "op": "cmd.app.reset",
        "op_status": "ok",
        "next": "reload",
        "error_code": "",
        "error_text": "",
    }
    await house.hub.until(lambda: "suspended_by_ev" not in states())
    await house.restart()
    (answer,) = await house.hub.adapter("cmd.config.get_extended_report")
    assert content(answer) == DEFAULTS


async def test_the_configured_card_takes_effect(house: House) -> None:
    await configure(house, card="A1B2C3D4E5F6")
    await plug(house)
    await house.hub.command(SOCKET, "cmd.charge.start", 2)
    assert house.cloud.requests_for("START_SESSION")[0]["session_token"] == "A1B2C3D4E5F6"


async def test_the_configured_nominal_voltage_takes_effect(house: House) -> None:
    data = {"activity": "charging", "vehicle_status": "C", "actual_p1": 10}
    await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
    await house.hub.expect("evt.meter.report", SOCKET, value=2300.0)
    await configure(house, nominal_voltage=240)
    await house.hub.expect("evt.meter.report", SOCKET, value=2400.0)


async def test_the_configured_maximum_age_of_commands_takes_effect(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        await configure(house, command_max_age=10)
        old = clock.now().isoformat()
        clock.move(20)
        error = await house.hub.refused(SOCKET, "cmd.charge.start", ctime=old)
        assert error.message.value == "ERR_EXPIRED"


async def test_the_configured_grace_takes_effect(broker: TestBroker, tmp_path: Path) -> None:
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        (answer,) = await house.hub.adapter(
            "cmd.config.extended_set", val_t="object", val={"offline_grace": 5}, ctime=...
        )
        assert content(answer)["op_status"] == "ok"
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
        await clock.pass_by(7)
        await house.hub.expect("evt.state.report", SOCKET, value="unknown")


@pytest.mark.parametrize(
    "values",
    [
        {"state_set": "all"},
        {"slow_current": 5},
        {"slow_current": "6"},
        {"nominal_voltage": 0},
        {"offline_grace": -1},
        {"command_max_age": 0},
        {"log_level": "loud"},
        {"card": 5},
        {"toaster": True},
        {"state_set": "extended", "slow_current": 500},
    ],
)
async def test_a_wrong_configuration_changes_nothing(house: House, values: dict[str, object]) -> None:
    report = await configure(house, **values)
    assert report["op_status"] == "error"
    assert str(report["op_error"]).partition(":")[0] in list(values)
    (answer,) = await house.hub.adapter("cmd.config.get_extended_report")
    assert content(answer) == DEFAULTS
    (error,) = await house.hub.adapter("cmd.config.extended_set", val_t="string", val="x")
    assert error.message.value == "ERR_INVALID_VALUE"


async def test_diagnostics_show_restarts_uptime_and_errors(house: House) -> None:
    await house.restart()
    await house.cloud.garbage(1)
    await asyncio.sleep(0.05)
    (answer,) = await house.hub.adapter("cmd.app.get_diag")
    assert answer.message.type == "evt.app.diag_report"
    report = content(answer)
    assert (report["restarts_count"], 0 <= report["uptime"] < 60) == (1, True)
    assert "cannot be read" in report["errors"][-1]


async def test_diagnostics_show_the_requests_of_today_against_what_a_start_needs(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.app.get_diag")
    requests = content(answer)["requests"]
    assert requests["by_kind"] == house.cloud.requests
    assert requests["today"] == sum(requests["by_kind"].values())
    points = len(house.cloud.account.charge_points)
    assert (requests["per_start"], requests["per_reconnect"]) == (5 + 3 * points, 2 + points)
    before = len(house.cloud.seen)
    await house.restart()
    await house.hub.until(lambda: house.cloud.requests["GET_GRID_STATUS"] == 2 * points)
    assert len(house.cloud.seen) - before == requests["per_start"]


async def test_uninstalling_excludes_every_thing_and_logs_out(house: House) -> None:
    answers = await house.hub.adapter("cmd.app.uninstall", 4)
    assert [answer.message.type for answer in answers] == ["evt.thing.exclusion_report"] * 3 + [
        "evt.app.uninstall_report"
    ]
    report = content(answers[-1])
    assert (report["op_status"], report["op_error"]) == ("ok", "")
    await house.hub.until(lambda: not house.cloud.connected)
    (state,) = await house.hub.adapter("cmd.app.get_state")
    assert content(state)["auth"] == "NOT_AUTHENTICATED"


async def test_installing_again_and_logging_in_brings_everything_back(house: House) -> None:
    since = house.mark
    await house.hub.adapter("cmd.app.uninstall", 4)
    await house.stop()
    await house.start(wait=False)
    await house.hub.expect("evt.auth.status_report", since=house.mark)
    assert house.hub.find("evt.thing.inclusion_report", since=since) == []
    token = {"access_token": house.cloud.account.api_token}
    await house.hub.adapter("cmd.auth.set_tokens", val_t="object", val=token)

    def back() -> list[str]:
        return sorted(content(heard)["address"] for heard in house.hub.find("evt.thing.inclusion_report", since=since))

    await house.hub.until(lambda: back() == [CABLE, SOCKET, GRID])


async def test_a_reset_reports_the_parameters_that_it_has_changed(house: House) -> None:
    card = {"parameter_id": "session_card", "value_type": "string", "value": "A1B2C3D4E5F6"}
    await house.hub.command(SOCKET, "cmd.param.set", service="parameters", val_t="object", val=card)
    since = house.mark
    await house.hub.adapter("cmd.app.reset")
    report = await house.hub.expect("evt.param.report", SOCKET, since=since)
    assert content(report) == {**card, "value": ""}


async def test_the_log_level_is_reported_set_and_kept(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.log.get_level")
    assert answer.brief == ("evt.log.level_report", "info")
    (answer,) = await house.hub.adapter("cmd.log.set_level", val_t="string", val="Error")
    assert answer.brief == ("evt.log.level_report", "error")
    before = len(house.log_lines())
    await house.hub.refused(SOCKET, "cmd.charge.fly")  # a warning
    assert len(house.log_lines()) == before
    await house.restart()
    (answer,) = await house.hub.adapter("cmd.log.get_level")
    assert answer.message.value == "error"
    (answer,) = await house.hub.adapter("cmd.log.set_level", val_t="string", val="warn")  # as fimpgo writes it
    assert answer.message.value == "warning"
    assert (await configure(house, log_level="WARN"))["op_status"] == "ok"
    (answer,) = await house.hub.adapter("cmd.log.get_level")
    assert answer.message.value == "warning"
    for value in ("loud", ""):
        (error,) = await house.hub.adapter("cmd.log.set_level", val_t="string", val=value)
        assert error.message.value == "ERR_INVALID_VALUE"


async def test_the_discovery_report_describes_the_adapter(house: House) -> None:
    (answer,) = await house.hub.ask("pt:j1/mt:cmd/rt:discovery", "cmd.discovery.request", serv="system")
    assert answer.path == "pt:j1/mt:evt/rt:discovery"
    assert (answer.message.type, answer.message.service) == ("evt.discovery.report", "system")
    report = content(answer)
    assert {name: report[name] for name in ("package_name", "resource_name", "resource_type", "instance_id", "version")} == {
        "package_name": "bluecurrent-fimp-bridge", "resource_name": "bluecurrent", "resource_type": "ad",
        "instance_id": "1", "version": __version__,
    }  # fmt: skip
    assert report["adapter_info"]["technology"] == "cloud"
    assert report["author"]
    assert report["doc_url"].startswith("https://")
    assert report["app_state"] == RUNNING
    since = house.mark
    await house.hub.say("pt:j1/mt:cmd/rt:discovery", type="cmd.discovery.fly", serv="system")
    error = await house.hub.expect("evt.error.report", since=since)
    assert (error.path, error.message.value) == ("pt:j1/mt:evt/rt:discovery", "ERR_UNKNOWN_INTERFACE")


async def test_every_interface_in_the_manifest_has_a_handler(house: House) -> None:
    """Every interface that the manifest lists has a handler."""
    (answer,) = await house.hub.adapter("cmd.app.get_manifest")
    listed = {
        one["msg_t"]: one["val_t"] for one in content(answer)["services"][0]["interfaces"] if one["intf_t"] == "in"
    }
    harmless: dict[str, object] = {
        "string": SOCKET, "bool": False, "null": None, "object": {}, "str_map": {"address": SOCKET},
    }  # fmt: skip
    for type_, val_t in sorted(listed.items()):
        (first, *_) = await house.hub.ask(ADAPTER, type_, serv="bluecurrent", val_t=val_t, val=harmless[val_t])
        assert first.message.value != "ERR_UNKNOWN_INTERFACE", type_
