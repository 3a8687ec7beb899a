"""Commands that act run one after the other per charge point; other charge points do not wait."""

import asyncio
from collections import defaultdict


class Locks:
    """One lock for each charge point, and one, under the empty name, for the adapter."""

    def __init__(self) -> None:
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    def of(self, evse_id: str) -> asyncio.Lock:
        """The lock to hold while acting on this charge point."""
        return self._locks[evse_id]
