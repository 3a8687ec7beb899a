"""The work on a large account: no turn of the event loop, and no number of tasks, grows with the account."""

import asyncio
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar, cast

from bridge.account.capabilities import Capabilities
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import CHUNK, Fleet
from bridge.account.locks import Locks
from bridge.account.override_requests import OverrideRequests
from bridge.account.overrides import Overrides
from bridge.account.sync import CONCURRENT_REFRESHES, Sync
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.update import Update
from bridge.errors import NotSupported
from bridge.fimp.topic import is_level
from bridge.logs import Log
from bridge.runtime_settings import RuntimeSettings
from bridge.settings import Settings
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks
from tests.clock import FakeClock, settle

T = TypeVar("T")
HOUR = timedelta(hours=1)
EVSE_IDS = [f"BCU{100000 + number}" for number in range(3 * CHUNK)]


class CountingCloud:
    """Answers each request one turn of the loop later, and counts the tasks that run then. It knows no grid."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self.schedules = schedules
        self.asked: list[tuple[str, str | None]] = []
        self.most_tasks = 0

    async def ask(self, request: Request[T]) -> T:
        """See `Link`."""
        self.asked.append((request.command, request.evse_id))
        await asyncio.sleep(0)
        self.most_tasks = max(self.most_tasks, len(asyncio.all_tasks()))
        if request.command == "GET_GRID_STATUS":
            raise NotSupported("no grid connection")
        return cast("T", self.schedules if request.command == "LIST_OVERRIDE_CURRENT" else [])


class Site:
    """An account of `EVSE_IDS`, with the numbers of changes in each turn of the loop."""

    def __init__(self, schedules: Sequence[Schedule] = ()) -> None:
        self.cloud = CountingCloud(schedules)
        self.changed: list[str] = []
        log, clock, storage = Log("fatal", "json", io.StringIO()).logger, FakeClock(), Storage(":memory:")
        self.fleet = Fleet(clock=clock, memories={}, steerings={})
        self.fleet.listed([ListedChargePoint(one, Update(ChargePointSettings(), frozenset())) for one in EVSE_IDS])
        self.fleet.listeners = (self._note,)
        capabilities, tasks, link = Capabilities(storage), BackgroundTasks(log), cast("Link", self.cloud)
        self.override_requests = OverrideRequests(
            link=link, fleet=self.fleet, capabilities=capabilities, clock=clock, log=log
        )
        self.overrides = Overrides(
            link=link,
            requests=self.override_requests,
            fleet=self.fleet,
            locks=Locks(),
            capabilities=capabilities,
            clock=clock,
            tasks=tasks,
            log=log,
        )
        self.sync = Sync(
            link=link,
            fleet=self.fleet,
            overrides=self.overrides,
            exclusions=Exclusions(storage),
            capabilities=capabilities,
            runtime=RuntimeSettings(Settings(), storage),
            is_valid_address=is_level,
            clock=clock,
            tasks=tasks,
            log=log,
        )

    def _note(self, _: ChargePoint | None, after: ChargePoint | None) -> None:
        if after is not None:
            self.changed.append(after.evse_id)

    @contextmanager
    def changes_per_turn(self) -> Iterator[list[int]]:
        """Count the changes in each turn while the block runs."""
        counts: list[int] = []
        ended = False

        def count() -> None:
            counts.append(len(self.changed) - sum(counts))
            if not ended:
                asyncio.get_running_loop().call_soon(count)

        asyncio.get_running_loop().call_soon(count)
        yield counts
        ended = True
        count()


async def test_a_list_of_overrides_is_applied_in_parts() -> None:
    site = Site([Schedule(number, (evse_id,), 10) for number, evse_id in enumerate(EVSE_IDS)])
    with site.changes_per_turn() as counts:
        await site.override_requests.read_list()
    assert site.changed == EVSE_IDS
    assert max(counts) <= CHUNK
    assert all(twin.limits.theirs is not None for twin in site.fleet.twins())


async def test_a_change_between_two_parts_of_the_list_is_kept() -> None:
    """The last charge point gets a schedule while the list, which lacks it, is applied to the others."""
    site = Site()
    reading = asyncio.create_task(site.override_requests.read_list())
    await settle(2)
    last = EVSE_IDS[-1]
    assert 0 < len(site.changed) < len(EVSE_IDS)
    made = Schedule.always_on(7, last, 10)
    site.fleet.limit(last, lambda before: replace(before, theirs=made))
    await reading
    assert site.fleet.expect(last).limits.theirs == made


async def test_a_refresh_runs_few_tasks_and_asks_about_every_charge_point_once() -> None:
    site = Site()
    before = len(asyncio.all_tasks())
    await site.sync.refresh()
    for command in ("GET_CH_STATUS", "GET_CH_SETTINGS"):
        assert [evse_id for name, evse_id in site.cloud.asked if name == command] == EVSE_IDS
    assert site.cloud.most_tasks <= before + CONCURRENT_REFRESHES + 1  # one more for the charge cards
    assert all(point is not None and point.complete for point in map(site.fleet.charge_point, EVSE_IDS))


async def test_a_clock_that_is_set_moves_all_times_at_once_and_is_announced_in_parts() -> None:
    site = Site()
    down = {twin.address: twin.link_down_since for twin in site.fleet.twins()}
    with site.changes_per_turn() as counts:
        announcing = site.fleet.clock_jumped(HOUR)
        moved = {twin.address: twin.link_down_since for twin in site.fleet.twins()}
        assert moved == {address: since + HOUR for address, since in down.items() if since is not None}
        await announcing
    assert site.changed == EVSE_IDS
    assert max(counts) <= CHUNK


async def test_a_charge_point_that_leaves_while_a_set_clock_is_announced_is_left_alone() -> None:
    site = Site()
    announcing = asyncio.ensure_future(site.fleet.clock_jumped(HOUR))
    await settle(1)
    site.fleet.keep_only(EVSE_IDS[:-1])
    await announcing
    assert site.changed == EVSE_IDS[:-1]
