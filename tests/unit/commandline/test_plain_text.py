"""Untrusted text on one line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.commandline.plain_text import one_line, plain

BIDI = "\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Driveway", "Driveway"),
        ("Oprit 1, Zürich €", "Oprit 1, Zürich €"),
        ("two\nlines", "two lines"),
        ("two\r\nlines", "two  lines"),
        ("a\tb\u2028c\u2029d\x85e\u00a0f", "a b c d e f"),
        ("\u202eevil", "evil"),
        ("\x1b[31mred\x1b[0m\x07", "[31mred[0m"),
        ("\ufeffname\u200b", "name"),
        ("cut\ud83d", "cut\ufffd"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
        ("", ""),
    ],
)
def test_control_characters_are_removed_and_line_ends_replaced(text: str, shown: str) -> None:
    assert one_line(text) == shown


@given(st.text(st.characters(codec=None)))
def test_any_text_becomes_one_printable_line(text: str) -> None:
    shown = one_line(text)
    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set(BIDI)
    assert all(character.isprintable() or character in "\u200c\u200d" for character in shown)
    shown.encode()
    assert one_line(shown) == shown


def test_nested_values_are_cleaned() -> None:
    assert plain({"a\nb": ["c\x00", 1, None, True, {"d": "\u202ee"}]}) == {"a b": ["c", 1, None, True, {"d": "e"}]}
