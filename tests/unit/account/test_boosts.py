"""Overriding a smart-charging profile for one session: which request is made, when, and how often."""

import io
from dataclasses import dataclass, field
from typing import cast

import pytest

from bridge.account.boosts import Boosts
from bridge.account.fleet import Fleet
from bridge.account.locks import Locks
from bridge.bluecurrent.bodies import SocketStatus
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError, Rejected
from bridge.logs import Log
from bridge.tasks import BackgroundTasks
from tests.clock import FakeClock, settle

EVSE = "BCU1"
DELAYED, PRICE = "OVERRIDE_DELAYED_CHARGING_TIMEOUT", "OVERRIDE_CHARGING_PROFILES"


@dataclass
class Cloud:
    """Notes the requests."""

    error: BridgeError | None = None
    asked: list[str] = field(default_factory=list)

    async def ask(self, request: Request[bool | None]) -> bool | None:
        """See `Link`."""
        self.asked.append(request.command)
        if self.error is not None:
            raise self.error
        return None


class Place:
    """A charge point with these profiles, and a cloud."""

    def __init__(self, *, delayed: bool = False, price_based: bool = False) -> None:
        self.cloud, self.log = Cloud(), io.StringIO()
        self.fleet = Fleet(clock=FakeClock(), memories={}, steerings={})
        settings = ChargePointSettings(
            smart_charging=True, delayed_charging=Setting(delayed), price_based_charging=Setting(price_based)
        )
        names = frozenset({"smart_charging", "delayed_charging", "price_based_charging"})
        self.fleet.listed([ListedChargePoint(EVSE, Update(settings, names))])
        log = Log("info", "json", self.log).logger
        self.tasks = BackgroundTasks(log)
        self.boosts = Boosts(
            link=cast("Link", self.cloud),
            fleet=self.fleet,
            locks=Locks(),
            tasks=self.tasks,
            follow_up=0.0,
            log=log,
        )

    @property
    def twin(self) -> Twin:
        """The only socket."""
        return self.fleet.expect(EVSE)

    def push(self, activity: Activity, *, boosting: bool = False) -> None:
        """Push a status with a vehicle that is ready."""
        status = Status(activity=activity, vehicle=Vehicle.READY, boosting=boosting)
        update = Update(status, frozenset({"activity", "vehicle", "boosting"}))
        self.fleet.pushed(EVSE, [SocketStatus(EVSE, None, update)])


@pytest.mark.parametrize(
    ("delayed", "price_based", "activity", "boosting", "asked"),
    [
        (True, False, Activity.DELAYED, False, [DELAYED]),
        (True, False, Activity.CHARGING, False, [DELAYED]),
        (False, True, Activity.CHARGING, False, [PRICE]),
        # The activity is newer than the settings: only delayed charging causes it.
        (False, False, Activity.DELAYED, False, [DELAYED]),
        (True, True, Activity.DELAYED, False, [DELAYED]),
        (False, False, Activity.CHARGING, False, []),
        (True, False, Activity.DELAYED, True, []),
        (True, False, Activity.AVAILABLE, False, []),
    ],
)
async def test_the_profile_that_is_on_is_overridden_in_an_open_session_that_is_not_boosted(
    delayed: bool, price_based: bool, activity: Activity, boosting: bool, asked: list[str]
) -> None:
    place = Place(delayed=delayed, price_based=price_based)
    place.push(activity, boosting=boosting)
    await place.boosts.boost(EVSE)
    assert place.cloud.asked == asked


@pytest.mark.parametrize(("activity", "asked"), [(Activity.DELAYED, [DELAYED]), (Activity.CHARGING, [])])
async def test_a_profile_that_holds_nothing_back_can_be_left_alone(activity: Activity, asked: list[str]) -> None:
    place = Place(delayed=True)
    place.push(activity)
    await place.boosts.boost(EVSE, held_only=True)
    assert place.cloud.asked == asked


async def test_a_profile_is_overridden_once_a_session() -> None:
    place = Place(delayed=True)
    place.push(Activity.DELAYED)
    await place.boosts.boost(EVSE)
    await place.boosts.boost(EVSE)
    assert place.cloud.asked == [DELAYED]
    place.push(Activity.AVAILABLE)
    place.push(Activity.DELAYED)
    await place.boosts.boost(EVSE)
    assert place.cloud.asked == [DELAYED, DELAYED]


async def test_a_session_that_has_not_begun_is_boosted_once_a_status_shows_it() -> None:
    place = Place(delayed=True)
    place.push(Activity.AVAILABLE)
    await place.boosts.boost_once_begun(place.twin, place.twin.memory.opened + 1)
    await settle()
    assert place.cloud.asked == []
    place.push(Activity.DELAYED)
    await settle()
    assert place.cloud.asked == [DELAYED]


async def test_a_boost_that_a_later_command_has_cancelled_is_not_made() -> None:
    place = Place(delayed=True)
    place.push(Activity.AVAILABLE)
    await place.boosts.boost_once_begun(place.twin, place.twin.memory.opened + 1)
    await settle()
    place.boosts.cancel(EVSE)
    place.push(Activity.DELAYED)
    await settle()
    assert place.cloud.asked == []


async def test_a_failure_in_the_background_is_logged_with_what_it_means() -> None:
    place = Place(delayed=True)
    place.cloud.error = Rejected("not now")
    place.push(Activity.AVAILABLE)
    await place.boosts.boost_once_begun(place.twin, place.twin.memory.opened + 1)
    await settle()
    place.push(Activity.DELAYED)
    await settle()
    assert "the session charges when the profile allows it" in place.log.getvalue()
