"""A charge point of the account with all its sockets."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, Self

from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from bridge.immutable import immutable

MOST_SOCKETS: Final = 16
"""The most sockets of a charge point. Further ones are ignored."""


@immutable(frozen=True, slots=True)
class ChargePoint:
    """The bridge's picture of one charge point.

    Attributes:
        evse_id: the cloud's id of it.
        sockets: the twin of each socket, by number. Most charge points have one.
        complete: all requests about it were made, so it can be included in the hub.
        heir_of: the twin of the whole charge point from before several sockets were known. The socket that is seen
            first inherits its counter and session; None once that has happened.
    """

    evse_id: str
    sockets: tuple[Twin, ...]
    complete: bool = False
    heir_of: Twin | None = None

    @property
    def settings(self) -> ChargePointSettings:
        """The description and the settings, which are the same for all sockets."""
        return self.sockets[0].settings

    @property
    def described_by(self) -> object:
        """Everything that the inclusion report depends on. If it changes, the thing is described again."""
        return self.complete, tuple((twin.address, twin.described_by) for twin in self.sockets)

    def described_as(self, before: Self) -> bool:
        """Whether everything that the inclusion report depends on is as before."""
        if self.complete is before.complete and len(self.sockets) == len(before.sockets):
            pairs = zip(self.sockets, before.sockets, strict=True)
            if all(one.socket == was.socket and one.parts_of_description_are(was) for one, was in pairs):
                return True
        return self.described_by == before.described_by

    def socket(self, address: str) -> Twin | None:
        """Return the twin with a FIMP service address; None if there is none."""
        for twin in self.sockets:
            if twin.address == address:
                return twin
        return None

    def has_sockets_of(self, other: Self) -> bool:
        """Whether another picture of the charge point has the same sockets."""
        return [twin.socket for twin in self.sockets] == [twin.socket for twin in other.sockets]

    def with_twin(self, after: Twin) -> Self:
        """Return the charge point with a twin in place of the one with the same address."""
        if len(self.sockets) == 1:
            return type(self)(self.evse_id, (after,), self.complete, self.heir_of)
        return replace(self, sockets=tuple(after if twin.address == after.address else twin for twin in self.sockets))

    def each(self, change: Callable[[Twin], Twin]) -> Self:
        """Return the charge point with a change to every socket."""
        return replace(self, sockets=tuple(change(twin) for twin in self.sockets))

    def described(self, update: Update[ChargePointSettings]) -> Self:
        """Return the charge point after an entry in CHARGE_POINTS or a CH_SETTINGS, with the same sockets."""
        return self.each(lambda twin: twin.described(update))


def socket_numbers(settings: ChargePointSettings) -> Sequence[int | None]:
    """Return the numbers of the sockets of a charge point, or [None] if it has one (contract 3).

    They are the numbers in `socket_ids`, and those that statuses have named once there are two.
    """
    seen = settings.seen_sockets if len(settings.seen_sockets) > 1 else ()
    numbers = sorted({*settings.socket_ids, *seen})[:MOST_SOCKETS]
    return numbers if len(numbers) > 1 else [None]
