"""Smart-charging profiles: switching one on or off."""

from typing import Final, Literal, get_args

from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting, with_value
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

Profile = Literal["delayed", "price_based"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)


def setting_of(evse: ChargePointSettings, profile: Profile) -> Setting[bool] | None:
    """Whether it is on, and whether the account may switch it; None where the charge point has none."""
    return evse.delayed_charging if profile == "delayed" else evse.price_based_charging


def is_on(settings: ChargePointSettings, profile: Profile) -> bool:
    """Whether a profile is on: its value and smart charging both are (contract 4, "State table")."""
    return settings.delayed_charging_on if profile == "delayed" else settings.price_based_charging_on


async def switch(profile: Profile, twin: Twin, *, on: bool, cloud: Link, fleet: Fleet) -> None:
    """Switch a profile. The cloud allows one at a time: one that is switched on switches the other off.

    A profile is on only while smart charging is, so the cloud has switched smart charging on with it.

    Raises:
        BridgeError: the cloud did not do it.
    """
    request = requests.set_delayed_charging if profile == "delayed" else requests.set_price_based_charging
    confirmed = await cloud.ask(request(twin.evse_id, value=on))
    settings = (fleet.twin(twin.address) or twin).settings
    fleet.described(twin.evse_id, confirmed_switch(settings, profile, on=on if confirmed is None else confirmed))


def confirmed_switch(settings: ChargePointSettings, profile: Profile, *, on: bool) -> Update[ChargePointSettings]:
    """What the cloud's word that a profile was switched says of the settings, before CH_SETTINGS says so."""
    delayed, price_based = settings.delayed_charging, settings.price_based_charging
    if profile == "delayed":
        delayed, price_based = with_value(delayed, on), _off(price_based) if on else price_based
    else:
        delayed, price_based = _off(delayed) if on else delayed, with_value(price_based, on)
    told = ChargePointSettings(
        delayed_charging=delayed,
        price_based_charging=price_based,
        profile_switched_on=on or settings.profile_switched_on,
    )
    return Update(told, frozenset({"delayed_charging", "price_based_charging", "profile_switched_on"}))


def _off(setting: Setting[bool] | None) -> Setting[bool] | None:
    return with_value(setting, False) if setting is not None and setting.value else setting
