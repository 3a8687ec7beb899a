"""The picture of the Node-RED flows in the documentation, made from the flows as they are shipped."""

import asyncio
import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.e2e.node_red import program
from tests.e2e.node_red.price_source import AMSTERDAM, PriceSource
from tests.e2e.node_red.program import edited
from tests.e2e.test_page import IMAGES, SCREENSHOTS, Browser, browser  # noqa: F401 - the fixture
from tests.harness import CABLE, SOCKET

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]

SIZE = (980, 1540)
TIDY = """
RED.actions.invoke('core:toggle-palette', false);
RED.actions.invoke('core:toggle-sidebar', false);
"""
"""Leaves only the flows in the editor."""


@pytest.fixture
def source() -> Iterator[PriceSource]:
    """A source of prices for today and tomorrow, with a cheap night."""
    today = datetime.now(AMSTERDAM).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    night = {tomorrow.replace(hour=hour): 0.02 for hour in (2, 3, 4)}
    made = PriceSource({today.date(), tomorrow.date()}, night)
    yield made
    made.stop()


async def test_a_picture_for_the_documentation(
    broker: TestBroker,
    browser: Browser,  # noqa: F811 - the fixture
    build: HouseMaker,
    source: PriceSource,
    tmp_path: Path,
) -> None:
    """It replaces the one in the repository only where that is asked for."""
    lacking = program.missing()
    if lacking is not None:
        assert not program.REQUIRED, lacking
        pytest.skip(lacking)
    path = (IMAGES if os.environ.get(SCREENSHOTS) else tmp_path) / "node-red.png"
    folder = tmp_path / "node-red"
    folder.mkdir()
    environment = {"MQTT_HOST": broker.host, "MQTT_PORT": str(broker.port)}
    async with build() as house:
        with program.running(program.install(), folder, environment) as red:
            await red.deploy(edited(PRICES_URL=source.url))
            for evse_id in (SOCKET, CABLE):
                house[evse_id].plug(Car())
                house[evse_id].start("BCU-APP")
                house[evse_id].step(900)
                await house.push(evse_id)
            await red.click("10 kWh")
            await browser.open(red.url, SIZE)
            await browser.until("document.querySelectorAll('.red-ui-flow-node').length > 40")
            await browser.run(TIDY)
            await red.click("Prices, every hour")
            await red.keeps("prices", bool)
            await red.click("The time, every minute")
            await asyncio.sleep(1)
            assert await browser.picture(path, SIZE[1]) > 40_000
