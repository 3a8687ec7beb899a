"""What the cloud tells: a field's name on the wire, its meaning and its unit, beside the field and nowhere else.

`told` declares a dataclass field in this way. `bridge.bluecurrent` reads frames by these declarations, `as_told` turns
values back into the cloud's own words for `GET /api/state`, and `docs/blue-current.md` is compared with them by a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import datetime, time
from enum import Enum
from functools import cache
from typing import TYPE_CHECKING, Final, Generic, TypeVar, overload

from pydantic import JsonValue

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
D_co = TypeVar("D_co", bound="DataclassInstance", covariant=True)
W_co = TypeVar("W_co", bound=Enum, covariant=True)

_KEY: Final = "told"


class Kind(Generic[T_co]):
    """What sort of value a field holds, and so what can be believed of it. None stands for unknown."""

    def measured_in(self) -> str:
        """The unit, as the documentation writes it; empty where there is none."""
        return ""


@dataclass(frozen=True, slots=True)
class Quantity(Kind[float]):
    """A number with a unit. One outside its bounds cannot be, and is unknown (contract 4).

    Attributes:
        unit: as it is written in the documentation.
        lowest: the lowest value that can be.
        highest: the highest value that can be.
        noise: a reading at most this far below `lowest` is noise of the meter and counts as `lowest`.
    """

    unit: str
    lowest: float
    highest: float
    noise: float = 0.0

    def measured_in(self) -> str:
        """The unit."""
        return self.unit


class Flag(Kind[bool]):
    """True or false."""


class Whole(Kind[int]):
    """A number without a fraction."""


class Text(Kind[str]):
    """Text."""


class Moment(Kind[datetime]):
    """A date and time of Amsterdam's clock, between the years 2000 and 2100."""


class TimeOfDay(Kind[time]):
    """A time of Amsterdam's clock, to the minute. 24:00 is 00:00."""


class Weekdays(Kind[tuple[int, ...]]):
    """Days of the week, 1 Monday to 7 Sunday, each once and in order."""


class Numbers(Kind[tuple[int, ...]]):
    """Numbers without a fraction, each once, in the order in which they came."""


class Names(Kind[tuple[str, ...]]):
    """Names, in the order in which they came."""


@dataclass(frozen=True)
class Word(Kind[W_co]):
    """One of a few words, in any letter case.

    Attributes:
        words: what each of them means; in lower case.
    """

    words: Mapping[str, W_co]


@dataclass(frozen=True)
class Part(Kind[D_co]):
    """An object with told fields of its own.

    Attributes:
        cls: the dataclass that declares them.
        needs: the field without which it stands for nothing.
    """

    cls: type[D_co]
    needs: str = ""


FLAG: Final = Flag()
WHOLE: Final = Whole()
TEXT: Final = Text()
MOMENT: Final = Moment()
TIME_OF_DAY: Final = TimeOfDay()
WEEKDAYS: Final = Weekdays()
NUMBERS: Final = Numbers()
NAMES: Final = Names()
CURRENT: Final = Quantity("A", 0, 200, noise=1)
GRID_CURRENT: Final = Quantity("A", -1000, 1000)
VOLTAGE: Final = Quantity("V", 0, 500)
ENERGY: Final = Quantity("kWh", 0, 1e6)
POWER: Final = Quantity("kW", 0, 1000)
MONEY: Final = Quantity("the tariff's currency", -1e6, 1e6)
PRICE: Final = Quantity("the tariff's currency per kWh", -1e6, 1e6)
PERCENTAGE: Final = Quantity("%", 0, 100)
SECONDS: Final = Quantity("s", 0, 1e9)
DEGREES: Final = Quantity("°", -180, 180)
MASS: Final = Quantity("kg", 0, 1e9)
AMOUNT: Final = Quantity("", 0, 1e9)


@dataclass(frozen=True, slots=True)
class ToldField(Generic[T_co]):
    """How the cloud tells a field.

    Attributes:
        name: on the wire. With a dot: a field of an object, whose other fields may be missing while this one is there.
        meaning: what it says.
        kind: what sort of value it is.
        also: other names under which it has been seen.
        opposite: a name under which its opposite has been seen.
        lasting: null, or what cannot be read, leaves it as it was; for what is too much to lose to one odd frame.
    """

    name: str
    meaning: str
    kind: Kind[T_co]
    also: tuple[str, ...] = ()
    opposite: str = ""
    lasting: bool = False


@overload
def told(
    name: str, meaning: str, kind: Kind[T], *, also: Sequence[str] = (), opposite: str = "", lasting: bool = False
) -> T | None: ...


@overload
def told(
    name: str, meaning: str, kind: Kind[T], *, default: T, also: Sequence[str] = (), lasting: bool = False
) -> T: ...


def told(
    name: str,
    meaning: str,
    kind: Kind[T],
    *,
    default: T | None = None,
    also: Sequence[str] = (),
    opposite: str = "",
    lasting: bool = False,
) -> T | None:
    """Declare a dataclass field that the cloud tells.

    Args:
        name: on the wire.
        meaning: what it says.
        kind: what sort of value it is.
        default: stands for unknown.
        also: other names under which it has been seen.
        opposite: a name under which its opposite has been seen.
        lasting: null, or what cannot be read, leaves it as it was.
    """
    declared = ToldField(name, meaning, kind, tuple(also), opposite, lasting)
    return field(default=default, metadata={_KEY: declared})


@cache
def told_fields(cls: "type[DataclassInstance]") -> Mapping[str, ToldField[object]]:
    """The told fields of a dataclass, by their names in it, in order."""
    return {one.name: one.metadata[_KEY] for one in fields(cls) if _KEY in one.metadata}


def as_told(value: "DataclassInstance") -> dict[str, JsonValue]:
    """A value with told fields, in the names and the nesting of the wire; what is unknown is None.

    Times are ISO 8601 with an offset, times of day HH:MM.
    """
    shown: dict[str, JsonValue] = {}
    for attribute, one in told_fields(type(value)).items():
        plain = _plain(getattr(value, attribute))
        name, _, inner = one.name.partition(".")
        if not inner:
            shown[name] = plain
            continue
        around = shown.get(name)
        if isinstance(around, dict):
            around[inner] = plain
        elif plain is not None:
            shown[name] = {inner: plain}
    return shown


def _plain(value: object) -> JsonValue:
    match value:
        case None | bool() | int() | float() | str():
            plain: JsonValue = value
        case Enum():
            plain = str(value.value)
        case datetime():
            plain = value.isoformat()
        case time():
            plain = f"{value:%H:%M}"
        case Sequence():
            plain = [_plain(one) for one in value]
        case _ if is_dataclass(value) and not isinstance(value, type):
            named = {one.name: _plain(getattr(value, one.name)) for one in fields(value)}
            plain = as_told(value) if told_fields(type(value)) else named
        case _:
            raise TypeError(f"{type(value).__name__} cannot be told")
    return plain
