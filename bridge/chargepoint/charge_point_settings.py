"""What a charge point is and how it is set (the cloud's CHARGE_POINTS and CH_SETTINGS)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import time
from typing import Final, Generic, Literal, TypeVar

T = TypeVar("T")

Permission = Literal["none", "read", "write"]

APP_CARD: Final = "BCU-APP"
"""What stands for no card in a request."""

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


@dataclass(frozen=True, slots=True)
class Card:
    """A charge card.

    Attributes:
        uid: what requests take.
        number: what is printed on it.
        name: what the owner calls it.
        valid: it can be used; None if the cloud does not say.
        created: the date, as the cloud writes it.
        modified: the same.
        became_invalid: the same.
        customer_name: whose it is.
    """

    uid: str
    number: str = ""
    name: str = ""
    valid: bool | None = None
    created: str = ""
    modified: str = ""
    became_invalid: str = ""
    customer_name: str = ""

    @property
    def session_token(self) -> str:
        """What a request that names a card takes: the uid, or `BCU-APP` for what stands for no card in an answer."""
        return APP_CARD if self.uid in ("", NO_CARD) else self.uid


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """What charging costs; None is unknown.

    Attributes:
        tariff_id: its name with card providers.
        currency: such as `EUR`, of every cost of the charge point.
        price_ex_vat: of a kWh, without VAT.
        start_price_ex_vat: of a session's start, without VAT.
        price_in_vat: of a kWh, with VAT.
        start_price_in_vat: of a session's start, with VAT.
        vat_percentage: the VAT, %.
        permission: what the account may do with it.
    """

    tariff_id: str = ""
    currency: str = ""
    price_ex_vat: float | None = None
    start_price_ex_vat: float | None = None
    price_in_vat: float | None = None
    start_price_in_vat: float | None = None
    vat_percentage: float | None = None
    permission: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChargePointSettings:
    """One charge point of the account, as far as the cloud has described it; None is unknown.

    Attributes:
        name: what the owner calls it; often empty.
        model: such as `U:MOVE22`.
        chargepoint_type: such as `UMOVE`, `HIDDEN`; empty if the cloud does not tell.
        is_cable: the cable is part of the charge point.
        socket_ids: its sockets; empty or one for most.
        default_card: the card for sessions that name none.
        tariff: what charging costs.
        plug_and_charge: a session starts by itself when a vehicle is plugged in.
        plug_and_charge_card: with this card.
        public_charging: cards other than the linked ones may charge.
        smart_charging: the cloud limits the current.
        delayed_charging: the profile that waits for its hours, on or off.
        delayed_days: its days, 1 Monday to 7 Sunday.
        delayed_start: from when a session may charge on them, local time.
        delayed_end: until when; before the start, it is on the day after.
        price_based_charging: the profile that waits for low prices, on or off.
        departure: when the vehicle leaves, for that profile.
        led_intensity: of the lights.
        led_interaction: the lights are on only while someone does something.
    """

    name: str = ""
    model: str = ""
    chargepoint_type: str = ""
    is_cable: bool | None = None
    socket_ids: Sequence[int] = ()
    default_card: Card | None = None
    tariff: Tariff | None = None
    plug_and_charge: Setting[bool] | None = None
    plug_and_charge_card: Card | None = None
    public_charging: Setting[bool] | None = None
    smart_charging: bool | None = None
    delayed_charging: Setting[bool] | None = None
    delayed_days: Sequence[int] | None = None
    delayed_start: time | None = None
    delayed_end: time | None = None
    price_based_charging: Setting[bool] | None = None
    departure: time | None = None
    led_intensity: Setting[int] | None = None
    led_interaction: Setting[bool] | None = None
