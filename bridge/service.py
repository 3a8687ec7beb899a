"""The composition root: builds all of it, owns the task group and the shutdown."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

from bridge import __version__
from bridge.bluecurrent.frames import Frame
from bridge.bluecurrent.link import Link, LinkState, LinkStatus
from bridge.broker import Arrival, Broker, BrokerStatus
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock, SystemClock
from bridge.keeper import Keeper
from bridge.logs import Log
from bridge.outbox import Outbox
from bridge.services.account import Account
from bridge.services.chargepoint import FOLLOW_UP_S, ChargepointService, UnlockKnowledge
from bridge.services.device import Addresses, DeviceService
from bridge.services.devices import Devices
from bridge.services.fleet import Fleet
from bridge.services.network import Network
from bridge.services.router import Router
from bridge.services.things import Things
from bridge.settings import Settings
from bridge.storage import Storage
from bridge.tasks import end

TICK_S: Final = 1.0
GOODBYE_S: Final = 3.0
"""How long the goodbye may take; with what comes before and after, the service is gone within 5 s."""

FIRST_LOOK_S: Final = 8.0
"""How long commands wait after a start for the charge points to be heard of; consumers give up after 10 s."""

UNLOCK_UNKNOWN: Final = "unlock_unknown"


@dataclass(frozen=True, slots=True)
class World:
    """What the service takes from outside and a test holds in its hands.

    Attributes:
        clock: tells the time and waits.
        jitter: gives a random number from 0 to 1.
        uid: gives a new UUID.
        follow_up: how long after a verdict the CH_STATUS that shows its effect is waited for, s.
    """

    clock: Clock
    jitter: Callable[[], float] = random.random
    uid: Callable[[], UUID] = uuid4
    follow_up: float = FOLLOW_UP_S


class Service:
    """The bridge.

    Args:
        settings: all settings.
        log: where to say what happens.
        world: clock and chance.
    """

    def __init__(self, settings: Settings, log: Log, world: World | None = None) -> None:
        self._settings = settings
        self._log = log.logger
        world = world or World(SystemClock())
        self._clock = clock = world.clock
        self._group: asyncio.TaskGroup | None = None
        self._beside: set[asyncio.Task[None]] = set()
        self._ticked = clock.now()
        self._first_look = asyncio.Event()
        self._grace = grace = timedelta(seconds=settings.cloud.offline_grace)
        log.secrets.add(settings.cloud.api_token)
        log.secrets.add(settings.mqtt.password)

        self.storage = storage = Storage(settings.storage.path)
        self.addresses = addresses = Addresses(settings.fimp, settings.mqtt.topic_prefix)
        self.outbox = outbox = Outbox(
            now=clock.now, uid=world.uid, src=settings.fimp.resource_name, prefix=settings.mqtt.topic_prefix
        )
        self.fleet = fleet = Fleet(clock, storage.memories(), self._twin_changed)
        self._keeper = Keeper(storage, clock.now)
        self.link = link = Link(
            settings.cloud.url,
            clock=clock,
            jitter=world.jitter,
            log=self._log,
            command_timeout=settings.cloud.command_timeout,
            on_push=self._pushed,
            on_change=self._link_changed,
        )
        unlock = UnlockKnowledge(possible=storage.value(UNLOCK_UNKNOWN) is None, on_change=self._unlock_changed)
        services: list[DeviceService] = [
            ChargepointService(
                settings=settings,
                clock=clock,
                cloud=link,
                fleet=fleet,
                addresses=addresses,
                unlock=unlock,
                follow_up=world.follow_up,
            )
        ]
        self.things = things = Things(
            fleet=fleet, services=services, addresses=addresses, outbox=outbox, storage=storage, log=self._log
        )
        self.devices = devices = Devices(fleet=fleet, things=things, services=services, outbox=outbox, clock=clock)
        self._network = Network(
            fleet=fleet, things=things, cloud=link, addresses=addresses, outbox=outbox, clock=clock, grace=grace
        )
        self._account = Account(
            link=link,
            fleet=fleet,
            devices=devices,
            storage=storage,
            clock=clock,
            spawn=self._spawn,
            log=self._log,
        )
        self.router = Router(
            adapter={**things.commands, **self._network.commands},
            discovery={},
            devices=devices,
            addresses=addresses,
            outbox=outbox,
            storage=storage,
            clock=clock,
            max_age=settings.commands.max_age,
            spawn=self._spawn,
            started=self._started,
            log=self._log,
        )
        self.broker = Broker(
            settings.mqtt,
            subscriptions=addresses.subscriptions(),
            outbox=outbox,
            will=self._network.will,
            on_message=self._arrived,
            on_connect=self._broker_connected,
            on_change=self._broker_changed,
            clock=clock,
            jitter=world.jitter,
            log=self._log,
        )

    # --- what happens ---

    def _twin_changed(self, before: Twin | None, after: Twin | None) -> None:
        self._keeper.changed(before, after)
        if after is not None and (before is None or before.evse != after.evse):
            self.storage.save_charge_point(after.evse_id, after.evse)
        if after is None and before is not None and not self.fleet.sockets(before.evse_id):
            self.storage.forget_charge_point(before.evse_id)
        self.devices.changed(before, after)
        if after is not None:
            self._network.report(after.evse_id)

    def _pushed(self, frame: Frame) -> None:
        self._account.pushed(frame)

    def _link_changed(self, status: LinkStatus) -> None:
        if status.up:
            self.devices.reporter.forget()  # after a reconnect everything is said once
            self._spawn(self._refresh())
        else:
            self.fleet.link_lost()
        if status.state in (LinkState.DOWN, LinkState.WAITING):
            self._first_look.set()

    def _broker_connected(self, renewed: bool) -> None:
        if not renewed:
            self.devices.report_all(again=True)
            self._network.report_again()

    def _broker_changed(self, status: BrokerStatus) -> None:
        pass

    def _arrived(self, arrival: Arrival) -> None:
        self.router.take(arrival.path, arrival.payload, retained=arrival.retained)

    def _unlock_changed(self, possible: bool) -> None:
        self.storage.save_value(UNLOCK_UNKNOWN, None if possible else True)
        self.devices.announce_all()

    async def _refresh(self) -> None:
        await self._account.refresh()
        self._first_look.set()
        self._network.report()

    async def _started(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._first_look.wait()

    # --- running ---

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._group is None:
            work.close()
            return
        task = self._group.create_task(self._guarded(work))
        self._beside.add(task)
        task.add_done_callback(self._beside.discard)

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("something went wrong beside; the rest goes on")

    async def _tick(self) -> None:
        """What is due with nothing happening: the end of a wait, a report with an interval, a write."""
        while True:
            await self._clock.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._log.exception("something went wrong beside; the rest goes on")

    def tick(self) -> None:
        """See `_tick`."""
        self._keeper.write_if_due()
        before, self._ticked = self._ticked, self._clock.now()
        times = (
            self.fleet.next_change(before, self._grace),
            self.devices.reporter.next_due(),
            self._network.next_due(),
        )
        if any(when is not None and when <= self._ticked for when in times):
            self.devices.report_all()
            self._network.report()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then say goodbye."""
        self._log.info("starting", version=__version__, state_set=self._settings.fimp.state_set)
        token = self._settings.cloud.api_token
        try:
            async with asyncio.TaskGroup() as group:
                self._group = group
                self.fleet.restore(self.storage.charge_points())
                self.link.set_token(token.get_secret_value() if token is not None else None)
                linking = group.create_task(self.link.run(self._account.opened))
                serving = group.create_task(self.broker.run())
                ticking = group.create_task(self._tick())
                try:
                    await stop.wait()
                    self._log.info("stopping")
                    with suppress(TimeoutError):
                        async with asyncio.timeout(GOODBYE_S):
                            await self._say_goodbye(linking)
                    self._keeper.close(list(self.fleet.twins()))
                finally:
                    await end(ticking, linking, serving, *self._beside)
        finally:
            self._group = None
            self.storage.close()
            self._log.info("stopped")

    async def _say_goodbye(self, linking: asyncio.Task[Any]) -> None:
        # Commands that wait for the cloud fail with the link, and their answers go out before the goodbye.
        await end(linking)
        await asyncio.sleep(0)
        self._network.say_goodbye()
        if self.broker.status.up:
            await self.outbox.emptied()
