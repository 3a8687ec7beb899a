"""Reading the cloud's JSON: text to bounded plain objects, and objects to typed values, field by field (design page 3).

Only this module and `values` handle untyped data. Each dataclass field declares its name and kind on the wire
(`bridge.chargepoint.cloud_fields`). A value that cannot be read, or is impossible, makes only its own field unknown,
and is named for the log.
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
from bridge.chargepoint.cloud_fields import CloudField, Kind, Part, Quantity, Word, cloud_fields
from bridge.chargepoint.update import Update

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")

MOST_CHARACTERS: Final = 4 * 1024 * 1024
"""The longest frame, in characters. The link accepts as many bytes."""


class BadFrame(ValueError):
    """A text is not JSON, not an object, or an object without a name. It is logged once and ignored."""


class NotJson(ValueError):
    """A text is not JSON, even if it is read leniently. The message says why."""


_ESCAPE: Final = re.compile(
    r"(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)
_RAW: Final = re.compile("[\x00-\x1f]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def decode(text: str | bytes) -> Mapping[str, object]:
    """Read a frame as a plain object.

    Raises:
        BadFrame: the text is not a JSON object, is nested too deeply, or is too long.
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
    """Read a text as JSON.

    A lone surrogate, which remains of an emoji that was cut, becomes U+FFFD. So do bytes that are not UTF-8. Only
    keys go into the parser's cache of strings: values, such as ids, would fill it with what never comes again.

    Raises:
        NotJson: the text is not JSON, or is nested too deeply.
    """
    data: JsonValue
    try:
        data = from_json(text, cache_strings="keys")
    except (ValueError, TypeError):  # TypeError: a raw surrogate, not an escaped one
        try:
            data = from_json(_mended(text), cache_strings="keys")
        except ValueError as error:
            raise NotJson(str(error)) from None
    return data


def _mended(text: str | bytes) -> str:
    """Return a text without what a strict JSON parser refuses: surrogates, control characters, a byte order mark."""
    whole = text if isinstance(text, str) else text.decode("utf-8", "replace")
    whole = _RAW.sub(" ", _SURROGATE.sub("\ufffd", whole.removeprefix("\ufeff")))
    return _ESCAPE.sub(lambda escape: "\\ufffd" if escape["lone"] else escape[0], whole)


class _Entry(NamedTuple):
    """How one name on the wire is read.

    Attributes:
        attribute: the field of the dataclass.
        convert: reads the value.
        unknown: the value of the field when it is unknown.
        also: the name is an alternative one, which counts only if the main name is absent.
        lasting: a null or unreadable value leaves the field as it was.
        inner: the names inside the value, if fields of the dataclass are nested in it.
    """

    attribute: str
    convert: Convert
    unknown: object
    also: bool
    lasting: bool
    inner: Mapping[str, "_Entry"] | None


class FieldReader(Generic[T]):
    """Reads objects whose fields a dataclass declares with `cloud_field`.

    Args:
        cls: the dataclass.
    """

    def __init__(self, cls: type[T]) -> None:
        self._cls: Callable[..., T] = cls
        own: dict[str, _Entry] = {}
        inner: dict[str, dict[str, _Entry]] = {}
        unknown = {one.name: None if one.default is MISSING else one.default for one in fields(cls)}
        for attribute, one in cloud_fields(cls).items():
            for name, entry in _entries(attribute, one, unknown[attribute]):
                outer, _, within = name.partition(".")
                (inner.setdefault(outer, {}) if within else own)[within or outer] = entry
        self._entries = {name: entry._replace(inner=inner.get(name)) for name, entry in own.items()}

    def read(self, data: Mapping[str, object], oddities: list[str]) -> Update[T]:
        """Read an object.

        Args:
            data: the object. Unknown names are ignored.
            oddities: gets a text for each value that cannot be read.

        Returns:
            The values, and the names of the fields that the object carried.
        """
        found: dict[str, object] = {}
        _gather(self._entries, data, found, oddities, "")
        return Update(self._cls(**found), frozenset(found))


def _entries(attribute: str, one: CloudField[object], unknown: object) -> list[tuple[str, _Entry]]:
    """Return each name of a field with how it is read."""
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
    """Read an object into `found`. This runs for each push, and takes a few hundred nanoseconds a field."""
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
