"""What the tests of this folder share: a house in which a car charges."""

import pytest

from tests.conversation.cars import charge
from tests.harness import House


@pytest.fixture
async def charging(house: House) -> House:
    """A house in which a car charges with 16 A."""
    await charge(house)
    return house
