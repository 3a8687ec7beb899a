"""A clock that a test moves."""

import asyncio
from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that stands still until it is moved. A sleep returns when the clock was moved far enough."""

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
        """Wait until the clock was moved by this many seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (self._elapsed + seconds, future)
        self._sleepers.append(entry)
        try:
            await future
        finally:
            self._sleepers.remove(entry)

    def move(self, seconds: float) -> None:
        """Move the time forward at once."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds
        for due, future in list(self._sleepers):
            if due <= self._elapsed and not future.done():
                future.set_result(None)

    def set_wall(self, now: datetime) -> None:
        """Set the wall clock without moving the monotonic clock."""
        self._now = now

    def set(self, seconds: float) -> None:
        """Move the wall clock by some seconds without moving the monotonic clock."""
        self._now += timedelta(seconds=seconds)

    async def pass_by(self, seconds: float, step: float = 1.0) -> None:
        """Move the time forward in steps, and let other tasks run after each."""
        left = seconds
        while left > 0:
            self.move(min(step, left))
            left -= step
            await settle()


async def settle(rounds: int = 5) -> None:
    """Let all tasks run that do not wait for the network."""
    for _ in range(rounds):
        await asyncio.sleep(0)
