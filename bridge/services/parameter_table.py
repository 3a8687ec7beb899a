"""How a charge point can be set: one row for each parameter, with where its value comes from and what it may be."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from typing import Any, Final, Literal

from pydantic import JsonValue

from bridge.account.parameter_store import ParameterStore
from bridge.chargepoint.charge_point_settings import APP_CARD, NO_CARD, Card, ChargePointSettings, Setting
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.errors import InvalidValue
from bridge.fimp.values import fits

ValueKind = Literal["bool", "int", "string", "int_array"]
Widget = Literal["input", "select", "multiselect"]


@dataclass(frozen=True, slots=True)
class Context:
    """What a parameter's value and its options come from."""

    twin: Twin
    cards: Sequence[Card]
    store: ParameterStore

    @property
    def settings(self) -> ChargePointSettings:
        """The charge point's settings."""
        return self.twin.settings

    def kept(self, name: str) -> JsonValue:
        """What was set and is kept here."""
        return self.store.get(self.twin.evse_id, name)


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter.

    Attributes:
        name: what a person reads.
        kind: the type of its value.
        value: its value; None is unknown.
        there: whether this charge point has it at all.
        writable: whether this account may set it.
        widget: how to show it.
        options: for a `select` or `multiselect`: value and label.
        least: the least value of an `int`.
        most: the most.
        clock_time: it is text of the form HH:MM.
        default: what a new charge point has, as far as anybody knows.
    """

    id: str
    name: str
    kind: ValueKind
    value: Callable[[Context], JsonValue]
    there: Callable[[Context], bool] = lambda context: True  # noqa: ARG005
    writable: Callable[[Context], bool] = lambda context: False  # noqa: ARG005
    widget: Widget = "input"
    options: Callable[[Context], Sequence[tuple[JsonValue, str]]] | None = None
    least: int | None = None
    most: int | None = None
    clock_time: bool = False
    default: JsonValue = None
    description: str = field(default="")

    def check(self, value: JsonValue, context: Context) -> None:
        """Whether it may be set to this.

        Raises:
            InvalidValue: it may not.
        """
        if not fits(self.kind, value):
            raise InvalidValue(f"{self.id} takes a value of type {self.kind}.")
        if self.options is not None:
            allowed = [option for option, _ in self.options(context)]
            given = value if isinstance(value, list) else [value]
            if any(one not in allowed for one in given) or len(given) != len({str(one) for one in given}) or not given:
                words = ", ".join(str(option) for option in allowed)
                raise InvalidValue(f"{self.id} takes {'some' if self.widget == 'multiselect' else 'one'} of: {words}.")
        if isinstance(value, int) and not (self.least or 0) <= value <= (self.most or value):
            raise InvalidValue(f"{self.id} takes a whole number from {self.least} to {self.most}.")
        if self.clock_time and (not isinstance(value, str) or as_clock_time(value) is None):
            raise InvalidValue(f"{self.id} takes a time of day such as 07:30.")

    def describe(self, context: Context) -> dict[str, JsonValue]:
        """The entry of `evt.sup_params.report`."""
        entry: dict[str, JsonValue] = {
            "parameter_id": self.id,
            "name": self.name,
            "description": self.description,
            "value_type": self.kind,
            "widget_type": self.widget,
            "default_value": self.default,
            "read_only": not self.writable(context),
        }
        if self.options is not None:
            entry["options"] = [{"value": value, "label": label} for value, label in self.options(context)]
        if self.least is not None and self.most is not None:
            entry["min"], entry["max"] = self.least, self.most
        return entry


def as_clock_time(text: str) -> time | None:
    """A time of day of the form HH:MM; None if it is none."""
    try:
        return datetime.strptime(text, "%H:%M").time() if len(text) == len("HH:MM") else None  # noqa: DTZ007
    except ValueError:
        return None


# --- where values come from ---


def _setting(name: str) -> Callable[[Context], Setting[Any] | None]:
    def get(context: Context) -> Setting[Any] | None:
        setting: Setting[Any] | None = getattr(context.settings, name)
        return setting

    return get


def _value_of(name: str) -> Callable[[Context], JsonValue]:
    get = _setting(name)

    def value(context: Context) -> JsonValue:
        setting = get(context)
        return setting.value if setting is not None else None

    return value


def _there(name: str) -> Callable[[Context], bool]:
    get = _setting(name)

    def there(context: Context) -> bool:
        setting = get(context)
        return setting is not None and setting.readable

    return there


def _writable(name: str) -> Callable[[Context], bool]:
    get = _setting(name)

    def writable(context: Context) -> bool:
        setting = get(context)
        return setting is not None and setting.writable

    return writable


def _linked_cards_only(context: Context) -> JsonValue:
    setting = context.settings.public_charging
    return None if setting is None or setting.value is None else not setting.value


def _available(context: Context) -> JsonValue:
    activity = context.twin.status.activity if context.twin.status is not None else None
    return None if activity in (None, Activity.OFFLINE) else activity is not Activity.UNAVAILABLE


def _kept_or(name: str, told: Callable[[ChargePointSettings], JsonValue]) -> Callable[[Context], JsonValue]:
    """What was set and is still kept here goes before what the cloud has told."""

    def value(context: Context) -> JsonValue:
        kept = context.kept(name)
        return kept if kept is not None else told(context.settings)

    return value


def _clock_text(when: time | None) -> JsonValue:
    return f"{when:%H:%M}" if when is not None else None


def _card(context: Context) -> JsonValue:
    card = context.settings.plug_and_charge_card
    if card is None:
        return None
    return APP_CARD if card.uid in (NO_CARD, APP_CARD) else card.uid


def _cards(*others: tuple[str, str]) -> Callable[[Context], Sequence[tuple[JsonValue, str]]]:
    def options(context: Context) -> Sequence[tuple[JsonValue, str]]:
        cards = [(card.uid, card.name or card.number or card.uid) for card in context.cards if card.valid is not False]
        return [*others, *cards]

    return options


def _limit(context: Context) -> JsonValue:
    limit = context.twin.status.max_offline if context.twin.status is not None else None
    return int(limit) if limit is not None else None


def _cost(context: Context) -> JsonValue:
    cost = context.twin.status.total_cost if context.twin.status is not None else None
    return f"{cost:.2f}" if cost is not None else None


def _days(_: Context) -> Sequence[tuple[JsonValue, str]]:
    names = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    return list(enumerate(names, 1))


def _always(_: Context) -> bool:
    return True


def _profile(profile: str, name: str, label: str) -> Parameter:
    return Parameter(
        name, label, "bool", _value_of(profile), _there(profile), _writable(profile), widget="select",
        options=_on_off, default=False,
    )  # fmt: skip


def _on_off(_: Context) -> Sequence[tuple[JsonValue, str]]:
    return [(True, "On"), (False, "Off")]


def _flag(setting: str, name: str, label: str, value: Callable[[Context], JsonValue] | None = None) -> Parameter:
    return Parameter(
        name, label, "bool", value or _value_of(setting), _there(setting), _writable(setting), widget="select",
        options=_on_off, default=False,
    )  # fmt: skip


def _battery(name: str, label: str, most: int, least: int = 0) -> Parameter:
    profile = "price_based_charging"
    return Parameter(
        name, label, "int", lambda context: context.kept(name), _there(profile), _writable(profile), least=least,
        most=most, description="Blue Current does not tell it back: the value that was set last.",
    )  # fmt: skip


def _delayed_time(name: str, label: str, told: Callable[[ChargePointSettings], time | None]) -> Parameter:
    profile = "delayed_charging"
    return Parameter(
        name, label, "string", _kept_or(name, lambda evse: _clock_text(told(evse))), _there(profile),
        _writable(profile), clock_time=True,
    )  # fmt: skip


TABLE: Final = (
    _flag("plug_and_charge", "plug_and_charge", "Start when a car is plugged in"),
    _flag("public_charging", "linked_charge_cards_only", "Only linked charge cards", _linked_cards_only),
    Parameter(
        "available", "Available", "bool", _available, _always, _always, widget="select", options=_on_off, default=True
    ),
    _profile("delayed_charging", "delayed_charging", "Delayed charging"),
    _profile("price_based_charging", "price_based_charging", "Price-based charging"),
    Parameter(
        "delayed_charging_days",
        "Delayed charging: days",
        "int_array",
        _kept_or("delayed_charging_days", lambda evse: list(evse.delayed_days) if evse.delayed_days else None),
        _there("delayed_charging"),
        _writable("delayed_charging"),
        widget="multiselect",
        options=_days,
    ),
    _delayed_time("delayed_charging_start", "Delayed charging: from", lambda evse: evse.delayed_start),
    _delayed_time("delayed_charging_end", "Delayed charging: until", lambda evse: evse.delayed_end),
    Parameter(
        "expected_departure_time",
        "Price-based charging: departure",
        "string",
        _kept_or("expected_departure_time", lambda evse: _clock_text(evse.departure)),
        _there("price_based_charging"),
        _writable("price_based_charging"),
        clock_time=True,
    ),
    _battery("current_battery_percentage", "Price-based charging: battery now, %", 100),
    _battery("minimum_percentage", "Price-based charging: charge at once up to, %", 100),
    _battery("battery_size_kwh", "Price-based charging: battery size, kWh", 500, least=1),
    Parameter(
        "plug_and_charge_card",
        "Charge card for starting when plugged in",
        "string",
        _card,
        lambda context: context.settings.plug_and_charge_card is not None,
        _writable("plug_and_charge"),
        widget="select",
        options=_cards((APP_CARD, "No card")),
        default=APP_CARD,
    ),
    Parameter(
        "session_card",
        "Charge card for sessions that the hub starts",
        "string",
        lambda context: context.kept("session_card") or "",
        _always,
        _always,
        widget="select",
        options=_cards(("", "As set elsewhere"), (APP_CARD, "No card")),
        default="",
    ),
    Parameter(
        "smart_charging",
        "Smart charging",
        "bool",
        lambda context: context.settings.smart_charging,
        lambda context: context.settings.smart_charging is not None,
        widget="select",
        options=_on_off,
    ),
    Parameter("led_intensity", "Light intensity", "int", _value_of("led_intensity"), _there("led_intensity")),
    Parameter(
        "led_interaction",
        "Light only on interaction",
        "bool",
        _value_of("led_interaction"),
        _there("led_interaction"),
        widget="select",
        options=_on_off,
    ),
    Parameter("max_offline", "Limit while offline, A", "int", _limit, lambda context: _limit(context) is not None),
    Parameter("total_cost", "Cost of a session, EUR", "string", _cost, lambda context: _cost(context) is not None),
)

BY_ID: Final = {parameter.id: parameter for parameter in TABLE}

FROM_STATUS: Final = tuple(BY_ID[name] for name in ("available", "max_offline", "total_cost"))
"""Those whose value comes with a CH_STATUS; no other can change with one."""
