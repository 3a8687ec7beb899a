"""Which charge point or grid connection has each address on the hub: the first keeps it (contract 3)."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Final, Literal

HolderKind = Literal["charge point", "grid connection"]

SOCKETS: Final = "charge point"
GRIDS: Final = "grid connection"


@dataclass(frozen=True, slots=True)
class Claim:
    """An address that a charge point or a grid connection needs.

    Attributes:
        kind: what needs it.
        id: the evse_id, or the cloud's id of the grid connection.
        address: the address, for a charge point its own or that of one of its sockets. Empty if it has none.
    """

    kind: HolderKind
    id: str
    address: str

    @property
    def name(self) -> str:
        """The name in the log and on the page: the id, for a socket with its address in brackets."""
        is_socket = self.kind == SOCKETS and self.address != self.id
        return f"{self.id} ({self.address})" if is_socket else self.id


class AddressBook:
    """The addresses in use, and the claims that are left out since another thing has the address.

    Attributes:
        left_out_listeners: called with each claim that is left out, once until it is granted or withdrawn.
        vacant_listeners: called with each address that is free again.
    """

    def __init__(self) -> None:
        self._holders: dict[str, tuple[HolderKind, str]] = {}
        self._left_out: dict[Claim, None] = {}
        self.left_out_listeners: tuple[Callable[[Claim], None], ...] = ()
        self.vacant_listeners: tuple[Callable[[str], None], ...] = ()

    def charge_point_at(self, address: str) -> str | None:
        """Return the evse_id of the charge point that has an address; None if there is none."""
        kind, id_ = self._holders.get(address, (GRIDS, ""))
        return id_ if kind == SOCKETS else None

    def is_free_for(self, claim: Claim) -> bool:
        """Whether an address can be granted: it is not empty, and no other thing has it."""
        holder = (claim.kind, claim.id)
        return bool(claim.address) and self._holders.get(claim.address, holder) == holder

    def take(self, claim: Claim) -> bool:
        """Grant an address if it is free; else leave the claim out. Return whether it is granted."""
        if self.is_free_for(claim):
            self._holders[claim.address] = (claim.kind, claim.id)
            self._left_out.pop(claim, None)
            return True
        if claim not in self._left_out:
            self._left_out[claim] = None
            for listener in self.left_out_listeners:
                listener(claim)
        return False

    def release(self, kind: HolderKind, id_: str, addresses: Iterable[str]) -> None:
        """Free addresses that a charge point or a grid connection does not need any more."""
        for address in addresses:
            if self._holders.get(address) == (kind, id_):
                del self._holders[address]
                for listener in self.vacant_listeners:
                    listener(address)

    def withdraw(self, kind: HolderKind, id_: str, keep: Collection[Claim] = ()) -> None:
        """Forget what is left out of a charge point or a grid connection, but for the claims to keep."""
        for claim in list(self._left_out):
            if (claim.kind, claim.id) == (kind, id_) and claim not in keep:
                del self._left_out[claim]

    def left_out(self, kind: HolderKind) -> list[Claim]:
        """Return the claims of a kind that are left out, in the order in which they came."""
        return [claim for claim in self._left_out if claim.kind == kind]
