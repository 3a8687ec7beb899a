"""Tests of the benchmark: its arithmetic, and a small run. They do not judge any figure."""

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import brokers
from tests.benchmarks.__main__ import run
from tests.benchmarks.candidates import CANDIDATES
from tests.benchmarks.ear import Heard
from tests.benchmarks.feed import Feed, Push
from tests.benchmarks.measure import FEEDS, Size
from tests.benchmarks.mqtt_wire import Splitter, acknowledge, publish, read_publish
from tests.benchmarks.plot import plot
from tests.benchmarks.ratios import TARGETS
from tests.benchmarks.result import Result, Round
from tests.benchmarks.table import number, report
from tests.benchmarks.values import Energies, finished_at, latencies_ms, lifetime_offset

TINY = Size(burst=60, paced=20, warm=10, questions=5, idle_s=0.1, quiet_s=0.3, patience_s=30)
EVSE = "BCU100000"


def heard(at: float, type_: str, value: object, unit: str = "") -> Heard:
    service = "meter_elec" if "meter" in type_ else "chargepoint"
    body = {"type": type_, "val": value, "props": {"unit": unit} if unit else {}}
    return Heard(at, f"pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:{service}/ad:{EVSE}", json.dumps(body).encode())


@given(
    st.lists(st.tuples(st.text(max_size=9), st.binary(max_size=200), st.integers(1, 65535)), max_size=5),
    st.integers(1, 50),
)
def test_mqtt_packets_are_read_whole_however_the_stream_is_cut(
    messages: list[tuple[str, bytes, int]], size: int
) -> None:
    stream = b"".join(publish(topic.encode(), payload, packet_id) for topic, payload, packet_id in messages)
    splitter = Splitter()
    packets = [packet for at in range(0, len(stream), size) for packet in splitter.packets(stream[at : at + size])]
    assert [read_publish(*packet) for packet in packets] == [(topic, payload) for topic, payload, _ in messages]
    assert [acknowledge(*packet)[2:] for packet in packets] == [number.to_bytes(2, "big") for _, _, number in messages]


def test_latency_counts_to_the_first_message_with_the_energy_whatever_its_type() -> None:
    told = [
        heard(1.0, "evt.state.report", "charging"),
        heard(1.2, "evt.meter.report", 105.01, "kWh"),
        heard(1.1, "evt.meter.report", 6900.0, "W"),
        heard(1.3, "evt.current_session.report", 5.01),
        heard(2.0, "evt.meter_ext.report", {"e_import": 105.02}),
    ]
    energies = Energies(told, offset=100.0)
    assert energies.told_at(Push(EVSE, 5.01, "")) == 1.2
    assert energies.told_at(Push(EVSE, 5.02, "")) == 2.0
    assert energies.told_at(Push(EVSE, 5.03, "")) is None
    assert energies.told_at(Push("BCU100001", 5.01, "")) is None


def test_a_merged_push_counts_as_reported_by_the_newer_value() -> None:
    sent = [(1.0, Push(EVSE, 5.01, "")), (1.1, Push(EVSE, 5.02, "")), (1.2, Push(EVSE, 5.03, ""))]
    energies = Energies([heard(1.5, "evt.current_session.report", 5.03)], 0.0)
    assert latencies_ms(sent, energies) == pytest.approx([500, 400, 300])
    assert finished_at(sent, energies) == 1.5
    with pytest.raises(ValueError, match="never told"):
        latencies_ms([(1.3, Push(EVSE, 5.04, ""))], energies)
    assert finished_at([*sent, (1.3, Push(EVSE, 5.04, ""))], energies) is None


def test_the_offset_of_the_lifetime_counter_is_its_lead_over_the_session() -> None:
    session = heard(1.0, "evt.current_session.report", 5.0)
    assert lifetime_offset([session, heard(1.1, "evt.meter.report", 17.5, "kWh")]) == 12.5
    assert lifetime_offset([session]) == 0.0


@pytest.mark.parametrize("power", [False, True])
def test_every_push_of_a_feed_changes_the_field_that_it_names(power: bool) -> None:
    pushes = Feed(3).pushes(9, power=power)
    data = [json.loads(push.text)["data"] for push in pushes]
    assert [push.evse_id for push in pushes[:4]] == ["BCU100000", "BCU100001", "BCU100002", "BCU100000"]
    assert [one["actual_kwh"] for one in data[::3]] == [5.01, 5.02, 5.03]
    assert len({one["actual_p1"] for one in data[::3]}) == (3 if power else 1)


def a_result() -> Result:
    """Two rounds of the bridge, one of the naive client, one that failed."""
    figures = {"energy.burst_frames_s": 100.0, "memory_mb": 50.0}
    rounds = [
        Round("naive", 1, {"energy.burst_frames_s": 50.0}),
        Round("bridge", 1, figures),
        Round("bridge", 1, {**figures, "energy.burst_frames_s": 140.0}),
        Round("bridge", 1001, {"memory_mb": 80.0}),
        Round("node_red", 1, {}, "RuntimeError: it ended with 1"),
    ]
    return Result("abc", "2026-11-21T12:00+01:00", {"cores": "2"}, {}, {}, rounds)


def test_ratios_are_of_medians(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    a_result().write(path)
    result = Result.read(path)
    assert result == a_result()
    values = {target.what: target.value(result) for target in TARGETS}
    assert values["energy: burst, frames/s : naive"] == 2.4
    assert values["energy: burst, frames/s : Node-RED"] is None
    assert values["memory of a further charge point"] == pytest.approx(30.0)
    met = {target.what: target.met(result) for target in TARGETS}
    assert met["energy: burst, frames/s : naive"] is True
    assert met["energy: burst, frames/s : Node-RED"] is None
    assert "Node-RED, 1 charge points: RuntimeError: it ended with 1" in report(result)


def test_a_missed_requirement_is_told_with_its_distance_and_its_obstacle() -> None:
    result = a_result()
    assert "below what is wanted" not in report(result)
    result.rounds.append(Round("naive", 1, {"energy.burst_frames_s": 2350.0}))  # the median is 1200, ours 120
    text = report(result)
    assert "- energy: burst, frames/s : naive: 92% below what is wanted. What stands in the way: every frame" in text


def test_the_plot_is_a_picture_and_escapes_what_it_writes() -> None:
    result = a_result()
    result.machine["processor"] = "A & B <fast>"
    drawn = "".join(ElementTree.fromstring(plot(result)).itertext())
    assert "A & B <fast>" in drawn
    assert "1,001 points" in drawn


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0, "0.00"), (0.0123, "0.012"), (1.234, "1.23"), (45.67, "45.7"), (12345.6, "12,346")],
)
def test_numbers_are_rounded_to_significant_digits(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.skipif(brokers.mosquitto() is None, reason="mosquitto not found")
def test_a_small_run_has_every_figure() -> None:
    result = run(["wire", "naive", "bridge"], [2], 1, TINY)
    assert [one.failed for one in result.rounds] == [None] * 3
    for one in result.rounds:
        assert all(value >= 0 for value in one.figures.values()), one
        for feed, power in FEEDS.items():
            assert one.figures[f"{feed}.burst_frames_s"] > 0
            said = {"wire": 1, "naive": 2 if power else 1, "bridge": 4 if power else 3}[one.peer]
            assert one.figures[f"{feed}.messages_a_frame"] == pytest.approx(said, abs=1)
    bridge = result.rounds[-1].figures
    assert {"first_state_s", "round_trip_ms", "broker_back_states_s", "page_ms", "idle_cpu_percent"} <= set(bridge)
    assert set(result.rounds[0].figures) & {"round_trip_ms"}
    text = report(result)
    assert all(CANDIDATES[one.peer].title in text for one in result.rounds)
