"""Time, passed in wherever it is needed, so that a test can hold it still."""

import asyncio
import time
from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What tells the time and waits for it."""

    def now(self) -> datetime:
        """The time of day, with an offset."""

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The machine's own clock, in its own time zone."""

    def now(self) -> datetime:
        """The time of day, with an offset."""
        return datetime.now().astimezone()

    def monotonic(self) -> float:
        """Seconds since some moment; never goes back."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
