"""Every quote in docs/troubleshooting.md is a text in the code."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from bridge.errors import ErrorCode
from tests.documentation.pages import ROOT, code_words

PAGE = ROOT / "docs" / "troubleshooting.md"
BLANK = "…"


def quotes(kind: str) -> list[str]:
    """The quotes of a line of `check`, of the log, of an error of the service, or of an error code."""
    return sorted(word.partition(": ")[2] for word in code_words(PAGE) if word.startswith(f"{kind}: "))


def constants(path: Path) -> Iterator[str]:
    """Every text in a source, with `…` for inserted values."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else BLANK for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


SOURCES = sorted((ROOT / "bridge").rglob("*.py"))
TEXTS = {text for path in SOURCES for text in constants(path)}


def logged() -> Iterator[str]:
    """Every event that is logged."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="debug" | "info" | "warning" | "error" | "exception"),
                    args=[ast.Constant(value=str(event)), *_],
                ):
                    yield event


EVENTS = set(logged())


def stands(quote: str, texts: set[str]) -> bool:
    """Whether one text contains the pieces of a quote in this order."""
    pieces = [re.escape(piece.strip()) for piece in quote.split(BLANK) if piece.strip(" .")]
    pattern = re.compile(".*?".join(pieces), re.DOTALL)
    return any(pattern.search(text) for text in texts)


@pytest.mark.parametrize("quote", quotes("check"))
def test_quoted_lines_of_check_are_in_the_code(quote: str) -> None:
    assert stands(quote, TEXTS)


@pytest.mark.parametrize("quote", quotes("error"))
def test_quoted_errors_are_in_the_code(quote: str) -> None:
    assert stands(quote, TEXTS)


@pytest.mark.parametrize("quote", quotes("log"))
def test_quoted_log_lines_are_in_the_code(quote: str) -> None:
    assert quote in EVENTS or (quote.endswith(BLANK) and any(event.startswith(quote[:-1]) for event in EVENTS))


def test_quoted_error_codes_are_in_the_code() -> None:
    told = {word.removeprefix("hub: ") for word in code_words(PAGE) if word.startswith("hub: ")}
    assert told <= set(get_args(ErrorCode))
    assert len(told) >= 8


def test_these_tests_can_fail() -> None:
    assert not stands("… is a message that nobody … wrote", TEXTS)
    assert "connection to the moon is down" not in EVENTS
    assert len(quotes("check")) > 20
    assert len(quotes("log")) > 10
