"""The service `chargepoint`: start, stop, state, cable lock, session, current limits, phases (contract 4)."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from pydantic import JsonValue

from bridge.account.capabilities import Capabilities
from bridge.account.charging import Charging
from bridge.account.fleet import Fleet
from bridge.account.overrides import NO_LIMITS, Overrides
from bridge.account.unlocks import Unlocks
from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.limits import SessionLimit, Wish
from bridge.chargepoint.state import State, supported_states
from bridge.chargepoint.status import MINIMUM_CURRENT_A
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import InvalidState, InvalidValue, NotSupported
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.report import Report, event_of_error
from bridge.fimp.time_format import format_time
from bridge.fimp.values import ValueType
from bridge.runtime_settings import RuntimeSettings

NAME: Final = "chargepoint"

SHOWN_WITHIN_S: Final = 3.0
"""How long a session's limit may take after its verdict to show in the current that the charge point offers."""

UNHELD: Final = (
    "The current limit of {limit} A does not hold: the cloud has agreed to it, but the vehicle has drawn more for two "
    "minutes. This charge point does not follow limits that are set through the bridge. Limit the current in the "
    "vehicle, or ask Blue Current."
)


class ChargepointService:
    """The `chargepoint` service of a socket.

    Args:
        runtime: gives the state set and the grace.
        clock: the source of time.
        fleet: holds the twins.
        addresses: builds the topics.
        charging: starts and stops sessions.
        unlocks: releases cables.
        overrides: sets current limits in the cloud.
        capabilities: what the cloud was found to support.
    """

    name = NAME

    def __init__(
        self,
        *,
        runtime: RuntimeSettings,
        clock: Clock,
        fleet: Fleet,
        addresses: Addresses,
        charging: Charging,
        unlocks: Unlocks,
        overrides: Overrides,
        capabilities: Capabilities,
    ) -> None:
        self._runtime = runtime
        self._clock = clock
        self._fleet = fleet
        self._addresses = addresses
        self._charging = charging
        self._unlocks = unlocks
        self._overrides = overrides
        self._capabilities = capabilities
        self.commands: Mapping[str, Command] = {
            "cmd.charge.start": Command(("null",), self._start, again=self._get_state_and_session),
            "cmd.charge.stop": Command(("null",), self._stop, again=self._get_state_and_session),
            "cmd.state.get_report": Command(("null",), self._get_state),
            "cmd.cable_lock.set": Command(("bool",), self._set_cable_lock, again=self._get_cable_lock),
            "cmd.cable_lock.get_report": Command(("null",), self._get_cable_lock),
            "cmd.current_session.get_report": Command(("null",), self._get_session),
            "cmd.current_session.set_current": Command(("int",), self._set_session_current, again=self._get_session),
            "cmd.max_current.set": Command(("int",), self._set_max_current, again=self._get_max_current),
            "cmd.max_current.get_report": Command(("null",), self._get_max_current),
            "cmd.phase_mode.get_report": Command(("null",), self._get_phase_mode),
        }

    # --- description ---

    def describe(self, twin: Twin) -> ServiceDescription:
        """Return the description with those interfaces only that work for this socket."""
        interfaces = [
            Interface("in", "cmd.state.get_report", "null"),
            Interface("out", "evt.state.report", "string"),
            Interface("in", "cmd.current_session.get_report", "null"),
            Interface("out", "evt.current_session.report", "float"),
            Interface("out", "evt.error.report", "string"),
        ]
        properties: dict[str, JsonValue] = {
            "sup_states": [state.value for state in supported_states(self._runtime.values.state_set)],
        }
        if self._has_requests_of_its_own(twin):
            interfaces += [Interface("in", "cmd.charge.start", "null"), Interface("in", "cmd.charge.stop", "null")]
            properties["sup_charging_modes"] = list(self._charging.modes(twin))
        if self._lists_cable_lock(twin):
            interfaces += [
                Interface("in", "cmd.cable_lock.set", "bool"),
                Interface("in", "cmd.cable_lock.get_report", "null"),
                Interface("out", "evt.cable_lock.report", "bool"),
            ]
        observed = twin.observed
        if self._lists_limits(twin):
            interfaces += [
                Interface("in", "cmd.current_session.set_current", "int"),
                Interface("in", "cmd.max_current.set", "int"),
                Interface("in", "cmd.max_current.get_report", "null"),
                Interface("out", "evt.max_current.report", "int"),
            ]
            properties["sup_max_current"] = observed.max_current
        if observed.phases is not None:
            properties["phases"] = observed.phases
        if observed.phase_mode is not None:
            interfaces += [
                Interface("in", "cmd.phase_mode.get_report", "null"),
                Interface("out", "evt.phase_mode.report", "string"),
            ]
            properties["sup_phase_modes"] = list(observed.phase_modes)
        address = self._addresses.in_description(NAME, twin.address)
        return ServiceDescription(NAME, address, group_of(twin.socket), interfaces, properties)

    def _lists_cable_lock(self, twin: Twin) -> bool:
        # Hubs build a switch from this interface, so it is listed only where the cable can be unlocked.
        return twin.settings.is_cable is False and self._unlocks.possible(twin)

    def _lists_limits(self, twin: Twin) -> bool:
        return self._overrides.work_for(twin) and twin.observed.max_current is not None

    def _has_requests_of_its_own(self, twin: Twin) -> bool:
        """Whether a request can name this socket. By default requests name only the charge point."""
        return twin.socket is None or self._capabilities.takes_socket_id

    # --- reports ---

    def reports(self, twin: Twin, now: datetime, *, settings_changed: bool = True) -> Iterator[Report]:
        """Yield the reports of state, session, cable lock, current limit and phases that are listed and known."""
        del settings_changed
        # Before the first status nothing is reported, except `unknown` once the grace is over (contract 4).
        if twin.status is not None or not twin.visible(now, self._runtime.grace):
            yield self._state_report(twin, now)
        if twin.status is None:
            return
        if twin.memory.session is not None:
            yield self._session_report(twin)
        if self._lists_cable_lock(twin):
            yield self._cable_lock_report(twin)
        if self._lists_limits(twin):
            yield self._max_current_report(twin)
        if twin.observed.phase_mode is not None:
            yield self._phase_mode_report(twin)

    def unheld(self, before: Twin, after: Twin) -> Report | None:
        """Return the error report for a limit that this change shows not to hold; None if it shows none.

        It is published once and answers no command (contract 4, "A limit that holds").

        Args:
            before: the socket before the change.
            after: the socket after it.
        """
        owned = after.limits.owned
        if owned is None or before.limits.unheld or not after.limits.unheld:
            return None
        error = NotSupported(UNHELD.format(limit=owned.current))
        return event_of_error(error, topic=self._addresses.event(NAME, after.address), service=NAME, src=after.address)

    def _report(
        self,
        twin: Twin,
        type_: str,
        value_type: ValueType,
        value: JsonValue,
        properties: Mapping[str, str] | None = None,
    ) -> Report:
        return Report(self._addresses.event(NAME, twin.address), NAME, type_, value_type, value, properties or {})

    def passed_state(self, before: Twin, after: Twin, now: datetime) -> Report | None:
        """Return the report of a socket's new state; None if the state is the same as before.

        Args:
            before: the socket before the change.
            after: the socket after it.
            now: the time of the change.
        """
        if after.status is None or before.state_inputs == after.state_inputs:
            return None
        if self._state(before, now) is self._state(after, now):
            return None
        return self._state_report(after, now)

    def _state(self, twin: Twin, now: datetime) -> State:
        return twin.state(now, grace=self._runtime.grace, state_set=self._runtime.values.state_set)

    def _state_report(self, twin: Twin, now: datetime) -> Report:
        state = self._state(twin, now)
        mode = twin.charging_mode
        properties = {"charging_mode": mode} if mode is not None else {}
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

    def _max_current_report(self, twin: Twin) -> Report:
        standing = twin.limits.standing
        return self._report(
            twin, "evt.max_current.report", "int", standing if standing is not None else self._limit_range(twin)
        )

    def _phase_mode_report(self, twin: Twin) -> Report:
        if twin.observed.phase_mode is None:
            raise InvalidState("No vehicle has been seen charging here yet, so the phases are not known.")
        return self._report(twin, "evt.phase_mode.report", "string", twin.observed.phase_mode)

    # --- queries ---

    async def _get_state(self, call: Call) -> Sequence[Report]:
        return [self._state_report(self._fleet.expect(call.address), self._clock.now())]

    async def _get_state_and_session(self, call: Call) -> Sequence[Report]:
        return self._state_and_session(call)

    async def _get_session(self, call: Call) -> Sequence[Report]:
        return [self._session_report(self._fleet.expect(call.address))]

    async def _get_max_current(self, call: Call) -> Sequence[Report]:
        return [self._max_current_report(self._fleet.expect(call.address))]

    async def _get_phase_mode(self, call: Call) -> Sequence[Report]:
        return [self._phase_mode_report(self._fleet.expect(call.address))]

    async def _get_cable_lock(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        if twin.status is None and not twin.settings.is_cable:
            raise InvalidState("This charge point has not reported its status yet. Try again in a while.")
        return [self._cable_lock_report(twin)]

    # --- actions ---

    async def _start(self, call: Call) -> Sequence[Report]:
        twin = self._session_twin(call)
        mode = self._charging.mode(twin, call.message.property("charging_mode"))
        self._charging.check()
        await self._charging.start(twin, mode)
        return self._state_and_session(call)

    async def _stop(self, call: Call) -> Sequence[Report]:
        self._charging.check()
        await self._charging.stop(self._session_twin(call))
        return self._state_and_session(call)

    async def _set_cable_lock(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        if call.bool_value:
            if not twin.cable_locked:
                raise NotSupported("The bridge cannot lock the cable: it locks by itself when a session begins.")
            return [self._cable_lock_report(twin)]
        if twin.settings.is_cable:
            raise NotSupported("The cable is a part of this charge point and cannot be unlocked.")
        if not self._unlocks.possible(twin):
            raise NotSupported("Blue Current does not let the bridge unlock this cable. Unlock it at the charge point.")
        await self._unlocks.unlock(twin)
        return [self._cable_lock_report(self._fleet.expect(call.address))]

    async def _set_session_current(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        current, most = self._current(call, twin)
        latest = twin.memory.session
        if latest is None or not latest.open:
            raise InvalidState("There is no session to limit. Start one, or use cmd.max_current.set.")
        shown = twin.shown_limit
        limit = SessionLimit(current, latest.number) if current < most else None
        await self._overrides.want(twin.address, partial(Wish.with_session, limit=limit))
        await self._fleet.wait_until(twin.address, partial(_shows_limit, before=shown), SHOWN_WITHIN_S)
        return [self._session_report(self._fleet.expect(call.address))]

    async def _set_max_current(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        current, most = self._current(call, twin)
        await self._overrides.want(twin.address, partial(Wish.with_standing, current=current, most=most))
        return [self._max_current_report(self._fleet.expect(call.address))]

    def _current(self, call: Call, twin: Twin) -> tuple[int, int]:
        """Return the current that a command sets and the highest that it may set, both in A."""
        most = self._limit_range(twin)
        current = call.int_value
        if not MINIMUM_CURRENT_A <= current <= most:
            raise InvalidValue(f"The current can be set from {MINIMUM_CURRENT_A} to {most} A, not to {current} A.")
        if current < most:
            self._overrides.check(twin)
        return current, most

    def _limit_range(self, twin: Twin) -> int:
        if not self._overrides.can_limit(twin):
            raise NotSupported(NO_LIMITS)
        if twin.observed.max_current is None:
            raise InvalidState("This charge point has not reported its maximum current yet. Try again in a while.")
        return twin.observed.max_current

    def _state_and_session(self, call: Call) -> list[Report]:
        twin = self._fleet.expect(call.address)
        reports = [self._state_report(twin, self._clock.now())]
        if twin.memory.session is not None:
            reports.append(self._session_report(twin))
        return reports

    def _session_twin(self, call: Call) -> Twin:
        twin = self._fleet.expect(call.address)
        if not self._has_requests_of_its_own(twin):
            raise NotSupported(
                "Blue Current does not say how to start or stop one socket of a charge point that has several. "
                "Use its app or a charge card."
            )
        return twin


def _shows_limit(twin: Twin, before: float | None) -> bool:
    """Whether the charge point shows the new limit; `before` is the limit that it showed before, A."""
    wanted = twin.wanted_limit if twin.wanted_limit is not None else twin.observed.max_current
    shown = twin.shown_limit
    if wanted is None or shown is None or shown > wanted:
        return False
    # A raised limit may show in part only, since other limits hold for the charge point too.
    return before is None or shown == wanted or wanted <= before or shown > before
