"""The machine's clock."""

import asyncio
import time

import pytest

from bridge import clock
from bridge.clock import SystemClock


def test_the_monotonic_clock_counts_the_sleep_of_the_machine() -> None:
    boot = time.clock_gettime(time.CLOCK_BOOTTIME)
    assert boot <= SystemClock().monotonic() <= time.clock_gettime(time.CLOCK_BOOTTIME)


def test_without_such_a_clock_the_plain_monotonic_one_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_BOOT_CLOCK", None)
    before = time.monotonic()
    assert before <= SystemClock().monotonic() <= time.monotonic()


class AsleepMeanwhile(SystemClock):
    """A machine that sleeps for an hour whenever the bridge has waited once."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        """Seconds, the sleep counted."""
        return self.passed

    async def wait(self, seconds: float) -> None:
        """Replaces the event loop's wait, which does not count the sleep."""
        self.waits.append(seconds)
        self.passed += seconds + 3600.0


async def test_a_wait_ends_soon_after_the_machine_has_slept(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = AsleepMeanwhile()
    monkeypatch.setattr(asyncio, "sleep", machine.wait)
    await machine.sleep(7300.0)
    assert machine.waits == [clock.LOOK_AGAIN_S] * 3
    machine.waits.clear()
    await machine.sleep(5.0)
    assert machine.waits == [5.0]


async def test_a_wait_is_not_too_short() -> None:
    system = SystemClock()
    before = system.monotonic()
    await system.sleep(0.05)
    assert system.monotonic() - before >= 0.05


def test_the_time_has_the_offset_of_its_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """At the end of summer time the offset changes while the process runs."""
    before, system = 1792889999.5, SystemClock()  # 2026-10-25 02:59:59.5 +02:00
    monkeypatch.setenv("TZ", "Europe/Amsterdam")
    time.tzset()
    try:
        told = []
        for moment in (before, before + 0.4, before + 0.5, before + 3600, before):
            monkeypatch.setattr(time, "time", lambda moment=moment: moment)
            told.append(system.now().isoformat(timespec="milliseconds"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert told == [
        "2026-10-25T02:59:59.500+02:00",
        "2026-10-25T02:59:59.900+02:00",
        "2026-10-25T02:00:00.000+01:00",
        "2026-10-25T02:59:59.500+01:00",
        "2026-10-25T02:59:59.500+02:00",
    ]
