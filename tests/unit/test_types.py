"""Typing: no value of the bridge has the type `Any`, and every disabled check has a reason."""

import ast
import re
import tokenize
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[2]
BRIDGE: Final = sorted((ROOT / "bridge").rglob("*.py"))
TESTS: Final = sorted(path for path in (ROOT / "tests").rglob("*.py") if "node_modules" not in path.parts)


def of(path: Path) -> str:
    """How a test is named after a file."""
    return str(path.relative_to(ROOT))


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


@pytest.mark.parametrize("path", BRIDGE, ids=of)
def test_no_value_has_the_type_any(path: Path) -> None:
    if of(path) not in ANY_ALLOWED:
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


# --- what is turned off ---

_TURNED_OFF: Final = re.compile(r"#\s*(noqa|type:\s*ignore)\b")
_REASON: Final = re.compile(r"# (noqa: [A-Z]+[0-9]+(, [A-Z]+[0-9]+)* -|type: ignore\[[a-z-]+(,[a-z-]+)*\] #) \w+\W+\w")
"""The check is named, and the reason is more than one word."""


def without_reason(lines: Iterator[str]) -> list[str]:
    """The comments that turn a check off and do not say why."""
    comments = (
        token.string for token in tokenize.generate_tokens(lambda: next(lines, "")) if token.type == tokenize.COMMENT
    )
    return [comment for comment in comments if _TURNED_OFF.search(comment) and not _REASON.search(comment)]


@pytest.mark.parametrize("path", [*BRIDGE, *TESTS], ids=of)
def test_every_disabled_check_has_a_reason(path: Path) -> None:
    with path.open(encoding="utf-8") as lines:
        assert without_reason(iter(lines)) == []


@pytest.mark.parametrize(
    ("comment", "enough"),
    [
        ("# noqa", False),
        ("# noqa: S608", False),
        ("# noqa: S608 - constant", False),
        ("# noqa: S608 - a constant", True),
        ("# noqa: S608, E501 - a constant", True),
        ("# type: ignore", False),
        ("# type: ignore[arg-type]", False),
        ("# type: ignore[arg-type] # by name", True),
        ("# type:ignore # by name", False),
        ("# any other comment", True),
    ],
)
def test_a_missing_reason_is_found(comment: str, enough: bool) -> None:
    assert (without_reason(iter([f"value = 1  {comment}\n"])) == []) is enough


# --- one name, one meaning ---


def aliases(source: str) -> Iterator[str]:
    """The public names of types that a module gives: classes, and what is called like one."""
    for node in ast.parse(source).body:
        match node:
            case ast.ClassDef(name=name) if not name.startswith("_"):
                yield name
            case ast.Assign(targets=[ast.Name(name)], value=value) if not isinstance(value, ast.Call):
                if re.fullmatch(r"[A-Z]\w*[a-z]\w*", name):
                    yield name


def test_no_two_types_share_a_name() -> None:
    where = dict[str, list[str]]()
    for path in BRIDGE:
        for name in aliases(path.read_text()):
            where.setdefault(name, []).append(of(path))
    assert {name: paths for name, paths in where.items() if len(paths) > 1} == {}


def test_names_of_types_are_found() -> None:
    source = "class A: ...\nclass _B: ...\nCount = int\nT = TypeVar('T')\nMOST: Final = 1\nmost = 1\n"
    assert list(aliases(source)) == ["A", "Count"]
