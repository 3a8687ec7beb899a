"""The service `dev_sys`: restarting a charge point."""

import pytest

from bridge.simulator.car import Car
from tests.harness import SOCKET, House, device_topic


@pytest.mark.parametrize(("hard", "command"), [(True, "REBOOT"), (False, "SOFT_RESET")])
async def test_a_restart_is_answered_after_its_verdict(house: House, hard: bool, command: str) -> None:
    (answer,) = await house.hub.command(SOCKET, "cmd.thing.reboot", service="dev_sys", val_t="bool", val=hard)
    assert answer.path == device_topic(SOCKET, "dev_sys", "evt")
    assert (answer.message.type, answer.message.value_type, answer.message.value) == (
        "evt.success.report",
        "null",
        None,
    )
    assert answer.message.storage is not None
    assert answer.message.storage.strategy == "skip"
    (request,) = house.cloud.requests_for("REBOOT", "SOFT_RESET")
    assert (request["command"], request["evse_id"]) == (command, SOCKET)


async def test_a_session_that_a_restart_ended_is_not_finished(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("BCU-APP")
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    await house.hub.command(SOCKET, "cmd.thing.reboot", service="dev_sys", val_t="bool", val=True)
    await house.hub.expect("evt.state.report", SOCKET, value="unknown")  # it is away
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    assert not house.hub.find("evt.state.report", SOCKET, value="finished")


@pytest.mark.parametrize(
    "wish",
    [
        {"val_t": "null", "val": None}, {"val_t": "null", "val": ...}, {"val_t": "null", "val": ""}, {"val_t": "string", "val": ""},
        {"val_t": "string", "val": None}, {"val_t": "string", "val": "true"}, {"val_t": "bool", "val": None},
        {"val_t": "bool", "val": ""}, {"val_t": "bool", "val": "x"}, {"val_t": "int", "val": 1},
        {"val_t": "object", "val": {}},
    ],
)  # fmt: skip
async def test_every_value_but_true_is_a_soft_reset(house: House, wish: dict[str, object]) -> None:
    """The restart button of Home Assistant sends null; every value but `true` is a soft reset."""
    uid = await house.hub.say(device_topic(SOCKET, "dev_sys"), serv="dev_sys", type="cmd.thing.reboot", **wish)
    await house.hub.expect("evt.success.report", SOCKET, corid=uid)
    assert [request["command"] for request in house.cloud.requests_for("REBOOT", "SOFT_RESET")] == ["SOFT_RESET"]


async def test_a_restart_without_an_answer_times_out(house: House) -> None:
    house.cloud.faults.verdict["REBOOT"] = "TIMEOUT"
    error = await house.hub.refused(SOCKET, "cmd.thing.reboot", service="dev_sys", val_t="bool", val=True)
    assert error.message.value == "ERR_TIMEOUT"
