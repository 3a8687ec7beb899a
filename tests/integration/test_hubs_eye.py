"""A day as a hub sees it: its device list comes only from inclusion reports, exclusion reports and events."""

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.harness import CABLE, GRID, SOCKET, Heard, House, make_house

STREET = "BCU200000"
HOUR = 3600.0


@dataclass
class Device:
    """A device as the hub's list has it.

    Attributes:
        thing: its inclusion report.
        up: whether it can be reached, by the last node report.
        values: the last value of each attribute: (service address, service, interface, sub-value) → value.
    """

    thing: dict[str, Any]
    up: bool = False
    values: dict[tuple[str, str, str, str], Any] = field(default_factory=dict)

    def services(self) -> set[tuple[str, str]]:
        """The services, as (name, address)."""
        return {(one["name"], one["address"].rpartition(":")[2]) for one in self.thing["services"]}

    def listed(self, service: str, address: str) -> set[str]:
        """The interfaces of a service."""
        return {
            interface["msg_t"]
            for one in self.thing["services"]
            if one["name"] == service and one["address"].endswith(f"/ad:{address}")
            for interface in one["interfaces"]
        }


class DeviceList:
    """The device list of a hub, which drops unlisted events as real hubs do."""

    def __init__(self) -> None:
        self.devices: dict[str, Device] = {}
        self.dropped: list[Heard] = []

    def hear(self, messages: Iterable[Heard]) -> None:
        """Apply a message."""
        for heard in messages:
            self._hear(heard)

    def _hear(self, heard: Heard) -> None:
        value: Any = heard.message.value
        match heard.message.type:
            case "evt.thing.inclusion_report":
                known = self.devices.get(value["address"])
                self.devices[value["address"]] = Device(
                    value, known.up if known else False, known.values if known else {}
                )
            case "evt.thing.exclusion_report":
                self.devices.pop(value["address"], None)
            case "evt.network.node_report":
                self._node(value)
            case "evt.network.all_nodes_report":
                for node in value:
                    self._node(node)
            case _ if "/rt:dev/" in heard.path:
                self._value(heard)

    def _node(self, node: dict[str, Any]) -> None:
        if node["address"] in self.devices:
            self.devices[node["address"]].up = node["status"] == "UP"

    def _value(self, heard: Heard) -> None:
        service = heard.path.partition("/sv:")[2].partition("/")[0]
        for device in self.devices.values():
            if (service, heard.address) in device.services():
                supported = next(one for one in device.thing["services"] if one["name"] == service)["props"]
                if heard.message.type not in device.listed(service, heard.address) or (
                    heard.message.type == "evt.state.report" and heard.message.value not in supported["sup_states"]
                ):
                    self.dropped.append(heard)
                storage = heard.message.storage
                part = storage.sub_value if storage is not None and storage.sub_value else ""
                device.values[heard.address, service, heard.message.type, part] = heard.message.value
                return
        self.dropped.append(heard)

    # --- what a person sees in the app ---

    def state(self, address: str) -> object:
        """The state of a charge point."""
        return self.devices[address].values.get((address, "chargepoint", "evt.state.report", ""))

    def meter(self, address: str) -> float:
        """Its lifetime energy, kWh."""
        value = self.devices[address].values[address, "meter_elec", "evt.meter.report", "kWh"]
        assert isinstance(value, float)
        return value

    def reachable(self) -> dict[str, bool]:
        """Every device, and whether it can be reached."""
        return {address: device.up for address, device in self.devices.items()}


@dataclass
class Day:
    """A house, its hub's list, and the clock."""

    house: House
    clock: FakeClock
    devices: DeviceList = field(default_factory=DeviceList)
    heard: int = 0

    def look(self) -> DeviceList:
        """The list as it is now."""
        self.devices.hear(self.house.hub.heard[self.heard :])
        self.heard = len(self.house.hub.heard)
        return self.devices

    async def sees(self, address: str, state: str) -> None:
        """Wait until the list shows a state."""
        try:
            await self.house.hub.until(lambda: self.look().state(address) == state)
        except TimeoutError:
            raise AssertionError(f"{address} is {self.look().state(address)}, not {state}") from None

    async def charges(self, evse_id: str, hours: float) -> None:
        """Let a car charge, with a push every two minutes."""
        for _ in range(round(hours * 30)):
            await self.clock.pass_by(120, step=30)
            self.house[evse_id].step(120)
            await self.house.push(evse_id)

    async def until(self, condition: Any) -> None:
        """Let time pass until a condition holds."""
        for _ in range(400):
            if condition():
                return
            await self.clock.pass_by(1)
            await self.house.hub.until(lambda: True)
        await self.house.hub.until(condition)

    def delivered(self, evse_id: str) -> float:
        """The energy that a charge point has really delivered, kWh."""
        return sum(transaction.kwh for transaction in self.house[evse_id].transactions)


@pytest.fixture
async def day(broker: TestBroker, tmp_path: Path) -> AsyncIterator[Day]:
    """A house at the beginning of a day."""
    clock = FakeClock()
    async with make_house(broker, tmp_path, clock=clock) as house:
        yield Day(house, clock)


async def test_a_hub_sees_every_state_of_a_day(day: Day) -> None:
    house = day.house

    # The bridge starts: three things, all idle.
    assert day.look().reachable() == {SOCKET: True, CABLE: True, GRID: True}
    assert (day.look().state(SOCKET), day.look().state(CABLE)) == ("disconnected", "disconnected")

    # The first car comes, is started by the hub, charges to the end, and leaves.
    house[SOCKET].plug(Car(capacity_kwh=60, charge_kwh=50))
    await house.push(SOCKET)
    await day.sees(SOCKET, "ready_to_charge")
    await house.hub.command(SOCKET, "cmd.charge.start", 2, ctime=...)
    await day.sees(SOCKET, "charging")
    await day.charges(SOCKET, 2)
    await day.sees(SOCKET, "finished")
    house[SOCKET].unplug()
    await house.push(SOCKET)
    await day.sees(SOCKET, "disconnected")
    assert day.look().meter(SOCKET) == pytest.approx(10.0, abs=0.002)

    # The second one charges elsewhere, and a charge point joins the account meanwhile.
    house[CABLE].plug(Car(charge_kwh=10, phases=1))
    await house.push(CABLE)
    await day.sees(CABLE, "ready_to_charge")
    await house.hub.command(CABLE, "cmd.charge.start", 2, ctime=...)
    street = house.cloud.account.add(SimulatedChargePoint(STREET, day.clock.now, name="Street"))
    street.plug_and_charge = False
    await house.cloud.push(street)
    await house.hub.until(lambda: STREET in day.look().devices)
    await day.sees(STREET, "disconnected")
    everything = {SOCKET: True, CABLE: True, GRID: True, STREET: True}
    await house.hub.until(lambda: day.look().reachable() == everything)
    await day.charges(CABLE, 1)
    await day.sees(CABLE, "charging")

    # The bridge is restarted in the middle of it.
    await house.stop()
    await house.hub.until(lambda: not any(day.look().reachable().values()))
    house[CABLE].step(600)
    await house.start()
    await house.hub.until(lambda: all(day.look().reachable().values()))
    await day.sees(CABLE, "charging")
    assert day.look().meter(CABLE) == pytest.approx(day.delivered(CABLE), abs=0.002)

    # The cloud is away for an hour, during which the car becomes full.
    house.cloud.faults.refuse_handshake = "maintenance"
    house.cloud.drop()
    await day.until(lambda: not any(day.look().reachable().values()))
    assert {day.look().state(address) for address in (SOCKET, CABLE, STREET)} == {"unknown"}
    house[CABLE].step(20 * HOUR)
    await day.clock.pass_by(HOUR, step=10)
    assert {day.look().state(address) for address in (SOCKET, CABLE, STREET)} == {"unknown"}
    house.cloud.faults.refuse_handshake = ""
    await day.until(lambda: all(day.look().reachable().values()))
    await day.sees(CABLE, "finished")
    assert day.look().meter(CABLE) == pytest.approx(day.delivered(CABLE), abs=0.002)

    # The new charge point leaves the account again.
    del house.cloud.account.charge_points[STREET]
    house.cloud.drop()
    await day.until(lambda: STREET not in day.look().devices)

    # The device list at the end of the day.
    await day.until(lambda: len(day.look().devices) == 3 and all(day.look().reachable().values()))
    assert day.look().reachable() == {SOCKET: True, CABLE: True, GRID: True}
    assert (day.look().state(SOCKET), day.look().state(CABLE)) == ("disconnected", "finished")
    assert day.look().meter(SOCKET) == pytest.approx(day.delivered(SOCKET), abs=0.002)
    assert day.look().meter(CABLE) == pytest.approx(day.delivered(CABLE), abs=0.002)
    # Every event had a place in the list and was announced by its thing.
    assert day.look().dropped == []
