"""Fixtures that the tests share."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings as hypothesis_settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from tests import brokers
from tests.brokers import TestBroker
from tests.harness import House, make_house
from tests.proxy import Plug

hypothesis_settings.register_profile("default", deadline=None, max_examples=200)
hypothesis_settings.load_profile("default")

_KIND = brokers.choose()
NOBODY = 65534


def pytest_report_header() -> str:
    """Report which broker this run uses."""
    meaning = {
        "container": f"{brokers.IMAGE} in a container",
        "mosquitto": f"the mosquitto of this machine ({brokers.mosquitto()})",
        "embedded": "the embedded one (no container engine and no mosquitto on this machine)",
    }
    return f"broker: {meaning[_KIND]}"


SHARING = ("tests/e2e/containers", "tests/e2e/node_red")
"""Folders whose tests share an image, a Node-RED, or what npm installs."""


class _ByPlace(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives all tests of a file to one process, or all of a folder if they share something."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in SHARING if file.startswith(f"{folder}/")), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """With `--dist=loadscope`, as in `make e2e`, a place is the scope."""
    return _ByPlace(config, log) if config.getvalue("dist") == "loadscope" else None


@pytest.fixture(scope="session")
def broker() -> Iterator[TestBroker]:
    """The broker of this run."""
    with brokers.running(_KIND) as running:
        yield running


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder as the working directory, with an empty folder of secrets, and no settings in the environment."""
    for name in list(os.environ):
        if name.startswith("BRIDGE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(tmp_path / "secrets"))
    (tmp_path / "secrets").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
async def house(broker: TestBroker, tmp_path: Path) -> AsyncIterator[House]:
    """A running bridge with the example account."""
    async with make_house(broker, tmp_path) as made:
        yield made


HouseMaker = Callable[..., AbstractAsyncContextManager[House]]


@pytest.fixture
def build(broker: TestBroker, tmp_path: Path) -> HouseMaker:
    """Builds a bridge with other settings."""

    def make(**options: Any) -> AbstractAsyncContextManager[House]:
        return make_house(broker, tmp_path, **options)

    return make


@pytest.fixture
async def plug(broker: TestBroker) -> AsyncIterator[Plug]:
    """A proxy in the line to the broker, which a test can interrupt."""
    made = await Plug(broker.host, broker.port).start()
    yield made
    await made.stop()


@pytest.fixture
def unprivileged() -> Iterator[Path]:
    """A folder of a user without privileges. A test that runs as root becomes that user."""
    was_root = os.geteuid() == 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if was_root:
            os.chown(folder, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield folder
        finally:
            if was_root:
                os.setresuid(0, 0, 0)
            folder.chmod(0o700)
