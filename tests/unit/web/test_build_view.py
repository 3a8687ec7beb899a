"""The view, built from the state of the service."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter

from bridge.bluecurrent.protocol import NO_TOKEN, LinkState, LinkStatus
from bridge.chargepoint.averages import Averages, GridAverages
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.cloud_fields import cloud_fields
from bridge.chargepoint.grid import Grid, GridTwin
from bridge.chargepoint.records import record_of
from bridge.chargepoint.session import Memory
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.errors import AlreadyConnected, BridgeError, Disconnected, LoginLapsed, RequestLimit, Unauthorized
from bridge.hub.broker import BrokerStatus
from bridge.web.build_view import DAYS, Known, build_view, why_not_ready
from bridge.web.cloud_fields import ChargePointFields
from bridge.web.history import Point
from bridge.web.view import SocketView, Trouble, View, Wait
from tests import showroom
from tests.showroom import NOW, at, known


def only(about: Known) -> SocketView:
    """The one socket of a view."""
    ((socket,),) = [point.sockets for point in build_view(about).charge_points]
    return socket


def of(status: Status, **evse: object) -> SocketView:
    """The view of a socket with this status."""
    twin = Twin(evse_id="BCU1", settings=replace(ChargePointSettings(), **evse), status=status)  # type: ignore[arg-type] # by name
    return only(known(twin))


def test_a_charging_car_is_shown_with_every_known_value() -> None:
    socket = only(known(showroom.charging()))
    assert (socket.state, socket.reported, socket.waits_for, socket.since) == (
        State.CHARGING, State.CHARGING, None, at(7, 12),
    )  # fmt: skip
    assert socket.power == pytest.approx(15.9 * 231 + 15.9 * 229 + 16 * 230)
    assert [phase.voltage for phase in socket.phases] == [231, 229, 230]
    assert (socket.offered, socket.highest, socket.mode) == (16, 25, "normal")
    assert socket.session is not None
    assert (socket.session.open, socket.session.energy, socket.session.cost) == (True, 17.42, 4.36)
    assert socket.lifetime == pytest.approx(2841.3 + 17.42)
    assert socket.live


def test_the_page_shows_who_pauses_also_in_the_standard_set() -> None:
    socket = only(known(showroom.held()))
    assert (socket.state, socket.reported) == (State.SUSPENDED_BY_EVSE, State.READY_TO_CHARGE)


@pytest.mark.parametrize(
    ("status", "evse", "waits"),
    [
        (Status(activity=Activity.AVAILABLE, vehicle=Vehicle.NONE), {}, Wait.VEHICLE),
        (Status(activity=Activity.AVAILABLE, vehicle=Vehicle.CONNECTED), {}, Wait.START),
        (Status(activity=Activity.CHARGING, vehicle=Vehicle.READY), {}, None),
        (Status(activity=Activity.CHARGING, vehicle=Vehicle.CONNECTED), {}, Wait.CAR),
        (Status(activity=Activity.DELAYED, vehicle=Vehicle.CONNECTED), {}, Wait.PROFILE),
        (
            Status(activity=Activity.DELAYED, vehicle=Vehicle.CONNECTED),
            {"delayed_charging": Setting(value=True), "delayed_start": at(23, 0).time()},
            Wait.SCHEDULE,
        ),
        (
            Status(activity=Activity.DELAYED, vehicle=Vehicle.CONNECTED),
            {"delayed_charging": Setting(value=False), "price_based_charging": Setting(value=True)},
            Wait.PRICE,
        ),
        (
            Status(activity=Activity.CHARGING, vehicle=Vehicle.READY, smart_limit=0),
            {"smart_charging": True},
            Wait.LIMIT,
        ),
        (Status(activity=Activity.UNAVAILABLE, vehicle=Vehicle.NONE), {}, Wait.BLOCKED),
        (Status(activity=Activity.ERROR), {}, Wait.REPAIR),
        (Status(activity=Activity.OFFLINE), {}, Wait.CHARGE_POINT),
        (Status(activity=None, vehicle=Vehicle.NONE), {}, Wait.UNCLEAR),
    ],
)
def test_a_charge_point_shows_what_it_waits_for(status: Status, evse: dict[str, object], waits: Wait | None) -> None:
    assert of(status, **evse).waits_for is waits


def test_a_start_that_was_accepted_is_waited_for() -> None:
    status = Status(activity=Activity.AVAILABLE, vehicle=Vehicle.CONNECTED)
    twin = Twin(evse_id="BCU1", status=status, memory=Memory(start_accepted=NOW - timedelta(seconds=5)))
    assert only(known(twin)).waits_for is Wait.BEGIN


def test_a_schedule_shows_its_window() -> None:
    held = showroom.held()
    assert only(known(held)).window == "23:00\N{EN DASH}07:00"
    half = replace(held, settings=replace(held.settings, delayed_end=None))
    assert only(known(half)).window is None


def test_unknown_values_are_not_shown_as_known() -> None:
    unheard = only(known(Twin(evse_id="BCU1")))
    assert (unheard.state, unheard.waits_for, unheard.power, unheard.live) == (
        State.UNKNOWN, Wait.FIRST_STATUS, None, False,
    )  # fmt: skip
    lost = only(known(showroom.charging().link_lost(NOW - timedelta(minutes=5))))
    assert (lost.state, lost.waits_for, lost.power, lost.offered, lost.vehicle, lost.live) == (
        State.UNKNOWN, Wait.LINK, None, None, None, False,
    )  # fmt: skip
    assert lost.since == NOW - timedelta(minutes=5)


def test_a_short_break_hides_nothing() -> None:
    assert only(known(showroom.charging().link_lost(NOW - timedelta(seconds=30)))).state is State.CHARGING


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (None, None),
        (NO_TOKEN, Trouble.NO_TOKEN),
        (Unauthorized("refused"), Trouble.REFUSED),
        (LoginLapsed("lapsed"), Trouble.DOWN),
        (RequestLimit(NOW), Trouble.LIMIT),
        (AlreadyConnected("another"), Trouble.ALREADY_CONNECTED),
        (Disconnected("away"), Trouble.DOWN),
    ],
)
def test_every_trouble_has_its_advice(error: BridgeError | None, trouble: Trouble | None) -> None:
    view = build_view(replace(known(), link=LinkStatus(LinkState.DOWN, NOW, error)))
    assert view.link.trouble is trouble
    assert view.link.until == (NOW if trouble is Trouble.LIMIT else None)


def test_days_are_amsterdams_and_hold_every_session_that_began_on_them() -> None:
    late = showroom.sessions("BCU102728", 10, 0)
    assert late == []
    record = showroom.sessions("BCU102728", 10, 1)[0]
    ten_past_midnight = replace(record, started_at=at(0, 10), energy=3.0, cost=None)
    ten_to_midnight = replace(record, started_at=at(23, 50, 1), energy=5.0, cost=1.25)
    of_another = replace(record, address="BCU9", started_at=at(1, 0))
    too_long_ago = replace(record, started_at=at(12, 0, DAYS))
    records = {"BCU102728": [ten_past_midnight, ten_to_midnight, too_long_ago], "BCU9": [of_another]}
    days = only(replace(known(replace(showroom.charging(), memory=Memory())), sessions=records)).days
    assert len(days) == DAYS
    assert [(day.energy, day.cost, day.sessions) for day in days[-2:]] == [(5.0, 1.25, 1), (3.0, None, 1)]
    assert sum(day.sessions for day in days) == 2


def test_the_open_session_counts_once_with_its_current_energy() -> None:
    twin = showroom.charging()
    assert twin.memory.session is not None
    on_disk = replace(record_of(twin, twin.memory.session), energy=12.0, cost=3.0)
    for records in ([on_disk], []):
        today = only(replace(known(twin), sessions={twin.address: records})).days[-1]
        assert (today.energy, today.cost, today.sessions) == (17.42, 4.36, 1)


def test_a_curve_ends_with_what_flows_now() -> None:
    past = (Point(at(9, 0), 100.0, 0.0, 0.0),)
    about = replace(known(showroom.charging()), curves={"BCU102728": past})
    assert only(about).curve[:-1] == past
    assert only(about).curve[-1].total == pytest.approx(10994, abs=1)
    assert only(replace(about, curves={})).curve == ()


def test_requests_are_counted_since_midnight_or_since_the_start() -> None:
    assert build_view(known()).requests.since == at(0, 0)
    assert build_view(replace(known(), started_at=at(8, 0))).requests.since == at(8, 0)


def test_ready_means_that_both_links_are_up() -> None:
    up, down = known().broker, BrokerStatus(False, NOW, "hub:1884 does not answer")
    assert why_not_ready(known().link, up) is None
    assert why_not_ready(known().link, down) == "broker: hub:1884 does not answer"
    assert why_not_ready(LinkStatus(LinkState.CONNECTING, NOW), BrokerStatus(False, NOW)) == (
        "broker: connecting\ncloud: connecting"
    )
    reason = why_not_ready(showroom.no_token().link, down)
    assert reason is not None
    assert reason.startswith("broker: hub:1884 does not answer\ncloud: There is no Blue Current API token yet.")


def test_sockets_of_one_charge_point_stand_together() -> None:
    (point,) = build_view(showroom.two_sockets()).charge_points
    assert [socket.address for socket in point.sockets] == ["BCU102728_1", "BCU102728_2"]


def test_errors_come_with_their_time_and_the_newest_first() -> None:
    errors = build_view(replace(known(), errors=["2026-11-20T08:00:00.000+01:00 one", "no time at all"])).errors
    assert [(error.at, error.words) for error in errors] == [(None, "no time at all"), (at(8, 0), "one")]


def test_a_view_is_json_and_back() -> None:
    adapter = TypeAdapter(View)
    view = build_view(showroom.rich())
    read = json.loads(adapter.dump_json(view))
    for shown in [*read["charge_points"], *read["grids"]]:
        assert shown.pop("cloud")  # tested below
    points = tuple(replace(point, cloud=ChargePointFields()) for point in view.charge_points)
    grids = tuple(replace(grid, cloud=Grid()) for grid in view.grids)
    assert adapter.validate_python(read) == replace(view, charge_points=points, grids=grids)


def fields(about: Known) -> dict[str, Any]:
    """The object `cloud` of the only charge point, as JSON."""
    ((point),) = json.loads(TypeAdapter(View).dump_json(build_view(about)))["charge_points"]
    cloud: dict[str, Any] = point["cloud"]
    return cloud


def test_every_field_of_the_cloud_is_shown_by_its_own_name() -> None:
    cloud = fields(known(showroom.charging()))
    expected = {
        one.name.partition(".")[0]
        for cls in (ChargePointSettings, Status, Averages, Grid, GridAverages)
        for one in cloud_fields(cls).values()
    }
    assert set(cloud) == expected - {"id"}
    assert (cloud["activity"], cloud["vehicle_status"], cloud["actual_p3"]) == ("charging", "C", 16)
    assert (cloud["avg_current"], cloud["max_usage"]) == (15.9, 25)


def test_the_fields_of_the_grid_stand_with_those_of_the_charge_points_behind_it() -> None:
    grid = GridTwin(grid=Grid(id="GRID-1", current_1=-2, current_2=6, max_reserved=25), evse_ids=frozenset({"BCU1"}))
    about = replace(known(Twin(evse_id="BCU1")), grids=[grid])
    cloud = fields(about)
    assert (
        cloud["grid_actual_p1"],
        cloud["grid_max_reserved"],
        cloud["grid_avg_current"],
        cloud["grid_max_current"],
    ) == (-2, 25, 2, 6)
    assert "id" not in cloud
    (shown,) = json.loads(TypeAdapter(View).dump_json(build_view(about)))["grids"]
    assert (shown["cloud"]["id"], shown["cloud"]["grid_max_current"]) == ("GRID-1", 6)


def test_the_fields_of_several_sockets_stand_by_their_numbers() -> None:
    cloud = fields(showroom.two_sockets())
    assert set(cloud["sockets"]) == {"1", "2"}
    assert all("actual_kwh" in socket for socket in cloud["sockets"].values())
    assert "actual_kwh" not in cloud


def test_before_the_first_status_only_the_description_is_shown() -> None:
    cloud = fields(known(Twin(evse_id="BCU1")))
    assert "tariff" in cloud
    assert "activity" not in cloud


def test_the_page_shows_since_when_a_charge_point_is_offline() -> None:
    since = NOW - timedelta(hours=5)
    socket = of(Status(activity=Activity.OFFLINE, offline_since=since))
    assert (socket.since, socket.offline_since) == (since, since)


@pytest.mark.parametrize("activity", [Activity.AVAILABLE, Activity.CHARGING, None])
def test_an_offline_since_of_the_past_is_not_shown(activity: Activity | None) -> None:
    socket = of(Status(activity=activity, vehicle=Vehicle.NONE, offline_since=NOW - timedelta(hours=5)))
    assert (socket.since, socket.offline_since) == (None, None)


def test_requests_are_shown_by_kind_the_most_frequent_first() -> None:
    today = {"HELLO": 2, "GET_CH_STATUS": 30, "GET_ACCOUNT": 2}
    requests = build_view(replace(known(), requests_today=today)).requests
    assert list(requests.by_kind.items()) == [("GET_CH_STATUS", 30), ("GET_ACCOUNT", 2), ("HELLO", 2)]
    assert (requests.today, requests.per_start, requests.per_reconnect) == (34, 13, 5)


def test_a_charge_point_that_the_hub_cannot_have_is_shown_as_left_out() -> None:
    about = replace(known(Twin(evse_id="BCU 1"), Twin(evse_id="BCU2")), left_out={"BCU 1"})
    assert [(point.evse_id, point.left_out) for point in build_view(about).charge_points] == [
        ("BCU 1", True),
        ("BCU2", False),
    ]
