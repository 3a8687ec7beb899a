"""The interface of every service of a thing."""

from collections.abc import Iterable, Mapping
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
        """The name of the service, such as `chargepoint`."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands that it accepts, by their interface."""

    def describe(self, twin: T_contra) -> ServiceDescription:
        """Return its description for the inclusion report."""

    def reports(self, twin: T_contra, now: datetime, *, settings_changed: bool = True) -> Iterable[Report]:
        """Return its reports of the present values, changed or not.

        They may be made one by one, as they are read.

        Args:
            twin: the device.
            now: the present time.
            settings_changed: False if only reports that depend on the status are needed.
        """
