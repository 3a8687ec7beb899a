"""Which package may import which (the rules of the architecture)."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "bridge"
TESTS = Path(__file__).parents[1]

STDLIB = set(sys.stdlib_module_names)
PYDANTIC = {"pydantic", "pydantic_core"}
ERRORS = "bridge.errors"
IMMUTABLE = "bridge.immutable"

FIMP = [f"fimp/{path.name}" for path in sorted((PACKAGE / "fimp").glob("*.py"))]
CHARGEPOINT = [f"chargepoint/{path.name}" for path in sorted((PACKAGE / "chargepoint").glob("*.py"))]
WIRE = [
    f"bluecurrent/{path.name}"
    for path in sorted((PACKAGE / "bluecurrent").glob("*.py"))
    if path.name not in {"app_api.py", "link.py", "login.py"}
]
WEB = [f"web/{path.name}" for path in sorted((PACKAGE / "web").glob("*.py"))]
TEST_MODULES = sorted(str(path.relative_to(TESTS)) for path in TESTS.rglob("*.py") if "node_modules" not in path.parts)
EVERYTHING = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


NEEDS_MORE = re.compile(r"pytest\.mark\.(containers|browser|nodered|brokers|packages)\b")
NEEDS_MORE_FOLDERS = {"e2e", "packaging"}
"""The folders in which `make e2e` looks for tests that need more than Python."""


def files_of(room: str) -> list[str]:
    """The modules of a package."""
    return [f"{room}/{path.name}" for path in sorted((PACKAGE / room).glob("*.py"))]


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
    """The imports of a file other than the standard library, pydantic and the allowed packages."""
    return sorted(
        name
        for name in imported_by(path)
        if name.partition(".")[0] not in STDLIB | PYDANTIC
        and not any(name == prefix or name.startswith(f"{prefix}.") for prefix in allowed)
        and name != "_typeshed"
    )


@pytest.mark.parametrize("path", FIMP)
def test_fimp_imports_no_other_package(path: str) -> None:
    assert foreign(path, {"bridge.fimp", IMMUTABLE, ERRORS}) == []


@pytest.mark.parametrize("path", CHARGEPOINT)
def test_chargepoint_imports_no_other_package(path: str) -> None:
    assert foreign(path, {"bridge.chargepoint", IMMUTABLE, ERRORS}) == []


@pytest.mark.parametrize("path", WIRE)
def test_the_wire_knows_only_chargepoint_values(path: str) -> None:
    assert foreign(path, {"bridge.bluecurrent", "bridge.chargepoint", "bridge.backoff", IMMUTABLE, ERRORS}) == []
    impure = {"bridge.bluecurrent.link", "bridge.bluecurrent.login"}
    assert imported_by(path).isdisjoint(impure)


@pytest.mark.parametrize("path", [*FIMP, *CHARGEPOINT, *WIRE])
def test_the_pure_parts_have_no_loop_no_clock_and_no_socket(path: str) -> None:
    assert imported_by(path).isdisjoint({"asyncio", "socket", "threading", "time", "random", "os"})


LEAVES = {
    "bridge.backoff",
    "bridge.clock",
    "bridge.deadlines",
    "bridge.errors",
    "bridge.immutable",
    "bridge.log_level",
    "bridge.logs",
    "bridge.secret_text",
    "bridge.tasks",
    "bridge.terminal",
}
"""Top-level modules that import no package of the bridge, and that every package may import."""

ROOMS: dict[str, set[str]] = {
    "account": {
        "bridge.account",
        "bridge.bluecurrent",
        "bridge.chargepoint",
        "bridge.storage",
        "bridge.runtime_settings",
    },
    "storage": {"bridge.storage", "bridge.chargepoint"},
    # Services use the account, and do no I/O themselves.
    "services": {"bridge.services", "bridge.account", "bridge.chargepoint", "bridge.fimp", "bridge.runtime_settings"}
    | {"bridge.storage"},  # things: which inclusion reports the hub has acknowledged
    # The way to the hub passes charge points on to the services; the router keeps which commands were acted on.
    "hub": {"bridge.hub", "bridge.services", "bridge.fimp", "bridge.chargepoint", "bridge.runtime_settings"}
    | {"bridge.settings", "bridge.storage", "bridge.account.locks"},
    # The page reads everything and changes nothing.
    "web": {"bridge.web", "bridge.account", "bridge.chargepoint", "bridge.hub", "bridge.runtime_settings"}
    | {"bridge.settings", "bridge.bluecurrent.bodies"}
    | {f"bridge.bluecurrent.{name}" for name in ("link", "protocol", "request_counts")},
    "simulator": {"bridge.simulator"},
}
"""Who may import whom, room by room; pydantic and other libraries are not looked at here."""


@pytest.mark.parametrize(("room", "path"), [(room, path) for room in ROOMS for path in files_of(room)])
def test_a_package_imports_only_those_that_it_may(room: str, path: str) -> None:
    ours = {name for name in imported_by(path) if name.startswith("bridge.")}
    allowed = ROOMS[room] | LEAVES | {"bridge.__version__"}
    strangers = [name for name in ours if not any(name == one or name.startswith(f"{one}.") for one in allowed)]
    assert strangers == []


@pytest.mark.parametrize("path", [path for room in ("account", "services", "web") for path in files_of(room)])
def test_only_the_outer_parts_open_sockets_and_files(path: str) -> None:
    """Sockets and files are opened by the link, the broker, the storage and the HTTP server."""
    allowed = {"web/server.py": {"socket"}}
    opening = {"aiomqtt", "websockets", "sqlite3", "socket", "httpx"}
    assert imported_by(path) & opening <= allowed.get(path, set())


@pytest.mark.parametrize("path", WEB)
def test_the_page_commands_nothing(path: str) -> None:
    """The page gets views, and has no access to parts that change anything."""
    forbidden = {"bridge.storage", "bridge.bluecurrent.requests", "bridge.fimp"}
    assert [name for name in imported_by(path) for bad in forbidden if name == bad or name.startswith(f"{bad}.")] == []


@pytest.mark.parametrize("path", EVERYTHING)
def test_the_top_is_imported_by_no_other_module(path: str) -> None:
    """Only the wiring, the service and the command line know everything."""
    if path in {"service.py", "wiring.py", "__main__.py"} or path.startswith("commandline/"):
        return
    top = {"bridge.wiring", "bridge.service", "bridge.commandline"}
    assert [name for name in imported_by(path) if ".".join(name.split(".")[:2]) in top] == []


def import_graph() -> dict[str, set[str]]:
    """Each module of the package, and the modules of the package that it imports."""
    names = {
        "bridge." + path.removesuffix(".py").removesuffix("/__init__").replace("/", "."): path for path in EVERYTHING
    }
    return {name: imported_by(path) & set(names) - {name} for name, path in names.items()}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph, done = import_graph(), set[str]()

    def walk(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, " → ".join((*way[way.index(name) :], name))
        if name not in done:
            for other in sorted(graph[name]):
                walk(other, (*way, name))
            done.add(name)

    for name in graph:
        walk(name, ())


HANDED_FUNCTIONS = {
    # A constructor that takes a function of something built later is a circle. These take a function of something that
    # is built before: of the outside world, or of a value.
    "account/logins.py": {"fetch_token", "hide"},  # the app's side of the cloud, and the log
    "account/fleet.py": {"nominal_voltage"},  # a value that the hub may change, of the runtime settings
    "account/sync.py": {"is_valid_address"},  # a pure rule of the hub's language
    "bluecurrent/link.py": {"jitter"},  # chance
    "hub/broker.py": {"jitter"},
    "hub/reporter.py": {"uid"},  # chance
    "storage/storage.py": {"now"},  # the clock
    "storage/recorder.py": {"now"},
    "storage/database.py": {"now", "check"},  # how rows are read, of the module above it
    "storage/work_thread.py": {"work"},  # the work itself, a value
    "web/observer.py": {"left_out"},  # the things, which the page must not know
    "web/stream.py": {"page", "render"},  # the observer and the templates, built before
}


def functions_handed_over(path: str) -> set[str]:
    """The parameters of constructors in a file that are functions."""
    found = set()
    for node in ast.walk(ast.parse((PACKAGE / path).read_text())):
        if isinstance(node, ast.FunctionDef) and node.name == "__init__":
            for argument in [*node.args.args, *node.args.kwonlyargs]:
                annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
                if "Callable" in annotation or annotation in {"TokenFetcher", "Listener"}:
                    found.add(argument.arg)
    return found


@pytest.mark.parametrize("path", [path for path in EVERYTHING if path.partition("/")[0] in {*ROOMS, "bluecurrent"}])
def test_no_constructor_takes_a_function_of_something_built_later(path: str) -> None:
    if not path.startswith("simulator/"):
        assert functions_handed_over(path) <= HANDED_FUNCTIONS.get(path, set())


TOO_LONG = 400


@pytest.mark.parametrize("path", EVERYTHING)
def test_no_module_is_over_its_limit_of_lines(path: str) -> None:
    assert len((PACKAGE / path).read_text().splitlines()) <= (200 if path == "service.py" else TOO_LONG)


@pytest.mark.parametrize("path", TEST_MODULES)
def test_no_test_module_is_over_its_limit_of_lines(path: str) -> None:
    assert len((TESTS / path).read_text().splitlines()) <= TOO_LONG


def test_tests_that_need_more_than_python_are_where_make_e2e_looks() -> None:
    marked = {path for path in TEST_MODULES if NEEDS_MORE.search((TESTS / path).read_text())}
    assert {path.partition("/")[0] for path in marked} == NEEDS_MORE_FOLDERS, sorted(marked)


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
