"""Starting, stopping and unlocking: which requests are made to the cloud, in which order (contract 4)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, get_args

from structlog.typing import FilteringBoundLogger

from bridge.account.capabilities import Capabilities
from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.account.overrides import Overrides
from bridge.account.parameter_store import ParameterStore
from bridge.account.profiles import PROFILES, Profile, is_on, setting_of, switch
from bridge.bluecurrent import requests
from bridge.bluecurrent.app_api import AppApi
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits, session
from bridge.chargepoint.charge_point_settings import APP_CARD, Card
from bridge.chargepoint.limits import SessionLimit, Wish
from bridge.chargepoint.session import START_WINDOW, Memory
from bridge.chargepoint.state import State
from bridge.chargepoint.status import SESSION, Activity
from bridge.chargepoint.twin import ChargingMode, Twin
from bridge.clock import Clock
from bridge.errors import (
    BridgeError,
    Disconnected,
    Forbidden,
    InvalidState,
    InvalidValue,
    NotSupported,
    UnknownRequest,
    VerdictTimeout,
)
from bridge.runtime_settings import RuntimeSettings
from bridge.tasks import BackgroundTasks

FOLLOW_UP_S: Final = 2.0
"""How long the bridge waits after a verdict for the CH_STATUS that shows its effect."""

PORTABLE: Final = "UMOVE"
"""The `chargepoint_type` of portable charge points."""

MODES: Final[tuple[ChargingMode, ...]] = get_args(ChargingMode)

_NO_START: Final = {State.DISCONNECTED, State.UNAVAILABLE, State.ERROR, State.UNKNOWN}


class Charging:
    """Starts and stops the sessions of all charge points, and unlocks their cables.

    The caller holds the lock of the charge point during every coroutine of this class.

    Args:
        cloud: the link to Blue Current.
        app_api: the app's side of the cloud, which unlocks charge points that are not portable.
        capabilities: which charge points can be unlocked.
        fleet: the twins of the charge points.
        overrides: the current limits in the cloud.
        locks: one lock for each charge point, for work in the background.
        runtime: the state set, the card, the slow current and the grace.
        parameters: the parameters that the cloud does not keep, such as `session_card`.
        clock: the source of time.
        tasks: runs work in the background.
        verdict_timeout: how long a verdict may take, s.
        follow_up: how long to wait after a verdict for its effect, s (`FOLLOW_UP_S`).
        log: gets a line for each failure in the background, which no command is answered with.
    """

    def __init__(
        self,
        *,
        cloud: Link,
        app_api: AppApi,
        capabilities: Capabilities,
        fleet: Fleet,
        overrides: Overrides,
        locks: Locks,
        runtime: RuntimeSettings,
        parameters: ParameterStore,
        clock: Clock,
        tasks: BackgroundTasks,
        verdict_timeout: float,
        follow_up: float,
        log: FilteringBoundLogger,
    ) -> None:
        self._cloud = cloud
        self._app_api = app_api
        self._capabilities = capabilities
        self._fleet = fleet
        self._overrides = overrides
        self._locks = locks
        self._runtime = runtime
        self._parameters = parameters
        self._clock = clock
        self._tasks = tasks
        self._verdict_timeout = verdict_timeout
        self._follow_up = follow_up
        self._log = log
        self._to_lift: dict[str, int] = {}  # sockets that wait for the session of a start in mode `normal`; its opening

    # --- modes ---

    def check(self) -> None:
        """Check that the cloud can be reached.

        Raises:
            CloudError: it cannot be reached; the error says why.
        """
        self._cloud.check()

    def modes(self, twin: Twin) -> Sequence[ChargingMode]:
        """Return the charging modes that work for this socket. `normal` comes first, since hubs take the first one."""
        modes: list[ChargingMode] = ["normal"]
        if self._overrides.work_for(twin):
            modes.append("slow")
        settings = {profile: setting_of(twin.settings, profile) for profile in PROFILES}
        return [*modes, *(profile for profile, setting in settings.items() if setting is not None and setting.writable)]

    def mode(self, twin: Twin, wish: str | None) -> ChargingMode | None:
        """Read the property `charging_mode` of a command.

        Args:
            twin: the socket.
            wish: the mode, in any letter case; None or empty if the command names none.

        Returns:
            The mode, or None if the command names none.

        Raises:
            InvalidValue: there is no such mode.
            NotSupported: the mode does not work for this socket.
            InvalidState: the mode is `slow` and smart charging is off, so limits do not count.
        """
        if not wish:
            return None
        modes = self.modes(twin)
        mode = next((mode for mode in MODES if mode == wish.lower()), None)
        if mode is None:
            raise InvalidValue(f"There is no charging mode {wish!r} here; there is: {', '.join(modes)}.")
        if mode == "slow":
            self._overrides.check(twin)
        if mode not in modes:
            raise NotSupported(f"Charging mode {mode} does not work here; there is: {', '.join(modes)}.")
        return mode

    # --- start ---

    async def start(self, twin: Twin, mode: ChargingMode | None) -> None:
        """Start a session, or let a session that is held back charge (contract 4, `cmd.charge.start`).

        Args:
            twin: the socket.
            mode: the charging mode; None keeps the profiles and limits as they are.

        Raises:
            InvalidState: no session can be started in the present state.
            BridgeError: the cloud cannot be reached, or did not carry out a request.
        """
        if mode not in (None, "normal"):
            self._to_lift.pop(twin.address, None)
        session_on = self._session_on(twin)
        profile = next((profile for profile in PROFILES if profile == mode), None)
        if profile is not None:
            await self._switch_on(profile, twin, session_on=session_on)
        await self._limit_for(mode, twin)
        twin = self._fleet.twin(twin.address) or twin  # the requests can have taken more than a minute
        try:
            session_on = self._session_on(twin)
        except InvalidState:
            if not twin.memory.session_open:
                self._fleet.limit(twin.address, limits.without_slow)  # no session will begin that it could limit
            raise
        if session_on:
            if profile is None:
                await self._lift_profile(twin.address, held_only=mode != "normal")
            return
        if not twin.memory.starting(self._clock.now()):
            await self._begin(twin)
        if mode == "normal":
            await self._charge_now(twin, twin.memory.opened + 1)

    def _session_on(self, twin: Twin) -> bool:
        """Return whether a session is open.

        Raises:
            InvalidState: the present state allows neither a session nor a start.
        """
        state = self._state(twin)
        if state in _NO_START or twin.status is None:
            raise InvalidState(_why_no_start(state))
        return twin.status.activity in SESSION

    async def _switch_on(self, profile: Profile, twin: Twin, *, session_on: bool) -> None:
        if session_on and twin.status is not None and twin.status.boosting:
            raise InvalidState(
                "This session overrides the smart-charging profiles until it ends, so no profile can hold it. "
                "Stop it and start again."
            )
        if not is_on(twin.settings, profile):
            await switch(profile, twin, on=True, cloud=self._cloud, fleet=self._fleet)
            if session_on:
                await self._settled(twin.address, lambda t: t.held)

    async def _limit_for(self, mode: ChargingMode | None, twin: Twin) -> None:
        """Set or lift the limit of mode `slow`. The start comes after it, and only if it succeeds."""
        if mode == "slow":
            await self._overrides.want(twin.address, partial(Wish.with_session, limit=self._slow_limit(twin)))
        elif mode is not None and limits.without_slow(twin.limits) != twin.limits:
            await self._overrides.want(twin.address, Wish.without_slow)
        elif twin.limit_step is not None:  # mostly that of the session before, which would limit this one at first
            with suppress(BridgeError):  # the next tick tries again
                await self._overrides.want(twin.address, lambda wish: wish)

    def _slow_limit(self, twin: Twin) -> SessionLimit:
        current, memory = self._runtime.values.slow_current, twin.memory
        if memory.session is not None and memory.session.open:
            return SessionLimit(current, memory.session.number, slow=True)
        until = self._clock.now() + timedelta(seconds=self._verdict_timeout) + START_WINDOW
        return SessionLimit(current, limits.next_session(memory), slow=True, until=until)

    async def _begin(self, twin: Twin) -> None:
        card = self._card(twin)
        known_card, opened = card if card != APP_CARD else None, twin.memory.opened
        try:
            await self._cloud.ask(requests.start_session(twin.evse_id, card, twin.socket))
        except (VerdictTimeout, Disconnected):
            self._remember(twin, partial(session.start_without_verdict, card=known_card, opened=opened))
            raise
        except BridgeError:
            self._fleet.limit(twin.address, limits.without_slow)  # no session will begin that it could limit
            raise
        self._remember(twin, partial(session.start_accepted, card=known_card, opened=opened))
        await self._settled(twin.address, _session_open)

    # --- overriding a profile for one session ---

    async def _lift_profile(self, address: str, *, held_only: bool = False) -> None:
        """Override the profile that is on, at most once in a session.

        Args:
            address: the socket.
            held_only: override only a profile that holds the session back.

        Raises:
            BridgeError: the cloud did not carry out the request.
        """
        twin = self._fleet.twin(address)
        override = _profile_override(twin) if twin is not None else None
        if twin is None or override is None or (held_only and not _held_by_profile(twin)):
            return
        was_held = twin.held
        await self._cloud.ask(override)
        self._fleet.remember(address, partial(session.profile_lifted, opened=twin.memory.opened))
        await self._settled(address, lambda t: _boosting(t) or (was_held and not t.held))

    async def _charge_now(self, twin: Twin, opening: int) -> None:
        """Override the profile for the session of this opening (`Memory.opened`), as soon as a status shows it."""
        opened = self._opened(twin.address)
        if opened is not None and opened < opening:
            self._to_lift[twin.address] = opening
            self._tasks.start(self._charge_later(twin))
        elif opened == opening:
            await self._lift_profile(twin.address)

    async def _charge_later(self, twin: Twin) -> None:
        await self._fleet.wait_until(twin.address, _session_open, START_WINDOW.total_seconds())
        async with self._locks.of(twin.evse_id):
            opening = self._to_lift.pop(twin.address, None)
            if opening is None or self._opened(twin.address) != opening:
                return  # a later command has replaced this one, or the session has not begun, or another one has
            try:
                await self._lift_profile(twin.address)
            except BridgeError as error:
                self._log.warning(
                    "a smart-charging profile could not be overridden; the session charges when the profile allows it",
                    address=twin.address,
                    reason=str(error),
                )

    # --- stop ---

    async def stop(self, twin: Twin) -> None:
        """End the session, or one that may be about to begin. Without either, no request is made.

        Raises:
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        self._to_lift.pop(twin.address, None)
        if not (twin.memory.session_open or twin.memory.may_be_starting(self._clock.now())):
            return
        async with ended_by_us([twin.address], fleet=self._fleet, clock=self._clock):
            await self._cloud.ask(requests.stop_session(twin.evse_id, twin.socket))
        self._fleet.remember(twin.address, session.stop_accepted)
        await self._settled(twin.address, lambda t: not t.memory.session_open)
        if not twin.memory.session_open:
            self._fleet.limit(twin.address, limits.without_session)  # the session that it was for will not begin

    # --- unlock ---

    def can_unlock(self, twin: Twin) -> bool:
        """Whether the cable of this socket can be unlocked: it is not fixed, and no unlock was refused for good."""
        if twin.settings.is_cable or not self._capabilities.unlocks(twin.evse_id):
            return False
        return not _unlocks_over_link(twin) or twin.socket is None or self._capabilities.takes_socket_id

    async def unlock(self, twin: Twin) -> None:
        """Release the cable of a socket, which ends its session.

        Raises:
            NotSupported: the cloud does not know the request, or the account may not make it. The refusal is
                remembered, so that the interfaces are no longer listed.
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        try:
            async with ended_by_us([twin.address], fleet=self._fleet, clock=self._clock):
                if _unlocks_over_link(twin):
                    await self._cloud.ask(requests.unlock_connector(twin.evse_id, twin.socket))
                else:
                    await self._app_api.unlock(twin.evse_id, twin.socket_id)
        except (UnknownRequest, Forbidden) as error:
            self._capabilities.learn_cannot_unlock(twin.evse_id)
            words = "does not know how" if isinstance(error, UnknownRequest) else "does not allow this account"
            raise NotSupported(
                f"Blue Current {words} to unlock the cable of {twin.evse_id} from here. Unlock it at the charge point, "
                "or in Blue Current's app."
            ) from error
        self._fleet.remember(twin.address, partial(session.cable_unlocked, opened=twin.memory.opened))

    # --- shared ---

    def _state(self, twin: Twin) -> State:
        return twin.state(self._clock.now(), grace=self._runtime.grace, state_set=self._runtime.values.state_set)

    def _opened(self, address: str) -> int | None:
        twin = self._fleet.twin(address)
        return twin.memory.opened if twin is not None else None

    def _remember(self, twin: Twin, change: Callable[[Memory, datetime], Memory]) -> None:
        now = self._clock.now()
        self._fleet.remember(twin.address, lambda memory: change(memory, now))

    async def _settled(self, address: str, condition: Callable[[Twin], bool]) -> None:
        await self._fleet.wait_until(address, condition, self._follow_up)

    def _card(self, twin: Twin) -> str:
        """Return the uid of the card for a session that the hub starts (`charging.card` in contract 2)."""
        default = twin.settings.default_card
        chosen = self._parameters.text(twin.evse_id, "session_card") or self._runtime.values.card
        return Card(chosen).session_token if chosen else default.session_token if default is not None else APP_CARD


def _session_open(twin: Twin) -> bool:
    return twin.memory.session_open


def _boosting(twin: Twin) -> bool:
    return twin.status is not None and bool(twin.status.boosting)


def _held_by_profile(twin: Twin) -> bool:
    """Whether a profile holds the session back.

    Price-based charging shows this by its heartbeat, or by a limit that is too low for any vehicle.
    """
    return twin.held_by_profile or (twin.held and is_on(twin.settings, "price_based"))


def _profile_override(twin: Twin) -> Request[bool | None] | None:
    """Return the request that overrides the active profile in the open session.

    It is None if there is no open session, no profile is on, or the profile has already been overridden.
    """
    latest = twin.memory.session
    if latest is None or not latest.open or latest.profile_lifted or _boosting(twin):
        return None
    delayed, price_based = is_on(twin.settings, "delayed"), is_on(twin.settings, "price_based")
    waits = twin.status is not None and twin.status.activity is Activity.DELAYED  # newer than the settings
    if price_based and not (delayed and waits):
        return requests.override_profiles(twin.evse_id)
    return requests.override_delayed_charging(twin.evse_id) if delayed or waits else None


def _unlocks_over_link(twin: Twin) -> bool:
    """Whether the unlock is UNLOCK_CONNECTOR: only portable charge points take it (design page 3, "Requests")."""
    return twin.settings.chargepoint_type.upper() in ("", PORTABLE)


def _why_no_start(state: State) -> str:
    return {
        State.DISCONNECTED: "No vehicle is connected. Plug it in and start again.",
        State.UNAVAILABLE: "The charge point is blocked. Make it available first.",
        State.ERROR: "The charge point or the vehicle reports a fault. Look at it before you start again.",
    }.get(state, "The state of the charge point is not known right now. Try again in a while.")
