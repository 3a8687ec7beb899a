"""Fixtures of the tests with the fault rig (`tests.integration.faults`)."""

import pytest

from tests.brokers import TestBroker


@pytest.fixture
def lasting(broker: TestBroker) -> TestBroker:
    """A broker that keeps commands for a bridge that is away, as that of a hub does."""
    if not broker.keeps_sessions:
        pytest.skip("the embedded broker keeps no messages for clients that are away")
    return broker
