"""The values of the status page, the JSON, the events and the metrics.

`build_view` makes them. Currents in A, voltages in V, power in W, energy in kWh, costs in the currency beside them;
None is unknown. Every time has an offset.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from typing import Annotated, Protocol

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
    """What a charge point waits for, or why it does nothing."""

    VEHICLE = "vehicle"
    START = "start"
    BEGIN = "begin"  # a start was accepted, and nothing flows yet
    SCHEDULE = "schedule"  # the delayed-charging profile
    PRICE = "price"  # the price-based profile
    PROFILE = "profile"  # one of the two, and it is not known which
    LIMIT = "limit"  # smart charging leaves less than a vehicle can charge with
    CAR = "car"  # the vehicle takes nothing
    LEAVING = "leaving"  # all done, and the vehicle is still there
    BLOCKED = "blocked"
    REPAIR = "repair"
    LINK = "link"  # the bridge has no connection to the cloud
    CHARGE_POINT = "charge_point"  # the charge point has no connection to the cloud
    FIRST_STATUS = "first_status"
    UNCLEAR = "unclear"  # the cloud tells something that the state table has no row for


class Trouble(Enum):
    """Why the link is not up. Each reason has another cure."""

    NO_TOKEN = "no_token"  # noqa: S105 - a word, not a secret
    REFUSED = "refused"
    LIMIT = "limit"
    ALREADY_CONNECTED = "already_connected"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LimitsView:
    """The limits that were set through the bridge and hold, A; None where there is none.

    Attributes:
        standing: until further notice.
        session: for the session that is on.
        pending: wanted, and not agreed by the cloud.
        unheld: agreed by the cloud, and not held by the charge point.
        theirs: of a schedule of the user's own, as last listed.
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
        words: what is wrong, in the bridge's own words.
        until: when the trouble ends by itself, where that is known.
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
        where: host and port.
        words: what is wrong, in the bridge's own words.
        waiting: how many messages wait to be published.
        dropped: how many were given up since the start, because too many waited.
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
    """What was asked of Blue Current, which allows so many requests a day.

    Attributes:
        today: since `since`: midnight in Amsterdam, or the start of the service if that was later.
        total: since the start of the service.
        by_kind: those of today by their command, the most frequent first.
        per_start: how many a start of the service makes.
        per_reconnect: how many a new connection makes.
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
        seen_from: since when the bridge has known of it.
        currency: of the cost.
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
        cost: None where it is not known, or in several currencies.
        currency: of the cost.
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
        socket: which of the charge point's; None where it has one.
        state: of the extended set, which says who paused.
        reported: what the hub was told, in the set that is chosen.
        waits_for: None while it charges.
        window: of delayed charging while that holds the session back, start and end. Sources disagree on whether
            a car charges in the window or outside it, so nothing more is claimed.
        since: since when it has been in its state, where that is known.
        offline_since: since when the charge point has had no connection to the cloud, while it has none.
        live: what is shown is known now, and not from before the link went down.
        vehicle: a vehicle is there; None if that is not known.
        power: the sum over the phases.
        offered: what the vehicle may draw on each phase now.
        highest: what the charge point can deliver on each phase.
        mode: the charging mode of the session.
        lifetime: the energy of all sessions.
        curve: the power of the last hours, the last point what flows now.
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
        left_out: the hub cannot have it as a thing, since its evse_id cannot be part of a topic.
        cloud: every field that the cloud has told, by its own name.
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
        cloud: every field that the cloud has told, by its own name.
    """

    address: str
    currents: tuple[float | None, float | None, float | None]
    highest: float | None
    live: bool
    cloud: Annotated[Grid, PlainSerializer(grid_fields)] = field(default_factory=Grid)


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandView:
    """A command that acted, or was to.

    Attributes:
        name: what the user calls the charge point; empty for a command to the bridge itself.
        code: the error it was answered with; None: it was carried out.
        words: that error's sentence.
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
    """A warning or an error of the log; when it came, if that can be read."""

    at: datetime | None
    words: str


@dataclass(frozen=True, slots=True)
class FaultView:
    """A socket that reports a fault.

    Attributes:
        name: what the user calls the charge point; its evse_id where it has no name.
        page: the number of the page that it is on.
    """

    address: str
    name: str
    page: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryView:
    """All charge points of the account in a few figures.

    Attributes:
        charge_points: how many there are.
        states: how many sockets are in each state of the extended set, without those in which none is.
        power: the power of all sockets; None if none is known.
        faults: the first sockets that report a fault.
        left_out: the first charge points that the hub cannot have, by their evse_id.
    """

    charge_points: int = 0
    states: Mapping[State, int] = field(default_factory=dict)
    power: float | None = None
    faults: tuple[FaultView, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What is shown.

    Attributes:
        at: when this was so.
        account: every field that the cloud has told of it, by its own name; the service does not ask for it.
        charge_points: those of the page, or all.
        page: the number of the page, from 1.
        pages: how many there are.
        grids: the grid connections of these charge points.
        commands: the latest ones, newest first.
        outcomes: how many commands had each outcome since the start: `OK`, or an error's code.
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


class Sight(Protocol):
    """Makes views. The observer does, and so does a test's picture of a house."""

    def why_not_ready(self) -> str | None:
        """Why the bridge cannot do its work right now; None while it can. Costs the same for every account."""

    def page(self, number: int) -> View:
        """One page of the charge points, and all the rest. A number that is too high gives the last page."""

    async def whole(self, *, charts: bool) -> View:
        """Everything; with curves and days, or without."""
