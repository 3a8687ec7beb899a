"""Sessions that the bridge ends: noted before the verdict, and taken back after a refusal."""

from contextlib import nullcontext

import pytest

from bridge.account.endings import ended_by_us
from bridge.account.fleet import Fleet
from bridge.bluecurrent.frames import ListedChargePoint, SocketStatus
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Disconnected, Forbidden, NotSent, NotSupported, Rejected, VerdictTimeout
from tests.clock import FakeClock

EVSE = "BCU1"


@pytest.fixture
def clock() -> FakeClock:
    """The time."""
    return FakeClock()


@pytest.fixture
def fleet(clock: FakeClock) -> Fleet:
    """One charge point, whose vehicle charges."""
    fleet = Fleet(clock=clock, memories={}, steerings={})
    fleet.listed([ListedChargePoint(EVSE, Update(ChargePointSettings(), frozenset()))])
    push(fleet, Activity.CHARGING, Vehicle.READY)
    return fleet


def push(fleet: Fleet, activity: Activity, vehicle: Vehicle) -> None:
    """A CH_STATUS."""
    status = Status(activity=activity, vehicle=vehicle)
    fleet.pushed(EVSE, [SocketStatus(EVSE, None, Update(status, frozenset({"activity", "vehicle"})))])


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (None, True),
        (VerdictTimeout("no answer"), True),  # the outcome is unknown: if the session ends now, this was the reason
        (Disconnected("the link went down before the answer"), True),
        (NotSent("there is no connection"), False),
        (Rejected("no active session"), False),
        (Forbidden("forbidden"), False),
        (NotSupported("unknown request"), False),
    ],
)
async def test_the_outcome_of_a_stop_decides_whether_the_end_is_the_bridges(
    fleet: Fleet, clock: FakeClock, error: BridgeError | None, ours: bool
) -> None:
    with pytest.raises(type(error)) if error is not None else nullcontext():
        async with ended_by_us([EVSE], fleet=fleet, clock=clock):
            if error is not None:
                raise error
    clock.move(1)
    push(fleet, Activity.AVAILABLE, Vehicle.CONNECTED)
    assert fleet.expect(EVSE).memory.done is not ours


async def test_an_end_before_the_verdict_of_the_stop_is_the_bridges(fleet: Fleet, clock: FakeClock) -> None:
    async with ended_by_us([EVSE], fleet=fleet, clock=clock):
        push(fleet, Activity.AVAILABLE, Vehicle.CONNECTED)
    assert not fleet.expect(EVSE).memory.done
