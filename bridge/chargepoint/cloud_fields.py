"""Declarations of the fields that the cloud sends: their name on the wire, their meaning and their unit.

`cloud_field` declares a field of a dataclass. `bridge.bluecurrent` reads frames by these declarations. `as_cloud_json`
turns values back into the cloud's form for `GET /api/state`. A test compares `docs/blue-current.md` with them.
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

_KEY: Final = "cloud_field"


class Kind(Generic[T_co]):
    """The kind of value that a field holds, which decides how it is read and which values are possible."""

    def measured_in(self) -> str:
        """Return the unit as the documentation writes it; empty if there is none."""
        return ""


@dataclass(frozen=True, slots=True)
class Quantity(Kind[float]):
    """A number with a unit. One outside its bounds is impossible, and becomes unknown (contract 4).

    Attributes:
        unit: the unit as the documentation writes it.
        lowest: the lowest possible value.
        highest: the highest possible value.
        noise: a reading at most this far below `lowest` is noise of the meter, and counts as `lowest`.
    """

    unit: str
    lowest: float
    highest: float
    noise: float = 0.0

    def measured_in(self) -> str:
        """Return the unit."""
        return self.unit


class Flag(Kind[bool]):
    """True or false."""


class Whole(Kind[int]):
    """A number without a fraction."""


class Text(Kind[str]):
    """Text."""


class Moment(Kind[datetime]):
    """A date and time in Amsterdam, between the years 2000 and 2100."""


class TimeOfDay(Kind[time]):
    """A time of day in Amsterdam, to the minute. 24:00 is read as 00:00."""


class Weekdays(Kind[tuple[int, ...]]):
    """Days of the week, 1 Monday to 7 Sunday, sorted and without duplicates."""


class Sockets(Kind[tuple[int, ...]]):
    """Numbers of sockets, from 1, without duplicates, in the order of the frame."""


class Names(Kind[tuple[str, ...]]):
    """Names without duplicates, in the order of the frame."""


@dataclass(frozen=True)
class Word(Kind[W_co]):
    """One of a few words, in any letter case.

    Attributes:
        words: the value for each word, which is in lower case.
    """

    words: Mapping[str, W_co]


@dataclass(frozen=True)
class Part(Kind[D_co]):
    """An object with declared fields of its own.

    Attributes:
        cls: the dataclass that declares the fields.
        needs: the field without which the object counts as absent; empty for none.
    """

    cls: type[D_co]
    needs: str = ""


FLAG: Final = Flag()
WHOLE: Final = Whole()
TEXT: Final = Text()
MOMENT: Final = Moment()
TIME_OF_DAY: Final = TimeOfDay()
WEEKDAYS: Final = Weekdays()
SOCKETS: Final = Sockets()
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
class CloudField(Generic[T_co]):
    """The declaration of a field.

    Attributes:
        name: the name on the wire. A dot separates the name of an object from that of a field in it.
        meaning: the meaning, for the documentation.
        kind: the kind of the value.
        also: other names under which the field has been seen.
        opposite: a name under which the opposite value has been seen.
        lasting: a null or unreadable value leaves the field as it was, since one odd frame must not lose it.
    """

    name: str
    meaning: str
    kind: Kind[T_co]
    also: tuple[str, ...] = ()
    opposite: str = ""
    lasting: bool = False


@overload
def cloud_field(
    name: str, meaning: str, kind: Kind[T], *, also: Sequence[str] = (), opposite: str = "", lasting: bool = False
) -> T | None: ...


@overload
def cloud_field(
    name: str, meaning: str, kind: Kind[T], *, default: T, also: Sequence[str] = (), lasting: bool = False
) -> T: ...


def cloud_field(
    name: str,
    meaning: str,
    kind: Kind[T],
    *,
    default: T | None = None,
    also: Sequence[str] = (),
    opposite: str = "",
    lasting: bool = False,
) -> T | None:
    """Declare a dataclass field that the cloud sends. `default` stands for an unknown value.

    The other arguments are the attributes of `CloudField`.
    """
    declared = CloudField(name, meaning, kind, tuple(also), opposite, lasting)
    return field(default=default, metadata={_KEY: declared})


@cache
def cloud_fields(cls: "type[DataclassInstance]") -> Mapping[str, CloudField[object]]:
    """Return the declared fields of a dataclass by their attribute names, in order."""
    return {one.name: one.metadata[_KEY] for one in fields(cls) if _KEY in one.metadata}


def as_cloud_json(value: "DataclassInstance") -> dict[str, JsonValue]:
    """Return a value in the names and the nesting of the wire. An unknown field is None.

    Times are ISO 8601 with an offset, times of day are HH:MM.
    """
    shown: dict[str, JsonValue] = {}
    for attribute, one in cloud_fields(type(value)).items():
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
            plain = as_cloud_json(value) if cloud_fields(type(value)) else named
        case _:
            raise TypeError(f"{type(value).__name__} has no form on the wire")
    return plain
