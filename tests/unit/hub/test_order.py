"""A command that another client of the broker sends to the service."""

from datetime import UTC, datetime

import pytest

from bridge.hub.order import REPORT_S, Order, compose
from bridge.settings import Settings


@pytest.mark.parametrize(
    ("interface", "patience"),
    [
        ("cmd.state.get_report", REPORT_S),
        ("meter.get_report", REPORT_S),
        ("cmd.network.get_all_nodes", REPORT_S),
        ("cmd.charge.start", 65),
        ("cmd.ping.send", 65),
    ],
)
def test_it_waits_for_the_cloud_only_where_the_command_needs_it(interface: str, patience: float) -> None:
    assert Order("BCU102728", interface).patience(Settings()) == patience


@pytest.mark.parametrize("address", ["adapter", "BCU102728"])
def test_a_discovery_request_goes_to_the_topic_of_discovery(address: str) -> None:
    settings = Settings(mqtt={"topic_prefix": "home"})
    topic, _, message = compose(settings, Order(address, "discovery.request"), datetime.now(UTC))
    assert topic.path == "home/pt:j1/mt:cmd/rt:discovery"
    assert (message.service, message.type) == ("system", "cmd.discovery.request")
