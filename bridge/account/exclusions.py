"""The things that the user has deleted: they stay away from the hub until all are brought back (contract 6)."""

from collections.abc import Callable, Iterable
from typing import Final

from bridge.storage.storage import Storage

WITHDRAWN: Final = "withdrawn"
"""Under which name the storage keeps that the app is uninstalled."""


class Exclusions:
    """What stays away.

    Args:
        storage: where it is kept.

    Attributes:
        listeners: who hears, by its address, that a thing stays away from now on, or does no longer.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._addresses = storage.excluded()
        self._withdrawn = storage.value(WITHDRAWN) is True
        self.listeners: tuple[Callable[[str], None], ...] = ()

    def __contains__(self, address: object) -> bool:
        return self._withdrawn or address in self._addresses

    def add(self, addresses: Iterable[str]) -> None:
        """Exclude these things until all are included again."""
        added = set(addresses)
        self._addresses |= added
        self._storage.exclude(added)
        self._tell(added)

    def clear(self) -> None:
        """Allow everything to be included again."""
        back, self._addresses = self._addresses, set()
        self._storage.include_all()
        self._tell(back)

    def withdraw(self, addresses: Iterable[str]) -> None:
        """Keep everything away until the next login: the app is uninstalled. The deletions are forgotten.

        Args:
            addresses: the things that there are now.
        """
        self._withdrawn, self._addresses = True, set()
        self._storage.save_value(WITHDRAWN, True)
        self._storage.include_all()
        self._tell(addresses)

    def readmit(self, addresses: Iterable[str]) -> None:
        """After a login: whoever installs the app again has everything again.

        Args:
            addresses: the things that there are now.
        """
        if self._withdrawn:
            self._withdrawn = False
            self._storage.save_value(WITHDRAWN, None)
            self._tell(addresses)

    def _tell(self, addresses: Iterable[str]) -> None:
        for address in sorted(addresses):
            for listener in self.listeners:
                listener(address)
