"""Locks that serialise the acting commands of each charge point. Other charge points do not wait (contract 4)."""

import asyncio
from collections import defaultdict


class Locks:
    """One lock for each charge point, and one under the empty name for the adapter."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, evse_id: str) -> asyncio.Lock:
        """Return the lock to hold during a command that acts on this charge point."""
        return self._locks[evse_id]
