"""Reading the cloud's JSON: text to plain objects within bounds, and objects to values, field by field (design page 3).

Only this module and `values` handle what has no type yet. What a field's value is, the field itself declares
(`bridge.chargepoint.told`). A value that cannot be read, or cannot be, costs only itself: its field becomes unknown,
and is named.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from pydantic import JsonValue
from pydantic_core import from_json

from bridge.bluecurrent import values
from bridge.bluecurrent.values import UNREADABLE, Convert, Odd
from bridge.chargepoint.charge_point_settings import SettingOf
from bridge.chargepoint.told import Kind, Part, Quantity, ToldField, Word, told_fields
from bridge.chargepoint.update import Update

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

MOST_CHARACTERS: Final = 4 * 1024 * 1024
"""Of a frame; as many bytes as the link lets through."""


class BadFrame(ValueError):
    """What came is not JSON, not an object, or an object without a name. It is logged once and skipped."""


class NotJson(ValueError):
    """What came is not JSON, however leniently it is read; the text says why."""


_ESCAPE: Final = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_RAW: Final = re.compile("[\x00-\x1f]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def decode(text: str | bytes) -> Mapping[str, object]:
    """The object that a frame is.

    Raises:
        BadFrame: it is no JSON object, nested too deeply, or too long.
    """
    if len(text) > MOST_CHARACTERS:
        raise BadFrame("longer than any frame")
    try:
        data = read_json(text)
    except NotJson as error:
        raise BadFrame(f"not JSON: {error}") from None
    if not isinstance(data, dict):
        raise BadFrame("not an object")
    return data


def read_json(text: str | bytes) -> JsonValue:
    """What a text from the cloud says.

    A lone surrogate, which is what is left of an emoji that was cut, becomes U+FFFD; so do bytes that are no UTF-8.

    Raises:
        NotJson: it is no JSON, or nested too deeply.
    """
    data: JsonValue
    try:
        data = from_json(text)
    except (ValueError, TypeError):  # TypeError: a surrogate that is no escape
        try:
            data = from_json(_mended(text))
        except ValueError as error:
            raise NotJson(str(error)) from None
    return data


def _mended(text: str | bytes) -> str:
    """What is not quite JSON, without what strict readers refuse."""
    whole = text if isinstance(text, str) else text.decode("utf-8", "replace")
    whole = _RAW.sub(" ", _SURROGATE.sub("\ufffd", whole.removeprefix("\ufeff")))
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape["lone"] else escape[0], whole)


class _Entry(NamedTuple):
    """What to do with one name on the wire; `inner` holds the names within it."""

    attribute: str
    convert: Convert
    unknown: object
    also: bool
    lasting: bool
    inner: Mapping[str, "_Entry"] | None


class FieldReader(Generic[T]):
    """Reads objects whose fields a dataclass declares with `told`.

    Args:
        cls: the dataclass.
    """

    def __init__(self, cls: type[T]) -> None:
        self._cls: Callable[..., T] = cls
        own: dict[str, _Entry] = {}
        inner: dict[str, dict[str, _Entry]] = {}
        unknown = {one.name: None if one.default is MISSING else one.default for one in fields(cls)}
        for attribute, one in told_fields(cls).items():
            for name, entry in _entries(attribute, one, unknown[attribute]):
                outer, _, within = name.partition(".")
                (inner.setdefault(outer, {}) if within else own)[within or outer] = entry
        self._entries = {name: entry._replace(inner=inner.get(name)) for name, entry in own.items()}

    def read(self, data: Mapping[str, object], oddities: list[str]) -> Update[T]:
        """What an object says.

        Args:
            data: the object. Names that are not known are nobody's business.
            oddities: here is added what in it made no sense.
        """
        found: dict[str, object] = {}
        _gather(self._entries, data, found, oddities, "")
        return Update(self._cls(**found), frozenset(found))


def _entries(attribute: str, one: ToldField[object], unknown: object) -> list[tuple[str, _Entry]]:
    """The names of a field, each with what to do."""
    convert = _converter(one.kind)
    named = [(one.name, _Entry(attribute, convert, unknown, also=False, lasting=one.lasting, inner=None))]
    named += [(name, _Entry(attribute, convert, unknown, True, one.lasting, None)) for name in one.also]
    if one.opposite:
        named.append((one.opposite, _Entry(attribute, values.opposite(convert), unknown, True, one.lasting, None)))
    return named


def _gather(
    entries: Mapping[str, _Entry],
    data: Mapping[str, object],
    found: dict[str, object],
    oddities: list[str],
    around: str,
) -> None:
    """Read an object into `found`. This is on the way of each push: a few hundred nanoseconds a field."""
    for name, value in data.items():
        entry = entries.get(name)
        if entry is None:
            continue
        attribute, convert, unknown, also, lasting, inner = entry
        if also and attribute in found:
            continue
        try:
            read = convert(value) if value is not None else None
        except UNREADABLE as error:
            odd = error if isinstance(error, Odd) else Odd()
            oddities.append(f"{around}{name} {odd.reason}")
            read = odd.rest if not lasting else None
        if read is not None:
            found[attribute] = read
        elif not lasting:
            found[attribute] = unknown
        if inner is not None and isinstance(value, dict):
            _gather(inner, value, found, oddities, f"{around}{name}.")


def _converter(kind: Kind[object]) -> Convert:
    match kind:
        case Quantity():
            return values.quantity(kind)
        case SettingOf():
            return values.setting(_converter(kind.value))
        case Word():
            return values.word(kind)
        case Part():
            return _part(kind)
        case _:
            return values.PLAIN[type(kind)]


def _part(kind: "Part[DataclassInstance]") -> Convert:
    reader = FieldReader(kind.cls)

    def convert(value: object) -> object:
        if not isinstance(value, dict):
            raise Odd("is no object")
        oddities: list[str] = []
        whole = reader.read(value, oddities).values
        part = whole if not kind.needs or getattr(whole, kind.needs) else None
        if oddities:
            raise Odd(f"is odd: {', '.join(oddities[:3])}", rest=part)
        return part

    return convert
