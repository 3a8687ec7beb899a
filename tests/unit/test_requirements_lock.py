"""The lock of the image: complete, hashed, within the required versions, and without an index."""

import re
import tomllib
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
LOCKS = ("requirements.lock", "requirements-build.lock")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def blocks(name: str) -> list[str]:
    """The lock's requirements, each with the lines that belong to it."""
    return re.findall(r"^\w.*(?:\n +.*)*", (ROOT / name).read_text(), re.MULTILINE)


def locked(name: str) -> dict[str, str]:
    """Package → version."""
    pairs = (block.split(" ", 1)[0].partition("==") for block in blocks(name))
    return {canonicalize_name(package): version for package, _, version in pairs}


def closure(requirements: list[str]) -> set[str]:
    """The packages that these need here, and what those need."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        one = waiting.pop()
        name = canonicalize_name(one.name)
        if (one.marker is None or one.marker.evaluate({"extra": ""})) and name not in found:
            found.add(name)
            waiting += [Requirement(text) for text in requires(name) or ()]
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_has_an_exact_version_and_hashes(name: str) -> None:
    assert blocks(name)
    for block in blocks(name):
        assert re.match(r"[\w.-]+==[\w.]+ \\\n( +--hash=sha256:[0-9a-f]{64}( \\)?\n?)+", block), block


@pytest.mark.parametrize("name", LOCKS)
def test_no_host_and_no_index_is_named(name: str) -> None:
    assert not re.search(r"://|index|find-links|trusted-host|@ ", (ROOT / name).read_text())


def test_the_lock_is_within_the_bounds_of_the_project() -> None:
    versions = locked("requirements.lock")
    for text in PROJECT["dependencies"]:
        wanted = Requirement(text)
        assert wanted.specifier.contains(versions[canonicalize_name(wanted.name)]), text


def test_packages_of_the_demo_alone_are_not_locked() -> None:
    needed = closure(PROJECT["dependencies"])
    only_demo = closure(PROJECT["optional-dependencies"]["demo"]) - needed
    assert "amqtt" in only_demo
    assert not only_demo & set(locked("requirements.lock"))


def test_nothing_that_the_service_imports_is_missing() -> None:
    needed = closure(PROJECT["dependencies"])
    assert needed <= set(locked("requirements.lock"))
