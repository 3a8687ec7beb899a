"""What every service of a thing has in common."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bridge.chargepoint.twin import Twin
from bridge.fimp.command import Command
from bridge.fimp.description import ServiceDescription
from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.settings import FimpSettings

T_contra = TypeVar("T_contra", contravariant=True)


class DeviceService(Protocol[T_contra]):
    """One FIMP service of a device: of a socket (`Twin`), or of a grid connection (`GridTwin`)."""

    @property
    def name(self) -> str:
        """The service's name, such as `chargepoint`."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """What it takes: interface → what to do."""

    def describe(self, twin: T_contra) -> ServiceDescription | None:
        """What an inclusion report says of it; None if this device has no such service."""

    def reports(self, twin: T_contra, now: datetime) -> Sequence[Report]:
        """All that it can say of the device now, changed or not."""


class Addresses:
    """The topics of devices and of the adapter.

    Args:
        settings: under which resource name and address the bridge appears.
        prefix: FIMP's global prefix.
    """

    def __init__(self, settings: FimpSettings, prefix: str) -> None:
        self.resource_name = settings.resource_name
        self.resource_address = settings.resource_address
        self.prefix = prefix

    @property
    def adapter(self) -> Topic:
        """The adapter's event topic."""
        return Topic("evt", "ad", self.resource_name, self.resource_address, prefix=self.prefix)

    @property
    def discovery(self) -> Topic:
        """The event topic of discovery."""
        return Topic("evt", "discovery", prefix=self.prefix)

    def event(self, service: str, address: str) -> Topic:
        """The event topic of one service of a device."""
        return Topic("evt", "dev", self.resource_name, self.resource_address, service, address, prefix=self.prefix)

    def in_description(self, service: str, address: str) -> str:
        """The address of a service as inclusion reports write it."""
        return f"/rt:dev/rn:{self.resource_name}/ad:{self.resource_address}/sv:{service}/ad:{address}"

    def subscriptions(self) -> list[str]:
        """The topic filters of all commands, plain and gzipped."""
        before = f"{self.prefix}/" if self.prefix else ""
        own = f"rn:{self.resource_name}/ad:{self.resource_address}"
        return [
            f"{before}pt:{payload_type}/mt:cmd/{rest}"
            for payload_type in ("j1", "j1c1")
            for rest in (f"rt:ad/{own}", f"rt:dev/{own}/#", "rt:discovery")
        ]


def group(twin: Twin) -> str:
    """The group of a socket's services (contract 3)."""
    return "ch_0" if twin.socket is None else f"ch_{twin.socket}"
