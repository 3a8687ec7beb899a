"""Runs all checks, in the order in which a person would look for a fault."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from bridge.checkup.broker import look_at_broker
from bridge.checkup.cloud import look_at_cloud
from bridge.checkup.finding import Finding
from bridge.checkup.machine import look_at_page, look_at_recording, look_at_settings, look_at_storage, look_at_time_zone
from bridge.checkup.secrets import look_at_secrets
from bridge.clock import Clock
from bridge.settings import Settings
from bridge.tasks import end


async def check(settings: Settings, origins: Mapping[str, str], clock: Clock) -> AsyncIterator[Finding]:
    """Run all checks.

    Args:
        settings: the settings to try.
        origins: where each key that was given came from.
        clock: the source of time.
    """
    yield look_at_settings(origins)
    for finding in (
        *look_at_secrets(settings, origins),
        *look_at_storage(settings.storage.path),
        *look_at_recording(settings.cloud.record_file),
    ):
        yield finding
    yield look_at_time_zone(clock.now())
    parts = look_at_broker(settings, clock.now), look_at_cloud(settings, clock), _page(settings)
    async for finding in side_by_side(*parts):
        yield finding


async def _page(settings: Settings) -> AsyncIterator[Finding]:
    yield await look_at_page(settings)


async def side_by_side(*parts: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """Run parts at the same time, so that one that waits for an answer holds up no other.

    The findings come in the order of the parts, each as soon as those before it are there.
    """
    found: list[asyncio.Queue[Finding | None]] = [asyncio.Queue() for _ in parts]

    async def run(part: AsyncIterator[Finding], queue: asyncio.Queue[Finding | None]) -> None:
        try:
            async for finding in part:
                queue.put_nowait(finding)
        finally:
            queue.put_nowait(None)

    tasks = [asyncio.ensure_future(run(part, queue)) for part, queue in zip(parts, found, strict=True)]
    try:
        for task, queue in zip(tasks, found, strict=True):
            while (finding := await queue.get()) is not None:
                yield finding
            await task  # raises its error, if it has one
    finally:
        await end(*tasks)
