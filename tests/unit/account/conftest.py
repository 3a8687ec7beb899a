"""Two charge points whose limits a test sets."""

import io
from collections.abc import AsyncIterator
from typing import cast

import pytest

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.override_requests import OverrideRequests
from bridge.account.overrides import Overrides
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.twin import Steering
from bridge.chargepoint.update import Update
from bridge.logs import Log
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks, end
from tests.clock import FakeClock
from tests.unit.account.two_charge_points import A, B, HeldCloud, Site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    """Charge points A and B, with no limit yet."""
    clock, cloud, locks = FakeClock(), HeldCloud(), Locks()
    told: list[tuple[str, int | None]] = []

    def reported(_: ChargePoint | None, after: ChargePoint | None) -> None:
        if after is not None:
            told.append((after.evse_id, after.sockets[0].limits.standing))

    fleet = Fleet(
        clock=clock,
        memories={},
        steerings={evse_id: Steering(observed=Observed(max_current=16)) for evse_id in (A, B)},
    )
    log = Log("fatal", "json", io.StringIO()).logger
    tasks = BackgroundTasks(log)
    link, capabilities = cast("Link", cloud), Capabilities(Storage(":memory:"))
    overrides = Overrides(
        link=link,
        requests=OverrideRequests(link=link, fleet=fleet, capabilities=capabilities, clock=clock, log=log),
        fleet=fleet,
        locks=locks,
        capabilities=capabilities,
        clock=clock,
        tasks=tasks,
        log=log,
    )
    fleet.listeners = (overrides.charge_point_changed, reported)
    fleet.listed([ListedChargePoint(evse_id, Update(ChargePointSettings(), frozenset())) for evse_id in (A, B)])
    told.clear()
    site = Site(clock, cloud, fleet, overrides, locks, told)
    yield site
    await tasks.end()
    await end(*site.tasks)
