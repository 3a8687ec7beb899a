"""Overrides of the current in the simulated cloud: like the real one (page 3), or kinder on demand."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from bridge.chargepoint.amsterdam import from_wall_clock
from bridge.simulator import wire_form
from bridge.simulator.account import SimulatedAccount, example_account
from bridge.simulator.car import Car
from tests.clock import FakeClock

SOCKET, CABLE = "BCU102728", "BCU100186"
DAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"]
SATURDAY = datetime(2026, 11, 21)


def request(
    current: int,
    evse_ids: Sequence[str] = (SOCKET,),
    *,
    start: str = "00:00",
    stop: str = "23:59",
    start_days: Sequence[str] = DAYS,
    stop_days: Sequence[str] = DAYS,
) -> dict[str, object]:
    """A request for an override."""
    return {
        "chargepoints": list(evse_ids),
        "overridestarttime": start,
        "overridestartdays": list(start_days),
        "overridestoptime": stop,
        "overridestopdays": list(stop_days),
        "overridevalue": current,
    }


@pytest.fixture
def clock() -> FakeClock:
    """Saturday noon in Amsterdam."""
    return FakeClock(from_wall_clock(SATURDAY + timedelta(hours=12)))


@pytest.fixture
def account(clock: FakeClock) -> SimulatedAccount:
    """The example account, with a car that charges with 16 A."""
    account = example_account(clock.now)
    account.charge_points[SOCKET].plug(Car())
    account.charge_points[SOCKET].start("046C8CCA8C1D90")
    return account


def told(account: SimulatedAccount) -> tuple[object, ...]:
    """`max_usage`, `smartcharging_max_usage` and what flows, A."""
    point = account.charge_points[SOCKET]
    point.step(0.0)
    status = wire_form.status(point, point.sockets[0])
    return tuple(status[name] for name in ("max_usage", "smartcharging_max_usage", "actual_p1"))


def listed(account: SimulatedAccount) -> list[tuple[list[str], float]]:
    """The overrides, as listed."""
    return [(entry.charge_points, entry.override.current_a) for entry in account.schedules.values()]


def test_an_override_shows_in_what_smart_charging_advises_and_only_while_it_is_on(account: SimulatedAccount) -> None:
    assert told(account) == (16, 16, 16)
    account.save_schedule(request(10))
    assert told(account) == (16, 10, 10)
    account.charge_points[SOCKET].smart_charging = False
    assert told(account) == (16, 16, 16)
    account.charge_points[SOCKET].smart_charging = True
    account.clear_schedule(next(iter(account.schedules)))
    assert told(account) == (16, 16, 16)


def test_a_new_override_replaces_the_existing_one(account: SimulatedAccount) -> None:
    account.save_schedule(request(10, [SOCKET, CABLE]))
    account.save_schedule(request(12))
    assert listed(account) == [([CABLE], 10), ([SOCKET], 12)]
    account.save_schedule(request(8, [CABLE]))
    assert listed(account) == [([SOCKET], 12), ([CABLE], 8)]
    assert told(account) == (16, 12, 12)


def test_an_edit_replaces_only_its_own_override(account: SimulatedAccount) -> None:
    first = account.save_schedule(request(10))
    account.save_schedule(request(8, [CABLE]))
    account.save_schedule(request(12), first.number)
    assert listed(account) == [([SOCKET], 12), ([CABLE], 8)]


def test_a_kind_cloud_keeps_both_overrides_and_limits_the_charge_point_itself(account: SimulatedAccount) -> None:
    account.kind_overrides = True
    account.charge_points[SOCKET].smart_charging = False
    account.save_schedule(request(10))
    account.save_schedule(request(12))
    assert listed(account) == [([SOCKET], 10), ([SOCKET], 12)]
    assert told(account) == (10, 16, 10)


@pytest.mark.parametrize(
    ("asked", "clock_shows", "limits"),
    [
        (request(10), "21 00:00", True),
        (request(10), "21 23:58", True),
        (request(10), "21 23:59", False),  # nothing limits in the last minute of a day
        (request(10, start="08:00", stop="09:00"), "21 07:59", False),
        (request(10, start="08:00", stop="09:00"), "21 08:00", True),
        (request(10, start="08:00", stop="09:00"), "21 09:00", False),
        (request(10, start_days=["SU"], stop_days=["SU"]), "21 12:00", False),
        (request(10, start_days=["SU"], stop_days=["SU"]), "22 12:00", True),
        # Over midnight: it starts on Saturday and stops on Sunday.
        (request(10, start="22:00", stop="06:00", start_days=["SA"], stop_days=["SU"]), "21 23:59", True),
        (request(10, start="22:00", stop="06:00", start_days=["SA"], stop_days=["SU"]), "22 05:59", True),
        (request(10, start="22:00", stop="06:00", start_days=["SA"], stop_days=["SU"]), "22 23:00", False),
        (request(10, start="22:00", stop="06:00", start_days=["SA"], stop_days=["SU"]), "21 05:00", False),
    ],
)
def test_an_override_limits_only_in_its_hours(
    account: SimulatedAccount, clock: FakeClock, asked: dict[str, object], clock_shows: str, limits: bool
) -> None:
    account.save_schedule(asked)
    clock.set_wall(from_wall_clock(datetime.strptime(f"2026-11-{clock_shows}", "%Y-%m-%d %H:%M")))
    assert told(account)[1] == (10 if limits else 16)
