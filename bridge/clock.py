"""The source of time, which is passed to the parts that need it, so that tests control it."""

import asyncio
import time
from datetime import datetime, tzinfo
from typing import Final, Protocol

LOOK_AGAIN_S: Final = 15.0
"""How often a long wait reads the clock, s. The event loop's clock stands still while the machine sleeps."""

_BOOT_CLOCK: Final[int | None] = getattr(time, "CLOCK_BOOTTIME", None)  # Linux


class Clock(Protocol):
    """A source of time, and of waits by that time."""

    def now(self) -> datetime:
        """Return the time of day with an offset."""

    def monotonic(self) -> float:
        """Return the seconds since a fixed moment. The value never decreases and cannot be set."""

    async def sleep(self, seconds: float) -> None:
        """Wait for this many monotonic seconds."""


class SystemClock:
    """The machine's own clock, in its own time zone."""

    _minute = -1
    _zone: tzinfo | None = None

    def now(self) -> datetime:
        """Return the time of day with an offset.

        Every frame and every message reads it. The offset costs most, and changes on a whole minute at the earliest.
        """
        seconds = time.time()
        minute = int(seconds // 60)
        if minute != self._minute:
            self._minute, self._zone = minute, datetime.fromtimestamp(seconds).astimezone().tzinfo
        return datetime.fromtimestamp(seconds, self._zone)

    def monotonic(self) -> float:
        """Return monotonic seconds, which count the machine's sleep where the system supports that (contract 8)."""
        return time.clock_gettime(_BOOT_CLOCK) if _BOOT_CLOCK is not None else time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait for this many seconds. After the machine has slept, the wait ends at most `LOOK_AGAIN_S` late."""
        until = self.monotonic() + seconds
        while (left := until - self.monotonic()) > 0:  # noqa: ASYNC110 - nothing but time is waited for
            await asyncio.sleep(min(left, LOOK_AGAIN_S))
