"""Planning the renewal of the broker connection, and waking the publishing lanes.

MQTT cannot change the will of an open connection. When the set of things changes, the bridge opens the connection again
with a new will (contract 6).
"""

import asyncio
from collections import deque
from typing import Final

GATHER_S: Final = 0.1
"""How long a renewal waits for further new things, so that one renewal covers them all."""


class WaitingLanes:
    """The publishing lanes that wait for work."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Wait until another task wakes this lane."""
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await waiting
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def wake_one(self) -> None:
        """Wake the lane that has waited longest, if any. That lane wakes the next one when there is more work."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return


class RenewalPlan:
    """Decides when the connection is renewed.

    Args:
        lanes: one lane is woken when the renewal becomes due.
    """

    def __init__(self, lanes: WaitingLanes) -> None:
        self._lanes = lanes
        self._timer: asyncio.TimerHandle | None = None
        self.is_due = False
        """The renewal happens as soon as nothing is in flight."""

    @property
    def is_planned(self) -> bool:
        """Whether a renewal is due, or will be within `GATHER_S`."""
        return self.is_due or self._timer is not None

    def plan(self) -> None:
        """Plan a renewal in `GATHER_S`, unless one is planned already."""
        if not self.is_planned:
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._gathered)

    def done(self) -> None:
        """Cancel the plan: a new connection with the current will is open."""
        self.is_due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _gathered(self) -> None:
        self._timer, self.is_due = None, True
        self._lanes.wake_one()
