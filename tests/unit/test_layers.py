"""Who may import whom (the architecture's rules)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bridge"

STDLIB = set(sys.stdlib_module_names)
PYDANTIC = {"pydantic", "pydantic_core"}
ERRORS = "bridge.errors"

FIMP = [f"fimp/{path.name}" for path in sorted((PACKAGE / "fimp").glob("*.py"))]
CHARGEPOINT = [f"chargepoint/{path.name}" for path in sorted((PACKAGE / "chargepoint").glob("*.py"))]
WIRE = [
    f"bluecurrent/{path.name}"
    for path in sorted((PACKAGE / "bluecurrent").glob("*.py"))
    if path.name not in {"app_api.py", "link.py", "login.py"}
]
SERVICES = [f"services/{path.name}" for path in sorted((PACKAGE / "services").glob("*.py"))]
SIMULATOR = [f"simulator/{path.name}" for path in sorted((PACKAGE / "simulator").glob("*.py"))]
WEB = [f"web/{path.name}" for path in sorted((PACKAGE / "web").glob("*.py"))]
EVERYTHING = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def imports(source: str) -> Iterator[str]:
    """Every module that a source names, in full."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names if node.module == "bridge")


def imported_by(path: str) -> set[str]:
    """Every module that a file imports."""
    return {name for name in imports((PACKAGE / path).read_text()) if name != "typing" and name != "bridge"}


def foreign(path: str, allowed: set[str]) -> list[str]:
    """What a file imports beside the standard library, pydantic and what it is allowed."""
    return sorted(
        name
        for name in imported_by(path)
        if name.partition(".")[0] not in STDLIB | PYDANTIC
        and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)
        and name != "_typeshed"
    )


@pytest.mark.parametrize("path", FIMP)
def test_fimp_knows_nobody(path: str) -> None:
    assert foreign(path, {"bridge.fimp", ERRORS}) == []


@pytest.mark.parametrize("path", CHARGEPOINT)
def test_chargepoint_knows_nobody(path: str) -> None:
    assert foreign(path, {"bridge.chargepoint", ERRORS}) == []


@pytest.mark.parametrize("path", WIRE)
def test_the_wire_knows_only_chargepoint_values(path: str) -> None:
    assert foreign(path, {"bridge.bluecurrent", "bridge.chargepoint", "bridge.backoff", ERRORS}) == []
    impure = {"bridge.bluecurrent.link", "bridge.bluecurrent.login"}
    assert imported_by(path).isdisjoint(impure)


@pytest.mark.parametrize("path", [*FIMP, *CHARGEPOINT, *WIRE])
def test_the_pure_parts_have_no_loop_no_clock_and_no_socket(path: str) -> None:
    assert imported_by(path).isdisjoint({"asyncio", "socket", "threading", "time", "random", "os"})


@pytest.mark.parametrize("path", SERVICES)
def test_services_open_nothing(path: str) -> None:
    forbidden = {
        "aiomqtt",
        "websockets",
        "sqlite3",
        "socket",
        "bridge.hub.broker",
        "bridge.service",
        "bridge.commandline.cli",
    }
    assert [name for name in imported_by(path) for bad in forbidden if name == bad or name.startswith(f"{bad}.")] == []


@pytest.mark.parametrize("path", WEB)
def test_the_page_commands_nothing(path: str) -> None:
    """It is handed what there is to see, and knows no way to change it."""
    forbidden = {
        "aiomqtt",
        "websockets",
        "sqlite3",
        "bridge.storage.storage",
        "bridge.bluecurrent.requests",
        "bridge.fimp",
    }
    assert [name for name in imported_by(path) for bad in forbidden if name == bad or name.startswith(f"{bad}.")] == []


@pytest.mark.parametrize("path", SIMULATOR)
def test_the_simulator_knows_only_wire_models(path: str) -> None:
    ours = {name for name in imported_by(path) if name.startswith("bridge.")}
    assert {name for name in ours if not name.startswith("bridge.simulator")} <= {"bridge.bluecurrent.wire"}


@pytest.mark.parametrize("path", EVERYTHING)
def test_nobody_imports_the_top(path: str) -> None:
    top = {"bridge.service", "bridge.commandline.cli"}
    if path in {"service.py", "__main__.py"} or path.startswith("commandline/"):
        return
    assert imported_by(path).isdisjoint(top)


@pytest.mark.parametrize("path", EVERYTHING)
def test_no_module_keeps_state_that_changes(path: str) -> None:
    """At module level stand definitions and constants, and the command-line application."""
    allowed = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Expr, ast.If)
    for node in ast.parse((PACKAGE / path).read_text()).body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            value = node.value
            mutable = isinstance(value, ast.List | ast.Dict | ast.Set | ast.ListComp | ast.DictComp)
            final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
            assert not mutable or final, f"{path}:{node.lineno} is neither constant nor Final"
        else:
            assert isinstance(node, allowed), f"{path}:{node.lineno}"


def test_these_tests_can_fail() -> None:
    assert foreign_source("from bridge.service import Service") == ["bridge.service"]
    assert foreign_source("import aiomqtt") == ["aiomqtt"]
    assert foreign_source("import json\nfrom pydantic import BaseModel") == []


def foreign_source(source: str) -> list[str]:
    """`foreign`, of a source instead of a file."""
    return [name for name in imports(source) if name.partition(".")[0] not in STDLIB | PYDANTIC]
