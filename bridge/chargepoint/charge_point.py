"""A charge point of the account: all its sockets, and what holds for the whole of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

MOST_SOCKETS: Final = 16
"""Of a charge point; what the cloud says of further ones is left out."""


@dataclass(frozen=True, slots=True)
class ChargePoint:
    """The bridge's picture of one charge point.

    Attributes:
        evse_id: the cloud's name for it.
        sockets: the twin of each socket, by number; one for most charge points.
        complete: the cloud has been asked for all there is to know of it, so it can be shown to the hub.
        heir_of: the twin that stood for the whole charge point before several sockets were known. Its counter and
            session go to the socket that is seen first; None once that is done.
    """

    evse_id: str
    sockets: tuple[Twin, ...]
    complete: bool = False
    heir_of: Twin | None = None

    @property
    def settings(self) -> ChargePointSettings:
        """How it is set and what it is; the same for all sockets."""
        return self.sockets[0].settings

    @property
    def described_by(self) -> object:
        """All that its description depends on: when it changes, the hub is told."""
        return self.complete, tuple((twin.address, twin.described_by) for twin in self.sockets)

    def socket(self, address: str) -> Twin | None:
        """The twin with a FIMP service address."""
        return next((twin for twin in self.sockets if twin.address == address), None)

    def with_twin(self, after: Twin) -> Self:
        """With another twin in the place of the one with its address."""
        if len(self.sockets) == 1:
            return replace(self, sockets=(after,))
        return replace(self, sockets=tuple(after if twin.address == after.address else twin for twin in self.sockets))

    def each(self, change: Callable[[Twin], Twin]) -> Self:
        """With a change made to every socket."""
        return replace(self, sockets=tuple(change(twin) for twin in self.sockets))

    def described(self, update: Update[ChargePointSettings]) -> Self:
        """After its entry in CHARGE_POINTS, or a CH_SETTINGS; its sockets stay the same."""
        return self.each(lambda twin: twin.described(update))


def socket_numbers(settings: ChargePointSettings) -> Sequence[int | None]:
    """The sockets of a charge point; None stands for the only one (contract 3).

    They are those that the cloud has listed, and those that statuses have named once there are two.
    """
    seen = settings.seen_sockets if len(settings.seen_sockets) > 1 else ()
    numbers = sorted({*settings.socket_ids, *seen})[:MOST_SOCKETS]
    return numbers if len(numbers) > 1 else [None]
