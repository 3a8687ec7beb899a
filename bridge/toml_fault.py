"""Explains why a settings file is not TOML: the line, and what is likely wrong in it (contract 2). Pure."""

import difflib
import re
from collections.abc import Iterable, Iterator
from typing import Final

from bridge.secret_text import TYPOGRAPHIC_QUOTES

LONGEST_LINE: Final = 80
"""The number of characters of a line that are shown."""

_PLACE: Final = re.compile(r" \(at line (\d+), column (\d+)\)$")
_SECRET: Final = re.compile(r"(password|token)\b.*", re.IGNORECASE | re.DOTALL)
_WORD: Final = re.compile(r"""^\s*["']?([\w.-]+)""")
_STATEMENT: Final = re.compile(r"""^\s*[\w."'-]+\s*=\s*(?P<value>.*?)\s*$""")
_DECIMAL_COMMA: Final = re.compile(r"[+-]?\d+,\d+")
_LEADING_ZERO: Final = re.compile(r"[+-]?0\d+")


def explain_toml(text: str, error: ValueError, known: Iterable[str]) -> str:
    """Describe a fault in one sentence, with the line that it is in.

    A line is quoted only from a known key or a section on, and not from a password or token on, since a secret can
    stand anywhere in a file that is not TOML.

    Args:
        text: the text of the file.
        error: the error of `tomllib`.
        known: the names of the sections and keys, `mqtt` and `mqtt.host`.
    """
    message = str(error)
    place = _PLACE.search(message)
    words = _PLACE.sub("", message)
    words = words[:1].lower() + words[1:]
    if place is None:  # the end of the document, or a number or date that cannot be
        return _with_cause(words, _cause_anywhere(text, words))
    number, column = int(place[1]), int(place[2])
    lines = text.split("\n")
    line = lines[number - 1] if number <= len(lines) else ""
    shown = _shown(line, known)
    return _with_cause(f"line {number}{f', {shown}' if shown else ''}: {words}", _cause(line, column, words, known))


def _with_cause(fault: str, cause: str | None) -> str:
    return f"{fault}. {cause}" if cause is not None else fault


def _shown(line: str, known: Iterable[str]) -> str:
    """Return the line without a secret in it, shortened; empty if any part of it may be a secret."""
    text = line.strip()
    word = _WORD.match(text)
    names = {part for key in known for part in (key, key.rpartition(".")[2])}
    near = difflib.get_close_matches(word[1].lower(), names, n=1, cutoff=0.7) if word is not None else []
    if not text.startswith("[") and not near:
        return ""
    misspelt = word is not None and near and _SECRET.search(near[0])
    shown = f"{word[1]} …" if word is not None and misspelt else _SECRET.sub(r"\1 …", text)
    return shown if len(shown) <= LONGEST_LINE else f"{shown[:LONGEST_LINE]}…"


def _cause_anywhere(text: str, words: str) -> str | None:
    curly = next((quote for quote in TYPOGRAPHIC_QUOTES if quote in text), None)
    if curly is not None:
        return _typographic(curly)
    if "array" in words:
        return "A list ends with ], and a comma stands between its values."
    if "string" in words or "expected '\"" in words:
        return "A text ends with the same quotes with which it begins."
    return None


def _typographic(quote: str) -> str:
    return f"A word processor has put {quote} in: write plain quotes."


def _cause(line: str, column: int, words: str, known: Iterable[str]) -> str | None:
    """Return what is likely wrong in a line; None if nothing is likely."""
    return next(_causes(line, column, words, known), None)


def _causes(line: str, column: int, words: str, known: Iterable[str]) -> Iterator[str]:
    """Yield the possible causes, the most likely first."""
    for quote in TYPOGRAPHIC_QUOTES:
        if quote in line:
            yield _typographic(quote)
    if "twice" in words:
        yield "The section is there twice: put all its keys under one."
    if "overwrite" in words or "mutate" in words:
        yield "The key is there twice: keep one of them."
    if line.lstrip().startswith("["):
        yield "The name of a section stands between [ and ], on a line of its own."
    if re.match(r"\s*[\w.-]+\s*:", line):
        yield "Write : as =."
    statement = _STATEMENT.match(line)
    if statement is None:
        yield "Key and value stand on one line with = between."
        return
    key, value = line.partition("=")[0].strip(), statement["value"]
    if "\\" in line and ("escape" in words or "hex" in words):
        yield "Write \\\\ for each \\, or put the text between single quotes."
    if value.startswith(("[", "{")):
        yield "A comma stands between the values, and the closing bracket at the end."
    if value.startswith(("'", '"')):
        yield from _causes_behind_quotes(value, line[column - 1 :].strip())
    else:
        yield from _causes_in_plain_value(key, value.split("#", 1)[0].strip().rstrip(",;"), _shown(line, known))


def _causes_behind_quotes(value: str, rest: str) -> Iterator[str]:
    if rest.startswith((",", ";")):
        yield f"Remove the {rest[0]} at the end."
    if value.find(value[0], 1) < 0:
        yield f"The quotes are not closed: add {value[0]}."
    yield "Only a comment may follow the value."


def _causes_in_plain_value(key: str, value: str, shown: str) -> Iterator[str]:
    if not value:
        yield f"Write a value after the =, or remove {key if shown else 'the key'}."
    if value.lower() in ("true", "false"):
        yield f"Write {value.lower()}."
    if value.lower() in ("yes", "no", "on", "off"):
        yield "Write true or false."
    if _DECIMAL_COMMA.fullmatch(value):
        yield "Write the number with a point."
    if _LEADING_ZERO.fullmatch(value):
        yield "Write the number without a 0 in front."
    if not shown:
        yield "A text stands in quotes."
    yield f'A text stands in quotes: {key} = "{"…" if "…" in shown or chr(34) in value else value}".'
