"""Typing: no value of the bridge has the type `Any`, and every disabled check has a reason."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
BRIDGE: Final = sorted((ROOT / "bridge").rglob("*.py"))

ANY_ALLOWED: Final[Mapping[str, str]] = {}
"""Files that may use `Any`, each with the reason."""


def uses_of_any(source: str) -> Iterator[int]:
    """The lines on which a source imports `Any`, or names it."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.ImportFrom(module="typing" | "typing_extensions", names=names):
                yield from (node.lineno for alias in names if alias.name == "Any")
            case ast.Attribute(value=ast.Name("typing" | "t"), attr="Any") | ast.Name("Any"):
                yield node.lineno


@pytest.mark.parametrize("path", BRIDGE, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_of_any_type(path: Path) -> None:
    if str(path.relative_to(ROOT)) not in ANY_ALLOWED:
        assert list(uses_of_any(path.read_text())) == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("from typing import Any, Final", [1]),
        ("from typing import Any as Whatever", [1]),
        ("import typing\nvalue: dict[str, typing.Any]", [2]),
        ("def read(value: list[Any]) -> None: ...", [1]),
        ('"""Any other object."""\nfrom typing import Final\nkind = "Any"', []),
    ],
)
def test_any_is_found(source: str, lines: list[int]) -> None:
    assert list(uses_of_any(source)) == lines
