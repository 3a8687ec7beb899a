"""The service: run, tick, goodbye. What it is made of stands in `bridge.wiring`."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from bridge import __version__
from bridge.logs import Log
from bridge.recording.head import head_of
from bridge.settings import Settings
from bridge.storage.recorder import GRIDS, grids_behind
from bridge.tasks import end
from bridge.wiring import build
from bridge.world import World

TICK_S: Final = 1.0
JUMP: Final = timedelta(seconds=2)
"""By how much the wall clock must differ from the monotonic one, from one tick to the next, to count as set."""

GOODBYE_S: Final = 3.0
"""How long the goodbye may take; with what comes before and after, the service is gone within 5 s."""


class Service:
    """The bridge.

    Args:
        settings: all settings.
        log: where to say what happens.
        world: clock and chance.

    Raises:
        StorageUnusable: the storage cannot be used.
    """

    def __init__(self, settings: Settings, log: Log, world: World | None = None) -> None:
        self.parts = parts = build(settings, log, world)
        self._secrets = log.secrets
        self._log = log.logger
        self._last_tick = parts.clock.now(), parts.clock.monotonic()
        self.fleet, self.link, self.broker = parts.fleet, parts.link, parts.broker
        self.storage, self.things, self.reporter, self.web = parts.storage, parts.things, parts.reporter, parts.web

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then say goodbye."""
        parts = self.parts
        self._log.info("starting", version=__version__, state_set=parts.runtime.values.state_set)
        if parts.recording is not None:
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
                done.pop().result()  # a part that must run for ever has failed
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
        # Commands that wait for the cloud fail with the link, and their answers go out before the goodbye.
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
                self._log.exception("what is due each second failed; the service keeps running")

    def _follow_the_clock(self) -> None:
        """See whether the wall clock was set. Waits must not be stretched or cut short by that (contract 8)."""
        now, monotonic = self.parts.clock.now(), self.parts.clock.monotonic()
        before, self._last_tick = self._last_tick, (now, monotonic)
        jump = now - before[0] - timedelta(seconds=monotonic - before[1])
        if abs(jump) >= JUMP:
            self.parts.fleet.clock_jumped(jump)
            self._log.warning(
                "the clock of this machine was set; waits are not affected", by_s=round(jump.total_seconds())
            )

    def tick(self) -> None:
        """Do what is due with nothing having happened: the end of a wait, a report with an interval, a write."""
        parts = self.parts
        self._follow_the_clock()
        parts.recorder.write_if_due()
        parts.sync.look_into_silence()
        parts.overrides.tick()
        parts.transactions.tick()
        parts.reporter.tick()
        parts.observer.tick()
