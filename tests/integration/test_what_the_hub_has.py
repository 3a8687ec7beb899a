"""After random events the hub has what the bridge knows: the last report of each value is the answer to its question."""

import asyncio
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.harness import CABLE, GRID, SOCKET, Heard, House, make_house
from tests.integration.random_events import DUO, LIKE_ITS_SOCKET, RandomEvents
from tests.integration.test_hubs_eye import DeviceList
from tests.proxy import Plug

EVENTS = 50
PATIENCE_S = 30

QUESTIONS: list[tuple[str, str, str, Any]] = [
    *((f"cmd.{name}.get_report", "chargepoint", "null", None) for name in ("state", "current_session", "cable_lock")),
    *((f"cmd.{name}.get_report", "chargepoint", "null", None) for name in ("max_current", "phase_mode")),
    ("cmd.meter.get_report", "meter_elec", "string", "W"),
    ("cmd.meter.get_report", "meter_elec", "string", "kWh"),
    ("cmd.meter_ext.get_report", "meter_elec", "null", None),
    *(
        ("cmd.param.get_report", "parameters", "string", name)
        for name in ("available", "free_charging", "smart_charging", "delayed_charging", "limit_current", "total_cost")
    ),
]
"""Interface, service, `val_t` and `val`. Each is answered by one report, or by an error while it is not known."""


def key_of(heard: Heard) -> tuple[str, str, str, str]:
    """Where a hub keeps a value: the address, the service, the interface and the sub-value."""
    message = heard.message
    sub_value = message.storage.sub_value if message.storage is not None else None
    return heard.address, message.service, message.type, sub_value or ""


def content_of(heard: Heard) -> tuple[object, object]:
    """The value and the properties of a report."""
    return heard.message.value, dict(heard.message.properties)


async def differences(house: House) -> list[object]:
    """What the hub has by reports of the bridge and what the bridge answers, where they differ."""
    hub, found = house.hub, list[object]()
    await hub.until(lambda: house.running.reporter.is_settled, PATIENCE_S)
    await hub.fence()
    eye = DeviceList()
    eye.hear(hub.heard)
    there = {SOCKET, CABLE, GRID, DUO}
    if house.running.fleet.charge_point(LIKE_ITS_SOCKET) is not None:
        there.add(LIKE_ITS_SOCKET)
    if set(eye.devices) != there:
        return [set(eye.devices), there]
    things = defaultdict[str, set[str]](set)
    for address, device in eye.devices.items():
        for _, socket in device.services():
            things[socket].add(address)
    found += [(socket, owners) for socket, owners in things.items() if len(owners) > 1]
    last = {key_of(heard): content_of(heard) for heard in hub.heard if "/rt:dev/" in heard.path}
    for address in (SOCKET, CABLE):
        for type_, service, val_t, val in QUESTIONS:
            (answer,) = await hub.command(address, type_, service=service, val_t=val_t, val=val, patience=PATIENCE_S)
            known = answer.message.type in eye.devices[address].listed(service, address)
            if known and answer.message.type != "evt.error.report" and last.get(key_of(answer)) != content_of(answer):
                found.append((key_of(answer), last.get(key_of(answer)), content_of(answer)))
    for address in there:
        (node,) = await hub.adapter("cmd.network.get_node", val_t="string", val=address, patience=PATIENCE_S)
        value: Any = node.message.value
        if (value["status"] == "UP") != eye.devices[address].up:
            found.append((address, value["status"], eye.devices[address].up))
    return found


@pytest.mark.parametrize("seed", [5, 6, 7])
async def test_the_hub_has_what_the_bridge_knows(broker: TestBroker, tmp_path: Path, seed: int) -> None:
    clock = FakeClock()
    plug = await Plug(broker.host, broker.port).start()
    async with make_house(broker, tmp_path, clock=clock, start=False) as house:
        through_plug = house.settings.mqtt.model_copy(update={"host": "127.0.0.1", "port": plug.port})
        house.settings = house.settings.model_copy(update={"mqtt": through_plug})
        events = RandomEvents(house, clock, plug, seed)
        await house.start(wait=False)
        await events.make(EVENTS)
        await events.come_to_rest()
        async with asyncio.timeout(PATIENCE_S * 2):
            # A request in the background, such as one that lifts a limit, may still change a value.
            while found := await differences(house):
                if len(events.made) > EVENTS + 10:
                    break
                events.made.append("(again)")
                await clock.pass_by(2)
        assert found == [], events.made
        faults = [line for line in house.log_lines() if line["level"] == "error" and "library" not in line]
        assert faults == []
        await house.kill()
        await plug.stop()
