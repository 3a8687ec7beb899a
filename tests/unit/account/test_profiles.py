"""Profiles: when one is on, and what a confirmed switch means for both."""

import itertools
from typing import cast

import pytest

from bridge.account.fleet import Fleet
from bridge.account.profiles import PROFILES, Profile, is_on, setting_of, switch
from bridge.bluecurrent.frames import ListedChargePoint
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Permission, Setting
from bridge.chargepoint.update import Update
from bridge.errors import Rejected
from tests.clock import FakeClock

EVSE = "BCU1"


class Answering:
    """A link that answers every setter in one way."""

    def __init__(self, confirmed: bool | Rejected | None) -> None:
        self._confirmed = confirmed
        self.asked: list[tuple[str, object]] = []

    async def ask(self, request: Request[bool | None]) -> bool | None:
        """See `Link`."""
        self.asked.append((request.command, request.parameters["value"]))
        if isinstance(self._confirmed, Rejected):
            raise self._confirmed
        return self._confirmed


def fleet_of(settings: ChargePointSettings) -> Fleet:
    """One charge point with these settings."""
    fleet = Fleet(clock=FakeClock(), memories={}, steerings={})
    names = frozenset({"delayed_charging", "price_based_charging", "smart_charging"})
    fleet.listed([ListedChargePoint(EVSE, Update(settings, names))])
    return fleet


def told(fleet: Fleet, **values: object) -> None:
    """A CH_SETTINGS."""
    fleet.described(EVSE, Update(ChargePointSettings(**values), frozenset(values)))  # type: ignore[arg-type] # the fields, by name


def both(settings: ChargePointSettings) -> tuple[bool, ...]:
    """Whether delayed charging is on, and price-based charging."""
    return tuple(is_on(settings, profile) for profile in PROFILES)


@pytest.mark.parametrize(
    ("smart", "switched", "value", "on"),
    [
        (smart, switched, value, bool(value) and (smart is not False or switched))
        for smart, switched, value in itertools.product((True, False, None), (True, False), (True, False, None))
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_on_when_its_value_and_smart_charging_are(
    profile: Profile, smart: bool | None, switched: bool, value: bool | None, on: bool
) -> None:
    setting = Setting(value)
    settings = (
        ChargePointSettings(smart_charging=smart, profile_switched_on=switched, delayed_charging=setting)
        if profile == "delayed"
        else ChargePointSettings(smart_charging=smart, profile_switched_on=switched, price_based_charging=setting)
    )
    assert is_on(settings, profile) is on
    assert setting_of(settings, profile) == setting


@pytest.mark.parametrize("confirmed", [None, True])
@pytest.mark.parametrize("profile", PROFILES)
async def test_a_profile_that_is_switched_on_is_on_at_once_and_the_other_off(
    profile: Profile, confirmed: bool | None
) -> None:
    fleet, link = fleet_of(_settings(delayed=True, price_based=True, smart=False)), Answering(confirmed)
    assert both(fleet.expect(EVSE).settings) == (False, False)
    await switch(profile, fleet.expect(EVSE), on=True, link=cast("Link", link), fleet=fleet)
    settings = fleet.expect(EVSE).settings
    assert both(settings) == (profile == "delayed", profile == "price_based")
    assert settings.smart_charging is False  # the cloud has not confirmed that yet
    assert setting_of(settings, profile) == Setting(True, "write")
    assert len(link.asked) == 1


@pytest.mark.parametrize("smart", [True, False])
async def test_settings_pushed_after_a_switch_take_precedence(smart: bool) -> None:
    fleet = fleet_of(_settings(smart=False))
    await switch("delayed", fleet.expect(EVSE), on=True, link=cast("Link", Answering(None)), fleet=fleet)
    told(fleet, led_interaction=Setting(True))
    assert both(fleet.expect(EVSE).settings) == (True, False)
    told(fleet, smart_charging=smart)
    assert both(fleet.expect(EVSE).settings) == (smart, False)


@pytest.mark.parametrize("confirmed", [None, False])
async def test_switching_a_profile_off_does_not_change_the_other(confirmed: bool | None) -> None:
    fleet = fleet_of(_settings(delayed=True, price_based=True, smart=True))
    await switch("delayed", fleet.expect(EVSE), on=False, link=cast("Link", Answering(confirmed)), fleet=fleet)
    assert both(fleet.expect(EVSE).settings) == (False, True)


async def test_the_value_confirmed_by_the_cloud_is_kept() -> None:
    fleet = fleet_of(_settings(smart=True))
    await switch("delayed", fleet.expect(EVSE), on=True, link=cast("Link", Answering(False)), fleet=fleet)
    assert both(fleet.expect(EVSE).settings) == (False, False)


async def test_a_refused_switch_changes_nothing() -> None:
    fleet = fleet_of(_settings(delayed=True, smart=False, permission="read"))
    before = fleet.expect(EVSE)
    link = Answering(Rejected("not now"))
    with pytest.raises(Rejected):
        await switch("delayed", before, on=True, link=cast("Link", link), fleet=fleet)
    assert fleet.expect(EVSE) == before


def _settings(
    *, smart: bool, delayed: bool = False, price_based: bool = False, permission: Permission = "write"
) -> ChargePointSettings:
    return ChargePointSettings(
        smart_charging=smart,
        delayed_charging=Setting(delayed, permission),
        price_based_charging=Setting(price_based, permission),
    )
