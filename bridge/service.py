"""The service: how it runs, what it does each second, and how it stops. `bridge.wiring` builds its parts."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from bridge import __version__
from bridge.clock import SystemClock
from bridge.library_logs import library_logs_included
from bridge.logs import Log
from bridge.long_lived import LongLived
from bridge.settings import Settings
from bridge.storage.recorder import GRIDS, grids_behind
from bridge.tasks import end, loop_failures_logged
from bridge.wiring import build
from bridge.world import World

TICK_S: Final = 1.0
JUMP: Final = timedelta(seconds=2)
"""How far the wall clock may drift from the monotonic clock between two ticks before it counts as set."""

GOODBYE_S: Final = 3.0
"""How long the goodbye may take, s. With everything else the service stops within 5 s (contract 1)."""


class Service:
    """The bridge as a service.

    Args:
        settings: all settings.
        log: the log.
        world: the clock and other inputs from outside; None for those of the machine.

    Raises:
        StorageUnusable: the storage cannot be used.
    """

    def __init__(self, settings: Settings, log: Log, world: World | None = None) -> None:
        world = world or World(SystemClock())
        self.parts = parts = build(settings, log, world)
        self._long_lived = LongLived(world.freeze)
        self._secrets = log.secrets
        self._log = log.logger
        self._last_tick = parts.clock.now(), parts.clock.monotonic()
        self.fleet, self.link, self.broker = parts.fleet, parts.link, parts.broker
        self.storage, self.things, self.reporter, self.web = parts.storage, parts.things, parts.reporter, parts.web

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then publish the goodbye and close everything."""
        with library_logs_included(self._log), loop_failures_logged(self._log):
            await self._serve(stop)

    async def _serve(self, stop: asyncio.Event) -> None:
        parts = self.parts
        self._log.info("starting", version=__version__, state_set=parts.runtime.values.state_set)
        if parts.recording is not None:
            from bridge.recording.head import head_of  # noqa: PLC0415 - few bridges record

            parts.recording.begin(head_of(parts.storage, parts.runtime.values, parts.clock.now()))
        parts.fleet.restore(parts.storage.charge_points(), grids_behind(parts.storage.value(GRIDS)))
        parts.link.set_token(self._login_token())
        running: list[asyncio.Task[object]] = []
        try:
            running = [
                asyncio.ensure_future(parts.link.run(parts.sync.opened)),
                asyncio.ensure_future(parts.broker.run()),
                asyncio.ensure_future(self._tick()),
            ]
            parts.tasks.start(parts.web.run())
            stopping = asyncio.ensure_future(stop.wait())
            running.append(stopping)
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            if stopping not in done:
                done.pop().result()  # raises the error of a part that must not end
            self._log.info("stopping")
            parts.web.stop()
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._say_goodbye(running[0])
            parts.recorder.close(parts.fleet.twins())
        finally:
            await end(*running)
            await parts.tasks.end()
            if parts.recording is not None:
                parts.recording.close()
            parts.storage.close()
            self._log.info("stopped")

    def _login_token(self) -> str | None:
        token = self.parts.credentials.token()
        self._secrets.add(token)
        return token

    async def _say_goodbye(self, linking: asyncio.Task[object]) -> None:
        # Ending the link fails the commands that wait for the cloud. Their answers are published before the goodbye.
        await end(linking)
        await asyncio.sleep(0)
        self.parts.app_state.stopping()
        self.parts.reporter.stop()
        if self.parts.broker.status.up:
            await self.parts.reporter.settled()

    async def _tick(self) -> None:
        while True:
            await self.parts.clock.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._log.exception("the work of one second failed; the service keeps running")

    def _detect_clock_jump(self) -> None:
        """Detect that the wall clock was set, and move the bridge's recorded times with it (contract 8)."""
        now, monotonic = self.parts.clock.now(), self.parts.clock.monotonic()
        before, self._last_tick = self._last_tick, (now, monotonic)
        jump = now - before[0] - timedelta(seconds=monotonic - before[1])
        if abs(jump) >= JUMP:
            self.parts.tasks.start(self.parts.fleet.clock_jumped(jump))
            self._log.warning(
                "the clock of this machine was set; waits are not affected", by_s=round(jump.total_seconds())
            )

    def tick(self) -> None:
        """Do what the passing of time makes due, such as the end of a wait, a periodic report or a write."""
        parts = self.parts
        self._detect_clock_jump()
        parts.recorder.write_if_due()
        if parts.storage.needs_checkpoint:
            parts.tasks.start(parts.storage.checkpoint())
        parts.silence.tick()
        parts.overrides.tick()
        parts.transactions.tick()
        parts.reporter.tick()
        parts.observer.tick()
        if parts.sync.first_look.is_set() and parts.reporter.is_settled:
            self._long_lived.told(parts.reporter.subject_count)
