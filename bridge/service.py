"""The composition root: builds all of it, owns the task group and the shutdown."""

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import UUID, uuid4

from pydantic import JsonValue

from bridge import __version__
from bridge.account.app_state import AppState
from bridge.account.availability import Availability
from bridge.account.capabilities import Capabilities
from bridge.account.charging import FOLLOW_UP_S, Charging
from bridge.account.credentials import Credentials
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.oddities import OddityLog
from bridge.account.overrides import Overrides
from bridge.account.parameter_setters import ParameterSetters
from bridge.account.parameter_store import ParameterStore
from bridge.account.sync import Sync
from bridge.account.transactions import Transactions
from bridge.bluecurrent.app_api import AppApi, fetch_api_token
from bridge.bluecurrent.frames import Frame
from bridge.bluecurrent.link import Link, LinkState, LinkStatus
from bridge.chargepoint import limits
from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock, SystemClock
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Command
from bridge.fimp.description import Interface
from bridge.fimp.report import Report
from bridge.fimp.service import DeviceService
from bridge.hub.broker import Arrival, Broker, BrokerStatus
from bridge.hub.devices import Devices
from bridge.hub.outbox import Outbox
from bridge.hub.router import Handled, Router
from bridge.logs import Log
from bridge.runtime_settings import RuntimeSettings
from bridge.services.app import AppService
from bridge.services.auth import AuthService
from bridge.services.chargepoint import ChargepointService
from bridge.services.dev_sys import DevSysService
from bridge.services.discovery import DiscoveryService, adapter_interfaces
from bridge.services.log import LogService
from bridge.services.meter_elec import GridMeterService, MeterElecService
from bridge.services.network import Network
from bridge.services.parameters import ParametersService
from bridge.services.things import Things
from bridge.settings import Settings
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks, end
from bridge.web.observer import Observer
from bridge.web.server import WebServer

TICK_S: Final = 1.0
GOODBYE_S: Final = 3.0
"""How long the goodbye may take; with what comes before and after, the service is gone within 5 s."""

GIVE_BACK_S: Final = 10.0
"""How long an uninstall waits for current limits to be given back."""

FIRST_LOOK_S: Final = 8.0
"""How long commands wait after a start for the charge points to be heard of; consumers give up after 10 s."""

# The names of single values in the storage.
RESTARTS: Final = "restarts"
CONFIG: Final = "config"
GRIDS: Final = "grids"


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
        self._service_log = log
        self._log = log.logger
        world = world or World(SystemClock())
        self._clock = clock = world.clock
        self._tasks = tasks = BackgroundTasks(self._log)
        self._ticked = clock.now()
        self._first_look = asyncio.Event()
        log.secrets.add(settings.cloud.api_token)
        log.secrets.add(settings.mqtt.password)

        self.storage = storage = Storage(settings.storage.path, self._log, clock.now)
        restarts = storage.value(RESTARTS)
        restarts = restarts + 1 if isinstance(restarts, int) else 0
        storage.save_value(RESTARTS, restarts)
        self.addresses = addresses = Addresses(
            settings.fimp.resource_name, settings.fimp.resource_address, settings.mqtt.topic_prefix
        )
        self.outbox = outbox = Outbox(
            now=clock.now, uid=world.uid, src=settings.fimp.resource_name, prefix=settings.mqtt.topic_prefix
        )
        self._runtime = runtime = RuntimeSettings(settings, storage.value(CONFIG), self._runtime_changed)
        log.level = runtime.values.log_level
        self._app_state = app_state = AppState(addresses, outbox)
        self._parameters = parameters = ParameterStore(storage)
        self._capabilities = capabilities = Capabilities(storage)
        locks = Locks()

        # The two links.
        self.fleet = fleet = Fleet(
            clock=clock,
            memories=storage.memories(),
            steerings=storage.steerings(),
            on_change=self._twin_changed,
            on_grid_change=self._grid_changed,
            nominal_voltage=lambda: runtime.values.nominal_voltage,
        )
        self._recorder = Recorder(storage, clock.now)
        self._oddities = OddityLog(self._log)
        self.link = link = Link(
            settings.cloud.url,
            clock=clock,
            jitter=world.jitter,
            log=self._log,
            command_timeout=settings.cloud.command_timeout,
        )
        link.frame_listeners = (self._pushed,)
        link.status_listeners = (self._link_changed,)
        self.broker = Broker(
            settings.mqtt,
            subscriptions=addresses.subscriptions(),
            outbox=outbox,
            will=self._will,
            on_message=self._arrived,
            on_connect=self._broker_connected,
            on_change=self._broker_changed,
            clock=clock,
            jitter=world.jitter,
            log=self._log,
        )

        # What devices can do.
        app_api = AppApi(settings.cloud.url, link)
        follow_up = world.follow_up
        self._overrides = overrides = Overrides(
            cloud=link,
            fleet=fleet,
            locks=locks,
            capabilities=capabilities,
            clock=clock,
            tasks=tasks,
            log=self._log,
        )
        charging = Charging(
            cloud=link,
            app_api=app_api,
            capabilities=capabilities,
            fleet=fleet,
            overrides=overrides,
            locks=locks,
            runtime=runtime,
            parameters=parameters,
            clock=clock,
            tasks=tasks,
            patience=settings.cloud.command_timeout,
            follow_up=follow_up,
            log=self._log,
        )
        services: list[DeviceService[Twin]] = [
            ChargepointService(
                runtime=runtime,
                clock=clock,
                cloud=link,
                fleet=fleet,
                addresses=addresses,
                charging=charging,
                overrides=overrides,
                capabilities=capabilities,
            ),
            MeterElecService(fleet=fleet, runtime=runtime, addresses=addresses, clock=clock),
            ParametersService(
                fleet=fleet,
                store=parameters,
                setters=ParameterSetters(
                    cloud=link,
                    availability=Availability(cloud=link, app_api=app_api, fleet=fleet, clock=clock),
                    fleet=fleet,
                    store=parameters,
                    follow_up=follow_up,
                ),
                runtime=runtime,
                addresses=addresses,
                clock=clock,
            ),
            DevSysService(cloud=link, fleet=fleet, addresses=addresses, clock=clock),
        ]
        grid_services = [GridMeterService(fleet=fleet, runtime=runtime, addresses=addresses, clock=clock)]
        self.devices = devices = Devices(
            fleet=fleet, services=services, grid_services=grid_services, outbox=outbox, clock=clock
        )

        # What the adapter can do.
        self.things = things = Things(
            describe=devices.describe,
            present=devices.present,
            look_again=self._look_again,
            on_included=self._included,
            on_excluded=self._excluded,
            addresses=addresses,
            outbox=outbox,
            storage=storage,
            log=self._log,
        )
        devices.serve(things)
        capabilities.listeners = (lambda _: things.announce_changes(),)
        self._network = Network(
            fleet=fleet,
            things=things,
            cloud=link,
            addresses=addresses,
            outbox=outbox,
            clock=clock,
            runtime=runtime,
        )
        self._sync = Sync(
            link=link,
            fleet=fleet,
            things=things,
            on_grids=self._grids_told,
            capabilities=capabilities,
            clock=clock,
            tasks=tasks,
            log=self._log,
        )
        self._transactions = Transactions(
            app_api=app_api,
            fleet=fleet,
            ledger=storage,
            writer=self._recorder,
            clock=clock,
            tasks=tasks,
            log=self._log,
        )
        self._credentials = Credentials(settings.cloud.api_token, storage)
        self._auth = AuthService(
            link=link,
            credentials=self._credentials,
            app_state=app_state,
            fetch_token=partial(fetch_api_token, settings.cloud.url),
            hide=log.secrets.add,
            patience=settings.cloud.command_timeout,
        )
        app = AppService(
            addresses=addresses,
            clock=clock,
            runtime=runtime,
            app_state=app_state,
            errors=log.errors,
            restarts=restarts,
            reset=self._reset,
            uninstall=self._uninstall,
            interfaces=self._interfaces,
        )
        self._adapter_commands: dict[str, Command] = {
            **things.commands,
            **self._network.commands,
            **app.commands,
            **self._auth.commands,
            **LogService(addresses, runtime).commands,
        }
        self.router = Router(
            adapter=self._adapter_commands,
            discovery=DiscoveryService(addresses, self._interfaces, app_state.states).commands,
            devices=devices,
            addresses=addresses,
            outbox=outbox,
            storage=storage,
            clock=clock,
            runtime=runtime,
            locks=locks,
            tasks=tasks,
            handled=self._handled,
            started=self._started,
            log=self._log,
        )

        # What people and monitors see.
        self._observer = observer = Observer(
            version=__version__,
            where=settings.mqtt.where,
            clock=clock,
            link=link,
            broker=self.broker,
            outbox=outbox,
            fleet=fleet,
            runtime=runtime,
            errors=log.errors,
            sessions=lambda since: storage.sessions(since=since),
        )
        self.web = WebServer(settings.http, observer.view, self._log)

    # --- what happens ---

    def _twin_changed(self, before: Twin | None, after: Twin | None) -> None:
        self.web.changed()
        self._recorder.changed(before, after)
        self._oddities.twin_changed(before, after)
        self._transactions.twin_changed(before, after)
        if after is not None and (before is None or before.settings != after.settings):
            self.storage.save_charge_point(after.evse_id, after.settings)
        if after is None and before is not None and not self.fleet.sockets(before.evse_id):
            self.storage.forget_charge_point(before.evse_id)
        self.devices.changed(before, after)
        if after is not None:
            self._network.report(after.evse_id)

    def _grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        self.web.changed()
        self.devices.grid_changed(before, after)
        if after is not None:
            self._network.report(after.address)

    def _grids_told(self, grids: Mapping[str, Sequence[str]]) -> None:
        content: dict[str, JsonValue] = {grid_id: list[JsonValue](evse_ids) for grid_id, evse_ids in grids.items()}
        self.storage.save_value(GRIDS, content)

    def _included(self, address: str) -> None:
        self.devices.report_thing(address)
        self._network.report(address)

    def _excluded(self, address: str) -> None:
        self.devices.reporter.forget_thing(address)
        self._network.forget(address)
        for twin in self.fleet.sockets(address):
            self.fleet.limit(twin.address, limits.without_wishes)  # nobody could lift its limits any more

    def _pushed(self, frame: Frame) -> None:
        self._sync.pushed(frame)

    def _handled(self, command: Handled) -> None:
        self._observer.journal.handled(command)
        self.web.changed()

    def _link_changed(self, status: LinkStatus) -> None:
        self._observer.journal.link_changed(status)
        self.web.changed()
        self._app_state.link_changed(status)
        self._auth.link_changed(status)
        if status.up:
            self._service_log.secrets.add(self.link.request_token)
            self.devices.reporter.forget()  # after a reconnect everything is said once
            self.fleet.link_found(self._runtime.grace)
            self._tasks.start(self._refresh())
        else:
            self.fleet.link_lost()
        if status.state in (LinkState.DOWN, LinkState.WAITING):
            self._looked()

    def _broker_connected(self, renewed: bool) -> None:
        if not renewed:
            self.devices.report_all(again=True)
            self._network.report_again()
            self._app_state.report_again()

    def _broker_changed(self, status: BrokerStatus) -> None:
        self._observer.journal.broker_changed(status)
        self.web.changed()

    def _arrived(self, arrival: Arrival) -> None:
        self.router.take(arrival.path, arrival.payload, retained=arrival.retained)

    def _will(self) -> tuple[str, bytes]:
        return self._network.will()

    def _runtime_changed(self, stored: Mapping[str, JsonValue]) -> None:
        self.storage.save_value(CONFIG, dict(stored) or None)
        self._service_log.level = self._runtime.values.log_level
        self.things.announce_changes()
        self.devices.report_all()
        self._network.report()

    def _interfaces(self) -> list[Interface]:
        return adapter_interfaces(self._adapter_commands)

    async def _look_again(self) -> None:
        await self._sync.look_again()

    def _reset(self) -> None:
        """Forget what was set or learned, but nothing that was measured."""
        self._parameters.forget_all()
        self._capabilities.forget()
        for twin in self.fleet.twins():
            self.fleet.limit(twin.address, limits.without_wishes)
        self.devices.report_all()

    async def _uninstall(self) -> list[Report]:
        reports = self.things.exclude(self.things.addresses())
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                await self._overrides.give_back(self.fleet.twins())
        self._auth.log_out()
        self._runtime.reset()
        self.things.bring_back()  # whoever installs it again and logs in has everything again
        return reports

    async def _refresh(self) -> None:
        await self._sync.refresh()
        await self._overrides.refresh()
        self._looked()
        self._transactions.looked()

    def _looked(self) -> None:
        """The first look at the account is through, or will not be for a while."""
        self._first_look.set()
        self._network.begin()

    async def _started(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._first_look.wait()

    # --- running ---

    def _login_token(self) -> str | None:
        token = self._credentials.token()
        self._service_log.secrets.add(token)
        return token

    async def _tick(self) -> None:
        """What is due with nothing happening: the end of a wait, a report with an interval, a write."""
        while True:
            await self._clock.sleep(TICK_S)
            try:
                self.tick()
            except Exception:
                self._log.exception("a background task failed; the service keeps running")

    def tick(self) -> None:
        """See `_tick`."""
        self._recorder.write_if_due()
        if self._observer.tick():
            self.web.changed()
        self._sync.look_into_silence()
        self._overrides.tick()
        self._transactions.tick()
        before, self._ticked = self._ticked, self._clock.now()
        times = (
            self.fleet.next_change(before, self._runtime.grace),
            self.devices.reporter.next_due(),
            self._network.next_due(),
        )
        if any(when is not None and when <= self._ticked for when in times):
            self.devices.report_all()
            self._network.report()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until `stop` is set, then say goodbye."""
        self._log.info("starting", version=__version__, state_set=self._runtime.values.state_set)
        try:
            async with asyncio.TaskGroup() as group:
                self.fleet.restore(self.storage.charge_points(), _grids(self.storage.value(GRIDS)))
                self.things.tell_what_left()
                self.link.set_token(self._login_token())
                linking = group.create_task(self.link.run(self._sync.opened))
                serving = group.create_task(self.broker.run())
                ticking = group.create_task(self._tick())
                self._tasks.start(self.web.run())
                try:
                    await stop.wait()
                    self._log.info("stopping")
                    self.web.stop()
                    with suppress(TimeoutError):
                        async with asyncio.timeout(GOODBYE_S):
                            await self._say_goodbye(linking)
                    self._recorder.close(list(self.fleet.twins()))
                finally:
                    await end(ticking, linking, serving)
                    await self._tasks.end()
        finally:
            self.storage.close()
            self._log.info("stopped")

    async def _say_goodbye(self, linking: asyncio.Task[Any]) -> None:
        # Commands that wait for the cloud fail with the link, and their answers go out before the goodbye.
        await end(linking)
        await asyncio.sleep(0)
        self._app_state.stopping()
        self._network.say_goodbye()
        if self.broker.status.up:
            await self.outbox.emptied()


def _grids(stored: JsonValue) -> dict[str, list[str]]:
    """The charge points behind each grid connection, as they were stored."""
    grids = stored if isinstance(stored, dict) else {}
    return {
        grid_id: [str(evse_id) for evse_id in evse_ids]
        for grid_id, evse_ids in grids.items()
        if isinstance(evse_ids, list)
    }
