"""Makes text from other sources safe for one line of a terminal."""

import unicodedata
from typing import Final, overload

from pydantic import JsonValue

_JOINERS: Final = "\u200c\u200d"
"""Invisible, but part of how some scripts and emoji are written."""


def one_line(text: str) -> str:
    """`text` without characters that could break the line, reorder it or control the terminal.

    Line ends and tabs become one blank each. Control characters, marks of direction and other invisible characters are
    removed. A lone surrogate, which cannot be printed, becomes U+FFFD.
    """
    return text if text.isascii() and text.isprintable() else "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character in _JOINERS:
        return character
    if character.isspace():
        return " "
    return "\ufffd" if unicodedata.category(character) == "Cs" else ""


@overload
def plain(value: str) -> str: ...
@overload
def plain(value: JsonValue) -> JsonValue: ...
def plain(value: JsonValue) -> JsonValue:
    """`value` with `one_line` applied to every text in it, names of fields included."""
    if isinstance(value, str):
        return one_line(value)
    if isinstance(value, dict):
        return {one_line(name): plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value
