"""The service `dev_sys`: restarting a charge point (contract 5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.message import SKIP
from bridge.fimp.report import Report

NAME: Final = "dev_sys"


class DevSysService:
    """Restarts the charge point of a socket.

    Args:
        cloud: the link.
        fleet: the twins.
        addresses: the topics.
        clock: tells the time.
    """

    name = NAME

    def __init__(self, *, cloud: Link, fleet: Fleet, addresses: Addresses, clock: Clock) -> None:
        self._cloud = cloud
        self._fleet = fleet
        self._addresses = addresses
        self._clock = clock
        self.commands: Mapping[str, Command] = {
            "cmd.thing.reboot": Command(("null",), self._reboot, again=self._say_done),
        }

    def describe(self, twin: Twin) -> ServiceDescription:
        """The same for every socket."""
        interfaces = [
            Interface("in", "cmd.thing.reboot", "bool"),
            Interface("out", "evt.success.report", "null"),
            Interface("out", "evt.error.report", "string"),
        ]
        return ServiceDescription(
            NAME, self._addresses.in_description(NAME, twin.address), group_of(twin.socket), interfaces
        )

    def reports(self, twin: Twin, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """None: it only answers commands."""
        del twin, now, settings_changed
        return []

    async def _reboot(self, call: Call) -> Sequence[Report]:
        """`true` is REBOOT. Anything else is SOFT_RESET, as hubs take it; their restart button sends null."""
        hard = call.message.value is True
        self._cloud.check()
        twin = self._fleet.expect(call.address)
        request = requests.reboot(twin.evse_id) if hard else requests.soft_reset(twin.evse_id)
        sockets = [socket.address for socket in self._fleet.sockets(twin.evse_id)]
        async with ended_by_us(sockets, fleet=self._fleet, clock=self._clock):
            await self._cloud.ask(request)
        return await self._say_done(call)

    async def _say_done(self, call: Call) -> Sequence[Report]:
        topic = self._addresses.event(NAME, call.address)
        return [Report(topic, NAME, "evt.success.report", "null", None, storage=SKIP)]
