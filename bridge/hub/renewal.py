"""Planning the renewal of the broker connection.

MQTT cannot change the will of an open connection. When the set of things changes, the bridge opens the connection again
with a new will (contract 6).
"""

import asyncio
from typing import Final

GATHER_S: Final = 0.1
"""How long a renewal waits for further new things, so that one renewal covers them all."""


class RenewalPlan:
    """Decides when the connection is renewed.

    Args:
        work: is set when the renewal becomes due.
    """

    def __init__(self, work: asyncio.Event) -> None:
        self._work = work
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
            self._timer = asyncio.get_running_loop().call_later(GATHER_S, self.gathered)

    def gathered(self) -> None:
        """Renew now, if a renewal is planned: nothing more that is new is expected soon."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer, self.is_due = None, True
            self._work.set()

    def done(self) -> None:
        """Cancel the plan: a new connection with the current will is open."""
        self.is_due = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
