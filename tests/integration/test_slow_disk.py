"""A disk that does not answer, as a memory card can for seconds: reports and answers continue, and nothing is lost."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest

from bridge.simulator.car import Car
from bridge.storage.database import Database
from bridge.storage.peek import Peek
from bridge.storage.work_thread import Job
from tests.clock import FakeClock
from tests.conftest import HouseMaker
from tests.harness import PATIENCE_S, SOCKET, House


@pytest.fixture
async def house(build: HouseMaker) -> AsyncIterator[House]:
    """A bridge with a test clock."""
    async with build(clock=FakeClock()) as made:
        yield made


@pytest.fixture
def disk() -> Iterator[threading.Event]:
    """Set while the disk answers."""
    answers = threading.Event()
    yield answers
    answers.set()


async def charge(house: House, minutes: int) -> None:
    """Let a car charge, with a push each minute."""
    assert isinstance(house.clock, FakeClock)
    for _ in range(minutes):
        await house.clock.pass_by(60)
        house[SOCKET].step(60)
        await house.push(SOCKET)


async def live_a_session(house: House) -> None:
    """A car comes, a command starts it, it charges, and commands are answered. Fails if one of them is not."""
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.start")
    mark = house.mark
    await charge(house, 10)
    await house.hub.expect("evt.current_session.report", SOCKET, since=mark)
    (report,) = await house.hub.command(SOCKET, "cmd.current_session.get_report")
    assert isinstance(report.message.value, float)
    assert report.message.value > 0
    await house.hub.command(SOCKET, "cmd.charge.stop")


async def everything_written(house: House) -> None:
    """Fails unless the session and its energy get to the disk."""
    peek, energy = Peek(house.settings.storage.path), house[SOCKET].transactions[0].kwh
    assert isinstance(house.clock, FakeClock)
    async with asyncio.timeout(PATIENCE_S):
        while [row.energy for row in peek.sessions(address=SOCKET)] != [pytest.approx(energy, abs=0.001)]:
            await house.clock.pass_by(10)
            await asyncio.sleep(0.02)  # the thread that writes does not run by the clock of the test


async def test_a_disk_that_takes_no_writes_for_a_while_stops_nothing(house: House, disk: threading.Event) -> None:
    assert house.service is not None
    thread = house.service.storage._database._writer._thread
    assert thread is not None
    thread.submit(Job(disk.wait))
    await live_a_session(house)
    assert Peek(house.settings.storage.path).sessions(address=SOCKET) == []  # or the disk was not held up
    disk.set()
    await everything_written(house)


async def test_a_checkpoint_that_takes_long_stops_nothing(
    house: House, disk: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert house.service is not None
    storage, begun = house.service.storage, threading.Event()

    def slow(database: Database) -> None:
        begun.set()
        disk.wait()

    monkeypatch.setattr(Database, "checkpoint", slow)
    for number in range(300):
        storage.save_value(f"filler-{number}", number)
    await live_a_session(house)
    assert begun.is_set()
    await everything_written(house)  # writes do not wait for the checkpoint
