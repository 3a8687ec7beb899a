"""Example views: a normal house, and houses with problems."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from bridge import __version__
from bridge.bluecurrent.protocol import NO_TOKEN, LinkState, LinkStatus
from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.power import powers
from bridge.chargepoint.records import SessionRecord
from bridge.chargepoint.schedules import Owned
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.errors import AlreadyConnected, RequestLimit, Unauthorized
from bridge.hub.broker import BrokerStatus
from bridge.hub.router import Handled
from bridge.web.build_view import Known, Rules, build_view, why_not_ready
from bridge.web.history import Point
from bridge.web.observer import Observer
from bridge.web.view import FaultView, SummaryView, View

NOW = from_wall_clock(datetime(2026, 11, 20, 9, 41))
STARTED = from_wall_clock(datetime(2026, 11, 12, 18, 20))
LOST = (
    "2026-11-19T23:58:11.205+01:00 link to Blue Current is down "
    "reason=The connection to Blue Current was closed: no close frame received or sent. next_try_s=1.0"
)


def at(hour: int, minute: int, days_ago: int = 0) -> datetime:
    """A time of day in Amsterdam."""
    return from_wall_clock(datetime(2026, 11, 20, hour, minute) - timedelta(days=days_ago))


class Window(Observer):
    """Gives a view to a server, without a service. A test can change the view."""

    def __init__(self, about: Known) -> None:
        self.about = about

    def why_not_ready(self) -> str | None:
        """Why the house is not ready."""
        return why_not_ready(self.about.link, self.about.broker)

    def page(self, number: int) -> View:
        """Every page is the same."""
        return replace(build_view(self.about), page=number)

    async def whole(self, *, charts: bool) -> View:
        """The house."""
        return build_view(self.about)


def charging() -> Twin:
    """Three phases at full power."""
    status = Status(
        activity=Activity.CHARGING,
        vehicle=Vehicle.READY,
        current_1=15.9,
        current_2=15.9,
        current_3=16.0,
        voltage_1=231,
        voltage_2=229,
        voltage_3=230,
        energy=17.42,
        max_usage=25,
        smart_limit=16,
    )
    session = Session(
        number=88, seen_from=at(7, 12), started_at=at(7, 12), energy=17.42, cost=4.36, drawn=True, vehicle_seen=True
    )
    return Twin(
        evse_id="BCU102728",
        settings=ChargePointSettings(name="Driveway", model="U:MOVE16", is_cable=False, smart_charging=True),
        status=status,
        memory=Memory(session=session, earlier_energy=2841.3),
    )


def held() -> Twin:
    """A car held back by delayed charging."""
    session = Session(number=41, seen_from=at(8, 55), started_at=at(8, 55), vehicle_seen=True)
    return Twin(
        evse_id="BCU100186",
        settings=ChargePointSettings(
            name="Carport",
            model="H:MOVE-C32T2",
            is_cable=True,
            delayed_charging=Setting(value=True),
            delayed_start=at(23, 0).time(),
            delayed_end=at(7, 0).time(),
        ),
        status=Status(
            activity=Activity.DELAYED, vehicle=Vehicle.CONNECTED, current_1=0, current_2=0, current_3=0, max_usage=32
        ),
        memory=Memory(session=session, earlier_energy=913.8),
        observed=Observed(max_current=32),
        limits=Limits(standing=16),
    )


def empty() -> Twin:
    """No car; the last session is over."""
    session = Session(
        number=12,
        seen_from=at(16, 2, 2),
        started_at=at(16, 2, 2),
        seen_to=at(21, 40, 2),
        finished_at=at(21, 40, 2),
        open=False,
        energy=31.08,
        cost=7.77,
        vehicle_left=True,
    )
    return Twin(
        evse_id="BCU101544",
        settings=ChargePointSettings(name="Visitors", model="U:MOVE16", is_cable=False),
        status=Status(
            activity=Activity.AVAILABLE,
            vehicle=Vehicle.NONE,
            current_1=0,
            current_2=0,
            current_3=0,
            max_usage=16,
        ),
        memory=Memory(session=session, earlier_energy=204.5),
    )


def curve(twin: Twin, begin: datetime, end: datetime = NOW) -> tuple[Point, ...]:
    """Hours of power: a night's end, a pause, and what flows now, with the small unrest that real power has."""
    chance = Random(twin.evse_id)
    full = powers(twin.status or Status(), 230)
    points = []
    moment = end - timedelta(hours=6)
    while moment < end:
        share = 0.0
        if moment >= begin:
            minutes = (moment - begin).total_seconds() / 60
            share = min(1.0, minutes / 3) * (0.62 if 55 < minutes < 83 else 1.0)
        elif moment < end - timedelta(hours=4.6):
            share = 0.55 + 0.05 * math.sin(moment.timestamp() / 900)
        unrest = 1 + chance.uniform(-0.012, 0.012)
        one, two, three = ((power or 0.0) * share * unrest for power in full)
        points.append(Point(moment, one, two, three))
        moment += timedelta(minutes=2)
    return tuple(points)


def sessions(address: str, mean: float, every: float) -> list[SessionRecord]:
    """Three weeks of charging."""
    chance = Random(address)
    records: list[SessionRecord] = []
    for back in range(20, -1, -1):
        if chance.random() > every:
            continue
        energy = max(1.5, chance.gauss(mean, mean / 2.6))
        begin = at(chance.choice([7, 17, 18, 22]), chance.randrange(60), back)
        if begin > NOW:
            continue
        records.append(
            SessionRecord(
                evse_id=address,
                address=address,
                number=len(records) + 200,
                started_at=begin,
                ended_at=begin + timedelta(hours=energy / 9),
                energy=round(energy, 2),
                cost=round(energy * 0.25, 2),
            )
        )
    return records


def known(*twins: Twin) -> Known:
    """A house without problems."""
    commands = [
        Handled(at(8, 55), "BCU100186", "cmd.charge.start", "delayed", None, ""),
        Handled(at(7, 12), "BCU102728", "cmd.charge.start", "normal", None, ""),
        Handled(
            at(6, 58),
            "BCU102728",
            "cmd.charge.start",
            "",
            "ERR_INVALID_STATE",
            "No vehicle is connected. Plug it in first, then start.",
        ),
        Handled(at(22, 31, 1), "BCU100186", "cmd.max_current.set", "16", None, ""),
        Handled(at(22, 30, 1), "", "cmd.log.set_level", "", None, ""),
    ]
    return Known(
        now=NOW,
        version=__version__,
        started_at=STARTED,
        link=LinkStatus(LinkState.UP, at(0, 0)),
        broker=BrokerStatus(True, STARTED),
        where="192.168.1.20:1884",
        waiting=0,
        dropped=0,
        link_reconnects=3,
        broker_reconnects=0,
        requests_today={"GET_CH_STATUS": 11, "GET_CHARGE_POINTS": 2, "HELLO": 1},
        requests_total=96,
        requests_per_start=13,
        requests_per_reconnect=5,
        summary=SummaryView(charge_points=len(twins)),
        page=1,
        pages=1,
        twins=twins,
        grids=[
            GridTwin(
                grid=Grid(id="GRID-BCU102728", current_1=17.3, current_2=16.5, current_3=18.1, max_install=25),
                evse_ids=frozenset({"BCU102728"}),
            )
        ],
        left_out=(),
        commands=commands,
        names={twin.address: twin.settings.name for twin in twins},
        outcomes={"OK": 42, "ERR_INVALID_STATE": 1, "ERR_REJECTED": 2},
        errors=[LOST],
        sessions={
            "BCU102728": sessions("BCU102728", 17, 0.75),
            "BCU100186": sessions("BCU100186", 11, 0.5),
            "BCU101544": sessions("BCU101544", 24, 0.12),
        },
        curves={twin.address: curve(twin, at(7, 12) if twin.memory.session_open else NOW) for twin in twins},
        rules=Rules(grace=timedelta(seconds=60), state_set="standard", nominal_voltage=230),
    )


def rich() -> Known:
    """Three charge points: one charging, one waiting, one free."""
    return known(charging(), held(), empty())


def no_token() -> Known:
    """The first start: nothing is set."""
    return replace(
        known(), link=LinkStatus(LinkState.WAITING, STARTED, NO_TOKEN), commands=(), grids=(), errors=(), sessions={}
    )


def link_down() -> Known:
    """Another program has the connection, for longer than the grace."""
    error = AlreadyConnected("Blue Current refuses a second connection: another program has one open.")
    down = [twin.link_lost(at(9, 20)) for twin in rich().twins]
    return replace(rich(), twins=down, link=LinkStatus(LinkState.DOWN, at(9, 20), error))


def broker_refuses() -> Known:
    """The broker refuses the bridge, and the cloud refuses the token."""
    return replace(
        rich(),
        link=LinkStatus(LinkState.DOWN, at(9, 0), Unauthorized("Blue Current refuses the API token.")),
        broker=BrokerStatus(
            False, at(9, 1), "192.168.1.20:1884 refuses the user name or the password: see mqtt.username"
        ),
        waiting=12,
    )


def out_of_requests() -> Known:
    """The day's requests are used up."""
    error = RequestLimit(at(0, 0, -1) + timedelta(seconds=30))
    return replace(
        link_down(), link=LinkStatus(LinkState.DOWN, at(9, 20), error), requests_today={"GET_CH_STATUS": 1000}
    )


def long_names() -> Known:
    """Long names without blanks."""
    about, name = rich(), "Parkeergarageverdiepingsplaatsnummer" * 4
    twins = [replace(twin, settings=replace(twin.settings, name=name)) for twin in about.twins]
    return replace(about, twins=twins, where=f"{name}.example.internal:1883")


def two_sockets() -> Known:
    """One charge point with two sockets: one charges on one phase, one has a fault."""
    one, two = charging(), empty()
    evse = ChargePointSettings(
        name="Garage", model="T:PUBLIC-22", is_cable=False, socket_ids=(1, 2), smart_charging=True
    )
    assert one.status is not None
    single = replace(one.status, current_2=0, current_3=0, voltage_2=0, voltage_3=0)
    first = replace(one, socket=1, settings=evse, status=single)
    second = replace(
        two, evse_id=one.evse_id, socket=2, settings=evse, status=Status(activity=Activity.ERROR, vehicle=Vehicle.FAULT)
    )
    return known(first, second)


def large(page: int = 3, pages: int = 50) -> Known:
    """A page of a large account."""
    faults = (FaultView("BCU900", "Deck 4", 46),)
    summary = SummaryView(
        charge_points=1000, states={State.CHARGING: 412, State.DISCONNECTED: 588}, power=1_234_567.0, faults=faults
    )
    return replace(rich(), summary=summary, page=page, pages=pages)


def left_out() -> Known:
    """The number of one charge point cannot be part of an address; another does not hold its limit."""
    odd = replace(empty(), evse_id="BCU/10+ 15")
    greedy = replace(charging(), limits=Limits(standing=10, owned=Owned(7, 10), unheld=True))
    summary = SummaryView(charge_points=2, left_out=(odd.evse_id,))
    return replace(known(greedy, odd), left_out={odd.evse_id}, summary=summary)
