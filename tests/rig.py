"""The middle of the bridge without sockets, from commands and frames to the storage, with a test clock."""

import asyncio
import io
import shutil
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar, cast

from pydantic import SecretStr
from websockets.asyncio.server import ServerConnection

from bridge.account.boosts import Boosts
from bridge.account.capabilities import Capabilities
from bridge.account.charging import Charging
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.override_requests import OverrideRequests
from bridge.account.overrides import Overrides
from bridge.account.parameter_store import ParameterStore
from bridge.bluecurrent.correlation import Correlation
from bridge.bluecurrent.frames import Frame, SettingsBody, Statuses, parse_frame
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request, get_charge_points, hello
from bridge.chargepoint.twin import ChargingMode, Twin
from bridge.errors import BridgeError, Disconnected, VerdictTimeout
from bridge.logs import Log
from bridge.runtime_settings import RuntimeSettings
from bridge.settings import Settings as BridgeSettings
from bridge.simulator.account import example_account
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks
from tests.clock import FakeClock, settle

T = TypeVar("T")


class _Wire:
    """Receives the frames of the simulated cloud."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []

    async def send(self, text: str) -> None:
        """Take one frame."""
        self.frames.append(parse_frame(text))


class DirectCloud:
    """The simulated cloud, asked directly. `lose` is how the next request is lost: on the way there, or back."""

    def __init__(self, simulated: SimulatedCloud) -> None:
        self._simulated = simulated
        self.wire = _Wire()
        self.up = True
        self.lose: str | None = None

    @property
    def connection(self) -> ServerConnection:
        """The connection that the simulated cloud uses."""
        return cast("ServerConnection", self.wire)  # only its `send` is used

    def check(self) -> None:
        """See `Link`."""
        if not self.up:
            raise Disconnected("The link is down.")

    async def ask(self, request: Request[T]) -> T:
        """See `Link`."""
        self.check()
        lost, self.lose = self.lose, None
        if lost == "there":
            self.up = False
            raise Disconnected("The link went down before the request was through.")
        token = self._simulated.account.request_token
        before = len(self.wire.frames)
        await self._simulated.answer(self.connection, request.frame(authorization=f"Token {token}", flow_id="ours"))
        if lost == "back":
            self.up = False
            del self.wire.frames[before:]
            raise Disconnected("The link went down before the answer.")
        correlation = Correlation(0.0)
        waiting = correlation.add(request, "ours")
        ended = [end for frame in self.wire.frames[before:] for end in correlation.take(frame, 0.0)]
        ended += correlation.arrived(waiting, 0.0)
        for end in ended:
            if isinstance(end.answer, BridgeError):
                raise end.answer
            return request.read(end.answer)
        raise VerdictTimeout("No answer came.")


class Rig:
    """A bridge with a simulated cloud and without a hub.

    Args:
        folder: where its storage is.
    """

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.simulated = SimulatedCloud(example_account(self.clock.now))
        self.path = folder / "bridge.db"
        self._loop = asyncio.new_event_loop()
        self._folder = folder
        self.begin()

    def begin(self) -> None:
        """Start the bridge with the data in its storage."""
        log = Log("fatal", "json", io.StringIO()).logger
        self.storage = Storage(self.path, log, self.clock.now)
        settings = BridgeSettings(cloud={"api_token": SecretStr("simulated")})
        runtime = RuntimeSettings(settings, self.storage)
        self.cloud = DirectCloud(self.simulated)
        self.recorder = Recorder(self.storage, self.clock.now)
        self.fleet = Fleet(
            clock=self.clock,
            memories=self.storage.memories(),
            steerings=self.storage.steerings(),
        )
        locks = Locks()
        self.capabilities = Capabilities(self.storage)
        self.tasks = BackgroundTasks(log)
        link = cast("Link", self.cloud)
        self.overrides = Overrides(
            link=link,
            requests=OverrideRequests(
                link=link, fleet=self.fleet, capabilities=self.capabilities, clock=self.clock, log=log
            ),
            fleet=self.fleet,
            locks=locks,
            capabilities=self.capabilities,
            clock=self.clock,
            tasks=self.tasks,
            log=log,
        )
        self.charging = Charging(
            link=link,
            fleet=self.fleet,
            overrides=self.overrides,
            boosts=Boosts(link=link, fleet=self.fleet, locks=locks, tasks=self.tasks, follow_up=0.0, log=log),
            runtime=runtime,
            parameters=ParameterStore(self.storage),
            clock=self.clock,
            verdict_timeout=60.0,
            follow_up=0.0,
        )
        self.fleet.listeners = (self.recorder.charge_point_changed, self.overrides.charge_point_changed)
        self.fleet.restore(self.storage.charge_points(), {})
        self.run(self._connect())

    async def _connect(self) -> None:
        self.cloud.up, self.cloud.lose = True, None
        await self.cloud.ask(hello())
        self.fleet.listed(await self.cloud.ask(get_charge_points()))
        for evse_id in self.fleet.evse_ids():
            await self.simulated.answer(
                self.cloud.connection,
                {
                    "command": "GET_CH_STATUS",
                    "evse_id": evse_id,
                    "Authorization": f"Token {self.simulated.account.request_token}",
                },
            )
        self._hear()
        await self.overrides.refresh()

    # --- for the test ---

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something, and let all its consequences happen."""

        async def all_of_it() -> T:
            try:
                return await work
            finally:
                self._hear()
                await settle()

        return self._loop.run_until_complete(all_of_it())

    def attempt(self, work: Coroutine[Any, Any, None]) -> BridgeError | None:
        """The same for a command; returns its error."""
        try:
            self.run(work)
        except BridgeError as error:
            return error
        return None

    def _hear(self) -> None:
        """Handle the pushed frames, as `Account` does."""
        frames, self.cloud.wire.frames = self.cloud.wire.frames, []
        if not self.cloud.up:
            return
        for frame in frames:
            match frame.body:
                case Statuses(sockets) if frame.evse_id is not None:
                    self.fleet.pushed(frame.evse_id, sockets)
                case SettingsBody(update) if frame.evse_id is not None:
                    self.fleet.described(frame.evse_id, update)
                case _:
                    pass

    def push(self, point: SimulatedChargePoint) -> None:
        """The cloud pushes a charge point's status."""
        self.run(self.simulated.push(point))

    def twin(self, evse_id: str) -> Twin:
        """The twin of a charge point with one socket."""
        twin = self.fleet.twin(evse_id)
        assert twin is not None
        return twin

    def start(self, evse_id: str, mode: ChargingMode | None) -> BridgeError | None:
        """`cmd.charge.start`."""

        async def work() -> None:
            self.cloud.check()
            await self.charging.start(self.twin(evse_id), mode)

        return self.attempt(work())

    def stop(self, evse_id: str) -> BridgeError | None:
        """`cmd.charge.stop`."""

        async def work() -> None:
            self.cloud.check()
            await self.charging.stop(self.twin(evse_id))

        return self.attempt(work())

    def tick(self, seconds: float = 1.0) -> None:
        """Time passes, at once; then the service's tick."""
        self.clock.move(seconds)
        self.recorder.write_if_due()
        self.run(self._overrides_tick())

    async def _overrides_tick(self) -> None:
        self.overrides.tick()

    def lose_link(self) -> None:
        """Take the link down."""
        self.cloud.up = False
        self.simulated._listening.clear()
        self.run(self.fleet.link_lost())

    def find_link(self) -> None:
        """It comes back."""
        self.run(self._connect())

    def end(self, *, crash: bool = False) -> None:
        """Stop the bridge cleanly, or keep only what is on disk."""
        self.simulated._listening.clear()
        self.run(self.tasks.end())
        if crash:
            files = [self.path, self.path.with_name("bridge.db-wal")]
            kept = self._folder / "kept"
            kept.mkdir(exist_ok=True)
            for file in files:
                if file.exists():
                    shutil.copy(file, kept)
            self.storage.close()
            for file in files:
                file.unlink(missing_ok=True)
                if (kept / file.name).exists():
                    shutil.move(kept / file.name, file)
        else:
            self.recorder.close(list(self.fleet.twins()))
            self.storage.close()

    def close(self) -> None:
        """The end of the test."""
        self.end()
        self._loop.close()
