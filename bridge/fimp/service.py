"""What every service of a thing has in common."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol, TypeVar

from bridge.fimp.command import Command
from bridge.fimp.description import ServiceDescription
from bridge.fimp.report import Report

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

    def reports(self, twin: T_contra, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """What it can say of the device now, changed or not.

        Args:
            twin: the device.
            now: the time.
            settings_changed: False: only what a status can change is asked for.
        """
