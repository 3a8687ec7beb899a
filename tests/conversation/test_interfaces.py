"""Every interface that an inclusion report lists works."""

from collections.abc import Mapping
from typing import Any, Final

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, Heard, House, described, device_topic, interfaces

WORKING: Final[Mapping[str, tuple[str, Any]]] = {
    # The order matters: each interface needs the state that the ones before it leave.
    "cmd.charge.start": ("null", None),
    "cmd.state.get_report": ("null", None),
    "cmd.current_session.get_report": ("null", None),
    "cmd.current_session.set_current": ("int", 8),
    "cmd.max_current.set": ("int", 10),
    "cmd.max_current.get_report": ("null", None),
    "cmd.phase_mode.get_report": ("null", None),
    "cmd.cable_lock.get_report": ("null", None),
    "cmd.cable_lock.set": ("bool", False),
    "cmd.charge.stop": ("null", None),
    "cmd.meter.get_report": ("string", ""),
    "cmd.meter_ext.get_report": ("str_array", []),
    "cmd.sup_params.get_report": ("null", None),
    "cmd.param.set": ("object", {"parameter_id": "free_charging", "value_type": "bool", "value": True}),
    "cmd.param.get_report": ("string", "free_charging"),
    "cmd.thing.reboot": ("bool", False),
}
"""A value that works for each interface of a device: one that is missing here fails the test."""

ADAPTER_WORKING: Final[Mapping[str, tuple[str, Any]]] = {
    "cmd.thing.get_inclusion_report": ("string", SOCKET),
    "cmd.network.get_node": ("string", SOCKET),
    "cmd.network.get_all_nodes": ("null", None),
    "cmd.ping.send": ("string", SOCKET),
    "cmd.app.get_manifest": ("string", "manifest_state"),
    "cmd.app.get_state": ("null", None),
    "cmd.app.get_diag": ("null", None),
    "cmd.config.get_extended_report": ("null", None),
    "cmd.config.extended_set": ("object", {"slow_current": 8}),
    "cmd.log.get_level": ("null", None),
    "cmd.log.set_level": ("string", "debug"),
    "cmd.auth.set_tokens": ("object", {"access_token": "simulated-api-token"}),
    "cmd.auth.login": ("object", {"username": "someone@example.com", "password": "simulated"}),
    "cmd.thing.delete": ("object", {"address": CABLE}),
    "cmd.thing.inclusion": ("bool", True),
    "cmd.app.reset": ("null", None),
    "cmd.network.reset": ("null", None),
    "cmd.app.uninstall": ("null", None),
    "cmd.auth.logout": ("null", None),
}

SILENT: Final = {"evt.success.report"}
"""What is said only as the answer to a command that has no value to tell."""


async def two_sockets(house: House) -> None:
    """A charge point with two sockets, in a cloud that takes a `socket_id`."""
    duo = SimulatedChargePoint("BCU300000", house.clock.now, name="Duo", sockets=[Socket(1), Socket(2)])
    house.cloud.account.add(duo).plug_and_charge = False
    await house.start()
    await house.cloud.send_all(
        '{"object": "STATUS_START_SESSION", "evse_id": "BCU300000", "socket_id": 2, "success": true}'
    )
    await house.hub.until(lambda: "cmd.charge.start" in interfaces(house.hub, "BCU300000"))


@pytest.mark.parametrize(
    ("thing", "socket"), [(SOCKET, 0), (CABLE, 0), (GRID, None), ("BCU300000", 0), ("BCU300000", 1)]
)
async def test_every_interface_of_a_thing_works(build: HouseMaker, thing: str, socket: int | None) -> None:
    async with build(start=False) as house:
        await two_sockets(house)
        if socket is not None:
            # A car has charged before, and another one waits, so that every report has a value.
            point, place = house[thing], house[thing].sockets[socket]
            point.plug(Car(), place)
            point.start("BCU-APP", place)
            point.step(600)
            await house.push(thing)
            point.unplug(place)
            await house.push(thing)
            since = house.mark
            point.plug(Car(), place)
            await house.push(thing)
            await house.hub.expect("evt.state.report", since=since, value="ready_to_charge")
        group = f"ch_{house[thing].sockets[socket].number}" if thing == "BCU300000" and socket is not None else "ch_0"
        for service in described(house.hub, thing)["services"]:
            if service["groups"] != [group]:
                continue
            await exercise(house, service)


async def exercise(house: House, service: Mapping[str, Any]) -> None:
    """Use every interface of a service."""
    name, address = service["name"], service["address"].rpartition(":")[2]
    listed = {one["msg_t"]: one for one in service["interfaces"]}
    assert len(listed) == len(service["interfaces"])
    taken = [type_ for type_, one in listed.items() if one["intf_t"] == "in"]
    assert not set(taken) - set(WORKING)
    for type_ in sorted(taken, key=list(WORKING).index):
        value_type, value = WORKING[type_]
        assert listed[type_]["val_t"] == value_type
        answers = await house.hub.command(address, type_, service=name, val_t=value_type, val=value)
        assert "evt.error.report" not in [answer.message.type for answer in answers], (type_, answers)
        for answer in answers:
            assert answer.message.type in listed or answer.message.type in SILENT
    await house.hub.refused(address, "cmd.nothing.of_the_kind", service=name)
    topic = device_topic(address, name, "evt")
    said = [heard for heard in house.hub.heard if heard.path == topic]
    assert_listed(listed, said)


def assert_listed(listed: Mapping[str, Any], said: list[Heard]) -> None:
    """Every listed event was received, and every received event is listed with its type."""
    announced = {type_ for type_, one in listed.items() if one["intf_t"] == "out"}
    assert announced - {heard.message.type for heard in said} == set()
    assert {heard.message.type for heard in said} - announced <= SILENT
    for heard in said:
        if heard.message.type in listed:
            assert heard.message.value_type == listed[heard.message.type]["val_t"]
        assert all(isinstance(value, str) for value in heard.message.properties.values())


async def test_every_interface_of_the_adapter_works(build: HouseMaker) -> None:
    async with build(side=True) as house:
        (manifest,) = await house.hub.adapter("cmd.app.get_manifest")
        value: Any = manifest.message.value
        (discovered,) = await house.hub.ask("pt:j1/mt:cmd/rt:discovery", "cmd.discovery.request", serv="system")
        found: Any = discovered.message.value
        assert found["adapter_info"]["services"][0]["interfaces"] == value["services"][0]["interfaces"]
        listed = {one["msg_t"]: one for one in value["services"][0]["interfaces"]}
        taken = [type_ for type_, one in listed.items() if one["intf_t"] == "in"]
        assert not set(taken) - set(ADAPTER_WORKING)
        for type_ in sorted(taken, key=list(ADAPTER_WORKING).index):
            value_type, wish = ADAPTER_WORKING[type_]
            if type_ == "cmd.auth.login":
                account = house.cloud.account
                wish = {"username": account.login, "password": account.password, "encrypted": False}
            answers = await house.hub.adapter(type_, val_t=value_type, val=wish)
            assert "evt.error.report" not in [answer.message.type for answer in answers], (type_, answers)
        await house.hub.adapter("cmd.nothing.of_the_kind")
        events = ADAPTER.replace("mt:cmd", "mt:evt")
        assert_listed(listed, [heard for heard in house.hub.heard if heard.path == events])
