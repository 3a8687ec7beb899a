"""A clock that runs, and that can be moved."""

import asyncio
from contextlib import suppress
from datetime import datetime, timedelta

from bridge.clock import SystemClock


class MovedClock:
    """The machine's clock, moved on by what the test has let pass; its wall clock can be set wrong beside that."""

    def __init__(self, ahead_s: float = 0.0) -> None:
        self._system = SystemClock()
        self._ahead_s = ahead_s
        self._wrong_s = 0.0
        self._moved = asyncio.Event()

    @property
    def ahead_s(self) -> float:
        """By how much it has been moved on, s."""
        return self._ahead_s

    def now(self) -> datetime:
        """The time of day."""
        return self._system.now() + timedelta(seconds=self._ahead_s + self._wrong_s)

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return self._system.monotonic() + self._ahead_s

    async def sleep(self, seconds: float) -> None:
        """Wait until the time has come, or the clock was moved there."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:
            moved = self._moved
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await moved.wait()

    def move(self, seconds: float) -> None:
        """Let time pass at once."""
        self._ahead_s += seconds
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()

    def set_wrong(self, seconds: float) -> None:
        """Somebody sets the wall clock: from now on it is wrong by so much. No time passes."""
        self._wrong_s = seconds
