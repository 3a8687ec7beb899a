"""The description and the settings of a charge point (the cloud's CHARGE_POINTS and CH_SETTINGS)."""

from dataclasses import dataclass, replace
from datetime import time
from typing import Final, Generic, Literal, TypeVar

from bridge.chargepoint.cloud_fields import (
    DEGREES,
    ENERGY,
    FLAG,
    MONEY,
    PERCENTAGE,
    PRICE,
    SECONDS,
    SOCKETS,
    TEXT,
    TIME_OF_DAY,
    WEEKDAYS,
    WHOLE,
    Kind,
    Part,
    cloud_field,
)

T = TypeVar("T")

Permission = Literal["none", "read", "write"]

APP_CARD: Final = "BCU-APP"
"""The uid that stands for no card in a request."""

EURO: Final = "EUR"

NO_CARD: Final = "BCU_HOME_USE"
"""The uid that stands for no card in an answer."""


@dataclass(frozen=True, slots=True)
class Setting(Generic[T]):
    """A value, and what this account may do with it. A value without a permission may be changed."""

    value: T | None
    permission: Permission = "write"

    @property
    def writable(self) -> bool:
        """Whether the account may change the value."""
        return self.permission == "write"


def with_value(setting: Setting[T] | None, value: T) -> Setting[T]:
    """Return a setting with another value and the same permission."""
    return replace(setting, value=value) if setting is not None else Setting(value)


@dataclass(frozen=True)
class SettingOf(Kind[Setting[T]]):
    """A bare value, or `{"value": …, "permission": …}`.

    Attributes:
        value: the kind of the value.
    """

    value: Kind[T]

    def measured_in(self) -> str:
        """The unit of the value."""
        return self.value.measured_in()


SWITCH: Final = SettingOf(FLAG)


@dataclass(frozen=True, slots=True)
class Card:
    """A charge card. Dates are kept in the cloud's own form."""

    uid: str = cloud_field("uid", "what requests take", TEXT, default="")
    number: str = cloud_field("id", "what is printed on the card", TEXT, default="")
    name: str = cloud_field("name", "what the owner calls it", TEXT, default="")
    valid: bool | None = cloud_field("valid", "it can be used", FLAG)
    created: str = cloud_field("date_created", "since when there has been such a card", TEXT, default="")
    modified: str = cloud_field("date_modified", "when it was last changed", TEXT, default="")
    became_invalid: str = cloud_field("date_became_invalid", "since when it cannot be used", TEXT, default="")
    customer_name: str = cloud_field("customer_name", "whose card it is", TEXT, default="")

    @property
    def session_token(self) -> str:
        """The value for `session_token` in a request: the uid, or `BCU-APP` for no card."""
        return APP_CARD if self.uid in ("", NO_CARD) else self.uid


CARD: Final = Part(Card, needs="uid")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """The price of charging at a charge point."""

    tariff_id: str = cloud_field("tariff_id", "the tariff's name with card providers", TEXT, default="")
    currency: str = cloud_field("currency", "the currency of all costs, such as EUR", TEXT, default="")
    price_ex_vat: float | None = cloud_field("price_ex_vat", "price without VAT", PRICE)
    price_in_vat: float | None = cloud_field("price_in_vat", "price with VAT", PRICE)
    start_price_ex_vat: float | None = cloud_field("start_price_ex_vat", "fee for each session, without VAT", MONEY)
    start_price_in_vat: float | None = cloud_field("start_price_in_vat", "fee for each session, with VAT", MONEY)
    vat_percentage: float | None = cloud_field("vat_percentage", "the VAT", PERCENTAGE)
    permission: str = cloud_field("permission", "what the account may do with the tariff", TEXT, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """The place of a charge point."""

    x_coord: float | None = cloud_field("x_coord", "latitude", DEGREES)
    y_coord: float | None = cloud_field("y_coord", "longitude", DEGREES)
    street: str = cloud_field("street", "street", TEXT, default="")
    housenumber: str = cloud_field("housenumber", "house number", TEXT, default="")
    zipcode: str = cloud_field("zipcode", "postal code", TEXT, default="")
    city: str = cloud_field("city", "town", TEXT, default="")
    country: str = cloud_field("country", "country, such as NL", TEXT, default="")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointSettings:
    """The description and the settings of a charge point. A field that is unknown is None.

    The cloud leaves out the details of a profile while it is off. They then keep their values.

    Attributes:
        seen_sockets: the numbers of the sockets that statuses have named, in order.
        profile_switched_on: the cloud has confirmed that a profile is switched on, and has not sent `smart_charging`
            since. Smart charging then counts as on.
    """

    name: str = cloud_field("name", "what the owner calls it; often empty", TEXT, default="", also=["chargepoint_name"])
    model: str = cloud_field("model_type", "such as U:MOVE22", TEXT, default="")
    chargepoint_type: str = cloud_field(
        "chargepoint_type", "such as UMOVE, which is portable, or HIDDEN", TEXT, default=""
    )
    is_cable: bool | None = cloud_field("is_cable", "the cable is part of the charge point", FLAG)
    socket_ids: tuple[int, ...] = cloud_field(
        "socket_ids", "its sockets; none or one for most", SOCKETS, default=(), lasting=True
    )
    default_card: Card | None = cloud_field("default_card", "the card for sessions that name none", CARD)
    preferred_card: Card | None = cloud_field("preferred_card", "the card that the owner prefers", CARD)
    tariff: Tariff | None = cloud_field("tariff", "what charging costs", Part(Tariff))
    location: Location | None = cloud_field("location", "where it is", Part(Location))
    x_coord: float | None = cloud_field("x_coord", "latitude, where there is no location", DEGREES)
    y_coord: float | None = cloud_field("y_coord", "longitude, where there is no location", DEGREES)
    publish_location: Setting[bool] | None = cloud_field("publish_location", "public maps show it", SWITCH)
    plug_and_charge: Setting[bool] | None = cloud_field(
        "plug_and_charge", "a session starts by itself when a vehicle is plugged in", SWITCH
    )
    plug_and_charge_card: Card | None = cloud_field(
        "plug_and_charge_charge_card", "the card for such sessions", CARD, also=["plug_and_charge_card"]
    )
    plug_and_charge_notification: Setting[bool] | None = cloud_field(
        "plug_and_charge_notification", "the owner's app announces such sessions", SWITCH
    )
    public_charging: Setting[bool] | None = cloud_field(
        "public_charging",
        "cards other than the linked ones may charge",
        SWITCH,
        opposite="linked_charge_cards_only",
    )
    capacity_tariff: Setting[bool] | None = cloud_field(
        "capacity_tariff", "the charge point keeps the peak of the building's grid connection low", SWITCH
    )
    smart_charging: bool | None = cloud_field("smart_charging", "the cloud limits the current", FLAG)
    seen_sockets: tuple[int, ...] = ()
    profile_switched_on: bool = False
    smart_charging_dynamic: bool | None = cloud_field(
        "smart_charging_dynamic", "the limit follows the consumption of the building", FLAG
    )
    delayed_charging: Setting[bool] | None = cloud_field(
        "delayed_charging", "the profile with a daily window, on or off", SWITCH
    )
    delayed_days: tuple[int, ...] | None = cloud_field(
        "delayed_charging.selected_days",
        "its days, 0 or 7 Sunday to 6 Saturday",
        WEEKDAYS,
        also=["delayed_charging.days"],
    )
    delayed_start: time | None = cloud_field("delayed_charging.start_time", "where its window begins", TIME_OF_DAY)
    delayed_end: time | None = cloud_field(
        "delayed_charging.end_time", "where its window ends; before the start, on the day after", TIME_OF_DAY
    )
    delayed_heartbeat_timeout: float | None = cloud_field(
        "delayed_charging.smart_current_heartbeat_timeout", "above 0 while it holds a session back", SECONDS
    )
    price_based_charging: Setting[bool] | None = cloud_field(
        "price_based_charging", "the profile that waits for low prices, on or off", SWITCH
    )
    departure: time | None = cloud_field(
        "price_based_charging.expected_leave_time",
        "when the vehicle leaves, for that profile",
        TIME_OF_DAY,
        also=["price_based_charging.expected_departure_time"],
    )
    expected_kwh: float | None = cloud_field(
        "price_based_charging.expected_kwh", "the energy to have charged by then", ENERGY
    )
    minimum_kwh: float | None = cloud_field(
        "price_based_charging.minimum_kwh", "the energy to charge at any price", ENERGY
    )
    led_intensity: Setting[int] | None = cloud_field("led_intensity", "how bright the lights are", SettingOf(WHOLE))
    led_interaction: Setting[bool] | None = cloud_field(
        "led_interaction", "the lights are on only while someone does something", SWITCH
    )

    @property
    def smart_charging_on(self) -> bool:
        """Whether smart charging is on: the cloud says so, or a confirmed switch of a profile implies it."""
        return bool(self.smart_charging) or self.profile_switched_on

    @property
    def delayed_charging_on(self) -> bool:
        """Whether delayed charging is on: both its value and smart charging are true (contract 4, "State table")."""
        return self._is_on(self.delayed_charging)

    @property
    def price_based_charging_on(self) -> bool:
        """Whether price-based charging is on: both its value and smart charging are true."""
        return self._is_on(self.price_based_charging)

    @property
    def profile_on(self) -> bool:
        """Whether delayed or price-based charging is on."""
        return self.delayed_charging_on or self.price_based_charging_on

    def _is_on(self, profile: Setting[bool] | None) -> bool:
        # A `smart_charging` that the cloud never sent does not contradict the profile's own value.
        counts = self.smart_charging is not False or self.profile_switched_on
        return counts and profile is not None and bool(profile.value)

    @property
    def currency(self) -> str:
        """The currency of all costs: that of the tariff, or EUR if it has none (contract 4)."""
        return (self.tariff.currency.strip().upper() if self.tariff is not None else "") or EURO
