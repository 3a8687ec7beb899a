"""The image, built once."""

import os
import time
from dataclasses import dataclass

import pytest

from tests.brokers import engine_runs
from tests.e2e.containers.engine import IMAGE, ROOT, compose_command, run

REQUIRED = bool(os.environ.get("BRIDGE_REQUIRE_CONTAINERS"))


def missing(what: str) -> None:
    """Skip because something is missing, or fail if it is required."""
    if REQUIRED:
        pytest.fail(f"{what}, and BRIDGE_REQUIRE_CONTAINERS is set")
    pytest.skip(what)


@pytest.fixture(scope="session")
def engine() -> None:
    """A container engine answers."""
    if not engine_runs():
        missing("no container engine answers (docker info)")


@pytest.fixture(scope="session")
def compose(engine: None) -> None:
    """docker-compose is installed."""
    if compose_command() is None:
        missing("docker-compose is not installed")


@dataclass(frozen=True)
class Built:
    """The image, and how long it took to build."""

    tag: str
    seconds: float


@pytest.fixture(scope="session")
def image(engine: None) -> Built:
    """The image, as `docker build` of the classic builder makes it."""
    begun = time.monotonic()
    run(
        ["docker", "build", "--quiet", "--tag", IMAGE, str(ROOT)],
        env={**os.environ, "DOCKER_BUILDKIT": "0"},
        timeout=600,
    )
    return Built(IMAGE, time.monotonic() - begun)
