"""The cloud's objects as they stand on the wire, name for name (design page 3).

Every field may be missing and unknown ones are ignored. `read` drops what does not fit, so that one odd value never
costs the rest; what it dropped it names, for the log.
"""

import math
from datetime import datetime, time
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from bridge.chargepoint.amsterdam import from_wall_clock, in_amsterdam

Permission = Literal["none", "read", "write"]


def _number(value: object) -> object:
    # Numbers have been seen as text, padded with spaces.
    if isinstance(value, str):
        value = float(value) if value.strip() else None
    if isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise ValueError("not a number")
    return value


def _amount(value: object) -> object:
    value = _number(value)
    if isinstance(value, int | float) and value < 0:
        raise ValueError("below zero")
    return value


def _flag(value: object) -> object:
    if value is None or isinstance(value, bool):
        return value
    if value in (0, 1):
        return bool(value)
    raise ValueError("neither true nor false")


def _text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


_TIME_FORMS: Final = ("%Y%m%d %H:%M:%S%z", "%Y%m%d %H:%M:%S")


def read_time(value: object) -> datetime | None:
    """A time as the cloud writes it: `YYYYMMDD HH:MM:SS` in Amsterdam, or with an offset; empty or null for none.

    Raises:
        ValueError: it is none of these.
    """
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        raise ValueError("a time is text")
    for form in _TIME_FORMS:
        try:
            when = datetime.strptime(value, form)  # noqa: DTZ007 - the offset is added right below
        except ValueError:
            continue
        return in_amsterdam(when) if when.tzinfo is not None else from_wall_clock(when)
    when = datetime.fromisoformat(value)
    return in_amsterdam(when) if when.tzinfo is not None else from_wall_clock(when)


def _clock_time(value: object) -> object:
    if value == "":
        return None
    if isinstance(value, str):
        return datetime.strptime(value[:5], "%H:%M").time()  # noqa: DTZ007 - a time of day
    return value


Number = Annotated[float | None, BeforeValidator(_number)]
Amount = Annotated[float | None, BeforeValidator(_amount)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Text = Annotated[str | None, BeforeValidator(_text)]
CloudTime = Annotated[datetime | None, BeforeValidator(read_time)]
ClockTime = Annotated[time | None, BeforeValidator(_clock_time)]


class WireModel(BaseModel):
    """The base of all objects."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    @classmethod
    def read(cls, data: object) -> tuple[Self, list[str]]:
        """The object, and the wire names of fields whose values made no sense and were left out.

        Raises:
            ValueError: it is not an object at all.
        """
        if not isinstance(data, dict):
            raise ValueError(f"{cls.__name__} is not an object")
        try:
            return cls.model_validate(data), []
        except ValidationError as error:
            odd = {str(fault["loc"][0]) for fault in error.errors(include_url=False) if fault["loc"]}
            names = [names for names in cls._wire_names() if names & odd]
            rest = {name: value for name, value in data.items() if not any(name in group for group in names)}
            return cls.model_validate(rest), sorted(odd)

    @classmethod
    def _wire_names(cls) -> list[set[str]]:
        """For each field, all the names it can stand under."""
        groups = []
        for name, field in cls.model_fields.items():
            alias = field.validation_alias
            choices = alias.choices if isinstance(alias, AliasChoices) else [alias]
            groups.append({name, *(choice for choice in choices if isinstance(choice, str))})
        return groups


def _permission(value: object) -> object:
    # A word that is not known lets nobody change anything.
    return value if value in ("none", "read", "write") else "read"


def _setting(value: object) -> object:
    """Settings are a bare value or `{"value": …, "permission": …}`."""
    return value if isinstance(value, dict) or value is None else {"value": value}


PermissionWord = Annotated[Permission, BeforeValidator(_permission)]


class FlagSetting(WireModel):
    """A setting that is on or off."""

    value: Flag = None
    permission: PermissionWord = "write"


class NumberSetting(WireModel):
    """A setting with a number."""

    value: Number = None
    permission: PermissionWord = "write"


class DelayedChargingSetting(FlagSetting):
    """The profile `delayed_charging`; its schedule may be there only while it is on."""

    start_time: ClockTime = None
    end_time: ClockTime = None
    selected_days: list[Annotated[int, Field(ge=1, le=7)]] | None = Field(
        default=None, validation_alias=AliasChoices("selected_days", "days")
    )


class PriceBasedChargingSetting(FlagSetting):
    """The profile `price_based_charging`."""

    expected_leave_time: ClockTime = Field(
        default=None, validation_alias=AliasChoices("expected_leave_time", "expected_departure_time")
    )


class WireCard(WireModel):
    """A charge card."""

    uid: Text = None
    id: Text = None
    name: Text = None
    customer_name: Text = None
    valid: Flag = None
    date_created: Text = None
    date_modified: Text = None
    date_became_invalid: Text = None


class WireTariff(WireModel):
    """What charging costs."""

    tariff_id: Text = None
    currency: Text = None
    price_ex_vat: Number = None
    start_price_ex_vat: Number = None
    price_in_vat: Number = None
    start_price_in_vat: Number = None
    vat_percentage: Number = None
    permission: Text = None


_Setting = BeforeValidator(_setting)


class WireChargePoint(WireModel):
    """An entry of CHARGE_POINTS, and the data of CH_SETTINGS: the same fields, some here, some there."""

    evse_id: Text = None
    name: Text = Field(default=None, validation_alias=AliasChoices("name", "chargepoint_name"))
    model_type: Text = None
    chargepoint_type: Text = None
    is_cable: Flag = None
    activity: Text = None
    tariff: WireTariff | None = None
    socket_ids: list[int] | None = None
    default_card: WireCard | None = None
    plug_and_charge_card: WireCard | None = Field(
        default=None, validation_alias=AliasChoices("plug_and_charge_charge_card", "plug_and_charge_card")
    )
    plug_and_charge: Annotated[FlagSetting | None, _Setting] = None
    public_charging: Annotated[FlagSetting | None, _Setting] = None
    linked_charge_cards_only: Annotated[FlagSetting | None, _Setting] = None
    smart_charging: Annotated[FlagSetting | None, _Setting] = None
    delayed_charging: Annotated[DelayedChargingSetting | None, _Setting] = None
    price_based_charging: Annotated[PriceBasedChargingSetting | None, _Setting] = None
    led_intensity: Annotated[NumberSetting | None, _Setting] = None
    led_interaction: Annotated[FlagSetting | None, _Setting] = None


class WireStatus(WireModel):
    """The data of CH_STATUS. `actual_p1..3` are currents in A, whatever their name says."""

    evse_id: Text = None
    socket_id: int | None = None
    activity: Text = None
    vehicle_status: Text = None
    actual_p1: Amount = None  # A
    actual_p2: Amount = None
    actual_p3: Amount = None
    actual_v1: Amount = None  # V, 0 when idle
    actual_v2: Amount = None
    actual_v3: Amount = None
    actual_kwh: Amount = None  # kWh since the session began
    max_usage: Amount = None  # A, what the charge point can deliver
    smartcharging_max_usage: Amount = None  # A, counts only while smart charging is on
    max_offline: Amount = None  # A
    boosting: Flag = None
    offline_since: CloudTime = None
    start_datetime: CloudTime = None
    stop_datetime: CloudTime = None
    total_cost: Number = None  # in the tariff's currency; prices below zero have been seen
    smart_current_heartbeat_timeout: Amount = None  # s


class WireGrid(WireModel):
    """The data of GRID_STATUS; a GRID_CURRENT has the first four at its top level."""

    id: Text = None
    grid_actual_p1: Number = None  # A; below zero while the building feeds in
    grid_actual_p2: Number = None
    grid_actual_p3: Number = None
    grid_max_install: Number = None
    grid_max_reserved: Number = None


class WireAccount(WireModel):
    """An ACCOUNT."""

    login: Text = None
    email: Text = None
    full_name: Text = None
    first_login_app: Text = None  # 01-JAN-20, or ISO


class WireSustainability(WireModel):
    """A SUSTAINABILITY_STATUS."""

    trees: Number = None
    co2: Number = None  # kg


DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


def _days(text: str | None) -> set[str]:
    return {day.strip().upper() for day in (text or "").split(",")}


class WireSchedule(WireModel):
    """An override of the current: an entry of LIST_OVERRIDE_CURRENT, or the data of an answer to one of its setters."""

    schedule_id: Text = None
    charge_points: list[str] | str | None = Field(
        default=None, validation_alias=AliasChoices("charge_points", "chargepoint_id", "chargepoints")
    )
    current: Amount = Field(default=None, validation_alias=AliasChoices("override_current", "current", "overridevalue"))
    start: Text = Field(default=None, validation_alias=AliasChoices("start_time", "override_start_time"))
    stop: Text = Field(default=None, validation_alias=AliasChoices("stop_time", "override_end_time"))
    start_days: Text = Field(default=None, validation_alias=AliasChoices("override_start_days", "days_of_week"))
    stop_days: Text = Field(default=None, validation_alias=AliasChoices("override_end_days", "days_of_week"))

    @property
    def always(self) -> bool:
        """It holds on all days, from 00:00 to 23:59."""
        whole_day = (self.start or "").startswith("00:00") and (self.stop or "").startswith("23:59")
        return whole_day and _days(self.start_days) == _days(self.stop_days) == set(DAYS)


class WireFrame(WireModel):
    """What any frame can carry beside its data."""

    object: Text = None
    evse_id: Text = None
    flow_id: Text = None
    error: Any = None
    success: Flag = None
    result: Any = None
    data: Any = None
