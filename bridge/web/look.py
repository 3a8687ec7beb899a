"""Makes the view of what the service knows: a pure function, without a socket and without a clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from bridge.bluecurrent.bodies import AccountBody
from bridge.bluecurrent.link import NO_TOKEN, LinkStatus
from bridge.chargepoint.amsterdam import in_amsterdam, last_midnight
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.power import powers
from bridge.chargepoint.records import SessionRecord, record_of
from bridge.chargepoint.state import State, StateSet
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.errors import AlreadyConnected, BridgeError, RequestLimit, Unauthorized
from bridge.hub.broker import BrokerStatus
from bridge.hub.router import Handled
from bridge.web.cloud_fields import ChargePointFields
from bridge.web.history import Point
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
    Trouble,
    View,
    Wait,
)

DAYS: Final = 21
"""How many days of sessions are shown."""

CURVE_POINTS: Final = 180
"""How many points a curve has at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the service knows; `View` explains what has the same name there.

    Attributes:
        sessions: of the last `DAYS` days.
        curves: by address.
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
    requests_today: int
    requests_total: int
    twins: Sequence[Twin]
    grids: Sequence[GridTwin]
    commands: Sequence[Handled]
    outcomes: Mapping[str, int]
    errors: Sequence[str]
    sessions: Sequence[SessionRecord]
    curves: Mapping[str, tuple[Point, ...]]
    grace: timedelta
    state_set: StateSet
    nominal_voltage: float
    account: AccountBody | None = None


def look(known: Known) -> View:
    """The view of what is known."""
    names = {twin.evse_id: twin.settings.name for twin in known.twins}
    grids = {evse_id: grid.grid for grid in known.grids for evse_id in grid.evse_ids}
    by_evse: dict[str, list[Twin]] = {}
    for twin in known.twins:
        by_evse.setdefault(twin.evse_id, []).append(twin)
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
            today=known.requests_today,
            total=known.requests_total,
            since=max(last_midnight(known.now), known.started_at),
        ),
        account=known.account,
        charge_points=tuple(
            ChargePointView(
                evse_id,
                twins[0].settings.name,
                twins[0].settings.model,
                tuple(_socket(twin, known) for twin in twins),
                _fields(twins, grids.get(evse_id)),
            )
            for evse_id, twins in by_evse.items()
        ),
        grids=tuple(_grid(grid, known) for grid in known.grids if grid.seen),
        commands=tuple(_command(handled, names) for handled in known.commands),
        outcomes=known.outcomes,
        errors=tuple(_error(line) for line in reversed(known.errors)),
    )


def _fields(twins: Sequence[Twin], grid: Grid | None) -> ChargePointFields:
    told = [(twin.socket, twin.status) for twin in twins if twin.status is not None]
    return ChargePointFields(twins[0].settings, told, grid)


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
    now, grace, status = known.now, known.grace, twin.status
    live = status is not None and twin.visible(now, grace) and status.activity is not Activity.OFFLINE
    state = twin.state(now, grace=grace, state_set="extended")
    waits_for = _wait(twin, state, live_link=twin.visible(now, grace))
    flowing: Sequence[float | None] = (None, None, None)
    phases = (PhaseView(None, None, None),) * 3
    if status is not None and live:
        flowing = powers(status, known.nominal_voltage)
        one, two, three = (PhaseView(*values) for values in zip(status.currents, status.voltages, flowing, strict=True))
        phases = (one, two, three)
    return SocketView(
        address=twin.address,
        socket=twin.socket,
        state=state,
        reported=twin.state(now, grace=grace, state_set=known.state_set),
        waits_for=waits_for,
        window=_window(twin) if waits_for is Wait.SCHEDULE else None,
        since=_since(twin, state),
        live=live,
        vehicle=status.vehicle.connected if status is not None and live and status.vehicle is not None else None,
        fixed_cable=bool(twin.settings.is_cable),
        cable_locked=twin.cable_locked,
        power=_sum(flowing),
        phases=phases,
        session=_session(twin),
        offered=twin.offered_current if live else None,
        highest=twin.observed.max_current or (status.max_usage if status is not None else None),
        limits=_limits(twin),
        mode=twin.charging_mode,
        lifetime=twin.memory.lifetime_energy,
        curve=_curve(known.curves.get(twin.address, ()), now, flowing),
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
        return Wait.FIRST_STATUS if twin.status is None else Wait.CHARGE_POINT
    return _WAITS.get(state)


def _holder(twin: Twin) -> Wait:
    """What holds a session back."""
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
        offline = twin.status.offline_since if twin.status is not None and twin.link_down_since is None else None
        return offline or twin.memory.blind_since or twin.link_down_since
    if session is None:
        return None
    if state is State.CHARGING:
        return session.started_at or session.seen_from
    return (session.finished_at or session.seen_to) if state is State.FINISHED else None


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


def _curve(points: tuple[Point, ...], now: datetime, flowing: Sequence[float | None]) -> tuple[Point, ...]:
    """The points of the past, and what flows now."""
    one, two, three = flowing
    return (*points, Point(now, one, two, three)) if points else ()


def _days(known: Known, twin: Twin) -> tuple[DayView, ...]:
    today = in_amsterdam(known.now).date()
    latest = twin.memory.session
    sessions = [record for record in known.sessions if record.address == twin.address]
    if latest is not None:
        # What is on disk can be some moments old.
        sessions = [record for record in sessions if record.number != latest.number]
        sessions.append(record_of(twin, latest))
    by_day: dict[date, list[SessionRecord]] = {today - timedelta(days=back): [] for back in reversed(range(DAYS))}
    for session in sessions:
        day = in_amsterdam(session.started_at).date()
        if day in by_day:
            by_day[day].append(session)
    return tuple(_day(day, sessions) for day, sessions in by_day.items())


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum of those that are known; None where none is."""
    known = [value for value in values if value is not None]
    return sum(known) if known else None


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
    grid, live = twin.grid, twin.visible(known.now, known.grace)
    currents = (grid.current_1, grid.current_2, grid.current_3) if live else (None, None, None)
    return GridView(twin.address, currents, grid.max_install, live, grid)


def _command(handled: Handled, names: Mapping[str, str]) -> CommandView:
    return CommandView(
        at=handled.at,
        address=handled.address,
        name=names.get(handled.address.partition("_")[0], ""),
        command=handled.command,
        value=handled.value,
        code=handled.code,
        words=handled.words,
    )


def _error(line: str) -> ErrorView:
    stamp, _, words = line.partition(" ")
    try:
        return ErrorView(datetime.fromisoformat(stamp), words)
    except ValueError:
        return ErrorView(None, line)
