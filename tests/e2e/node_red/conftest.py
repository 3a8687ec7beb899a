"""One Node-RED for all tests of this folder, and a bridge for each."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.brokers import TestBroker
from tests.e2e.node_red import program
from tests.e2e.node_red.place import Place, make_place
from tests.e2e.node_red.program import NodeRed


@pytest.fixture(scope="package")
def red(broker: TestBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeRed]:
    """One Node-RED for all tests, with the broker from its environment; each test deploys the flows again."""
    lacking = program.missing()
    if lacking is not None:
        assert not program.REQUIRED, lacking
        pytest.skip(lacking)
    environment = {"MQTT_HOST": broker.host, "MQTT_PORT": str(broker.port)}
    with program.running(program.install(), tmp_path_factory.mktemp("node-red"), environment) as running:
        yield running


@pytest.fixture
async def place(broker: TestBroker, red: NodeRed, tmp_path: Path) -> AsyncIterator[Place]:
    """A running bridge; Node-RED has no flows yet."""
    async with make_place(broker, red, tmp_path) as made:
        yield made
