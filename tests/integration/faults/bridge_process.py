"""The bridge as a process of its own, with a clock that the test moves: it can be killed, starved and measured."""

import asyncio
import contextlib
import ctypes
import gc
import itertools
import json
import multiprocessing
import resource
import signal
from collections.abc import Mapping
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

from bridge.log_level import Level
from bridge.logs import Log
from bridge.service import Service
from bridge.settings import Settings
from bridge.storage import recorder
from bridge.world import World
from tests.integration.faults.moved_clock import MovedClock

ANSWERS_WITHIN_S: Final = 15.0
"""How long the process may take to answer; its loop takes far less, but the machine may be busy."""

_PROCESSES: Final = multiprocessing.get_context("forkserver")


class _LogPipe:
    """Takes the lines of the log, and hands them to the test."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._line = ""

    def write(self, text: str) -> int:
        """Take a piece of text."""
        self._line += text
        while "\n" in self._line:
            line, _, self._line = self._line.partition("\n")
            self._pipe.send_bytes(line.encode(errors="replace"))
        return len(text)

    def flush(self) -> None:
        """Nothing is kept back."""

    def isatty(self) -> bool:
        """It is none."""
        return False


def _process(
    settings: Settings,
    ahead_s: float,
    level: Level,
    energy_every: timedelta,
    control: Connection,
    log_pipe: Connection,
) -> None:
    """The process: the service, and a line for orders beside it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    recorder.ENERGY_EVERY = energy_every  # type: ignore[misc] # for this process
    asyncio.run(_serve(settings, ahead_s, level, control, log_pipe))


async def _serve(settings: Settings, ahead_s: float, level: Level, control: Connection, log_pipe: Connection) -> None:
    clock, stop = MovedClock(ahead_s), asyncio.Event()
    minutes = itertools.count(step=60.0)  # each line has a minute of its own, so none is left out as one too many
    stream: Any = _LogPipe(log_pipe)
    log = Log(level, "json", stream, monotonic=minutes.__next__)
    service = Service(settings, log, World(clock, jitter=lambda: 0.0, follow_up=0.3))

    def obey() -> None:
        try:
            word, number = control.recv()
        except (EOFError, OSError):
            asyncio.get_running_loop().remove_reader(control.fileno())
            stop.set()
            return
        match word:
            case "move":
                clock.move(number)
            case "set wrong":
                clock.set_wrong(number)
            case "stop":
                stop.set()
            case "collect":
                gc.collect()
                _give_back()
            case _:
                pass
        control.send(_status(service))

    asyncio.get_running_loop().add_reader(control.fileno(), obey)
    await service.run(stop)


def _give_back() -> None:
    """Give free memory back to the system, where the C library can: what is left is in use."""
    with contextlib.suppress(AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def _status(service: Service) -> dict[str, Any]:
    return {
        "link": service.link.status.up,
        "broker": service.broker.status.up,
        "settled": service.reporter.is_settled,
        "looked": service.parts.sync.first_look.is_set(),
        "dropped": service.reporter.dropped,
        "tasks": len(asyncio.all_tasks()),
        "lifetime": {twin.address: twin.memory.lifetime_energy for twin in service.fleet.twins()},
    }


class BridgeProcess:
    """One start of the bridge.

    Args:
        settings: its settings.
        level: what it logs.
        energy_every: the time between two writes of the energy that is reported.

    Attributes:
        log: what all starts have logged.
        starts: how often it was started.
    """

    def __init__(
        self, settings: Settings, level: Level = "info", energy_every: timedelta = recorder.ENERGY_EVERY
    ) -> None:
        self._settings = settings
        self._level = level
        self._energy_every = energy_every
        self._process: multiprocessing.process.BaseProcess | None = None
        self._control: Connection | None = None
        self._log_pipe: Connection | None = None
        self._alone = asyncio.Lock()
        self.log: list[dict[str, Any]] = []
        self.starts = 0

    def start(self, ahead_s: float) -> None:
        """Start it, with a clock that is ahead by so much."""
        _PROCESSES.set_forkserver_preload(["bridge.service", "pybluecurrent", "httpx", __name__])
        self._control, control = _PROCESSES.Pipe()
        self._log_pipe, log_pipe = _PROCESSES.Pipe(duplex=False)
        self._process = _PROCESSES.Process(
            target=_process,
            args=(self._settings, ahead_s, self._level, self._energy_every, control, log_pipe),
            daemon=True,
        )
        self._process.start()
        control.close()
        log_pipe.close()
        asyncio.get_running_loop().add_reader(self._log_pipe.fileno(), self._drain)
        self.starts += 1

    def _drain(self) -> None:
        pipe = self._log_pipe
        try:
            while pipe is not None and pipe.poll():
                self.log.append(json.loads(pipe.recv_bytes()))
        except (EOFError, OSError):
            self._close()

    def _close(self) -> None:
        if self._log_pipe is not None:
            asyncio.get_running_loop().remove_reader(self._log_pipe.fileno())
            self._log_pipe.close()
            self._log_pipe = None

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    async def ask(self, word: str, number: float = 0.0) -> Mapping[str, Any]:
        """Give an order; gives how the bridge is."""
        control = self._control
        assert control is not None
        async with self._alone:
            control.send((word, number))
            async with asyncio.timeout(ANSWERS_WITHIN_S):
                while not control.poll():
                    assert self._process is not None
                    assert self._process.is_alive(), f"the bridge has ended: {self.log[-5:]}"
                    await asyncio.sleep(0.002)
            answer: Mapping[str, Any] = control.recv()
        return answer

    async def kill(self) -> None:
        """End it as `kill -9` does."""
        assert self._process is not None
        self._process.kill()
        await self._ended()

    async def stop(self) -> None:
        """End it in good order."""
        await self.ask("stop")
        await self._ended()

    async def _ended(self) -> None:
        assert self._process is not None
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            while self._process.is_alive():  # noqa: ASYNC110 - another process
                await asyncio.sleep(0.002)
        self._drain()
        self._close()
        if self._control is not None:
            self._control.close()
        self._process.join()

    # --- what it uses ---

    def fill_disk(self, *, full: bool) -> None:
        """Let no write to a file succeed any more, or let them again."""
        _, most = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (0 if full else most, most))

    @property
    def resident_mb(self) -> float:
        """What it holds in memory of its own: without the files that are mapped into it."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("RssAnon")) / 1024

    @property
    def files(self) -> int:
        """How many file descriptors it has open."""
        return len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
