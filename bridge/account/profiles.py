"""The smart-charging profiles: delayed and price-based charging, and switching one on or off."""

from typing import Final, Literal, get_args

from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.bodies import Switch
from bridge.bluecurrent.link import Link
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting, with_value
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

Profile = Literal["delayed", "price_based"]
PROFILES: Final[tuple[Profile, ...]] = get_args(Profile)


def setting_of(settings: ChargePointSettings, profile: Profile) -> Setting[bool] | None:
    """Return the setting of a profile: its value and the permission; None if the charge point does not have it."""
    return settings.delayed_charging if profile == "delayed" else settings.price_based_charging


def is_on(settings: ChargePointSettings, profile: Profile) -> bool:
    """Whether a profile is on: both its value and smart charging are true (contract 4, "State table")."""
    return settings.delayed_charging_on if profile == "delayed" else settings.price_based_charging_on


async def switch(profile: Profile, twin: Twin, *, on: bool, link: Link, fleet: Fleet) -> None:
    """Switch a profile on or off. The cloud allows one at a time, so switching one on switches the other off.

    A profile is on only while smart charging is on, so a confirmed switch implies that smart charging is on.

    Args:
        profile: the profile.
        twin: a socket of the charge point.
        on: the new value.
        link: the link to Blue Current.
        fleet: the twins, which get the confirmed value.

    Raises:
        BridgeError: the cloud cannot be reached, or did not carry out the request.
    """
    request = requests.set_delayed_charging if profile == "delayed" else requests.set_price_based_charging
    confirmed = await link.ask(request(twin.evse_id, value=on))
    settings = (fleet.twin(twin.address) or twin).settings
    fleet.described(twin.evse_id, confirmed_switch(settings, profile, on=on if confirmed is None else confirmed))


def confirmed_switch(settings: ChargePointSettings, profile: Profile, *, on: bool) -> Update[ChargePointSettings]:
    """Return the settings that follow from a confirmed switch of a profile, before CH_SETTINGS shows them."""
    delayed, price_based = settings.delayed_charging, settings.price_based_charging
    if profile == "delayed":
        delayed, price_based = with_value(delayed, on), _off(price_based) if on else price_based
    else:
        delayed, price_based = _off(delayed) if on else delayed, with_value(price_based, on)
    confirmed = ChargePointSettings(
        delayed_charging=delayed,
        price_based_charging=price_based,
        profile_switched_on=on or settings.profile_switched_on,
    )
    return Update(confirmed, frozenset({"delayed_charging", "price_based_charging", "profile_switched_on"}))


def _off(setting: Setting[bool] | None) -> Setting[bool] | None:
    return with_value(setting, False) if setting is not None and setting.value else setting


def switched(now: ChargePointSettings, setting: Switch, *, value: bool) -> Update[ChargePointSettings]:
    """Return the settings that follow from a confirmed switch of one setting."""
    match setting:
        case "delayed_charging":
            return confirmed_switch(now, "delayed", on=value)
        case "price_based_charging":
            return confirmed_switch(now, "price_based", on=value)
        case "plug_and_charge":
            confirmed = ChargePointSettings(plug_and_charge=with_value(now.plug_and_charge, value))
        case "public_charging":
            confirmed = ChargePointSettings(public_charging=with_value(now.public_charging, value))
    return Update(confirmed, frozenset({setting}))
