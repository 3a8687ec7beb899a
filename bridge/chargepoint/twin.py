"""The twin: the bridge's picture of one socket, from what the cloud sent and what the bridge remembers."""

from collections.abc import Callable
from dataclasses import field, replace
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Final, Literal, Self

from bridge.chargepoint import limit_watch, limits, observed, readings, session
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.limits import Limits, LimitStep
from bridge.chargepoint.observation import Premises, observe
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.power import NOMINAL_VOLTAGE_V
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.session import START_WINDOW, Memory
from bridge.chargepoint.state import Situation, State, StateSet, is_held, is_held_by_profile, state
from bridge.chargepoint.status import Activity, Status, after
from bridge.chargepoint.update import Update
from bridge.immutable import immutable

ChargingMode = Literal["normal", "slow", "delayed", "price_based"]


@immutable(frozen=True, slots=True, kw_only=True)
class Steering:
    """The state of a socket that is kept over restarts in addition to its sessions.

    Attributes:
        observed: the properties that its statuses have revealed: its highest current and its phases.
        limits: its current limits, and its schedules in the cloud.
    """

    observed: Observed = field(default_factory=Observed)
    limits: Limits = field(default_factory=Limits)


@immutable(frozen=True, slots=True, kw_only=True)
class Twin:
    """The picture of one socket.

    Attributes:
        evse_id: the charge point.
        socket: the number of the socket; None if the charge point has only one.
        settings: the description and the settings of the charge point.
        status: the last values; None before the first push.
        memory: its sessions, and other state that the status does not show.
        observed: the properties that its statuses have revealed: its highest current and its phases.
        limits: its current limits, and its schedules in the cloud.
        link_down_since: since when the link has been down; None while it is up.
        listed_activity: the activity in CHARGE_POINTS, which counts until the first status.
    """

    evse_id: str
    socket: int | None = None
    settings: ChargePointSettings = field(default_factory=ChargePointSettings)
    status: Status | None = None
    memory: Memory = field(default_factory=Memory)
    observed: Observed = field(default_factory=Observed)
    limits: Limits = field(default_factory=Limits)
    link_down_since: datetime | None = None
    listed_activity: Activity | None = None

    @property
    def address(self) -> str:
        """The FIMP service address (contract 3)."""
        return self.evse_id if self.socket is None else f"{self.evse_id}_{self.socket}"

    @property
    def identity(self) -> str:
        """The name under which it is kept on disk. Unlike an address, it never passes to another charge point."""
        return socket_identity(self.evse_id, self.socket)

    @property
    def socket_id(self) -> int | None:
        """The cloud's number of the socket; None if it is the only one and the cloud never sent its number."""
        return self.socket if self.socket is not None else next(iter(self.settings.socket_ids), None)

    @property
    def described_by(self) -> object:
        """Everything except the values of the status that the inclusion report and the parameters depend on.

        Before the first status nothing is reported, so with it everything is.
        """
        return self.status is None, self.settings, self.observed, self.limits.listed, self.schedule

    def parts_of_description_are(self, before: Self) -> bool:
        """Whether the objects that `described_by` is made of are the same objects as before, as with most pushes."""
        same = self.settings is before.settings and self.observed is before.observed and self.limits is before.limits
        return same and (self.status is None) is (before.status is None)

    @property
    def schedule(self) -> Schedule | None:
        """The known schedule that limits the current, made by the bridge or by the user; None if there is none."""
        owned = self.limits.owned
        if self.limits.theirs is not None or owned is None or owned.current is None:
            return self.limits.theirs
        return Schedule.always_on(owned.schedule_id, self.evse_id, owned.current)

    @property
    def steering(self) -> Steering:
        """The state that is kept over restarts in addition to the sessions."""
        return Steering(observed=self.observed, limits=self.limits)

    # --- events; each method returns the twin after the event ---

    def pushed(self, update: Update[Status], now: datetime, nominal_voltage: float = NOMINAL_VOLTAGE_V) -> Self:
        """A CH_STATUS arrived. The nominal voltage, V, is assumed while there is current and no voltage."""
        status = after(self.status or Status(), update)
        metered = observed.metered(self.observed, update.values.currents)
        learned = observed.learn(metered, status, overridden=self.limits.overridden)
        premises = Premises(
            nominal_voltage=nominal_voltage,
            highest_current=learned.possible_current,
            metered_phases=learned.metered_phases,
            currency=self.settings.currency,
        )
        memory = observe(self.memory, update, status, now, premises)
        return replace(
            self,
            status=status,
            memory=memory,
            observed=learned,
            limits=self._limits_after(update, status, memory, now),
        )._noting_mode()

    def _limits_after(self, update: Update[Status], status: Status, memory: Memory, now: datetime) -> Limits:
        currents = [current for current in update.values.currents if current is not None]
        watched = limit_watch.pushed(
            self.limits,
            bound=_bound(status, self.settings) if update.present & _BOUNDS else None,
            current=max(currents, default=None),
            before=self.memory,
            after=memory,
            now=now,
        )
        return limits.without_expired(watched, memory, now)

    def oddities_since(self, before: Self) -> tuple[str, ...]:
        """Describe the readings that were ignored as impossible since `before`, for the log."""
        words = readings.left_out(before.memory.session, self.memory.session)
        return (words,) if words is not None else ()

    def described(self, update: Update[ChargePointSettings]) -> Self:
        """An entry in CHARGE_POINTS, a CH_SETTINGS or the verdict on a setting arrived."""
        settings = update.onto(self.settings)
        if "smart_charging" in update.present:
            settings = replace(settings, profile_switched_on=False)  # the cloud's value replaces the inferred one
        left = limits.suspended(self.limits) if settings.smart_charging is False else self.limits
        return replace(self, settings=settings, limits=left)._noting_mode()

    def listed(self, activity: Activity | None) -> Self:
        """CHARGE_POINTS arrived with the activity of the charge point."""
        return replace(self, listed_activity=activity)

    def link_lost(self, now: datetime) -> Self:
        """The link went down."""
        if self.link_down_since is not None:
            return self
        return replace(self, link_down_since=now, memory=session.lose_sight(self.memory, now))

    def link_found(self) -> Self:
        """The link came up. The socket counts as unseen until the first push."""
        return replace(self, link_down_since=None) if self.link_down_since is not None else self

    def remembering(self, change: Callable[[Memory], Memory]) -> Self:
        """A command had an outcome, or the sessions were corrected from the account's transactions."""
        return replace(self, memory=change(self.memory))

    def limited(self, change: Callable[[Limits], Limits]) -> Self:
        """The limits, or the schedules in the cloud, changed."""
        return replace(self, limits=change(self.limits))._noting_mode()

    def _noting_mode(self) -> Self:
        mode, latest = self.charging_mode, self.memory.session
        if mode is None or latest is None or latest.mode == mode:
            return self
        return replace(self, memory=replace(self.memory, session=replace(latest, mode=mode)))

    def at(self, now: datetime) -> Self:
        """Time has passed: expired limits are dropped, and a limit that is not obeyed is marked."""
        return self.limited(
            lambda before: limits.without_expired(limit_watch.judged(before, self.memory, now), self.memory, now)
        )

    def shifted(self, delta: timedelta) -> Self:
        """The wall clock has jumped by `delta`: the bridge's own times move with it, the cloud's do not."""
        down_since = self.link_down_since
        return replace(
            self,
            memory=self.memory.shifted(delta),
            limits=limits.shifted(self.limits, delta),
            link_down_since=down_since + delta if down_since is not None else None,
        )

    # --- derived values ---

    def visible(self, now: datetime, grace: timedelta) -> bool:
        """Whether the values are still valid: the link is up, or has not been down for longer than the grace."""
        return self.link_down_since is None or now - self.link_down_since < grace

    @property
    def shows_sessions(self) -> bool:
        """Whether its statuses arrive and show which session is on or was the last: not behind `error`, for example."""
        if self.memory.blind_since is not None or self.status is None:
            return False
        return self.status.session_on or self.status.activity is Activity.AVAILABLE

    @property
    def held(self) -> bool:
        """Whether the charge point holds the session back (the state table's `held`)."""
        return self.status is not None and is_held(
            self.status, profile_on=self.settings.profile_on, smart_charging=self.settings.smart_charging_on
        )

    @property
    def held_by_profile(self) -> bool:
        """Whether delayed or price-based charging holds the session back."""
        return self.status is not None and is_held_by_profile(self.status, profile_on=self.settings.profile_on)

    @property
    def boosting(self) -> bool:
        """Whether a profile is overridden for the open session."""
        return self.status is not None and bool(self.status.boosting)

    @property
    def state_inputs(self) -> object:
        """Everything that the state depends on, except the time and the settings of the bridge."""
        return _state_inputs(self) if self.status is not None else (self.listed_activity, self.link_down_since)

    def state(self, now: datetime, *, grace: timedelta, state_set: StateSet) -> State:
        """Return the state to report (contract 4, "State table")."""
        situation = Situation(
            visible=self.visible(now, grace),
            activity=self.status.activity if self.status is not None else self.listed_activity,
            vehicle=self.status.vehicle if self.status is not None else None,
            held=self.held,
            drawn=self.memory.drawn,
            done=self.memory.done,
            starting=self.memory.starting(now),
        )
        return state(situation, state_set)

    @property
    def cable_locked(self) -> bool:
        """Whether the cable is locked: always if it is fixed; else during a session, until it is unlocked."""
        return bool(self.settings.is_cable) or (self.memory.session_open and not self.memory.unlocked)

    @property
    def offered_current(self) -> int | None:
        """The current that the session may draw on each phase, A: 0 while held back or over; None if not known."""
        if self.status is None:
            return None
        if not self.memory.session_open or self.held:
            return 0
        owned = self.limits.owned
        ours = owned.current if owned is not None and self.overrides_count and not self.limits.unheld else None
        return min((int(bound) for bound in (self.shown_limit, ours) if bound is not None), default=None)

    @property
    def shown_limit(self) -> float | None:
        """The limit in the status for each phase, A, with the effect of overrides; None if not known."""
        return _bound(self.status, self.settings) if self.status is not None else None

    @property
    def overrides_count(self) -> bool:
        """Whether overrides have an effect: they limit smart charging, so they have none while it is off."""
        return self.settings.smart_charging is not False

    @property
    def wanted_limit(self) -> int | None:
        """The limit that the bridge's override must carry, A; None if no override is needed."""
        return self.limits.wanted.lowest(self.observed.max_current) if self.overrides_count else None

    @property
    def limit_step(self) -> LimitStep | None:
        """The request about the bridge's override that is due; None if the cloud has what is wanted."""
        return limits.next_step(self.wanted_limit, self.limits.there)

    @property
    def charging_mode(self) -> ChargingMode | None:
        """The charging mode of the open session; None if there is none."""
        if not self.memory.session_open:
            return None
        if self.limits.session is not None and self.limits.session.slow:
            return "slow"
        if not self.boosting:
            if self.settings.price_based_charging_on:
                return "price_based"
            if self.settings.delayed_charging_on:
                return "delayed"
        return "normal"

    def limits_change_at(self, now: datetime) -> datetime | None:
        """Return when the limits will change by the passing of time alone; None if they will not."""
        after = limits.without_expired(limit_watch.judged(self.limits, self.memory, now), self.memory, now)
        if after is not self.limits and after != self.limits:
            return now
        times = (limits.waits_until(self.limits), limit_watch.judgement(self.limits, self.memory))
        return min((when for when in times if when is not None), default=None)

    def next_change(self, after: datetime, grace: timedelta) -> datetime | None:
        """Return when, after a moment, the state may next change by the passing of time alone; None if it will not.

        It changes when the wait for an accepted start, the grace, or the wait for a limited session ends.
        """
        times = []
        if self.memory.start_accepted is not None:
            times.append(self.memory.start_accepted + START_WINDOW)
        if self.link_down_since is not None:
            times.append(self.link_down_since + grace)
        if self.limits.session is not None and self.limits.session.until is not None:
            times.append(self.limits.session.until)
        return min((when for when in times if when > after), default=None)


_state_inputs: Final = attrgetter(
    *(f"status.{name}" for name in ("activity", "vehicle", "smart_limit", "smart_current_heartbeat_timeout", "draws")),
    *(f"memory.{name}" for name in ("drawn", "done", "start_accepted")),
    "settings",
    "link_down_since",
)


def socket_identity(evse_id: str, socket: int | None) -> str:
    """Return the identity of a socket; the number is None if the charge point has only one."""
    return evse_id if socket is None else f"{evse_id}/{socket}"


_BOUNDS: Final = frozenset({"max_usage", "smart_limit"})


def _bound(status: Status, settings: ChargePointSettings) -> float | None:
    bounds = (status.max_usage, status.smart_limit if settings.smart_charging_on else None)
    return min((bound for bound in bounds if bound is not None), default=None)
