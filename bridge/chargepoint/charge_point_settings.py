"""What a charge point is and how it is set (the cloud's CHARGE_POINTS and CH_SETTINGS)."""

from dataclasses import dataclass, replace
from datetime import time
from typing import Final, Generic, Literal, TypeVar

from bridge.chargepoint.told import (
    DEGREES,
    ENERGY,
    FLAG,
    MONEY,
    NUMBERS,
    PERCENTAGE,
    PRICE,
    SECONDS,
    TEXT,
    TIME_OF_DAY,
    WEEKDAYS,
    WHOLE,
    Kind,
    Part,
    told,
)

T = TypeVar("T")

Permission = Literal["none", "read", "write"]

APP_CARD: Final = "BCU-APP"
"""What stands for no card in a request."""

EURO: Final = "EUR"

NO_CARD: Final = "BCU_HOME_USE"
"""What stands for no card in an answer."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value, and what this account may do with it; without a word of permission it may do all."""

    value: T | None
    permission: Permission = "write"

    @property
    def readable(self) -> bool:
        """The account may see it."""
        return self.permission != "none"

    @property
    def writable(self) -> bool:
        """The account may change it."""
        return self.permission == "write"


def with_value(setting: Setting[T] | None, value: T) -> Setting[T]:
    """The setting with another value, and the same permission."""
    return replace(setting, value=value) if setting is not None else Setting(value)


@dataclass(frozen=True)
class SettingOf(Kind[Setting[T]]):
    """A bare value, or `{"value": …, "permission": …}`.

    Attributes:
        value: what sort of value it is.
    """

    value: Kind[T]

    def measured_in(self) -> str:
        """The unit of the value."""
        return self.value.measured_in()


SWITCH: Final = SettingOf(FLAG)


@dataclass(frozen=True, slots=True)
class Card:
    """A charge card. Dates stay as the cloud writes them."""

    uid: str = told("uid", "what requests take", TEXT, default="")
    number: str = told("id", "what is printed on the card", TEXT, default="")
    name: str = told("name", "what the owner calls it", TEXT, default="")
    valid: bool | None = told("valid", "it can be used", FLAG)
    created: str = told("date_created", "since when there has been such a card", TEXT, default="")
    modified: str = told("date_modified", "when it was last changed", TEXT, default="")
    became_invalid: str = told("date_became_invalid", "since when it cannot be used", TEXT, default="")
    customer_name: str = told("customer_name", "whose card it is", TEXT, default="")

    @property
    def session_token(self) -> str:
        """What a request that names a card takes: the uid, or `BCU-APP` for what stands for no card in an answer."""
        return APP_CARD if self.uid in ("", NO_CARD) else self.uid


CARD: Final = Part(Card, needs="uid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What charging costs."""

    tariff_id: str = told("tariff_id", "the tariff's name with card providers", TEXT, default="")
    currency: str = told("currency", "the currency of all costs, such as EUR", TEXT, default="")
    price_ex_vat: float | None = told("price_ex_vat", "price without VAT", PRICE)
    price_in_vat: float | None = told("price_in_vat", "price with VAT", PRICE)
    start_price_ex_vat: float | None = told("start_price_ex_vat", "fee for each session, without VAT", MONEY)
    start_price_in_vat: float | None = told("start_price_in_vat", "fee for each session, with VAT", MONEY)
    vat_percentage: float | None = told("vat_percentage", "the VAT", PERCENTAGE)
    permission: str = told("permission", "what the account may do with the tariff", TEXT, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Where the charge point is."""

    x_coord: float | None = told("x_coord", "latitude", DEGREES)
    y_coord: float | None = told("y_coord", "longitude", DEGREES)
    street: str = told("street", "street", TEXT, default="")
    housenumber: str = told("housenumber", "house number", TEXT, default="")
    zipcode: str = told("zipcode", "postal code", TEXT, default="")
    city: str = told("city", "town", TEXT, default="")
    country: str = told("country", "country, such as NL", TEXT, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointSettings:
    """One charge point of the account, as the cloud has described it; None is unknown.

    The details of a profile are missing while it is off, and then stay as they were.

    Attributes:
        seen_sockets: the sockets that its statuses have named, in their order by number.
        profile_switched_on: the cloud has confirmed that a profile is switched on, and has not told `smart_charging`
            since: smart charging counts as on.
    """

    name: str = told("name", "what the owner calls it; often empty", TEXT, default="", also=["chargepoint_name"])
    model: str = told("model_type", "such as U:MOVE22", TEXT, default="")
    chargepoint_type: str = told("chargepoint_type", "such as UMOVE, which is portable, or HIDDEN", TEXT, default="")
    is_cable: bool | None = told("is_cable", "the cable is part of the charge point", FLAG)
    socket_ids: tuple[int, ...] = told(
        "socket_ids", "its sockets; none or one for most", NUMBERS, default=(), lasting=True
    )
    default_card: Card | None = told("default_card", "the card for sessions that name none", CARD)
    preferred_card: Card | None = told("preferred_card", "the card that the owner prefers", CARD)
    tariff: Tariff | None = told("tariff", "what charging costs", Part(Tariff))
    location: Location | None = told("location", "where it is", Part(Location))
    x_coord: float | None = told("x_coord", "latitude, where there is no location", DEGREES)
    y_coord: float | None = told("y_coord", "longitude, where there is no location", DEGREES)
    publish_location: Setting[bool] | None = told("publish_location", "public maps show it", SWITCH)
    plug_and_charge: Setting[bool] | None = told(
        "plug_and_charge", "a session starts by itself when a vehicle is plugged in", SWITCH
    )
    plug_and_charge_card: Card | None = told(
        "plug_and_charge_charge_card", "the card for such sessions", CARD, also=["plug_and_charge_card"]
    )
    plug_and_charge_notification: Setting[bool] | None = told(
        "plug_and_charge_notification", "the owner's app tells of such sessions", SWITCH
    )
    public_charging: Setting[bool] | None = told(
        "public_charging",
        "cards other than the linked ones may charge",
        SWITCH,
        opposite="linked_charge_cards_only",
    )
    capacity_tariff: Setting[bool] | None = told(
        "capacity_tariff", "the charge point keeps the peak of the building's grid connection low", SWITCH
    )
    smart_charging: bool | None = told("smart_charging", "the cloud limits the current", FLAG)
    seen_sockets: tuple[int, ...] = ()
    profile_switched_on: bool = False
    smart_charging_dynamic: bool | None = told("smart_charging_dynamic", "it does so by what the building draws", FLAG)
    delayed_charging: Setting[bool] | None = told(
        "delayed_charging", "the profile with a daily window, on or off", SWITCH
    )
    delayed_days: tuple[int, ...] | None = told(
        "delayed_charging.selected_days",
        "its days, 0 or 7 Sunday to 6 Saturday",
        WEEKDAYS,
        also=["delayed_charging.days"],
    )
    delayed_start: time | None = told("delayed_charging.start_time", "where its window begins", TIME_OF_DAY)
    delayed_end: time | None = told(
        "delayed_charging.end_time", "where its window ends; before the start, on the day after", TIME_OF_DAY
    )
    delayed_heartbeat_timeout: float | None = told(
        "delayed_charging.smart_current_heartbeat_timeout", "above 0 while it holds a session back", SECONDS
    )
    price_based_charging: Setting[bool] | None = told(
        "price_based_charging", "the profile that waits for low prices, on or off", SWITCH
    )
    departure: time | None = told(
        "price_based_charging.expected_leave_time",
        "when the vehicle leaves, for that profile",
        TIME_OF_DAY,
        also=["price_based_charging.expected_departure_time"],
    )
    expected_kwh: float | None = told("price_based_charging.expected_kwh", "what it is to have charged then", ENERGY)
    minimum_kwh: float | None = told("price_based_charging.minimum_kwh", "what it charges at any price", ENERGY)
    led_intensity: Setting[int] | None = told("led_intensity", "how bright the lights are", SettingOf(WHOLE))
    led_interaction: Setting[bool] | None = told(
        "led_interaction", "the lights are on only while someone does something", SWITCH
    )

    @property
    def smart_charging_on(self) -> bool:
        """Smart charging is on, as the cloud has told or as a confirmed switch implies."""
        return bool(self.smart_charging) or self.profile_switched_on

    @property
    def delayed_charging_on(self) -> bool:
        """Delayed charging is on: its value and smart charging both are (contract 4, "State table")."""
        return self._is_on(self.delayed_charging)

    @property
    def price_based_charging_on(self) -> bool:
        """Price-based charging is on: its value and smart charging both are."""
        return self._is_on(self.price_based_charging)

    @property
    def profile_on(self) -> bool:
        """One of the two is on."""
        return self.delayed_charging_on or self.price_based_charging_on

    def _is_on(self, profile: Setting[bool] | None) -> bool:
        # Smart charging that was never told does not contradict the profile's own value.
        counts = self.smart_charging is not False or self.profile_switched_on
        return counts and profile is not None and bool(profile.value)

    @property
    def currency(self) -> str:
        """The currency of its costs: the tariff's, or EUR where none is given (contract 4)."""
        return (self.tariff.currency.strip().upper() if self.tariff is not None else "") or EURO
