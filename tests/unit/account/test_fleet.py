"""The fleet announces each change once: sockets that come and go, and counters that stay."""

from datetime import timedelta

import pytest

from bridge.account.fleet import Fleet
from bridge.bluecurrent.bodies import ListedChargePoint, SocketStatus
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.update import Update
from tests.clock import FakeClock

EVSE = "BCU1"
Change = tuple[ChargePoint | None, ChargePoint | None]


def settings(*socket_ids: int) -> Update[ChargePointSettings]:
    """An update of the sockets by CH_SETTINGS or CHARGE_POINTS."""
    return Update(ChargePointSettings(socket_ids=socket_ids), frozenset({"socket_ids"}))


def says(fleet: Fleet, energy: float, socket: int | None = None) -> None:
    """A CH_STATUS of a charging session."""
    status = Status(activity=Activity.CHARGING, vehicle=Vehicle.READY, energy=energy)
    update = Update(status, frozenset({"activity", "vehicle", "energy"}))
    fleet.pushed(EVSE, [SocketStatus(EVSE, socket, update)])


@pytest.fixture
def fleet() -> Fleet:
    """A fleet with one charge point of one socket, which has delivered 5 kWh."""
    fleet = Fleet(clock=FakeClock(), memories={}, steerings={})
    fleet.listed([ListedChargePoint(EVSE, Update(ChargePointSettings(), frozenset()))])
    says(fleet, 5.0)
    return fleet


@pytest.fixture
def changes(fleet: Fleet) -> list[Change]:
    """The changes that the fleet announces from now on."""
    heard: list[Change] = []
    fleet.listeners = (lambda before, after: heard.append((before, after)),)
    return heard


def addresses(point: ChargePoint | None) -> list[str]:
    """The sockets of a charge point."""
    return [twin.address for twin in point.sockets] if point is not None else []


def test_a_charge_point_that_gets_sockets_changes_once_and_never_goes(fleet: Fleet, changes: list[Change]) -> None:
    fleet.described(EVSE, settings(1, 2))
    ((before, after),) = changes
    assert (addresses(before), addresses(after)) == ([EVSE], [f"{EVSE}_1", f"{EVSE}_2"])
    fleet.described(EVSE, settings(1, 2))
    assert len(changes) == 1


def test_the_loss_of_a_socket_is_one_change(fleet: Fleet, changes: list[Change]) -> None:
    fleet.described(EVSE, settings(1, 2, 3))
    fleet.described(EVSE, settings(1, 3))
    assert [addresses(after) for _, after in changes] == [
        [f"{EVSE}_1", f"{EVSE}_2", f"{EVSE}_3"],
        [f"{EVSE}_1", f"{EVSE}_3"],
    ]
    assert fleet.twin(f"{EVSE}_2") is None
    assert all(before is not None and after is not None for before, after in changes)


@pytest.mark.parametrize("first", [1, 2])
def test_counter_and_session_belong_to_the_socket_that_is_seen_first(fleet: Fleet, first: int) -> None:
    fleet.described(EVSE, settings(1, 2))
    says(fleet, 5.5, first)
    lifetimes = {twin.socket: twin.memory.lifetime_energy for twin in fleet.sockets(EVSE)}
    assert lifetimes == {first: pytest.approx(5.5), 3 - first: 0.0}


def test_a_status_that_names_a_second_socket_adds_it(fleet: Fleet, changes: list[Change]) -> None:
    says(fleet, 5.1, 1)
    assert addresses(fleet.charge_point(EVSE)) == [EVSE]
    says(fleet, 0.2, 2)
    assert addresses(fleet.charge_point(EVSE)) == [f"{EVSE}_1", f"{EVSE}_2"]
    lifetimes = {twin.socket: twin.memory.lifetime_energy for twin in fleet.sockets(EVSE)}
    assert lifetimes == {1: pytest.approx(5.1), 2: pytest.approx(0.2)}
    assert all(before is not None and after is not None for before, after in changes)


async def test_a_link_that_is_lost_is_one_change_for_each_charge_point(fleet: Fleet, changes: list[Change]) -> None:
    fleet.described(EVSE, settings(1, 2))
    says(fleet, 5.5, 1)
    says(fleet, 0.1, 2)
    changes.clear()
    await fleet.link_lost()
    assert len(changes) == 1
    fleet.link_found(timedelta(minutes=1))
    assert len(changes) == 1  # each is seen again with its first status, not before
