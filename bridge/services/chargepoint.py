"""The service `chargepoint`: start, stop, state, cable lock, session (contract 4)."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from pydantic import JsonValue

from bridge.bluecurrent import requests
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import session
from bridge.chargepoint.evse import APP_CARD
from bridge.chargepoint.session import Memory
from bridge.chargepoint.state import SESSION, State, supported_states
from bridge.chargepoint.status import Activity
from bridge.chargepoint.times import in_amsterdam
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import (
    Disconnected,
    InvalidState,
    InvalidValue,
    NotSupported,
    UnknownAddress,
    UnknownRequest,
    VerdictTimeout,
)
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.report import Report
from bridge.fimp.times import format_time
from bridge.fimp.values import ValueType
from bridge.services.asking import ask_for_an_end
from bridge.services.cloud import Cloud
from bridge.services.command import Call, Command
from bridge.services.device import Addresses, group
from bridge.services.fact import Fact
from bridge.services.fleet import Fleet
from bridge.services.parameter_store import ParameterStore
from bridge.services.preferences import Preferences

NAME: Final = "chargepoint"

FOLLOW_UP_S: Final = 2.0
"""How long after a verdict the CH_STATUS that shows its effect is waited for."""

NORMAL: Final = "normal"

_NO_START: Final = {State.DISCONNECTED, State.UNAVAILABLE, State.ERROR, State.UNKNOWN}


class ChargepointService:
    """See the module.

    Args:
        preferences: the state set, the card, the grace.
        clock: tells the time.
        cloud: the link.
        fleet: the twins.
        addresses: the topics.
        parameters: what was set for one charge point and the cloud does not keep: its `session_card`.
        no_unlock: the cloud does not know UNLOCK_CONNECTOR.
        socket_ids: the cloud takes a `socket_id` in requests about sessions.
        follow_up: see `FOLLOW_UP_S`.
    """

    name = NAME

    def __init__(
        self,
        *,
        preferences: Preferences,
        clock: Clock,
        cloud: Cloud,
        fleet: Fleet,
        addresses: Addresses,
        parameters: ParameterStore,
        no_unlock: Fact,
        socket_ids: Fact,
        follow_up: float = FOLLOW_UP_S,
    ) -> None:
        self._preferences = preferences
        self._clock = clock
        self._cloud = cloud
        self._fleet = fleet
        self._addresses = addresses
        self._parameters = parameters
        self._no_unlock = no_unlock
        self._socket_ids = socket_ids
        self._follow_up = follow_up
        self.commands: Mapping[str, Command] = {
            "cmd.charge.start": Command(("null",), self._start, again=self._get_state_and_session),
            "cmd.charge.stop": Command(("null",), self._stop, again=self._get_state_and_session),
            "cmd.state.get_report": Command(("null",), self._get_state),
            "cmd.cable_lock.set": Command(("bool",), self._set_cable_lock, again=self._get_cable_lock),
            "cmd.cable_lock.get_report": Command(("null",), self._get_cable_lock),
            "cmd.current_session.get_report": Command(("null",), self._get_session),
        }

    # --- what it is ---

    def describe(self, twin: Twin) -> ServiceDescription:
        """The interfaces that work for this socket, and no other."""
        interfaces = [
            Interface("in", "cmd.state.get_report", "null"),
            Interface("out", "evt.state.report", "string"),
            Interface("in", "cmd.current_session.get_report", "null"),
            Interface("out", "evt.current_session.report", "float"),
            Interface("out", "evt.error.report", "string"),
        ]
        properties: dict[str, JsonValue] = {
            "sup_states": [state.value for state in supported_states(self._preferences.values.state_set)],
        }
        if self._has_requests_of_its_own(twin):
            interfaces += [Interface("in", "cmd.charge.start", "null"), Interface("in", "cmd.charge.stop", "null")]
            properties["sup_charging_modes"] = [NORMAL]
        if self._lists_cable_lock(twin):
            interfaces += [
                Interface("in", "cmd.cable_lock.set", "bool"),
                Interface("in", "cmd.cable_lock.get_report", "null"),
                Interface("out", "evt.cable_lock.report", "bool"),
            ]
        address = self._addresses.in_description(NAME, twin.address)
        return ServiceDescription(NAME, address, group(twin), interfaces, properties)

    def _lists_cable_lock(self, twin: Twin) -> bool:
        # Hubs make a switch of it, so it is listed only where one can be worked.
        unlocks = self._has_requests_of_its_own(twin) and not self._no_unlock.known
        return twin.evse.is_cable is False and unlocks

    def _has_requests_of_its_own(self, twin: Twin) -> bool:
        """Whether a request reaches this socket and no other: it names only the charge point, as far as is known."""
        return twin.socket is None or self._socket_ids.known

    # --- what it says ---

    def reports(self, twin: Twin, now: datetime) -> Sequence[Report]:
        """State, session and cable lock, as far as they are known."""
        if twin.status is None:
            # Nothing is said before the first status, but `unknown` once the grace is over.
            return [] if twin.visible(now, self._preferences.grace) else [self._state_report(twin, now)]
        reports = [self._state_report(twin, now)]
        if twin.memory.session is not None:
            reports.append(self._session_report(twin))
        if self._lists_cable_lock(twin):
            reports.append(self._cable_lock_report(twin))
        return reports

    def _report(
        self,
        twin: Twin,
        type_: str,
        value_type: ValueType,
        value: JsonValue,
        properties: Mapping[str, str] | None = None,
    ) -> Report:
        return Report(self._addresses.event(NAME, twin.address), NAME, type_, value_type, value, properties or {})

    def _state(self, twin: Twin) -> State:
        return twin.state(
            self._clock.now(), grace=self._preferences.grace, state_set=self._preferences.values.state_set
        )

    def _state_report(self, twin: Twin, now: datetime) -> Report:
        state = twin.state(now, grace=self._preferences.grace, state_set=self._preferences.values.state_set)
        properties = {"charging_mode": NORMAL} if twin.memory.session_open else {}
        return self._report(twin, "evt.state.report", "string", state.value, properties)

    def _session_report(self, twin: Twin) -> Report:
        latest = twin.memory.session
        if latest is None:
            raise InvalidState("No charging session of this charge point is known yet.")
        properties = {}
        if latest.started_at is not None:
            properties["started_at"] = format_time(in_amsterdam(latest.started_at))
        if latest.finished_at is not None and not latest.open:
            properties["finished_at"] = format_time(in_amsterdam(latest.finished_at))
        if twin.memory.previous_energy is not None:
            properties["previous_session"] = f"{twin.memory.previous_energy:.2f}"
        offered = twin.offered_current
        if offered is not None:
            properties["offered_current"] = str(offered)
        return self._report(twin, "evt.current_session.report", "float", round(latest.energy, 3), properties)

    def _cable_lock_report(self, twin: Twin) -> Report:
        return self._report(twin, "evt.cable_lock.report", "bool", twin.cable_locked)

    # --- what it is asked ---

    def _twin(self, call: Call) -> Twin:
        twin = self._fleet.twin(call.address)
        if twin is None:
            raise UnknownAddress(f"There is no charge point {call.address} any more.")
        return twin

    async def _get_state(self, call: Call) -> Sequence[Report]:
        return [self._state_report(self._twin(call), self._clock.now())]

    async def _get_state_and_session(self, call: Call) -> Sequence[Report]:
        return self._state_and_session(call)

    async def _get_session(self, call: Call) -> Sequence[Report]:
        return [self._session_report(self._twin(call))]

    async def _get_cable_lock(self, call: Call) -> Sequence[Report]:
        twin = self._twin(call)
        if twin.status is None and not twin.evse.is_cable:
            raise InvalidState("Nothing has been heard of this charge point yet. Try again in a while.")
        return [self._cable_lock_report(twin)]

    # --- what it does ---

    async def _start(self, call: Call) -> Sequence[Report]:
        self._charging_mode(call)
        self._cloud.check()
        twin = self._session_twin(call)
        state = self._state(twin)
        if state in _NO_START or twin.status is None:
            raise InvalidState(_why_no_start(state))
        if twin.status.activity in SESSION:
            override = _profile_override(twin)
            if override is not None:
                await self._cloud.ask(override)
                await self._settled(twin.address, lambda t: _profile_override(t) is None)
        elif not twin.memory.starting(self._clock.now()):
            await self._start_session(twin)
        return self._state_and_session(call)

    async def _start_session(self, twin: Twin) -> None:
        card = self._card(twin)
        known_card = card if card != APP_CARD else None
        try:
            await self._cloud.ask(requests.start_session(twin.evse_id, card, twin.socket))
        except (VerdictTimeout, Disconnected):
            self._remember(twin, partial(session.start_without_verdict, card=known_card))
            raise
        self._remember(twin, partial(session.start_accepted, card=known_card))
        await self._settled(twin.address, lambda t: t.memory.session_open)

    async def _stop(self, call: Call) -> Sequence[Report]:
        self._cloud.check()
        twin = self._session_twin(call)
        if twin.memory.session_open or twin.memory.may_be_starting(self._clock.now()):
            await self._end(twin, requests.stop_session(twin.evse_id, twin.socket))
            self._fleet.remember(twin.address, session.stop_accepted)
            await self._settled(twin.address, lambda t: not t.memory.session_open)
        return self._state_and_session(call)

    async def _set_cable_lock(self, call: Call) -> Sequence[Report]:
        twin = self._twin(call)
        if call.bool_value:
            if not twin.cable_locked:
                raise NotSupported("The cable cannot be locked from here: it locks by itself when a session begins.")
            return [self._cable_lock_report(twin)]
        if twin.evse.is_cable:
            raise NotSupported("The cable is a part of this charge point and cannot be unlocked.")
        twin = self._session_twin(call)
        if self._no_unlock.known:
            raise NotSupported("Blue Current does not know how to unlock a cable from here.")
        self._cloud.check()
        try:
            await self._end(twin, requests.unlock_connector(twin.evse_id, twin.socket))
        except UnknownRequest:
            self._no_unlock.learn()
            raise
        self._fleet.remember(twin.address, session.cable_unlocked)
        return [self._cable_lock_report(self._twin(call))]

    async def _end(self, twin: Twin, request: Request[None]) -> None:
        await ask_for_an_end(request, [twin.address], cloud=self._cloud, fleet=self._fleet, clock=self._clock)

    def _remember(self, twin: Twin, change: Callable[[Memory, datetime], Memory]) -> None:
        now = self._clock.now()
        self._fleet.remember(twin.address, lambda memory: change(memory, now))

    async def _settled(self, address: str, condition: Callable[[Twin], bool]) -> None:
        await self._fleet.wait_until(address, condition, self._follow_up)

    def _state_and_session(self, call: Call) -> list[Report]:
        twin = self._twin(call)
        reports = [self._state_report(twin, self._clock.now())]
        if twin.memory.session is not None:
            reports.append(self._session_report(twin))
        return reports

    def _session_twin(self, call: Call) -> Twin:
        twin = self._twin(call)
        if not self._has_requests_of_its_own(twin):
            raise NotSupported(
                "Blue Current does not say how to start, stop or unlock one socket of a charge point that has several. "
                "Use its app or a charge card."
            )
        return twin

    def _charging_mode(self, call: Call) -> str:
        mode = (call.message.property("charging_mode") or NORMAL).lower()
        if mode != NORMAL:
            raise InvalidValue(f"There is no charging mode {mode!r} here; there is: {NORMAL}.")
        return mode

    def _card(self, twin: Twin) -> str:
        default = twin.evse.default_card
        chosen = self._parameters.text(twin.evse_id, "session_card") or self._preferences.values.card
        return chosen or (default.uid if default is not None else "") or APP_CARD


def _profile_override(twin: Twin) -> Request[bool | None] | None:
    """What lifts the profile that holds this session back; None if none does, or it has been lifted."""
    if not twin.held or (twin.status is not None and twin.status.boosting):
        return None
    evse = twin.evse
    if evse.price_based_charging is not None and evse.price_based_charging.value:
        return requests.override_profiles(twin.evse_id)
    delayed = evse.delayed_charging is not None and evse.delayed_charging.value
    if delayed or (twin.status is not None and twin.status.activity is Activity.DELAYED):
        return requests.override_delayed_charging(twin.evse_id)
    return None  # held back for another reason, which nobody can lift


def _why_no_start(state: State) -> str:
    return {
        State.DISCONNECTED: "No vehicle is connected. Plug it in and start again.",
        State.UNAVAILABLE: "The charge point is blocked. Make it available first.",
        State.ERROR: "The charge point or the vehicle reports a fault. Look at it before you start again.",
    }.get(state, "The state of the charge point is not known right now. Try again in a while.")
