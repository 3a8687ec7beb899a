"""The things that the user has deleted. The hub does not see them until all things are included again (contract 6)."""

from collections.abc import Callable, Collection, Iterable
from typing import Final

from bridge.storage.storage import Storage

WITHDRAWN: Final = "withdrawn"
"""The key in the storage of the flag that the app is uninstalled."""


class Exclusions:
    """The addresses of the excluded things. After an uninstall every thing is excluded.

    Args:
        storage: keeps the exclusions over restarts.

    Attributes:
        listeners: called with the address of each thing that was excluded or included.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._addresses = storage.excluded()
        self._withdrawn = storage.value(WITHDRAWN) is True
        self.listeners: tuple[Callable[[str], None], ...] = ()

    def __contains__(self, address: object) -> bool:
        return self._withdrawn or address in self._addresses

    def count_among(self, addresses: Collection[str]) -> int:
        """Return how many of these addresses are excluded."""
        return len(addresses) if self._withdrawn else sum(address in addresses for address in self._addresses)

    def add(self, addresses: Iterable[str]) -> None:
        """Exclude these things until `clear` includes all things again."""
        added = set(addresses)
        self._addresses |= added
        self._storage.exclude(added)
        self._notify(added)

    def clear(self) -> None:
        """Include all things again."""
        back, self._addresses = self._addresses, set()
        self._storage.include_all()
        self._notify(back)

    def withdraw(self, addresses: Iterable[str]) -> None:
        """Exclude everything until the next login, because the app is uninstalled. Single deletions are forgotten.

        Args:
            addresses: the things that exist now.
        """
        self._withdrawn, self._addresses = True, set()
        self._storage.save_value(WITHDRAWN, True)
        self._storage.include_all()
        self._notify(addresses)

    def readmit(self, addresses: Iterable[str]) -> None:
        """Include everything again after a login that follows an uninstall.

        Args:
            addresses: the things that exist now.
        """
        if self._withdrawn:
            self._withdrawn = False
            self._storage.save_value(WITHDRAWN, None)
            self._notify(addresses)

    def _notify(self, addresses: Iterable[str]) -> None:
        for address in sorted(addresses):
            for listener in self.listeners:
                listener(address)
