"""Builds the view for the page, the JSON and the metrics from the state of the service. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bridge.bluecurrent.bodies import AccountBody
from bridge.bluecurrent.protocol import NO_TOKEN, LinkState, LinkStatus
from bridge.chargepoint.amsterdam import in_amsterdam, last_midnight
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.power import powers, total
from bridge.chargepoint.records import SessionRecord, record_of
from bridge.chargepoint.state import State, StateSet
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.errors import AlreadyConnected, BridgeError, RequestLimit, Unauthorized
from bridge.hub.broker import BrokerStatus
from bridge.hub.router import Handled
from bridge.web.cloud_fields import ChargePointFields
from bridge.web.history import UNKNOWN, PhasePowers, Point
from bridge.web.view import (
    BrokerView,
    ChargePointView,
    CommandView,
    DayView,
    ErrorView,
    GridView,
    LimitsView,
    LinkView,
    PhaseView,
    RequestsView,
    SessionView,
    SocketView,
    SummaryView,
    Trouble,
    View,
    Wait,
)

DAYS: Final = 21
"""The number of days for which sessions are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that the view depends on.

    Attributes:
        grace: how long the link may be down before known values count as unknown.
        state_set: the set of states that is reported to the hub.
        nominal_voltage: replaces the voltage where a charge point reports current and no voltage, V.
    """

    grace: timedelta
    state_set: StateSet
    nominal_voltage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The state of the service from which a view is built. `View` documents the values.

    Attributes:
        requests_today: the number of requests by command.
        twins: the twins to show.
        grids: the grid connections to show.
        left_out: the evse_ids to show that cannot be part of a topic.
        names: the user's names of the charge points in `commands`, by address.
        sessions: the sessions of the last `DAYS` days, by address.
        curves: the points of the power curves, by address.
    """

    now: datetime
    version: str
    started_at: datetime
    link: LinkStatus
    broker: BrokerStatus
    where: str
    waiting: int
    dropped: int
    link_reconnects: int
    broker_reconnects: int
    requests_today: Mapping[str, int]
    requests_total: int
    requests_per_start: int
    requests_per_reconnect: int
    summary: SummaryView
    page: int
    pages: int
    twins: Sequence[Twin]
    grids: Sequence[GridTwin]
    left_out: Collection[str]
    commands: Sequence[Handled]
    names: Mapping[str, str]
    outcomes: Mapping[str, int]
    errors: Sequence[str]
    sessions: Mapping[str, Sequence[SessionRecord]]
    curves: Mapping[str, tuple[Point, ...]]
    rules: Rules
    account: AccountBody | None = None


def build_view(known: Known) -> View:
    """Build the view of the given state."""
    return View(
        at=known.now,
        version=known.version,
        started_at=known.started_at,
        link=_link(known),
        broker=BrokerView(
            up=known.broker.up,
            since=known.broker.since,
            where=known.where,
            words=known.broker.problem,
            waiting=known.waiting,
            dropped=known.dropped,
            reconnects=known.broker_reconnects,
        ),
        requests=RequestsView(
            today=sum(known.requests_today.values()),
            total=known.requests_total,
            since=max(last_midnight(known.now), known.started_at),
            by_kind=dict(sorted(known.requests_today.items(), key=lambda one: (-one[1], one[0]))),
            per_start=known.requests_per_start,
            per_reconnect=known.requests_per_reconnect,
        ),
        account=known.account,
        summary=known.summary,
        charge_points=charge_points(known),
        page=known.page,
        pages=known.pages,
        grids=tuple(_grid(grid, known) for grid in known.grids if grid.seen),
        commands=tuple(_command(handled, known.names) for handled in known.commands),
        outcomes=known.outcomes,
        errors=tuple(_error(line) for line in reversed(known.errors)),
    )


def charge_points(known: Known) -> tuple[ChargePointView, ...]:
    """Build the views of the charge points only."""
    grids = {evse_id: grid.grid for grid in known.grids for evse_id in grid.evse_ids}
    by_evse: dict[str, list[Twin]] = {}
    for twin in known.twins:
        by_evse.setdefault(twin.evse_id, []).append(twin)
    return tuple(
        ChargePointView(
            evse_id,
            twins[0].settings.name,
            twins[0].settings.model,
            tuple(_socket(twin, known) for twin in twins),
            evse_id in known.left_out,
            _fields(twins, grids.get(evse_id)),
        )
        for evse_id, twins in by_evse.items()
    )


def why_not_ready(link: LinkStatus, broker: BrokerStatus) -> str | None:
    """Return the reason why the bridge is not ready, one line per connection that is down; None while it is ready."""
    reasons = []
    if not broker.up:
        reasons.append(f"broker: {broker.problem or 'connecting'}")
    if link.state is not LinkState.UP:
        reasons.append(f"cloud: {link.error or link.state.value}")
    return "\n".join(reasons) or None


def flowing(twin: Twin, nominal_voltage: float) -> PhasePowers:
    """Return the power on each phase from the last status, W; unknown while it is offline, or the sum is unknown."""
    status = twin.status
    if status is None or status.activity is Activity.OFFLINE:
        return UNKNOWN
    phases = powers(status, nominal_voltage)
    return phases if total(phases, twin.observed.metered_phases) is not None else UNKNOWN


def _fields(twins: Sequence[Twin], grid: Grid | None) -> ChargePointFields:
    statuses = [(twin.socket, twin.status) for twin in twins if twin.status is not None]
    return ChargePointFields(twins[0].settings, statuses, grid)


def _link(known: Known) -> LinkView:
    error = known.link.error
    return LinkView(
        state=known.link.state,
        since=known.link.since,
        trouble=_trouble(error),
        words=str(error) if error is not None else None,
        until=error.until if isinstance(error, RequestLimit) else None,
        reconnects=known.link_reconnects,
    )


def _trouble(error: BridgeError | None) -> Trouble | None:
    match error:
        case None:
            return None
        case Unauthorized() if error is NO_TOKEN:
            return Trouble.NO_TOKEN
        case Unauthorized(retryable=False):
            return Trouble.REFUSED
        case RequestLimit():
            return Trouble.LIMIT
        case AlreadyConnected():
            return Trouble.ALREADY_CONNECTED
        case _:
            return Trouble.DOWN


def _socket(twin: Twin, known: Known) -> SocketView:
    now, grace, status = known.now, known.rules.grace, twin.status
    visible = twin.visible(now, grace)
    live = status is not None and visible and status.activity is not Activity.OFFLINE
    state = twin.state(now, grace=grace, state_set="extended")
    waits_for = _wait(twin, state, live_link=visible)
    power = flowing(twin, known.rules.nominal_voltage) if live else UNKNOWN
    phases: tuple[PhaseView, ...] = (PhaseView(None, None, None),) * 3
    if status is not None and live:
        each = powers(status, known.rules.nominal_voltage)
        phases = tuple(PhaseView(*values) for values in zip(status.currents, status.voltages, each, strict=True))
    return SocketView(
        address=twin.address,
        socket=twin.socket,
        state=state,
        reported=twin.state(now, grace=grace, state_set=known.rules.state_set),
        waits_for=waits_for,
        window=_window(twin) if waits_for is Wait.SCHEDULE else None,
        since=_since(twin, state),
        offline_since=_offline_since(twin) if visible else None,
        live=live,
        vehicle=status.vehicle.connected if status is not None and live and status.vehicle is not None else None,
        fixed_cable=bool(twin.settings.is_cable),
        cable_locked=twin.cable_locked,
        power=total(power),
        phases=phases,
        session=_session(twin),
        offered=twin.offered_current if live else None,
        highest=twin.observed.max_current or (status.max_usage if status is not None else None),
        limits=_limits(twin),
        mode=twin.charging_mode,
        lifetime=twin.memory.lifetime_energy,
        curve=_curve(known.curves.get(twin.address, ()), now, power),
        days=_days(known, twin),
    )


def _limits(twin: Twin) -> LimitsView:
    limits = twin.limits
    session, owned, theirs = limits.session, limits.owned, limits.theirs
    return LimitsView(
        standing=limits.standing,
        session=session.current if session is not None else None,
        pending=limits.lapsed.lowest(None) if limits.lapsed is not None else None,
        unheld=owned.current if owned is not None and limits.unheld else None,
        theirs=theirs.current if theirs is not None else None,
    )


_WAITS: Final[Mapping[State, Wait]] = {
    State.DISCONNECTED: Wait.VEHICLE,
    State.REQUESTING: Wait.BEGIN,
    State.READY_TO_CHARGE: Wait.START,
    State.SUSPENDED_BY_EV: Wait.CAR,
    State.FINISHED: Wait.LEAVING,
    State.UNAVAILABLE: Wait.BLOCKED,
    State.ERROR: Wait.REPAIR,
}


def _wait(twin: Twin, state: State, *, live_link: bool) -> Wait | None:
    if state is State.SUSPENDED_BY_EVSE:
        return _holder(twin)
    if state is State.UNKNOWN:
        if not live_link:
            return Wait.LINK
        activity = twin.status.activity if twin.status is not None else twin.listed_activity
        if activity is Activity.OFFLINE:
            return Wait.CHARGE_POINT
        return Wait.FIRST_STATUS if twin.status is None else Wait.UNCLEAR
    return _WAITS.get(state)


def _holder(twin: Twin) -> Wait:
    """Return the reason why a session is suspended by the charge point or the cloud."""
    if not twin.held_by_profile:
        return Wait.LIMIT
    delayed, priced = twin.settings.delayed_charging, twin.settings.price_based_charging
    if delayed is not None and delayed.value:
        return Wait.SCHEDULE
    return Wait.PRICE if priced is not None and priced.value else Wait.PROFILE


def _window(twin: Twin) -> str | None:
    start, end = twin.settings.delayed_start, twin.settings.delayed_end
    return f"{start:%H:%M}\N{EN DASH}{end:%H:%M}" if start is not None and end is not None else None


def _since(twin: Twin, state: State) -> datetime | None:
    session = twin.memory.session
    if state is State.UNKNOWN:
        return _offline_since(twin) or twin.memory.blind_since or twin.link_down_since
    if session is None:
        return None
    if state is State.CHARGING:
        return session.started_at or session.seen_from
    return (session.finished_at or session.seen_to) if state is State.FINISHED else None


def _offline_since(twin: Twin) -> datetime | None:
    status = twin.status
    offline = status is not None and status.activity is Activity.OFFLINE and twin.link_down_since is None
    return status.offline_since if status is not None and offline else None


def _session(twin: Twin) -> SessionView | None:
    session = twin.memory.session
    if session is None:
        return None
    return SessionView(
        open=session.open,
        energy=session.energy,
        cost=session.cost,
        started_at=session.started_at,
        finished_at=session.finished_at,
        seen_from=session.seen_from,
        currency=session.currency or EURO,
    )


def _curve(points: tuple[Point, ...], now: datetime, power: PhasePowers) -> tuple[Point, ...]:
    """Return the points of the past, followed by the power now."""
    return (*points, Point(now, *power)) if points else ()


def _days(known: Known, twin: Twin) -> tuple[DayView, ...]:
    today = in_amsterdam(known.now).date()
    latest = twin.memory.session
    sessions = [one for one in known.sessions.get(twin.address, ()) if one.evse_id == twin.evse_id]
    if latest is not None:
        # The copy on disk can be older than the session in memory.
        sessions = [record for record in sessions if record.number != latest.number]
        sessions.append(record_of(twin, latest))
    by_day: dict[date, list[SessionRecord]] = {today - timedelta(days=back): [] for back in reversed(range(DAYS))}
    for session in sessions:
        day = in_amsterdam(session.started_at).date()
        if day in by_day:
            by_day[day].append(session)
    return tuple(_day(day, sessions) for day, sessions in by_day.items())


def _day(day: date, sessions: Sequence[SessionRecord]) -> DayView:
    costs = [one.cost for one in sessions if one.cost is not None]
    currencies = {one.currency for one in sessions if one.cost is not None}
    return DayView(
        day=day,
        energy=sum(one.energy for one in sessions),
        cost=sum(costs) if len(currencies) == 1 else None,
        sessions=len(sessions),
        currency=next(iter(currencies)) if len(currencies) == 1 else EURO,
    )


def _grid(twin: GridTwin, known: Known) -> GridView:
    grid, live = twin.grid, twin.visible(known.now, known.rules.grace)
    currents = (grid.current_1, grid.current_2, grid.current_3) if live else (None, None, None)
    return GridView(twin.address, currents, grid.max_install, live, grid)


def _command(handled: Handled, names: Mapping[str, str]) -> CommandView:
    return CommandView(
        at=handled.at,
        address=handled.address,
        name=names.get(handled.address, ""),
        command=handled.command,
        value=handled.value,
        code=handled.code,
        words=handled.message,
    )


def _error(line: str) -> ErrorView:
    stamp, _, words = line.partition(" ")
    try:
        return ErrorView(datetime.fromisoformat(stamp), words)
    except ValueError:
        return ErrorView(None, line)
