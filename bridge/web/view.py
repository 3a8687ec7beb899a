"""The values behind the status page, its events, `/api/state` and `/metrics`, built by `build_view`.

Units: current A, voltage V, power W, energy kWh, cost in the currency of the same object. None means unknown. Every
time has an offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Annotated

from pydantic import PlainSerializer

from bridge.bluecurrent.bodies import AccountBody
from bridge.bluecurrent.protocol import LinkState
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.state import State
from bridge.errors import ErrorCode
from bridge.web.cloud_fields import ChargePointFields, account_fields, grid_fields
from bridge.web.history import Point


class Wait(Enum):
    """The reason why a charge point is not charging."""

    VEHICLE = "vehicle"
    START = "start"
    BEGIN = "begin"  # a start was accepted, and no current flows yet
    SCHEDULE = "schedule"  # the delayed-charging profile
    PRICE = "price"  # the price-based profile
    PROFILE = "profile"  # one of the two, and it is not known which
    LIMIT = "limit"  # smart charging allows less current than a vehicle needs to charge
    CAR = "car"  # the vehicle draws no current
    LEAVING = "leaving"  # the session has ended and the vehicle is still connected
    BLOCKED = "blocked"
    REPAIR = "repair"
    LINK = "link"  # the bridge has no connection to the cloud
    CHARGE_POINT = "charge_point"  # the charge point has no connection to the cloud
    FIRST_STATUS = "first_status"
    UNCLEAR = "unclear"  # the cloud reports a combination that the state table has no row for


class Trouble(Enum):
    """The reason why the link is not up. Each reason has its own advice on the page."""

    NO_TOKEN = "no_token"  # noqa: S105 - a word, not a secret
    REFUSED = "refused"
    LIMIT = "limit"
    ALREADY_CONNECTED = "already_connected"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The limits of a socket, A; None where there is none.

    Attributes:
        standing: set by `cmd.max_current.set` and agreed by the cloud.
        session: set for the current session and agreed by the cloud.
        pending: requested, and not agreed by the cloud yet.
        unheld: agreed by the cloud, but the charge point does not follow it.
        theirs: the limit of a schedule that the user made elsewhere, as last listed.
    """

    standing: int | None = None
    session: int | None = None
    pending: int | None = None
    unheld: int | None = None
    theirs: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkView:
    """The link to Blue Current.

    Attributes:
        state: the state of the link.
        since: when the state began.
        trouble: why the link is not up; None while it is.
        words: the bridge's message about it, in English.
        until: when the trouble ends by itself; None if that is not known.
        reconnects: how often the link came up again since the start.
    """

    state: LinkState
    since: datetime
    trouble: Trouble | None = None
    words: str | None = None
    until: datetime | None = None
    reconnects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerView:
    """The connection to the hub's broker.

    Attributes:
        up: whether the connection is up.
        since: when `up` last changed.
        where: host and port.
        words: the bridge's message about a connection that is down, in English.
        waiting: the number of messages that wait to be published.
        dropped: the number of messages since the start that could not be published.
        reconnects: how often the connection came up again since the start.
    """

    up: bool
    since: datetime
    where: str
    words: str | None = None
    waiting: int = 0
    dropped: int = 0
    reconnects: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsView:
    """The number of requests made to Blue Current, which limits the requests per day.

    Attributes:
        today: the requests since `since`.
        total: the requests since the start of the service.
        since: midnight in Amsterdam, or the start of the service if that was later.
        by_kind: the requests of today by command, the most frequent first.
        per_start: the requests that a start of the service makes.
        per_reconnect: the requests that a new connection makes.
    """

    today: int
    total: int
    since: datetime
    by_kind: Mapping[str, int] = field(default_factory=dict)
    per_start: int = 0
    per_reconnect: int = 0


@dataclass(frozen=True, slots=True)
class PhaseView:
    """One phase."""

    current: float | None
    voltage: float | None
    power: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionView:
    """The latest session of a socket.

    Attributes:
        started_at: as the cloud gave it; None if it gave none.
        finished_at: as the cloud gave it; None if it gave none, or the session is on.
        seen_from: when the bridge first saw the session.
        currency: the ISO 4217 code of the cost's currency.
    """

    open: bool
    energy: float
    cost: float | None
    started_at: datetime | None
    finished_at: datetime | None
    seen_from: datetime
    currency: str = EURO


@dataclass(frozen=True, slots=True)
class DayView:
    """The sessions that began on one day in Amsterdam.

    Attributes:
        cost: the total cost; None if it is not known or in several currencies.
        currency: the ISO 4217 code of the cost's currency.
    """

    day: date
    energy: float
    cost: float | None
    sessions: int
    currency: str = EURO


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketView:
    """One socket.

    Attributes:
        address: its FIMP service address.
        socket: the number of the socket; None if the charge point has only one.
        state: the state from the extended set.
        reported: the state from the configured set, as it is reported to the hub.
        waits_for: why it is not charging; None while it is charging.
        window: start and end of delayed charging (HH:MM) while that holds the session back. Sources disagree on
            whether a car charges inside or outside the window (page 3), so the view does not say which.
        since: when the state began; None if that is not known.
        offline_since: when the charge point lost its connection to the cloud; None while it has one.
        live: the values are current, and not from before the link went down.
        vehicle: whether a vehicle is connected; None if that is not known.
        fixed_cable: whether the cable is a part of the charge point.
        cable_locked: whether the cable is locked.
        power: the sum over the phases.
        phases: the values of phases 1 to 3.
        session: the latest session; None if there was none.
        offered: the current that the vehicle may draw now, A per phase.
        highest: the current that the charge point can deliver, A per phase.
        limits: the current limits.
        mode: the charging mode of the session.
        lifetime: the energy of all sessions.
        curve: the power of the last hours; the last point is the power now.
        days: the last days, the oldest first.
    """

    address: str
    socket: int | None
    state: State
    reported: State
    waits_for: Wait | None
    window: str | None
    since: datetime | None
    offline_since: datetime | None
    live: bool
    vehicle: bool | None
    fixed_cable: bool
    cable_locked: bool
    power: float | None
    phases: tuple[PhaseView, ...]
    session: SessionView | None
    offered: int | None
    highest: float | None
    limits: LimitsView
    mode: str | None
    lifetime: float
    curve: tuple[Point, ...]
    days: tuple[DayView, ...]


@dataclass(frozen=True, slots=True)
class ChargePointView:
    """One charge point.

    Attributes:
        left_out: the hub does not get this charge point, since its evse_id cannot be part of a topic.
        cloud: every field received from the cloud, by its wire name.
    """

    evse_id: str
    name: str
    model: str
    sockets: tuple[SocketView, ...]
    left_out: bool = False
    cloud: Annotated[ChargePointFields, PlainSerializer(ChargePointFields.as_json)] = field(
        default_factory=ChargePointFields
    )


@dataclass(frozen=True, slots=True)
class GridView:
    """One grid connection.

    Attributes:
        highest: the largest current of the connection, A per phase.
        live: the values are current, and not from before the link went down.
        cloud: every field received from the cloud, by its wire name.
    """

    address: str
    currents: tuple[float | None, float | None, float | None]
    highest: float | None
    live: bool
    cloud: Annotated[Grid, PlainSerializer(grid_fields)] = field(default_factory=Grid)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """An acting command and its outcome.

    Attributes:
        name: the user's name of the charge point; empty for a command to the adapter.
        code: the code of the error that answered it; None if it was carried out.
        words: the sentence of that error; empty if there was none.
    """

    at: datetime
    address: str
    name: str
    command: str
    value: str
    code: ErrorCode | None
    words: str


@dataclass(frozen=True, slots=True)
class ErrorView:
    """A warning or an error of the log, and its time; None if the time cannot be read."""

    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class FaultView:
    """A socket that reports a fault.

    Attributes:
        name: the user's name of the charge point; its evse_id if it has no name.
        page: the number of the page on which it is shown.
    """

    address: str
    name: str
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryView:
    """A summary of all charge points of the account.

    Attributes:
        charge_points: the number of charge points.
        states: the number of sockets in each state of the extended set, without states that no socket is in.
        power: the power of all sockets that can be seen; None if it is known for none, or unknown for one with a meter.
        faults: the first sockets that report a fault.
        left_out: the names of the first charge points and sockets that the hub does not get.
        grids_left_out: the names of the first grid connections that the hub does not get.
    """

    charge_points: int = 0
    states: Mapping[State, int] = field(default_factory=dict)
    power: float | None = None
    faults: tuple[FaultView, ...] = ()
    left_out: tuple[str, ...] = ()
    grids_left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The state of the service at one moment.

    Attributes:
        at: the moment.
        version: the version of the bridge.
        started_at: when the service started.
        account: every field received about the account, by its wire name; the service does not request it.
        charge_points: the charge points of the page, or all of them.
        page: the number of the page, from 1.
        pages: the number of pages.
        grids: the grid connections of these charge points.
        commands: the latest commands, the newest first.
        outcomes: the number of commands since the start by outcome: `OK`, or the code of an error.
        errors: the last warnings and errors of the log, the newest first.
    """

    at: datetime
    version: str
    started_at: datetime
    link: LinkView
    broker: BrokerView
    requests: RequestsView
    account: Annotated[AccountBody | None, PlainSerializer(account_fields)] = None
    summary: SummaryView = field(default_factory=SummaryView)
    charge_points: tuple[ChargePointView, ...] = ()
    page: int = 1
    pages: int = 1
    grids: tuple[GridView, ...] = ()
    commands: tuple[CommandView, ...] = ()
    outcomes: Mapping[str, int] = field(default_factory=dict)
    errors: tuple[ErrorView, ...] = ()
