"""The languages of the page: one table of texts for each, and the formats of numbers and dates.

Reading a table fails if a text is missing or unknown. Times are shown in Amsterdam time, as the cloud gives them.
Messages of the bridge and of the cloud are shown in English.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import cache, lru_cache
from importlib.resources import files
from typing import Annotated, Final, get_args

from babel.dates import format_skeleton
from babel.numbers import format_currency, format_decimal
from pydantic import AfterValidator, BaseModel, ConfigDict

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.state import State
from bridge.errors import ErrorCode
from bridge.web.language import Language
from bridge.web.view import Trouble, Wait

NOT_KNOWN: Final = "\N{EN DASH}"


def _each(members: Iterable[object]) -> AfterValidator:
    """A validator that requires an entry for each of these members."""

    def check(table: Mapping[object, object]) -> Mapping[object, object]:
        missing = [str(member) for member in members if member not in table]
        if missing:
            raise ValueError(f"no entry for {', '.join(missing)}")
        return table

    return AfterValidator(check)


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Notice(_Table):
    """A problem in a few words, and what the user can do about it."""

    title: str
    advice: str


class Labels(_Table):
    """The labels of values and the headings of the page."""

    energy: str
    cost: str
    offered: str
    set_limit: str
    session_limit: str
    pending_limit: str
    own_schedule: str
    mode: str
    lifetime: str
    cable: str
    session: str
    last_session: str
    curve: str
    days: str
    day: str
    sessions: str
    as_table: str
    commands: str
    links: str
    cloud: str
    broker: str
    requests: str
    requests_by_kind: str
    request: str
    today: str
    faults: str
    pages: str
    page: str
    service: str
    version: str
    up_since: str
    errors: str
    grid: str
    language: str
    skip: str
    socket: str


class Sentences(_Table):
    """The sentences of the page, with placeholders in braces."""

    since: str
    ended: str
    schedule_unknown: str
    of: str
    locked: str
    unlocked: str
    no_commands: str
    no_errors: str
    no_sessions: str
    no_charge_points: str
    no_curve: str
    no_power: str
    curve_says: str
    days_say: str
    sessions_counted: str
    one_session: str
    up_since: str
    down_since: str
    no_token: str
    connecting: str
    waiting: str
    broker_title: str
    broker_advice: str
    own_words: str
    requests_today: str
    requests_since_start: str
    requests_needed: str
    charge_points: str
    page_before: str
    page_after: str
    offline_since: str
    limit_unheld: str
    left_out: str
    left_out_title: str
    left_out_advice: str
    grid_left_out_title: str
    grid_left_out_advice: str
    lost: str
    until: str
    bridge_itself: str
    times: str
    now: str


class Texts(_Table):
    """One language.

    Attributes:
        name: the name of the language in that language.
        tag: the value of the HTML attribute `lang`.
        locale: the locale for the formats of numbers, money and dates.
        commands: a name for each command; a command without one is shown by its interface.
        switches: the words for on and off.
        outcomes: a few words for each error code.
    """

    name: str
    tag: str
    locale: str
    title: str
    states: Annotated[Mapping[State, str], _each(State)]
    waits: Annotated[Mapping[Wait, str], _each(Wait)]
    troubles: Annotated[Mapping[Trouble, Notice], _each(Trouble)]
    modes: Mapping[str, str]
    commands: Mapping[str, str]
    switches: Annotated[Mapping[str, str], _each(("true", "false"))]
    done: str
    outcomes: Annotated[Mapping[ErrorCode, str], _each(get_args(ErrorCode))]
    labels: Labels
    say: Sentences

    # --- formats of values ---

    def number(self, value: float, decimals: int) -> str:
        """Return a number with a given number of decimals and without thousands separators."""
        return _number(value, decimals, self.locale)

    def kilowatts(self, watts: float | None) -> str:
        """Power, from W."""
        return NOT_KNOWN if watts is None else f"{self.number(watts / 1000, 1)} kW"

    def kilowatt_hours(self, kwh: float | None) -> str:
        """Energy."""
        return NOT_KNOWN if kwh is None else f"{self.number(kwh, 1 if kwh < 1000 else 0)} kWh"

    def money(self, amount: float | None, currency: str = "EUR") -> str:
        """Return an amount in a currency, by its ISO 4217 code."""
        return NOT_KNOWN if amount is None else _money(amount, currency, self.locale)

    def amperes(self, current: float | None) -> str:
        """Current."""
        return NOT_KNOWN if current is None else f"{self.number(current, 0 if float(current).is_integer() else 1)} A"

    def volts(self, voltage: float | None) -> str:
        """Voltage."""
        return NOT_KNOWN if voltage is None else f"{self.number(voltage, 0)} V"

    def clock(self, when: datetime) -> str:
        """Return the time of day."""
        return f"{in_amsterdam(when):%H:%M}"

    def day(self, day: date) -> str:
        """Return a day, with its weekday and without its year."""
        return _day(day, self.locale)

    def when(self, when: datetime, now: datetime) -> str:
        """Return the time of day, with the day in front if it is not the day of `now`."""
        local = in_amsterdam(when)
        if local.date() == in_amsterdam(now).date():
            return self.clock(when)
        return f"{self.day(local.date())}, {self.clock(when)}"


# Most values stay the same from one rendering to the next, and babel takes 20 to 50 µs for each.
_MOST_KEPT: Final = 4096


@lru_cache(_MOST_KEPT)
def _number(value: float, decimals: int, locale: str) -> str:
    rounded = round(value, decimals) + 0.0  # no minus before a zero
    return format_decimal(rounded, format=f"0.{'0' * decimals}".rstrip("."), locale=locale)


@lru_cache(_MOST_KEPT)
def _money(amount: float, currency: str, locale: str) -> str:
    return format_currency(amount, currency, locale=locale)


@lru_cache(_MOST_KEPT)
def _day(day: date, locale: str) -> str:
    return format_skeleton("MMMEd", day, locale=locale)


@cache
def texts(language: Language) -> Texts:
    """Return the texts of a language."""
    source = files("bridge.web").joinpath("texts", f"{language}.json")
    return Texts.model_validate_json(source.read_text(encoding="utf-8"))
