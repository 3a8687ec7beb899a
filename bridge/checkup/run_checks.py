"""Runs all checks, in the order in which a person would look for a fault."""

from collections.abc import AsyncIterator, Mapping

from bridge.checkup.broker import look_at_broker
from bridge.checkup.cloud import look_at_cloud
from bridge.checkup.finding import Finding
from bridge.checkup.machine import look_at_page, look_at_recording, look_at_settings, look_at_storage, look_at_time_zone
from bridge.checkup.secrets import look_at_secrets
from bridge.clock import Clock
from bridge.settings import Settings


async def check(settings: Settings, origins: Mapping[str, str], clock: Clock) -> AsyncIterator[Finding]:
    """Run all checks.

    Args:
        settings: the settings to try.
        origins: where each key that was given came from.
        clock: gives the time.
    """
    yield look_at_settings(origins)
    for finding in (
        *look_at_secrets(settings, origins),
        *look_at_storage(settings.storage.path),
        *look_at_recording(settings.cloud.record_file),
    ):
        yield finding
    yield look_at_time_zone(clock.now())
    async for finding in look_at_broker(settings, clock.now):
        yield finding
    async for finding in look_at_cloud(settings, clock):
        yield finding
    yield await look_at_page(settings)
