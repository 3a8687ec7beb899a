"""The table of a charge point's parameters: for each, where its value comes from and how it is set (contract 5)."""

from collections.abc import Callable
from datetime import time
from typing import Final, TypeVar

from bridge.account.parameter_row import Parameter
from bridge.account.parameter_setters import ParameterSetters, is_available
from bridge.account.parameter_values import BOOL, CLOCK_TIME, DAYS, INT, TEXT, Options, Sources
from bridge.chargepoint.charge_point_settings import APP_CARD, ChargePointSettings, Permission, Setting

T = TypeVar("T")

MOST_CURRENT_A: Final = 63
"""The highest current of a charge point for alternating current (IEC 61851-1, mode 3)."""


# --- values and permissions ---


def _flag(of: Callable[[ChargePointSettings], Setting[bool] | None]) -> Callable[[Sources], bool | None]:
    def value(sources: Sources) -> bool | None:
        setting = of(sources.settings)
        return setting.value if setting is not None else None

    return value


def _permission(of: Callable[[ChargePointSettings], Setting[T] | None]) -> Callable[[Sources], Permission]:
    def permission(sources: Sources) -> Permission:
        setting = of(sources.settings)
        return setting.permission if setting is not None else "none"

    return permission


def _always(_: Sources) -> Permission:
    return "write"


def _always_readable(_: Sources) -> Permission:
    return "read"


def _overrides(sources: Sources) -> Permission:
    return "write" if sources.overrides_known else "none"


_delayed: Final = _permission(lambda settings: settings.delayed_charging)
_price_based: Final = _permission(lambda settings: settings.price_based_charging)


def _linked_cards_only(sources: Sources) -> bool | None:
    setting = sources.settings.public_charging
    return None if setting is None or setting.value is None else not setting.value


def _cards(*others: tuple[str, str]) -> Callable[[Sources], Options]:
    def options(sources: Sources) -> Options:
        cards = [(card.uid, card.name or card.number or card.uid) for card in sources.cards if card.valid is not False]
        return [*others, *cards]

    return options


def _plug_and_charge_card(sources: Sources) -> str | None:
    card = sources.settings.plug_and_charge_card
    return card.session_token if card is not None else None


def _card_permission(sources: Sources) -> Permission:
    """That of plug and charge, which the card is for. The cloud may leave the card out where none is set."""
    setting = sources.settings.plug_and_charge
    if setting is None:
        return "read" if sources.settings.plug_and_charge_card is not None else "none"
    return setting.permission


def _brightness(sources: Sources) -> int | None:
    setting = sources.settings.led_intensity
    return setting.value if setting is not None and setting.value in range(101) else None


def _max_offline(sources: Sources) -> int | None:
    limit = sources.status.max_offline
    return int(limit) if limit is not None else None


def _total_cost(sources: Sources) -> str | None:
    cost = sources.status.total_cost
    return f"{cost:.2f}" if cost is not None else None


def _currency(sources: Sources) -> str:
    return sources.settings.currency


def _kept_last(name: str) -> Callable[[Sources], int | None]:
    return lambda sources: sources.kept(name, INT)


# --- the table ---

_NOT_TOLD: Final = "Blue Current does not tell it back: this is the value that was set last."
_IN_PARTS: Final = "Days, start and end are sent once all three are known. Until then this is what was set here."
_OWN_SCHEDULE: Final = (
    "A schedule that limits the current, and counts only while smart charging is on. It is sent once its limit, days, "
    "start and end are all known. Until then this is what was set here."
)

AnyParameter = Parameter[bool] | Parameter[int] | Parameter[str] | Parameter[time] | Parameter[tuple[int, ...]]

TABLE: Final[tuple[AnyParameter, ...]] = (
    Parameter(
        id="free_charging",
        name="Start when a car is plugged in",
        kind=BOOL,
        value=_flag(lambda settings: settings.plug_and_charge),
        permission=_permission(lambda settings: settings.plug_and_charge),
        set=ParameterSetters.plug_and_charge,
        default=False,
        description="Blue Current calls it plug and charge.",
    ),
    Parameter(
        id="linked_charge_cards_only",
        name="Only linked charge cards",
        kind=BOOL,
        value=_linked_cards_only,
        permission=_permission(lambda settings: settings.public_charging),
        set=ParameterSetters.linked_cards_only,
        default=False,
    ),
    Parameter(
        id="available",
        name="Available",
        kind=BOOL,
        value=lambda sources: is_available(sources.status),
        permission=_always,
        set=ParameterSetters.available,
        default=True,
        from_status=True,
    ),
    Parameter(
        id="delayed_charging",
        name="Delayed charging",
        kind=BOOL,
        value=_flag(lambda settings: settings.delayed_charging),
        permission=_delayed,
        set=ParameterSetters.delayed_charging,
        default=False,
    ),
    Parameter(
        id="price_based_charging",
        name="Price-based charging",
        kind=BOOL,
        value=_flag(lambda settings: settings.price_based_charging),
        permission=_price_based,
        set=ParameterSetters.price_based_charging,
        default=False,
    ),
    Parameter(
        id="delayed_charging_days",
        name="Delayed charging: days",
        kind=DAYS,
        value=lambda sources: sources.delayed_window.days,
        permission=_delayed,
        set=ParameterSetters.delayed_days,
        description=_IN_PARTS,
    ),
    Parameter(
        id="delayed_charging_start",
        name="Delayed charging: from",
        kind=CLOCK_TIME,
        value=lambda sources: sources.delayed_window.start,
        permission=_delayed,
        set=ParameterSetters.delayed_start,
        description=_IN_PARTS,
    ),
    Parameter(
        id="delayed_charging_end",
        name="Delayed charging: until",
        kind=CLOCK_TIME,
        value=lambda sources: sources.delayed_window.end,
        permission=_delayed,
        set=ParameterSetters.delayed_end,
        description=_IN_PARTS,
    ),
    Parameter(
        id="expected_departure_time",
        name="Price-based charging: departure",
        kind=CLOCK_TIME,
        value=lambda sources: sources.settings.departure,
        permission=_price_based,
        set=ParameterSetters.departure,
    ),
    Parameter(
        id="current_battery_percentage",
        name="Price-based charging: battery now",
        kind=INT,
        value=_kept_last("current_battery_percentage"),
        permission=_price_based,
        set=ParameterSetters.battery_percentage,
        least=0,
        most=100,
        unit=lambda _: "%",
        description=_NOT_TOLD,
    ),
    Parameter(
        id="minimum_percentage",
        name="Price-based charging: charge at once up to",
        kind=INT,
        value=_kept_last("minimum_percentage"),
        permission=_price_based,
        set=ParameterSetters.minimum_percentage,
        least=0,
        most=100,
        unit=lambda _: "%",
        description=_NOT_TOLD,
    ),
    Parameter(
        id="battery_size_kwh",
        name="Price-based charging: battery size",
        kind=INT,
        value=_kept_last("battery_size_kwh"),
        permission=_price_based,
        set=ParameterSetters.battery_size,
        least=1,
        most=500,
        unit=lambda _: "kWh",
        description=_NOT_TOLD,
    ),
    Parameter(
        id="plug_and_charge_card",
        name="Charge card for starting when plugged in",
        kind=TEXT,
        value=_plug_and_charge_card,
        permission=_card_permission,
        set=ParameterSetters.plug_and_charge_card,
        options=_cards((APP_CARD, "No card")),
        default=APP_CARD,
    ),
    Parameter(
        id="session_card",
        name="Charge card for sessions that the hub starts",
        kind=TEXT,
        value=lambda sources: sources.kept("session_card", TEXT) or "",
        permission=_always,
        set=ParameterSetters.session_card,
        options=_cards(("", "As set elsewhere"), (APP_CARD, "No card")),
        default="",
    ),
    Parameter(
        id="smart_charging",
        name="Smart charging",
        kind=BOOL,
        value=lambda sources: sources.settings.smart_charging,
        permission=_always_readable,
    ),
    Parameter(
        id="led_brightness",
        name="Brightness of the lights",
        kind=INT,
        value=_brightness,
        permission=_permission(lambda settings: settings.led_intensity),
        least=0,
        most=100,
        unit=lambda _: "%",
    ),
    Parameter(
        id="led_interaction",
        name="Light only on interaction",
        kind=BOOL,
        value=_flag(lambda settings: settings.led_interaction),
        permission=_permission(lambda settings: settings.led_interaction),
    ),
    Parameter(
        id="plug_and_charge_notification",
        name="Notification of a session that started when plugged in",
        kind=BOOL,
        value=_flag(lambda settings: settings.plug_and_charge_notification),
        permission=_permission(lambda settings: settings.plug_and_charge_notification),
    ),
    Parameter(
        id="publish_location",
        name="Shown on public maps",
        kind=BOOL,
        value=_flag(lambda settings: settings.publish_location),
        permission=_permission(lambda settings: settings.publish_location),
    ),
    Parameter(
        id="max_offline",
        name="Limit while offline",
        kind=INT,
        value=_max_offline,
        permission=_always_readable,
        unit=lambda _: "A",
        from_status=True,
    ),
    Parameter(
        id="total_cost",
        name="Cost of a session",
        kind=TEXT,
        value=_total_cost,
        permission=_always_readable,
        unit=_currency,
        from_status=True,
    ),
    Parameter(
        id="limit_current",
        name="Own schedule: limit, 0 for none",
        kind=INT,
        value=lambda sources: sources.limit_schedule.current,
        permission=_overrides,
        set=ParameterSetters.limit_current,
        least=0,
        most=MOST_CURRENT_A,
        unit=lambda _: "A",
        default=0,
        description=_OWN_SCHEDULE,
    ),
    Parameter(
        id="limit_days",
        name="Own schedule: days",
        kind=DAYS,
        value=lambda sources: sources.limit_schedule.days,
        permission=_overrides,
        set=ParameterSetters.limit_days,
        description=_OWN_SCHEDULE,
    ),
    Parameter(
        id="limit_start",
        name="Own schedule: from",
        kind=CLOCK_TIME,
        value=lambda sources: sources.limit_schedule.start,
        permission=_overrides,
        set=ParameterSetters.limit_start,
        description=_OWN_SCHEDULE,
    ),
    Parameter(
        id="limit_end",
        name="Own schedule: until",
        kind=CLOCK_TIME,
        value=lambda sources: sources.limit_schedule.end,
        permission=_overrides,
        set=ParameterSetters.limit_end,
        description=_OWN_SCHEDULE,
    ),
)

BY_ID: Final = {parameter.id: parameter for parameter in TABLE}

FROM_STATUS: Final = tuple(parameter for parameter in TABLE if parameter.from_status)
"""The parameters that a CH_STATUS can change."""
