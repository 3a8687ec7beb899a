"""Time, passed in wherever it is needed, so that a test can hold it still."""

import asyncio
import time
from datetime import datetime
from typing import Final, Protocol

LOOK_AGAIN_S: Final = 15.0
"""How often a long wait looks at the clock: the loop's own clock stands still while the machine sleeps."""

_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)  # Linux


class Clock(Protocol):
    """What tells the time and waits for it."""

    def now(self) -> datetime:
        """The time of day, with an offset."""

    def monotonic(self) -> float:
        """Seconds since some moment; nobody sets it, and it never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock, in its own time zone."""

    def now(self) -> datetime:
        """The time of day, with an offset."""
        return datetime.now().astimezone()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back, and counts the machine's sleep where that can be had."""
        return time.clock_gettime(_BOOT_CLOCK) if _BOOT_CLOCK is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait. After the machine has slept, this ends within `LOOK_AGAIN_S` of its time."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:  # noqa: ASYNC110 - nothing but time is waited for
            await asyncio.sleep(min(left, LOOK_AGAIN_S))
