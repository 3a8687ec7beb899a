"""Starting and stopping sessions: what is asked of the cloud, in which order (contract 4, "Charging modes")."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypeVar, get_args

from structlog.typing import FilteringBoundLogger

from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.overrides import Overrides
from bridge.account.parameter_store import ParameterStore
from bridge.account.profiles import PROFILES, Profile, setting_of, switch
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits, session
from bridge.chargepoint.charge_point_settings import APP_CARD
from bridge.chargepoint.limits import SessionLimit
from bridge.chargepoint.session import START_WINDOW, Memory
from bridge.chargepoint.state import State
from bridge.chargepoint.status import SESSION, Activity
from bridge.chargepoint.twin import ChargingMode, Twin
from bridge.clock import Clock
from bridge.errors import BridgeError, Disconnected, InvalidState, InvalidValue, NotSupported, VerdictTimeout
from bridge.runtime_settings import RuntimeSettings
from bridge.tasks import BackgroundTasks

T = TypeVar("T")

FOLLOW_UP_S: Final = 2.0
"""How long after a verdict the CH_STATUS that shows its effect is waited for."""

MODES: Final[tuple[ChargingMode, ...]] = get_args(ChargingMode)

_NO_START: Final = {State.DISCONNECTED, State.UNAVAILABLE, State.ERROR, State.UNKNOWN}


class Charging:
    """See the module.

    Args:
        cloud: the link.
        fleet: the twins.
        overrides: current limits in the cloud.
        locks: whose turn it is on a charge point.
        runtime: the state set, the card, the slow current, the grace.
        parameters: what was set for one charge point and the cloud does not keep: its `session_card`.
        clock: tells the time.
        tasks: run what nobody waits for.
        patience: how long a verdict may take, s.
        follow_up: see `FOLLOW_UP_S`.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        cloud: Link,
        fleet: Fleet,
        overrides: Overrides,
        locks: Locks,
        runtime: RuntimeSettings,
        parameters: ParameterStore,
        clock: Clock,
        tasks: BackgroundTasks,
        patience: float,
        follow_up: float,
        log: FilteringBoundLogger,
    ) -> None:
        self._cloud = cloud
        self._fleet = fleet
        self._overrides = overrides
        self._turns = locks
        self._runtime = runtime
        self._parameters = parameters
        self._clock = clock
        self._tasks = tasks
        self._patience = patience
        self._follow_up = follow_up
        self._log = log
        self._to_lift: set[str] = set()  # sessions started in mode `normal` that a profile may still hold back

    # --- modes ---

    def modes(self, twin: Twin) -> Sequence[ChargingMode]:
        """The charging modes that work for this socket; `normal` comes first."""
        modes: list[ChargingMode] = ["normal"]
        if self._overrides.work_for(twin):
            modes.append("slow")
        for profile in PROFILES:
            setting = setting_of(twin.settings, profile)
            if setting is not None and setting.writable:
                modes.append(profile)
        return modes

    def mode(self, twin: Twin, wish: str | None) -> ChargingMode | None:
        """The charging mode that a command names, in any letter case; None if it names none.

        Raises:
            InvalidValue: there is no such mode.
            NotSupported: there is, but not for this socket.
        """
        if not wish:
            return None
        modes = self.modes(twin)
        mode = next((mode for mode in MODES if mode == wish.lower()), None)
        if mode is None:
            raise InvalidValue(f"There is no charging mode {wish!r} here; there is: {', '.join(modes)}.")
        if mode not in modes:
            raise NotSupported(f"Charging mode {mode} does not work here; there is: {', '.join(modes)}.")
        return mode

    # --- start ---

    async def start(self, twin: Twin, mode: ChargingMode | None) -> None:
        """Have the vehicle charge, in a mode or, with None, as things are set.

        Raises:
            InvalidState: there is nothing to start.
            BridgeError: the cloud did not do it.
        """
        if mode not in (None, "normal"):
            self._to_lift.discard(twin.address)
        session_on = self._session_on(twin)
        profile = next((profile for profile in PROFILES if profile == mode), None)
        if profile is not None:
            await self._switch_on(profile, twin, session_on=session_on)
        await self._limit_for(mode, twin)
        twin = self._fleet.twin(twin.address) or twin  # that can have taken a minute and more
        try:
            session_on = self._session_on(twin)
        except InvalidState:
            if not twin.memory.session_open:
                self._fleet.limit(twin.address, limits.without_slow)  # there will be no session for it
            raise
        if session_on:
            if profile is None:
                await self._lift_profile(twin.address)
        elif not twin.memory.starting(self._clock.now()):
            await self._begin(twin)
            if mode == "normal":
                await self._charge_now(twin.address)

    def _session_on(self, twin: Twin) -> bool:
        """Whether a session is on, where there is one or one can be started."""
        state = self._state(twin)
        if state in _NO_START or twin.status is None:
            raise InvalidState(_why_no_start(state))
        return twin.status.activity in SESSION

    async def _switch_on(self, profile: Profile, twin: Twin, *, session_on: bool) -> None:
        if session_on and twin.status is not None and twin.status.boosting:
            raise InvalidState(
                "This session has been told to charge whatever the profiles say, and that lasts until it ends. "
                "Stop it and start again."
            )
        setting = setting_of(twin.settings, profile)
        if setting is None or not setting.value:
            await switch(profile, twin, on=True, cloud=self._cloud, fleet=self._fleet)
            if session_on:
                await self._settled(twin.address, lambda t: t.held)

    async def _limit_for(self, mode: ChargingMode | None, twin: Twin) -> None:
        """The limit comes before the start: what cannot be limited is not started."""
        if mode == "slow":
            await self._overrides.want(twin.address, partial(limits.with_session, limit=self._slow_limit(twin)))
        elif mode is not None and limits.without_slow(twin.limits) != twin.limits:
            await self._overrides.want(twin.address, limits.without_slow)

    def _slow_limit(self, twin: Twin) -> SessionLimit:
        current, memory = self._runtime.values.slow_current, twin.memory
        if memory.session is not None and memory.session.open:
            return SessionLimit(current, memory.session.number, slow=True)
        until = self._clock.now() + timedelta(seconds=self._patience) + START_WINDOW
        return SessionLimit(current, limits.next_session(memory), slow=True, until=until)

    async def _begin(self, twin: Twin) -> None:
        card = self._card(twin)
        known_card = card if card != APP_CARD else None
        try:
            await self._cloud.ask(requests.start_session(twin.evse_id, card, twin.socket))
        except (VerdictTimeout, Disconnected):
            self._remember(twin, partial(session.start_without_verdict, card=known_card))
            raise
        except BridgeError:
            self._fleet.limit(twin.address, limits.without_slow)  # there will be no session for it
            raise
        self._remember(twin, partial(session.start_accepted, card=known_card))
        await self._settled(twin.address, lambda t: t.memory.session_open)

    async def _lift_profile(self, address: str) -> None:
        twin = self._fleet.twin(address)
        override = _profile_override(twin) if twin is not None else None
        if override is not None:
            await self._cloud.ask(override)
            await self._settled(address, lambda t: _profile_override(t) is None)

    async def _charge_now(self, address: str) -> None:
        """Lift the profile that holds the new session back; it may take the charge point a while to say so."""
        twin = self._fleet.twin(address)
        if twin is None or not any(_is_on(twin, profile) for profile in PROFILES):
            return
        await self._settled(address, _shows_whether_held)
        twin = self._fleet.twin(address)
        if twin is not None and not _shows_whether_held(twin):
            self._to_lift.add(address)
            self._tasks.start(self._charge_later(twin))
            return
        await self._lift_profile(address)

    async def _charge_later(self, twin: Twin) -> None:
        await self._fleet.wait_until(twin.address, _shows_whether_held, START_WINDOW.total_seconds())
        async with self._turns.of(twin.evse_id):
            if twin.address not in self._to_lift:
                return  # something else was asked for in the meantime
            self._to_lift.discard(twin.address)
            try:
                await self._lift_profile(twin.address)
            except BridgeError as error:
                self._log.warning("the profile could not be lifted", address=twin.address, reason=str(error))

    # --- stop ---

    async def stop(self, twin: Twin) -> None:
        """End the session, or one that may be about to begin; nothing where there is none.

        Raises:
            BridgeError: the cloud did not do it.
        """
        self._to_lift.discard(twin.address)
        if twin.memory.session_open or twin.memory.may_be_starting(self._clock.now()):
            await self.end(twin, requests.stop_session(twin.evse_id, twin.socket))
            self._fleet.remember(twin.address, session.stop_accepted)
            await self._settled(twin.address, lambda t: not t.memory.session_open)
            if not twin.memory.session_open:
                self._fleet.limit(twin.address, limits.without_session)  # it was for a session that will not come

    async def end(self, twin: Twin, request: Request[None]) -> None:
        """Ask for something that ends a session."""
        await ask_for_an_end(request, [twin.address], cloud=self._cloud, fleet=self._fleet, clock=self._clock)

    # --- what both need ---

    def _state(self, twin: Twin) -> State:
        return twin.state(self._clock.now(), grace=self._runtime.grace, state_set=self._runtime.values.state_set)

    def _remember(self, twin: Twin, change: Callable[[Memory, datetime], Memory]) -> None:
        now = self._clock.now()
        self._fleet.remember(twin.address, lambda memory: change(memory, now))

    async def _settled(self, address: str, condition: Callable[[Twin], bool]) -> None:
        await self._fleet.wait_until(address, condition, self._follow_up)

    def _card(self, twin: Twin) -> str:
        """The card for a session that the hub starts."""
        default = twin.settings.default_card
        chosen = self._parameters.text(twin.evse_id, "session_card") or self._runtime.values.card
        return chosen or (default.session_token if default is not None else APP_CARD)


def _is_on(twin: Twin, profile: Profile) -> bool:
    setting = setting_of(twin.settings, profile)
    return setting is not None and bool(setting.value)


def _shows_whether_held(twin: Twin) -> bool:
    return twin.held or (twin.status is not None and twin.memory.session_open and twin.status.draws)


def _profile_override(twin: Twin) -> Request[bool | None] | None:
    """What lifts the profile that holds this session back; None if none does, or it has been lifted."""
    if not twin.held or (twin.status is not None and twin.status.boosting):
        return None
    if _is_on(twin, "price_based"):
        return requests.override_profiles(twin.evse_id)
    if _is_on(twin, "delayed") or (twin.status is not None and twin.status.activity is Activity.DELAYED):
        return requests.override_delayed_charging(twin.evse_id)
    return None  # held back for another reason, which nobody can lift


def _why_no_start(state: State) -> str:
    return {
        State.DISCONNECTED: "No vehicle is connected. Plug it in and start again.",
        State.UNAVAILABLE: "The charge point is blocked. Make it available first.",
        State.ERROR: "The charge point or the vehicle reports a fault. Look at it before you start again.",
    }.get(state, "The state of the charge point is not known right now. Try again in a while.")


async def ask_for_an_end(request: Request[T], addresses: list[str], *, cloud: Link, fleet: Fleet, clock: Clock) -> T:
    """Ask, and remember that a session of these sockets that ends from now on was ended by us.

    An end can come before its verdict, so this is noted first, and taken back if the cloud refuses.
    """
    sent = partial(session.ending_sent, now=clock.now())
    for address in addresses:
        fleet.remember(address, sent)
    try:
        return await cloud.ask(request)
    except (VerdictTimeout, Disconnected):
        raise  # nobody knows; if the session ends soon, it was this
    except BridgeError:
        for address in addresses:
            fleet.remember(address, session.ending_refused)
        raise
