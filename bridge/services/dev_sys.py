"""The service `dev_sys`: restarting a charge point (contract 5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from bridge.account.reboots import Reboots
from bridge.chargepoint.twin import Twin
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.message import SKIP
from bridge.fimp.report import Report

NAME: Final = "dev_sys"


class DevSysService:
    """Restarts the charge point of a socket.

    Args:
        reboots: restarts charge points.
        addresses: builds the topics.
    """

    name = NAME

    def __init__(self, *, reboots: Reboots, addresses: Addresses) -> None:
        self._reboots = reboots
        self._addresses = addresses
        self.commands: Mapping[str, Command] = {
            "cmd.thing.reboot": Command(("null",), self._reboot, again=self._say_done),
        }

    def describe(self, twin: Twin) -> ServiceDescription:
        """Return the description of the service, the same for every socket."""
        interfaces = [
            Interface("in", "cmd.thing.reboot", "bool"),
            Interface("out", "evt.success.report", "null"),
            Interface("out", "evt.error.report", "string"),
        ]
        return ServiceDescription(
            NAME, self._addresses.in_description(NAME, twin.address), group_of(twin.socket), interfaces
        )

    def reports(self, twin: Twin, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """Return no report: the service only answers commands."""
        del twin, now, settings_changed
        return []

    async def _reboot(self, call: Call) -> Sequence[Report]:
        """Send REBOOT for `true` and SOFT_RESET for anything else: the restart button of hubs sends null (page 4)."""
        await self._reboots.reboot(call.address, hard=call.message.value is True)
        return await self._say_done(call)

    async def _say_done(self, call: Call) -> Sequence[Report]:
        topic = self._addresses.event(NAME, call.address)
        return [Report(topic, NAME, "evt.success.report", "null", None, storage=SKIP)]
