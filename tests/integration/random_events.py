"""Random events on all sides of a bridge: cars, charge points, the cloud, the broker, the hub, the clock and restarts."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from typing import Any

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.clock import FakeClock
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, House, device_topic
from tests.proxy import Plug

DUO, LIKE_ITS_SOCKET = "BCU9", "BCU9_2"
"""A charge point with one or two sockets, and one with the address of its second socket."""

COMMANDS: list[tuple[str, str, str, Any, dict[str, str]]] = [
    ("cmd.charge.start", "chargepoint", "null", None, {}),
    *(("cmd.charge.start", "chargepoint", "null", None, {"charging_mode": mode}) for mode in ("slow", "delayed")),
    ("cmd.charge.stop", "chargepoint", "null", None, {}),
    *(("cmd.max_current.set", "chargepoint", "int", current, {}) for current in (6, 10, 16)),
    ("cmd.current_session.set_current", "chargepoint", "int", 8, {}),
    ("cmd.cable_lock.set", "chargepoint", "bool", False, {}),
    ("cmd.meter.get_report", "meter_elec", "string", "W", {}),
    ("cmd.meter_ext.get_report", "meter_elec", "str_array", ["p1"], {}),
    ("cmd.param.set", "parameters", "object", {"parameter_id": "available", "value_type": "bool", "value": True}, {}),
    ("cmd.thing.reboot", "dev_sys", "null", None, {}),
]


class RandomEvents:
    """Makes events in a house.

    Args:
        house: the house, whose bridge reaches the broker through `plug`.
        clock: its clock.
        plug: between bridge and broker.
        seed: of the events.

    Attributes:
        made: the names of the events so far, to tell how a failure came about.
    """

    def __init__(self, house: House, clock: FakeClock, plug: Plug, seed: int) -> None:
        self._house = house
        self._clock = clock
        self._plug = plug
        self._random = random.Random(seed)
        self._duo = self._add(DUO, Socket(1), Socket(2))
        self._like_its_socket = SimulatedChargePoint(LIKE_ITS_SOCKET, clock.now)
        self.made: list[str] = []
        self._events: list[Callable[[], Awaitable[None]]] = [
            *[self._car] * 4,
            *[self._fault] * 4,
            *[self._time] * 3,
            *[self._command] * 4,
            *[self._broker] * 3,
            *[self._cloud] * 3,
            *[self._settings] * 4,
            self._odd_values,
            self._list,
            self._sockets,
            self._join_or_leave,
            self._thing,
            self._configuration,
            *[self._restart] * 4,
        ]

    def _add(self, evse_id: str, *sockets: Socket) -> SimulatedChargePoint:
        point = SimulatedChargePoint(evse_id, self._clock.now, sockets=list(sockets))
        point.plug_and_charge = False
        return self._house.cloud.account.add(point)

    async def make(self, count: int) -> None:
        """Make a number of events."""
        for _ in range(count):
            event = self._random.choice(self._events)
            self.made.append(event.__name__)
            await event()
            await asyncio.sleep(self._random.choice((0, 0.02, 0.1)))  # so that the event meets others half way

    def _any(self) -> SimulatedChargePoint:
        return self._house[self._random.choice((SOCKET, CABLE))]

    # --- events ---

    async def _car(self) -> None:
        point = self._any()
        socket = point.sockets[0]
        if socket.vehicle == "A":
            point.plug(Car())
        elif socket.session is None:
            self._random.choice((point.unplug, lambda: point.start("BCU-APP")))()
        else:
            self._random.choice((point.stop, lambda: point.step(self._random.choice((10, 1000)))))()
        await self._house.push(point.evse_id)

    async def _fault(self) -> None:
        point = self._any()
        point.sockets[0].fault = self._random.choice(("offline", "error", "unavailable", None, None))
        await self._house.push(point.evse_id)

    async def _time(self) -> None:
        await self._clock.pass_by(self._random.choice((1, 5, 70, 700, 2000)), step=self._random.choice((5, 35)))

    async def _command(self) -> None:
        type_, service, val_t, val, props = self._random.choice(COMMANDS)
        address = self._any().evse_id
        await self._house.hub.say(
            device_topic(address, service), type=type_, serv=service, val_t=val_t, val=val, props=props
        )

    async def _broker(self) -> None:
        self._random.choice((self._plug.pull, self._plug.freeze, self._plug.put_back, self._plug.thaw))()

    async def _cloud(self) -> None:
        self._house.cloud.faults.refuse_handshake = self._random.choice(("Maintenance", "", ""))
        self._house.cloud.faults.silent = {self._random.choice(("GET_CH_STATUS", "GET_CH_SETTINGS", "none", "none"))}
        self._house.cloud.drop()

    async def _settings(self) -> None:
        point = self._any()
        point.smart_charging = not point.smart_charging
        if self._random.random() < 0.5:  # else it changes without a push
            await self._house.cloud.push_settings(point)

    async def _odd_values(self) -> None:
        odd = {
            "actual_p1": self._random.choice((-0.5, "x", 300, None)),
            "actual_kwh": self._random.choice((0, 1e6, None, "y")),
            **self._random.choice(({}, {"activity": None}, {"vehicle_status": "?"})),
        }
        await self._house.cloud.send_all(
            json.dumps({"object": "CH_STATUS", "evse_id": self._any().evse_id, "data": odd})
        )

    async def _list(self) -> None:
        points = self._house.cloud.account.charge_points.values()
        name = self._random.choice(("One", "Other"))
        data = [{"evse_id": point.evse_id, "name": name, "model_type": point.model_type} for point in points]
        await self._house.cloud.send_all(json.dumps({"object": "CHARGE_POINTS", "data": data}))

    async def _sockets(self) -> None:
        if len(self._duo.sockets) == 1:
            self._duo.sockets.append(Socket(2))
        else:
            del self._duo.sockets[1]
        await self._house.push(DUO)

    async def _join_or_leave(self) -> None:
        points = self._house.cloud.account.charge_points
        if points.pop(LIKE_ITS_SOCKET, None) is None:
            points[LIKE_ITS_SOCKET] = self._like_its_socket
            await self._house.push(LIKE_ITS_SOCKET)

    async def _thing(self) -> None:
        address = self._random.choice((SOCKET, CABLE, GRID))
        fields: dict[str, Any] = {"type": "cmd.thing.delete", "val_t": "str_map", "val": {"address": address}}
        if self._random.random() < 0.5:
            fields = {"type": "cmd.thing.inclusion", "val_t": "bool", "val": True}
        await self._house.hub.say(ADAPTER, serv="bluecurrent", **fields)

    async def _configuration(self) -> None:
        state_set = self._random.choice(("standard", "extended"))
        await self._house.hub.say(
            ADAPTER, serv="bluecurrent", type="cmd.config.extended_set", val_t="object", val={"state_set": state_set}
        )

    async def _restart(self) -> None:
        await self._random.choice((self._house.stop, self._house.crash))()
        await self._house.start(wait=False)

    # --- the end ---

    async def come_to_rest(self) -> None:
        """End every fault, and let the cloud push every status, until broker and cloud are up."""
        house = self._house
        self._plug.put_back()
        self._plug.thaw()
        house.cloud.faults.refuse_handshake = ""
        house.cloud.faults.silent.clear()
        for point in house.cloud.account.charge_points.values():
            for socket in point.sockets:
                socket.fault = None
        await house.hub.until(self._is_up_after_some_time, patience=60)
        await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True, patience=30)
        for evse_id in list(house.cloud.account.charge_points):
            await house.push(evse_id)

    def _is_up_after_some_time(self) -> bool:
        self._clock.move(5)
        service = self._house.running
        return service.broker.status.up and service.link.status.up and service.parts.sync.first_look.is_set()
