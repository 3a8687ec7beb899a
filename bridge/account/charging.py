"""Starting and stopping sessions: which requests are made to the cloud, in which order (contract 4)."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final, get_args

from bridge.account.boosts import Boosts
from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.account.overrides import Overrides
from bridge.account.parameter_store import ParameterStore
from bridge.account.profiles import PROFILES, Profile, is_on, setting_of, switch
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint import limits, session
from bridge.chargepoint.charge_point_settings import APP_CARD, Card
from bridge.chargepoint.limits import SessionLimit, Wish
from bridge.chargepoint.session import START_WINDOW, Memory
from bridge.chargepoint.state import State
from bridge.chargepoint.status import SESSION
from bridge.chargepoint.twin import ChargingMode, Twin
from bridge.clock import Clock
from bridge.errors import BridgeError, Disconnected, InvalidState, InvalidValue, NotSupported, VerdictTimeout
from bridge.runtime_settings import RuntimeSettings

FOLLOW_UP_S: Final = 2.0
"""How long the bridge waits after a verdict for the CH_STATUS that shows its effect."""

MODES: Final[tuple[ChargingMode, ...]] = get_args(ChargingMode)

_NO_START: Final = {State.DISCONNECTED, State.UNAVAILABLE, State.ERROR, State.UNKNOWN}


class Charging:
    """Starts and stops the sessions of all charge points.

    The caller holds the lock of the charge point during every coroutine of this class.

    Args:
        link: the link to Blue Current.
        fleet: the twins of the charge points.
        overrides: the current limits in the cloud.
        boosts: overrides the profile that holds a session back.
        runtime: the state set, the card, the slow current and the grace.
        parameters: the parameters that the cloud does not keep, such as `session_card`.
        clock: the source of time.
        verdict_timeout: how long a verdict may take, s.
        follow_up: how long to wait after a verdict for its effect, s (`FOLLOW_UP_S`).
    """

    def __init__(
        self,
        *,
        link: Link,
        fleet: Fleet,
        overrides: Overrides,
        boosts: Boosts,
        runtime: RuntimeSettings,
        parameters: ParameterStore,
        clock: Clock,
        verdict_timeout: float,
        follow_up: float,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._overrides = overrides
        self._boosts = boosts
        self._runtime = runtime
        self._parameters = parameters
        self._clock = clock
        self._verdict_timeout = verdict_timeout
        self._follow_up = follow_up

    # --- modes ---

    def check(self) -> None:
        """Check that the cloud can be reached.

        Raises:
            CloudError: it cannot be reached; the error says why.
        """
        self._link.check()

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
            self._boosts.cancel(twin.address)
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
                await self._boosts.boost(twin.address, held_only=mode != "normal")
            return
        if not twin.memory.starting(self._clock.now()):
            await self._begin(twin)
        if mode == "normal":
            await self._boosts.boost_once_begun(twin, twin.memory.opened + 1)

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
        if session_on and twin.boosting:
            raise InvalidState(
                "This session overrides the smart-charging profiles until it ends, so no profile can hold it. "
                "Stop it and start again."
            )
        if not is_on(twin.settings, profile):
            await switch(profile, twin, on=True, link=self._link, fleet=self._fleet)
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
            await self._link.ask(requests.start_session(twin.evse_id, card, twin.socket))
        except (VerdictTimeout, Disconnected):
            self._remember(twin, partial(session.start_without_verdict, card=known_card, opened=opened))
            raise
        except BridgeError:
            self._fleet.limit(twin.address, limits.without_slow)  # no session will begin that it could limit
            raise
        self._remember(twin, partial(session.start_accepted, card=known_card, opened=opened))
        await self._settled(twin.address, lambda t: t.memory.session_open)

    # --- stop ---

    async def stop(self, twin: Twin) -> None:
        """End the session, or one that may be about to begin. Without either, no request is made.

        Raises:
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        self._boosts.cancel(twin.address)
        if not (twin.memory.session_open or twin.memory.may_be_starting(self._clock.now())):
            return
        async with ended_by_us([twin.address], fleet=self._fleet, clock=self._clock):
            await self._link.ask(requests.stop_session(twin.evse_id, twin.socket))
        self._fleet.remember(twin.address, session.stop_accepted)
        await self._settled(twin.address, lambda t: not t.memory.session_open)
        if not twin.memory.session_open:
            self._fleet.limit(twin.address, limits.without_session)  # the session that it was for will not begin

    # --- shared ---

    def _state(self, twin: Twin) -> State:
        return twin.state(self._clock.now(), grace=self._runtime.grace, state_set=self._runtime.values.state_set)

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


def _why_no_start(state: State) -> str:
    return {
        State.DISCONNECTED: "No vehicle is connected. Plug it in and start again.",
        State.UNAVAILABLE: "The charge point is blocked. Make it available first.",
        State.ERROR: "The charge point or the vehicle reports a fault. Look at it before you start again.",
    }.get(state, "The state of the charge point is not known right now. Try again in a while.")
