"""Session records: cost, power, card, and times that are known or bounded."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter

from bridge.chargepoint import observation
from bridge.chargepoint.observation import Premises
from bridge.chargepoint.records import SessionRecord, record_of, records_of
from bridge.chargepoint.session import LONG_AGO, Memory, lose_sight, start_accepted, start_without_verdict
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
IDLE = Status(activity=Activity.AVAILABLE, vehicle=Vehicle.NONE)


def observe(memory: Memory, status: Status, now: datetime, nominal_voltage: float = 230.0) -> Memory:
    """The memory after a push with all fields."""
    update = Update(status, frozenset(field.name for field in fields(status)))
    return observation.observe(memory, update, status, now, Premises(nominal_voltage=nominal_voltage))


def charging(energy: float | None = None, cost: float | None = None, **more: object) -> Status:
    """A status with a session on."""
    values = {
        "activity": Activity.CHARGING, "vehicle": Vehicle.READY, "energy": energy, "total_cost": cost, **more,
    }  # fmt: skip
    return Status(**values)  # type: ignore[arg-type] # by name


def over(energy: float | None = None, cost: float | None = None, **more: object) -> Status:
    """A status with the session over and the vehicle gone."""
    values = {"activity": Activity.AVAILABLE, "vehicle": Vehicle.NONE, "energy": energy, "total_cost": cost, **more}
    return Status(**values)  # type: ignore[arg-type] # by name


def record(memory: Memory) -> SessionRecord:
    """The record of the latest session."""
    assert memory.session is not None
    return record_of(Twin(evse_id="BCU1", socket=2, memory=memory), memory.session)


def test_a_record_has_cost_average_power_and_peak_power() -> None:
    memory = observe(Memory(), IDLE, NOON)
    memory = observe(memory, charging(0.0, 0.0, current_1=16.0, voltage_1=230.0, current_2=16.0), NOON, 240.0)
    memory = observe(memory, charging(5.0, 1.25, current_1=10.0, voltage_1=230.0), NOON + HOUR)
    memory = observe(memory, over(6.0, 1.5), NOON + 2 * HOUR)
    memory = observe(memory, over(0.0, 0.0), NOON + 3 * HOUR)  # cleared
    told = record(memory)
    assert (told.energy, told.cost, told.peak_power) == (6.0, 1.5, 16 * 230 + 16 * 240)
    assert told.average_power == 3000.0
    assert (told.evse_id, told.socket, told.address, told.number) == ("BCU1", 2, "BCU1_2", 1)
    assert (told.started_at, told.ended_at, told.times_given) == (NOON, NOON + 2 * HOUR, False)
    assert (told.not_before, told.not_after) == (None, None)  # seen to begin, and to end


def test_the_cost_of_the_previous_session_is_ignored() -> None:
    memory = observe(Memory(), charging(5.0, 1.25), NOON)
    memory = observe(memory, over(6.0, 1.5), NOON + HOUR)
    memory = observe(memory, charging(6.0, 1.5), NOON + 2 * HOUR)  # both still the last one's
    assert record(memory).cost is None
    memory = observe(memory, charging(0.5, 0.1), NOON + 3 * HOUR)
    assert (record(memory).energy, record(memory).cost) == (0.5, 0.1)


def test_a_record_counts_the_difference_where_the_cloud_continues_its_counters() -> None:
    memory = observe(Memory(), charging(5.0, 1.25), NOON)
    memory = observe(memory, over(6.0, 1.5), NOON + HOUR)
    memory = observe(memory, charging(6.0, 1.5), NOON + 2 * HOUR)
    memory = observe(memory, charging(8.0, 2.0), NOON + 3 * HOUR)
    assert (record(memory).energy, record(memory).cost) == (2.0, 0.5)


def test_a_record_has_the_card_of_a_start_by_the_bridge() -> None:
    idle = observe(Memory(), Status(activity=Activity.AVAILABLE, vehicle=Vehicle.CONNECTED), NOON)
    begun = observe(start_accepted(idle, NOON, "A1", opened=0), charging(), NOON)
    assert record(begun).card == "A1"
    late_verdict = start_accepted(observe(idle, charging(), NOON), NOON, "A1", opened=0)
    assert record(late_verdict).card == "A1"
    assert record(observe(start_without_verdict(idle, NOON, "A1", opened=0), charging(), NOON)).card == "A1"
    late = observe(start_accepted(idle, NOON, "A1", opened=0), charging(), NOON + HOUR)
    assert record(late).card is None  # this session was started elsewhere
    after = observe(observe(begun, over(), NOON + HOUR), charging(), NOON + 2 * HOUR)
    assert record(after).card is None


def test_the_times_of_the_cloud_take_precedence() -> None:
    start, end = NOON - HOUR, NOON + HOUR / 2
    memory = observe(Memory(), charging(1.0, started_at=start), NOON)
    assert (record(memory).started_at, record(memory).ended_at, record(memory).times_given) == (start, None, True)
    memory = observe(memory, over(2.0, started_at=start), NOON + HOUR)
    assert (record(memory).ended_at, record(memory).times_given) == (NOON + HOUR, False)
    memory = observe(memory, over(2.0, started_at=start, stopped_at=end), NOON + HOUR)
    assert (record(memory).ended_at, record(memory).times_given) == (end, True)


def test_an_unseen_end_is_bounded_and_gives_no_average_power() -> None:
    memory = observe(observe(Memory(), IDLE, NOON - 9 * HOUR), charging(4.0), NOON)
    memory = observe(lose_sight(memory, NOON + HOUR), over(6.0), NOON + 5 * HOUR)
    told = record(memory)
    assert (told.ended_at, told.not_after, told.average_power) == (NOON + HOUR, NOON + 5 * HOUR, None)
    memory = observe(lose_sight(memory, NOON + 6 * HOUR), charging(0.5), NOON + 9 * HOUR)
    told = record(memory)
    assert (told.number, told.started_at, told.not_before) == (2, NOON + 9 * HOUR, NOON + 6 * HOUR)
    first = record(observe(lose_sight(Memory(), NOON), charging(4.0), NOON + HOUR))
    assert first.not_before == LONG_AGO


def test_an_unseen_end_was_at_the_latest_when_the_next_session_was_seen() -> None:
    before = lose_sight(observe(observe(Memory(), IDLE, NOON), charging(4.0), NOON), NOON + HOUR)
    after = observe(before, charging(0.5), NOON + 9 * HOUR)
    passed, latest = records_of(Twin(evse_id="BCU1", memory=before), Twin(evse_id="BCU1", memory=after))
    assert (passed.number, passed.ended_at, passed.not_after) == (1, NOON + HOUR, NOON + 9 * HOUR)
    assert (latest.number, latest.ended_at) == (2, None)
    assert passed.energy + latest.energy == after.lifetime_energy


def test_clocks_that_differ_make_no_negative_session() -> None:
    memory = observe(Memory(), charging(1.0, started_at=NOON + HOUR / 60), NOON)
    told = record(observe(memory, over(1.0, started_at=NOON + HOUR / 60), NOON))
    assert told.started_at == told.ended_at == NOON + HOUR / 60


def test_a_memory_from_before_the_ledger_still_loads() -> None:
    old = '{"session": {"number": 3, "seen_from": "2026-11-20T12:00:00Z", "energy": 4.25}, "earlier_energy": 12.5}'
    memory = TypeAdapter(Memory).validate_json(old)
    assert memory.lifetime_energy == 16.75
    assert (record(memory).cost, record(memory).peak_power, record(memory).mode) == (None, None, None)
