"""The metrics for Prometheus."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from bridge.chargepoint.state import State
from bridge.web.build_view import Known, build_view
from bridge.web.metrics import FAMILIES, Metrics
from tests import showroom

Labels = frozenset[tuple[str, str]]


def samples(about: Known) -> Mapping[tuple[str, Labels], float]:
    """Every sample of our own."""
    text, _ = Metrics().text(build_view(about), "")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parse_text(text.decode())
        for sample in family.samples
    }


def value(about: Known, metric: str, /, **labels: str) -> float:
    return samples(about)[f"bluecurrent_{metric}", frozenset(labels.items())]


def test_values_are_in_base_units() -> None:
    rich = showroom.rich()
    assert value(rich, "power_watts", charge_point="BCU102728") == pytest.approx(10994, abs=1)
    assert value(rich, "session_energy_joules", charge_point="BCU102728") == pytest.approx(17.42 * 3.6e6)
    assert value(rich, "energy_joules_total", charge_point="BCU102728") == pytest.approx((2841.3 + 17.42) * 3.6e6)
    assert value(rich, "phase_current_amperes", charge_point="BCU102728", phase="3") == 16
    assert value(rich, "phase_voltage_volts", charge_point="BCU102728", phase="1") == 231
    assert value(rich, "session_cost_euros", charge_point="BCU102728") == 4.36
    assert value(rich, "session_cost", charge_point="BCU102728", currency="EUR") == 4.36
    assert value(rich, "start_time_seconds") == showroom.STARTED.timestamp()


def test_one_state_is_on_and_the_others_are_off() -> None:
    states = {
        dict(labels)["state"]: on
        for (name, labels), on in samples(showroom.rich()).items()
        if name == "bluecurrent_charge_point_state" and ("charge_point", "BCU100186") in labels
    }
    assert states == {state.value: float(state is State.SUSPENDED_BY_EVSE) for state in State}


def test_limits_links_and_counts_are_exported() -> None:
    rich = showroom.rich()
    assert value(rich, "limit_amperes", charge_point="BCU102728", limit="offered") == 16
    assert value(rich, "limit_amperes", charge_point="BCU102728", limit="charge_point") == 25
    assert value(rich, "limit_amperes", charge_point="BCU100186", limit="standing") == 16
    assert (value(rich, "link_up"), value(rich, "broker_up"), value(rich, "link_reconnects_total")) == (1, 1, 3)
    assert (value(rich, "requests_today"), value(rich, "requests_total")) == (14, 96)
    assert value(rich, "commands_total", outcome="ERR_REJECTED") == 2
    assert value(rich, "grid_current_amperes", grid="GRIDBCU102728", phase="2") == 16.5
    assert value(showroom.broker_refuses(), "broker_up") == 0
    assert value(showroom.link_down(), "link_up") == 0


def test_unknown_values_are_left_out() -> None:
    names = {name for name, labels in samples(showroom.link_down()) if ("charge_point", "BCU102728") in labels}
    assert "bluecurrent_power_watts" not in names
    assert "bluecurrent_phase_current_amperes" not in names
    assert "bluecurrent_energy_joules_total" in names  # the counter stays while the link is down


@pytest.mark.parametrize("about", [showroom.rich(), showroom.no_token(), showroom.two_sockets()])
def test_openmetrics_can_be_read_too(about: Known) -> None:
    text, content_type = Metrics().text(build_view(about), "application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    found = parse_openmetrics(text.decode())  # type: ignore[no-untyped-call] # the library's
    assert {family.name for family in found} >= {family.full_name.removesuffix("_total") for family in FAMILIES}


def test_names_keep_prometheus_rules() -> None:
    for family in FAMILIES:
        assert family.name.endswith("_total") == (family.kind == "counter"), family.name
        assert family.help.endswith("."), family.name
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)


def test_a_name_with_quotes_does_no_harm() -> None:
    rude = replace(showroom.charging(), settings=replace(showroom.charging().settings, name='"} 1\nx{y="\\'))
    labels = {
        "charge_point": "BCU102728", "evse_id": "BCU102728", "name": '"} 1\nx{y="\\', "model": "U:MOVE16"
    }  # fmt: skip
    assert value(showroom.known(rude), "charge_point_info", **labels) == 1
