"""A clock that a test holds in its hands."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """Stands still until it is moved; whoever sleeps wakes when it has been moved far enough."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = start or datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
        self._elapsed = 0.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time of day."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the test began."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved by that much."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._elapsed + seconds, future)
        self._sleepers.append(entry)
        try:
            await future
        finally:
            self._sleepers.remove(entry)

    def move(self, seconds: float) -> None:
        """Let time pass at once."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        for due, future in list(self._sleepers):
            if due <= self._elapsed and not future.done():
                future.set_result(None)

    def set_wall(self, now: datetime) -> None:
        """Set the time of day; no time passes."""
        self._now = now

    def set(self, seconds: float) -> None:
        """Somebody sets the wall clock on by so many seconds, or back; no time passes."""
        self._now += timedelta(seconds=seconds)

    async def pass_by(self, seconds: float, step: float = 1.0) -> None:
        """Let time pass in steps, with room for others to act on each."""
        left = seconds
        while left > 0:
            self.move(min(step, left))
            left -= step
            await settle()


async def settle(rounds: int = 5) -> None:
    """Let everything that can run without waiting for the network run."""
    for _ in range(rounds):
        await asyncio.sleep(0)
