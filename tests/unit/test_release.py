"""The version is in `bridge/__init__.py`, and all other places agree. The locks have all requirements."""

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from bridge import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
REQUIRED = [("requirements.lock", text) for text in PROJECT["project"]["dependencies"]] + [
    ("requirements-build.lock", text) for text in PROJECT["build-system"]["requires"]
]
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?:\s*\\\n\s+--hash=\S+)*)", re.MULTILINE)


def pins(lock: str) -> dict[str, str]:
    """The version of each package of a lock."""
    return {name: version for name, version, _ in PIN.findall((ROOT / lock).read_text(encoding="utf-8"))}


def test_the_package_takes_its_version_from_the_code() -> None:
    assert PROJECT["project"]["dynamic"] == ["version"]
    assert PROJECT["tool"]["setuptools"]["dynamic"]["version"] == {"attr": "bridge.__version__"}


@pytest.mark.parametrize(
    ("file", "named"),
    [
        ("Dockerfile", r'image\.version="([^"]+)"'),
        ("docs/fimp.md", r'"package_name": "bluecurrent-fimp-bridge",[^{]*"version": "([^"]+)"'),
        ("docs/upgrading.md", r"^## From \S+ to (\S+)$"),
    ],
)
def test_a_file_names_the_version_of_the_code(file: str, named: str) -> None:
    found = re.findall(named, (ROOT / file).read_text(encoding="utf-8"), re.MULTILINE)
    assert found[:1] == [__version__]


def test_the_changelog_begins_with_the_version_of_the_code() -> None:
    """Only an unreleased section may be above it."""
    titles = [title for title in re.findall(r"^## (.+)$", CHANGELOG, re.MULTILINE) if title != "Unreleased"]
    released = [(Version(title.split()[0]), date.fromisoformat(title.split()[-1])) for title in titles]
    assert str(released[0][0]) == __version__
    assert released == sorted(released, reverse=True)


@pytest.mark.parametrize(("lock", "required"), REQUIRED)
def test_a_lock_holds_what_the_project_requires(lock: str, required: str) -> None:
    requirement = Requirement(required)
    assert pins(lock)[requirement.name] in requirement.specifier


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_a_lock_pins_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    assert all("--hash=sha256:" in hashes for _, _, hashes in PIN.findall(text))
    left = PIN.sub("", text)
    assert [line for line in left.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []
    assert "://" not in text
