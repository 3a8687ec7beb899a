"""A state machine test: random events in random order.

At most one override is ours, and it carries the lower limit; the user's is never touched; no limit outlives its session;
what is reported is what the cloud has agreed; the sums of energy agree.
"""

import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bridge.chargepoint.limits import SessionLimit
from bridge.chargepoint.state import State
from bridge.chargepoint.twin import ChargingMode
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedTransaction
from tests.rig import Rig

EVSE = "BCU102728"
MOST = 16
SLOW = 6
THEIRS: Mapping[str, Any] = {
    "chargepoints": [EVSE],
    "overridestarttime": "00:00",
    "overridestartdays": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"],
    "overridestoptime": "23:59",
    "overridestopdays": ["MO", "TU", "WE", "TH", "FR", "SA", "SU"],
}
MODES = st.sampled_from(["normal", "slow", "delayed", "price_based", None])
CURRENTS = st.integers(6, MOST)


class Steering(RuleBasedStateMachine):
    """One charge point, one car, an owner with the app, a hub, and a link that fails and recovers.

    `standing` and `session_limit` are what a person would say is wanted, kept apart from the bridge's own account: a
    command that was refused changes nothing, and a session's limit is gone with the session.
    """

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.rig = Rig(Path(self._folder.name))
        self.point = self.rig.simulated.account.charge_points[EVSE]
        self.point.plug_and_charge = False
        self.standing: int | None = None
        self.session_limit: int | None = None
        self.limited: SimulatedTransaction | None = None
        self.theirs: dict[int, int] = {}

    @initialize()
    def first_push(self) -> None:
        self.rig.push(self.point)

    # --- the model ---

    @property
    def session(self) -> SimulatedTransaction | None:
        return self.point.sockets[0].session

    @property
    def ours(self) -> dict[int, int]:
        schedules = self.rig.simulated.account.schedules
        return {
            number: int(entry.override.current_a) for number, entry in schedules.items() if number not in self.theirs
        }

    def wanted(self) -> int | None:
        if not self.point.smart_charging:
            return None
        values = [self.standing]
        if self.session is not None and self.session is self.limited:
            values.append(self.session_limit)
        lowest = min((value for value in values if value is not None), default=None)
        return lowest if lowest is not None and lowest < MOST else None

    def up(self) -> bool:
        return self.rig.cloud.up

    # --- the car, and the owner ---

    @precondition(lambda self: self.point.sockets[0].car is None)
    @rule(charge=st.floats(5, 59))
    def plug(self, charge: float) -> None:
        self.point.plug(Car(charge_kwh=charge))
        self.rig.push(self.point)

    @precondition(lambda self: self.point.sockets[0].car is not None)
    @rule()
    def unplug(self) -> None:
        self.point.unplug()
        self.rig.push(self.point)

    @rule()
    def start_with_a_card(self) -> None:
        self.point.start("A1B2C3D4E5F6")
        self.rig.push(self.point)

    @rule()
    def stop_in_the_app(self) -> None:
        self.point.stop()
        self.rig.push(self.point)

    @rule(minutes=st.integers(1, 40))
    def charge(self, minutes: int) -> None:
        for _ in range(min(minutes, 5)):
            self.rig.tick(minutes / 5 * 60)
            if self.point.step(minutes / 5 * 60):
                self.rig.push(self.point)

    @rule(delayed=st.booleans(), price_based=st.booleans(), price_is_low=st.booleans())
    def set_profiles_in_the_app(self, delayed: bool, price_based: bool, price_is_low: bool) -> None:
        self.point.delayed_charging, self.point.price_based_charging = delayed, price_based and not delayed
        self.point.price_is_low = price_is_low
        self.rig.run(self.rig.simulated.push_settings(self.point))
        self.rig.push(self.point)

    # A schedule that equals the bridge's cannot be told apart while the outcome of a request is unknown.
    @precondition(lambda self: self.rig.twin(EVSE).limits.unsure is None)
    @rule(current=CURRENTS)
    def override_in_the_app(self, current: int) -> None:
        """Make a schedule in the app, which overwrites the existing one."""
        schedule = self.rig.simulated.account.save_schedule({**THEIRS, "overridevalue": current})
        self.theirs = {schedule.number: current}
        self._find_out()

    @precondition(lambda self: self.ours and self.rig.twin(EVSE).limits.unsure is None)
    @rule(current=CURRENTS)
    def edit_our_override_in_the_app(self, current: int) -> None:
        ((number, before),) = self.ours.items()
        owned = self.rig.twin(EVSE).limits.owned
        if current == before or (owned is not None and current in owned.either):
            return  # the two cannot be told apart
        self.rig.simulated.account.save_schedule({**THEIRS, "overridevalue": current}, number)
        self.theirs = {number: current}
        self._find_out()

    @precondition(lambda self: self.theirs)
    @rule()
    def remove_their_override(self) -> None:
        self.rig.simulated.account.clear_schedule(next(iter(self.theirs)))
        self.theirs = {}
        self.rig.push(self.point)

    @precondition(lambda self: self.ours)
    @rule()
    def remove_our_override_in_the_app(self) -> None:
        self.rig.simulated.account.clear_schedule(next(iter(self.ours)))
        self._find_out()

    def _find_out(self) -> None:
        """Reconnect after more than a day: a schedule made elsewhere is found, and the bridge's limit ends."""
        self.rig.push(self.point)
        if self.up():
            self.rig.lose_link()
        self.rig.tick(25 * 3600)
        self.rig.find_link()
        if self.theirs:
            self.standing = self.session_limit = self.limited = None
            assert self._reported() == MOST

    @precondition(lambda self: self.up() and self.rig.cloud.lose is None)
    @rule(on=st.booleans())
    def switch_smart_charging(self, on: bool) -> None:
        self.point.smart_charging = on
        if not on:
            self.session_limit = self.limited = None
        self.rig.run(self.rig.simulated.push_settings(self.point))
        self.rig.push(self.point)

    # --- the hub ---

    @rule(mode=MODES)
    def start(self, mode: ChargingMode | None) -> None:
        before = self.session
        slow_before = self._slow()
        error = self.rig.start(EVSE, mode)
        if mode == "slow" and (error is None or self.session is not before):
            if self.session is not None and (error is None or before is None):
                self.session_limit, self.limited = SLOW, self.session
        elif mode is not None and error is None and slow_before:
            self.session_limit = self.limited = None

    def _slow(self) -> bool:
        limit = self.rig.twin(EVSE).limits.session
        return limit is not None and limit.slow

    @rule()
    def stop(self) -> None:
        self.rig.stop(EVSE)

    @rule(current=CURRENTS)
    def set_max_current(self, current: int) -> None:
        async def command() -> None:
            if current < MOST:
                self.rig.overrides.check(self.rig.twin(EVSE))  # as the service does
            await self.rig.overrides.want(EVSE, lambda wish: wish.with_standing(current, MOST))

        if self.rig.attempt(command()) is None:
            self.standing = current
            assert self._reported() == current

    @precondition(lambda self: self.rig.twin(EVSE).memory.session_open and self.session is not None)
    @rule(current=CURRENTS)
    def set_session_current(self, current: int) -> None:
        latest = self.rig.twin(EVSE).memory.session
        assert latest is not None
        limit = SessionLimit(current, latest.number) if current < MOST else None

        async def command() -> None:
            if limit is not None:
                self.rig.overrides.check(self.rig.twin(EVSE))
            await self.rig.overrides.want(EVSE, lambda wish: wish.with_session(limit))

        if self.rig.attempt(command()) is None:
            self.session_limit, self.limited = current, self.session

    # --- faults ---

    @precondition(up)
    @rule()
    def lose_link(self) -> None:
        self.rig.lose_link()

    @precondition(lambda self: not self.up())
    @rule()
    def find_link(self) -> None:
        self.rig.find_link()

    @precondition(up)
    @rule(way=st.sampled_from(["there", "back"]))
    def lose_the_next_request(self, way: str) -> None:
        self.rig.cloud.lose = way

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:
        seen = self.up() and self.rig.cloud.lose is None
        if seen:
            self.rig.push(self.point)
        before = self._told()
        self.rig.end(crash=crash)
        self.rig.begin()
        after = self._told()
        if seen and crash and before[0] is State.FINISHED:
            # Nothing is written while nothing happens, so after a crash the length of the gap is unknown.
            assert after[0] in (State.FINISHED, State.READY_TO_CHARGE)
        elif seen:
            assert after == before

    def _told(self) -> tuple[State, object, object]:
        twin = self.rig.twin(EVSE)
        state = twin.state(self.rig.clock.now(), grace=timedelta(minutes=1), state_set="extended")
        return state, twin.charging_mode, twin.memory.session and twin.memory.session.number

    def _reported(self) -> int:
        """The value of `evt.max_current.report`."""
        standing = self.rig.twin(EVSE).limits.standing
        return MOST if standing is None else standing

    # --- invariants ---

    @invariant()
    def at_most_one_override_is_ours(self) -> None:
        assert len(self.ours) <= 1

    @invariant()
    def theirs_are_not_touched(self) -> None:
        schedules = self.rig.simulated.account.schedules
        assert {number: int(schedules[number].override.current_a) for number in self.theirs} == self.theirs

    @invariant()
    def lifetime_energy_is_the_sum_of_sessions(self) -> None:
        self.rig.recorder.write()
        records = self.rig.storage.sessions(address=EVSE)
        total = sum(record.energy for record in records)
        assert abs(total - self.rig.twin(EVSE).memory.lifetime_energy) < 0.001
        assert total <= sum(one.kwh for one in self.point.transactions) + 0.001 * (len(records) + 1)

    @invariant()
    def no_session_is_there_twice(self) -> None:
        records = self.rig.storage.sessions(address=EVSE)
        assert len(records) <= len(self.point.transactions)
        assert len({record.number for record in records}) == len(records)
        starts = [record.started_at for record in records if record.times_given]
        assert len(starts) == len(set(starts))

    @invariant()
    def once_settled_the_lower_limit_holds_and_none_outlives_its_session(self) -> None:
        if not self.up() or self.rig.cloud.lose is not None:
            return
        self._settle()
        wanted = self.wanted()
        assert list(self.ours.values()) == ([wanted] if wanted is not None else [])
        holds = self.point.smart_charging and self.standing is not None
        assert self._reported() == (self.standing if holds else MOST)

    def _settle(self) -> None:
        """Let retries happen, and let a session appear that a start of unknown outcome may have begun."""
        for _ in range(4):
            self.rig.push(self.point)
            self.rig.tick(130)

    def teardown(self) -> None:
        self.rig.close()
        self._folder.cleanup()


Steering.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
test_steering = pytest.mark.timeout(300)(Steering.TestCase)
