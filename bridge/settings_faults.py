"""Describes a fault of the settings in one line: where it is, what is wrong, and the nearest known key (contract 2)."""

import difflib
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from bridge.settings import KEYS, Settings

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_WORDS: Final[Mapping[str, str]] = {
    "string_type": "must be a text",
    "path_type": "must be a text",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "string_too_short": "must not be empty",
}
"""What is wrong, by the type of pydantic's error. Other types keep pydantic's words."""

_QUOTES: Final[Mapping[str, str]] = {
    "string_type": ", in quotes",
    "path_type": ", in quotes",
    "bool_type": ", without quotes",
    "int_type": ", without quotes",
    "float_type": ", without quotes",
}
"""How such a value is written in a TOML file. The other sources have only texts and no such errors."""


class Mistyped:
    """Stands for a value of a TOML file whose type is not that of its key.

    The models turn texts into numbers, and bools too, since the other sources have only texts. They refuse this.
    """


def typed(section: str, name: str, value: object) -> object:
    """Return a value of a TOML file, or `Mistyped` if the key has another type.

    Args:
        section: the section, a known one.
        name: the name of the key.
        value: the value, as `tomllib` gives it.
    """
    model = Settings.model_fields[section].default
    field = type(model).model_fields.get(name)
    if field is None:
        return value  # an unknown key, which is a fault of its own
    if field.annotation is bool:
        return value if isinstance(value, bool) else Mistyped()
    if field.annotation in (int, int | float) and isinstance(value, (bool, str)):
        return Mistyped()
    return value


def describe(error: ValidationError, origins: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for each key with a fault.

    Args:
        error: the error of the models.
        origins: for each given key a text that names its source.
    """
    for key, fault in last_by_key(error, depth=2).items():
        if fault["type"] == "extra_forbidden":
            words = f"unknown key{nearest_key(key)}"
        else:
            words = words_of(fault) + _QUOTES.get(fault["type"], "")
        yield f"{origins.get(key, '')}: {key}: {words}"


def last_by_key(error: ValidationError, depth: int) -> Mapping[str, "ErrorDetails"]:
    """Return the last error of each key.

    A key of two types, such as whole number and number, has an error for each. The last says what is needed.

    Args:
        error: the error of the models.
        depth: the number of parts of a key: 2 for `mqtt.host`.
    """
    return {
        ".".join(str(part) for part in fault["loc"][:depth]): fault
        for fault in error.errors(include_url=False, include_input=False)
    }


def words_of(fault: "ErrorDetails") -> str:
    """Say what is wrong with a value."""
    message = fault["msg"].removeprefix("Value error, ").replace("Input should be ", "must be ")
    return _WORDS.get(fault["type"], f"{message[:1].lower()}{message[1:]}")


def nearest_key(key: str) -> str:
    """Return `; did you mean mqtt.host?` for the nearest known key, or an empty text.

    Args:
        key: a key in the form `mqtt.host`, or its name alone.
    """
    name = key.casefold().rpartition(".")[2]
    same = [known for known in KEYS if known.rpartition(".")[2] == name]
    return _hint(same[:1] or difflib.get_close_matches(key.casefold(), KEYS, n=1, cutoff=0.5))


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean mqtt?` for the nearest known word, or an empty text."""
    return _hint(difflib.get_close_matches(word.casefold(), list(known), n=1, cutoff=0.5))


def _hint(near: list[str]) -> str:
    return f"; did you mean {near[0]}?" if near else ""
