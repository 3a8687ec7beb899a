"""When the connection to the broker is renewed, and who is woken for it.

A will cannot be changed on a connection: when the set of things changes, the connection is made anew (contract 6).
"""

import asyncio
from collections import deque
from typing import Final

GATHER_S: Final = 0.1
"""How long a renewal waits for more new things, so that one renewal serves them all."""


class WaitingLanes:
    """The publishing lanes that have nothing to do."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait until there may be something to do."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def wake_one(self) -> None:
        """Wake the lane that has waited longest, if one waits. It wakes the next if there is enough to do for two."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return


class RenewalPlan:
    """Whether the connection is to be renewed.

    Args:
        lanes: one of them is woken when the renewal is due.
    """

    def __init__(self, lanes: WaitingLanes) -> None:
        self._lanes = lanes
        self._timer: asyncio.TimerHandle | None = None
        self.is_due = False
        """It is to be done as soon as nothing is in flight."""

    @property
    def is_planned(self) -> bool:
        """It is due, or will be in a moment."""
        return self.is_due or self._timer is not None

    def plan(self) -> None:
        """Have the connection renewed in a moment."""
        if not self.is_planned:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def done(self) -> None:
        """There is a new connection, with the newest will."""
        self.is_due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _gathered(self) -> None:
        self._timer, self.is_due = None, True
        self._lanes.wake_one()
