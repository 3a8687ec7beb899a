"""The topics of the adapter and of its devices."""

from bridge.fimp.addresses import Addresses

ADDRESSES = Addresses("bluecurrent", "1", "home")


def test_topics_and_addresses_of_the_contract() -> None:
    assert ADDRESSES.adapter.path == "home/pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1"
    assert ADDRESSES.discovery.path == "home/pt:j1/mt:evt/rt:discovery"
    assert (
        ADDRESSES.event("meter_elec", "BCU1_2").path
        == "home/pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:meter_elec/ad:BCU1_2"
    )
    assert ADDRESSES.in_description("meter_elec", "BCU1") == "/rt:dev/rn:bluecurrent/ad:1/sv:meter_elec/ad:BCU1"


def test_a_topic_is_made_once() -> None:
    assert ADDRESSES.event("meter_elec", "BCU1") is ADDRESSES.event("meter_elec", "BCU1")
    assert ADDRESSES.event("meter_elec", "BCU1") != ADDRESSES.event("parameters", "BCU1")
    assert ADDRESSES.event("meter_elec", "BCU1") != ADDRESSES.event("meter_elec", "BCU2")
