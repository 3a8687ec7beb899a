"""Building all parts of the bridge, and the listeners of each change with their order and its reason.

A part is constructed with the parts that it uses, so each is built before those that use it. The opposite direction,
from a change to the parts that must know of it, is only in the tuples of listeners in `_listen`.
"""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from structlog.typing import FilteringBoundLogger

from bridge.account.app_state import AppState
from bridge.account.availability import Availability
from bridge.account.boosts import Boosts
from bridge.account.capabilities import Capabilities
from bridge.account.charging import Charging
from bridge.account.credentials import Credentials
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.logins import Logins
from bridge.account.oddities import OddityLog
from bridge.account.override_requests import OverrideRequests
from bridge.account.overrides import Overrides
from bridge.account.parameter_setters import ParameterSetters
from bridge.account.parameter_store import ParameterStore
from bridge.account.reboots import Reboots
from bridge.account.request_budget import RequestBudget
from bridge.account.silence import SilenceWatch
from bridge.account.sync import Sync
from bridge.account.transactions import Transactions
from bridge.account.unlocks import Unlocks
from bridge.account.user_schedules import UserSchedules
from bridge.bluecurrent.app_api import AppApi, fetch_api_token
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.protocol import LinkStatus
from bridge.bluecurrent.tap import Tap
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.fimp.addresses import Addresses
from bridge.fimp.service import DeviceService
from bridge.fimp.topic import is_level
from bridge.hub.answers import Answers
from bridge.hub.broker import Broker
from bridge.hub.reporter import Reporter
from bridge.hub.router import Router
from bridge.hub.subjects import ADAPTER, Subjects
from bridge.logs import Log
from bridge.runtime_settings import RuntimeSettings
from bridge.services.app import AppService
from bridge.services.auth import AuthService
from bridge.services.chargepoint import ChargepointService
from bridge.services.dev_sys import DevSysService
from bridge.services.discovery import DiscoveryService
from bridge.services.log import LogService
from bridge.services.meter_elec import GridMeterService, MeterElecService
from bridge.services.network import NetworkService
from bridge.services.parameters import ParametersService
from bridge.services.things import ThingsService
from bridge.settings import Settings
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks
from bridge.web.observer import Observer
from bridge.web.server import WebServer
from bridge.world import World

if TYPE_CHECKING:
    from bridge.recording.recorder import FrameRecorder


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts that the service runs."""

    log: Log
    clock: Clock
    runtime: RuntimeSettings
    storage: Storage
    recorder: Recorder
    tasks: BackgroundTasks
    credentials: Credentials
    fleet: Fleet
    link: Link
    sync: Sync
    silence: SilenceWatch
    overrides: Overrides
    transactions: Transactions
    app_state: AppState
    logins: Logins
    exclusions: Exclusions
    capabilities: Capabilities
    parameters: ParameterStore
    router: Router
    things: ThingsService
    reporter: Reporter
    broker: Broker
    observer: Observer
    web: WebServer
    recording: "FrameRecorder | None"


def build(settings: Settings, log: Log, world: World) -> Parts:
    """Build all parts.

    Args:
        settings: all settings.
        log: the log.
        world: the clock and other inputs from outside.

    Raises:
        StorageUnusable: the storage cannot be used.
    """
    clock, logger = world.clock, log.logger
    log.secrets.add(settings.cloud.api_token)
    log.secrets.add(settings.mqtt.password)

    # What everything else uses.
    storage = world.storage or Storage(settings.storage.path, logger, clock.now)
    addresses = Addresses(settings.fimp.resource_name, settings.fimp.resource_address, settings.mqtt.topic_prefix)
    runtime = RuntimeSettings(settings, storage)
    tasks, locks, recorder = BackgroundTasks(logger), Locks(), Recorder(storage, clock.now)

    # The account.
    exclusions, capabilities, parameters = Exclusions(storage), Capabilities(storage), ParameterStore(storage)
    app_state, credentials = AppState(), Credentials(settings.cloud.api_token, storage)
    fleet = Fleet(
        clock=clock,
        memories=storage.memories(),
        steerings=storage.steerings(),
        nominal_voltage=lambda: runtime.values.nominal_voltage,
    )
    recording = _recording(settings, clock, logger)
    link = world.link(
        settings.cloud.url,
        clock=clock,
        jitter=world.jitter,
        log=logger,
        command_timeout=settings.cloud.command_timeout,
        tap=recording or Tap(),
    )
    override_requests = OverrideRequests(link=link, fleet=fleet, capabilities=capabilities, clock=clock, log=logger)
    overrides = Overrides(
        link=link,
        requests=override_requests,
        fleet=fleet,
        locks=locks,
        capabilities=capabilities,
        clock=clock,
        tasks=tasks,
        log=logger,
    )
    app_api = AppApi(settings.cloud.url, link)
    boosts = Boosts(link=link, fleet=fleet, locks=locks, tasks=tasks, follow_up=world.follow_up, log=logger)
    charging = Charging(
        link=link,
        fleet=fleet,
        overrides=overrides,
        boosts=boosts,
        runtime=runtime,
        parameters=parameters,
        clock=clock,
        verdict_timeout=settings.cloud.command_timeout,
        follow_up=world.follow_up,
    )
    sync = Sync(
        link=link,
        fleet=fleet,
        overrides=overrides,
        exclusions=exclusions,
        capabilities=capabilities,
        runtime=runtime,
        is_valid_address=is_level,
        clock=clock,
        tasks=tasks,
        log=logger,
    )
    silence = SilenceWatch(link=link, fleet=fleet, clock=clock, tasks=tasks, log=logger)
    transactions = Transactions(
        app_api=app_api, fleet=fleet, storage=storage, recorder=recorder, clock=clock, tasks=tasks, log=logger
    )

    # The FIMP services of a device.
    chargepoint = ChargepointService(
        runtime=runtime,
        clock=clock,
        fleet=fleet,
        addresses=addresses,
        charging=charging,
        unlocks=Unlocks(link=link, app_api=app_api, capabilities=capabilities, fleet=fleet, clock=clock),
        overrides=overrides,
        capabilities=capabilities,
    )
    services: list[DeviceService[Twin]] = [
        chargepoint,
        MeterElecService(fleet=fleet, runtime=runtime, addresses=addresses, clock=clock),
        ParametersService(
            fleet=fleet,
            store=parameters,
            setters=ParameterSetters(
                link=link,
                availability=Availability(link=link, app_api=app_api, fleet=fleet, clock=clock),
                fleet=fleet,
                store=parameters,
                schedules=UserSchedules(fleet=fleet, override_requests=override_requests, store=parameters),
                follow_up=world.follow_up,
            ),
            capabilities=capabilities,
            runtime=runtime,
            addresses=addresses,
            clock=clock,
        ),
        DevSysService(reboots=Reboots(link=link, fleet=fleet, clock=clock), addresses=addresses),
    ]
    grid_services = [GridMeterService(fleet=fleet, runtime=runtime, addresses=addresses, clock=clock)]

    # The FIMP services of the adapter.
    things = ThingsService(
        fleet=fleet,
        exclusions=exclusions,
        sync=sync,
        services=services,
        grid_services=grid_services,
        runtime=runtime,
        addresses=addresses,
        storage=storage,
        log=logger,
    )
    network = NetworkService(fleet=fleet, things=things, sync=sync, addresses=addresses, clock=clock, runtime=runtime)
    logins = Logins(
        link=link,
        credentials=credentials,
        app_state=app_state,
        exclusions=exclusions,
        fleet=fleet,
        fetch_token=partial(fetch_api_token, settings.cloud.url),
        hide=log.secrets.add,
        timeout=settings.cloud.command_timeout,
    )
    auth = AuthService(logins=logins, app_state=app_state, addresses=addresses)
    budget = RequestBudget(link.counts, fleet, exclusions, clock)
    app = AppService(
        addresses=addresses,
        clock=clock,
        runtime=runtime,
        app_state=app_state,
        things=things,
        logins=logins,
        fleet=fleet,
        overrides=overrides,
        capabilities=capabilities,
        parameters=parameters,
        budget=budget,
        errors=log.errors,
        restarts=storage.count_start(),
        others=(things.commands, network.commands, auth.commands, LogService(addresses, runtime).commands),
    )
    discovery = DiscoveryService(addresses, app.all_commands, app_state)

    # The way to the hub.
    subjects = Subjects(things=things, network=network, chargepoint=chargepoint, app=app, auth=auth, clock=clock)
    src = settings.fimp.resource_name
    reporter = Reporter(subjects=subjects, clock=clock, uid=world.uid, src=src, log=logger)
    router = Router(
        adapter=app.all_commands,
        discovery=discovery.commands,
        things=things,
        answers=Answers(reporter=reporter, addresses=addresses, log=logger),
        storage=storage,
        clock=clock,
        runtime=runtime,
        locks=locks,
        tasks=tasks,
        first_look=sync.first_look,
        resource_name=settings.fimp.resource_name,
        log=logger,
    )
    broker = Broker(
        settings.mqtt,
        addresses=addresses,
        recorder=recorder,
        reporter=reporter,
        router=router,
        network=network,
        things=things,
        clock=clock,
        jitter=world.jitter,
        log=logger,
    )

    # What people and monitors see.
    observer = Observer(
        where=settings.mqtt.where,
        clock=clock,
        link=link,
        broker=broker,
        reporter=reporter,
        fleet=fleet,
        left_out=things.left_out,
        budget=budget,
        runtime=runtime,
        errors=log.errors,
        read_sessions=storage.sessions_of,
    )
    web = WebServer(settings.http, observer, logger)

    parts = Parts(
        log=log,
        clock=clock,
        runtime=runtime,
        storage=storage,
        recorder=recorder,
        tasks=tasks,
        credentials=credentials,
        fleet=fleet,
        link=link,
        sync=sync,
        silence=silence,
        overrides=overrides,
        transactions=transactions,
        app_state=app_state,
        logins=logins,
        exclusions=exclusions,
        capabilities=capabilities,
        parameters=parameters,
        router=router,
        things=things,
        reporter=reporter,
        broker=broker,
        observer=observer,
        web=web,
        recording=recording,
    )
    _listen(parts)
    return parts


def _listen(parts: Parts) -> None:
    """Set the listeners of every part."""

    def page_changed(*_: object) -> None:
        parts.web.changed()

    def link_changed(status: LinkStatus) -> None:
        if status.up:
            parts.log.secrets.add(parts.link.request_token)

    def runtime_changed() -> None:
        parts.log.level = parts.runtime.values.log_level

    # The listeners are called in this order. The disk comes before the hub, so that a crash does not lose what was
    # reported. The page comes last, since it is the least urgent.
    oddities = OddityLog(parts.log.logger)
    parts.fleet.addresses.left_out_listeners = (oddities.left_out, page_changed)
    parts.fleet.addresses.vacant_listeners += (parts.sync.address_vacant,)
    parts.fleet.listeners = (
        oddities.charge_point_changed,
        parts.recorder.charge_point_changed,
        parts.overrides.charge_point_changed,
        parts.transactions.charge_point_changed,
        parts.reporter.charge_point_changed,
        parts.observer.charge_point_changed,
        page_changed,
    )
    parts.fleet.grids.listeners = (parts.recorder.grid_changed, parts.reporter.grid_changed, page_changed)
    parts.fleet.remembered_listeners = (parts.recording.remembered,) if parts.recording is not None else ()
    parts.link.frame_listeners = (parts.silence.frame_received, parts.sync.frame_received)
    # The token must be masked before anything is logged, and the states must be right before others are notified.
    parts.link.status_listeners = (
        link_changed,
        parts.observer.journal.link_changed,
        parts.logins.link_changed,
        parts.app_state.link_changed,
        parts.sync.link_changed,
        page_changed,
    )
    parts.sync.looked_listeners = (parts.transactions.looked, parts.reporter.looked)
    parts.app_state.listeners = (partial(parts.reporter.mark, ADAPTER),)
    parts.exclusions.listeners = (parts.reporter.mark,)
    parts.capabilities.listeners = (lambda _: parts.reporter.mark_all(),)
    parts.parameters.listeners = (parts.reporter.mark,)
    parts.runtime.listeners = (runtime_changed, parts.reporter.mark_all, parts.observer.runtime_changed)
    parts.broker.listeners = (parts.observer.journal.broker_changed, page_changed)
    parts.router.listeners = (parts.observer.journal.handled, page_changed)
    runtime_changed()


def _recording(settings: Settings, clock: Clock, log: FilteringBoundLogger) -> "FrameRecorder | None":
    """Make the recorder of the cloud's frames, if `cloud.record_file` is set."""
    path, token = settings.cloud.record_file, settings.cloud.api_token
    if path is None:
        return None
    from bridge.recording.recorder import FrameRecorder  # noqa: PLC0415 - few bridges record

    return FrameRecorder(path, clock=clock, log=log, hidden=[token.get_secret_value()] if token is not None else [])
