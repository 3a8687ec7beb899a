"""Reading secrets: which characters that editors and web pages add may be removed (contract 2)."""

import codecs
from typing import Final

_INVISIBLE: Final = "\ufeff\u200b\u200c\u200d\u200e\u200f\u2060\u2061\u2062\u2063\u2064\u180e\u00ad"
"""Characters that cannot be seen: the byte order mark, zero-width characters and marks of direction."""

TYPOGRAPHIC_QUOTES: Final = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2039\u203a"
"""Quotation marks that word processors put in place of plain ones."""

_QUOTES: Final = f"\"'`\u00b4{TYPOGRAPHIC_QUOTES}"
_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(content: bytes) -> str:
    """Decode the content of a file, without a byte order mark in front.

    Raises:
        ValueError: the content is not UTF-8; the message says what to do.
    """
    if content.startswith(_UTF_16):
        raise ValueError("it is UTF-16. Save it as UTF-8.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"byte {error.start + 1} is not UTF-8. Save it as UTF-8.") from None


def secret_of(content: bytes) -> str:
    """Read the secret in a file: its text without invisible characters in front and without one line end.

    Raises:
        ValueError: the content is not UTF-8; the message says what to do.
    """
    text = text_of(content).lstrip(_INVISIBLE)
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


def token_of(text: str) -> str:
    """Return a token without blanks and invisible characters at its ends; empty if nothing is left.

    Raises:
        ValueError: the text cannot be a token. The message says why and what to do, and does not contain the text.
    """
    before, token = None, text
    while token != before:
        before, token = token, token.strip().strip(_INVISIBLE)
    if token and (token[0] in _QUOTES or token[-1] in _QUOTES):
        raise ValueError("the token is in quotes. Remove them: they would be taken for a part of it.")
    if any(character.isspace() for character in token):
        raise ValueError("the token has a blank or a line end inside. Copy it again, in one piece and nothing else.")
    hidden = next((character for character in token if not character.isprintable()), None)
    if hidden is not None:
        raise ValueError(f"the token has a character inside that cannot be seen (U+{ord(hidden):04X}). Copy it again.")
    return token


def oddity_of(password: str) -> str | None:
    """Describe what in a password may be a mistake, although it is used as it is; None if there is nothing."""
    if password != password.strip():
        return "begins or ends with a blank or a line end"
    if len(password) > 1 and password[0] in _QUOTES and password[-1] in _QUOTES:
        return "is in quotes"
    if any(not character.isprintable() for character in password):
        return "has a character that cannot be seen"
    return None
