"""The data on disk."""

import sqlite3
import stat
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Setting
from bridge.chargepoint.observed import Observed
from bridge.chargepoint.records import SessionRecord, record_of
from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.twin import Steering, Twin
from bridge.storage.storage import CHECKPOINT_ROWS, COMMANDS_KEPT, Outcome, Storage

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)

EVSE = ChargePointSettings(
    name="Home",
    model="U:MOVE16",
    is_cable=False,
    socket_ids=(1, 2),
    default_card=Card("A1", "NL-1", "Mine", True),
    plug_and_charge=Setting(True, "read"),
    delayed_days=(1, 7),
    delayed_start=time(23, 30),
    led_intensity=Setting(50),
)
MEMORY = Memory(
    session=Session(number=3, seen_from=NOW, started_at=NOW, energy=4.25, reading=4.25, drawn=True),
    earlier_energy=12.5,
    previous_energy=7.5,
    start_accepted=NOW,
    blind_since=NOW - timedelta(minutes=1),
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "data" / "bridge.db"


def test_two_charge_points_that_had_one_address_are_kept_apart(path: Path) -> None:
    storage = Storage(path)
    socket, point = Twin(evse_id="B", socket=2), Twin(evse_id="B_2")
    begin = NOW - timedelta(hours=1)
    for twin, energy in ((socket, 4.0), (point, 1.5)):
        session = Session(number=1, seen_from=begin, energy=energy)
        of = replace(twin, memory=Memory(session=session, earlier_energy=energy))
        storage.save_memories({of.identity: of.memory}, NOW, [record_of(of, session)])
        storage.save_steering(of.identity, Steering(observed=Observed(max_current=int(16 + energy))))
    storage.close()
    again = Storage(path)
    assert {key: memory.earlier_energy for key, memory in again.memories().items()} == {"B/2": 4.0, "B_2": 1.5}
    assert {key: one.observed.max_current for key, one in again.steerings().items()} == {"B/2": 20, "B_2": 17}
    kept = {(one.evse_id, one.address, one.number, one.energy) for one in again.sessions(address="B_2")}
    assert kept == {("B", "B_2", 1, 4.0), ("B_2", "B_2", 1, 1.5)}
    again.close()


def test_charge_points_and_memories_come_back_the_same(path: Path) -> None:
    storage = Storage(path)
    storage.save_charge_point("B", EVSE)
    storage.save_memories({"B_1": MEMORY}, NOW)
    storage.close()
    again = Storage(path)
    restored = again.charge_points()["B"]
    assert restored == ChargePointSettings(
        **{**{name: getattr(EVSE, name) for name in EVSE.__slots__}, "socket_ids": restored.socket_ids}
    )
    assert list(restored.socket_ids) == [1, 2]
    assert again.memories() == {"B_1": MEMORY}
    again.forget_charge_point("B")
    assert again.charge_points() == {}
    assert again.memories() == {"B_1": MEMORY}  # it may come back
    again.close()


def test_a_stored_memory_is_out_of_sight_since_it_was_written(path: Path) -> None:
    storage = Storage(path)
    storage.save_memories({"B": Memory()}, NOW)
    assert storage.memories()["B"].blind_since == NOW
    storage.close()


def test_sessions_are_selected_by_socket_and_time(path: Path) -> None:
    storage = Storage(path)
    records = [
        SessionRecord(
            address=address, evse_id="B", number=number, started_at=in_amsterdam(NOW + timedelta(minutes=30 * number))
        )
        for address in ("B_1", "B_2")
        for number in (1, 2, 3)
    ]
    records[0] = replace(records[0], cost=-0.5, currency="SEK")
    storage.save_memories({}, NOW, records)
    assert storage.sessions()[0] == records[0]
    assert {(one.address, one.number) for one in storage.sessions()} == {(one.address, one.number) for one in records}
    assert storage.sessions(address="B_2") == records[3:]
    assert storage.sessions(address="B_3") == []
    begin = records[1].started_at
    for since in (begin, begin.astimezone(UTC), begin - timedelta(microseconds=1)):  # in any notation
        assert storage.sessions(since=since, address="B_1") == records[1:3]
    assert storage.sessions(since=begin + timedelta(microseconds=1), address="B_1") == records[2:3]
    storage.close()


def test_only_the_owner_can_read_it(path: Path) -> None:
    storage = Storage(path)
    storage.save_value("token", "secret")
    files = list(path.parent.iterdir())
    assert len(files) >= 2  # the file and its log
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    storage.close()


def test_inclusions_and_exclusions_are_stored(path: Path) -> None:
    storage = Storage(path)
    storage.save_inclusion("B", {"address": "B"})
    storage.save_inclusion("C", {"address": "C"})
    assert storage.inclusions() == {"B": {"address": "B"}, "C": {"address": "C"}}
    storage.exclude(["B"])
    assert set(storage.inclusions()) == {"B", "C"}  # until the hub has acknowledged its exclusion
    assert storage.excluded() == {"B"}
    for address in ("B", "C"):
        storage.save_inclusion(address, None)
    assert storage.inclusions() == {}
    storage.include_all()
    assert storage.excluded() == set()
    storage.close()


def test_a_command_is_claimed_once_restarts_included(path: Path) -> None:
    storage = Storage(path)
    assert storage.claim("u-1")
    assert not storage.claim("u-1")
    assert storage.outcome("u-1") == Outcome(None, "")
    storage.settle("u-1", Outcome("ERR_TIMEOUT", "Nobody knows."))
    storage.close()
    again = Storage(path)
    assert not again.claim("u-1")
    assert again.outcome("u-1") == Outcome("ERR_TIMEOUT", "Nobody knows.")
    assert again.outcome("u-2") is None
    again.close()


def test_the_last_thousand_commands_are_remembered(path: Path) -> None:
    storage = Storage(path)
    for index in range(COMMANDS_KEPT + 1):
        assert storage.claim(f"u-{index}")
    assert not storage.claim("u-1")
    assert storage.claim("u-0")  # forgotten
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM command").fetchone()[0] <= COMMANDS_KEPT
    connection.close()
    storage.close()


def test_a_value_is_stored_replaced_and_removed(path: Path) -> None:
    storage = Storage(path)
    assert storage.value("x") is None
    storage.save_value("x", {"a": [1]})
    storage.save_value("x", {"a": [2]})
    assert storage.value("x") == {"a": [2]}
    storage.save_value("x", None)
    assert storage.value("x") is None
    storage.close()


def test_a_failed_write_leaves_everything_as_it_was(path: Path) -> None:
    storage = Storage(path)
    storage.exclude(["B"])
    with pytest.raises(sqlite3.IntegrityError):
        storage.exclude(["C", None])  # type: ignore[list-item] # what the table refuses
    assert storage.excluded() == {"B"}
    assert storage.claim("u")  # and the next write works
    storage.close()


async def test_a_checkpoint_moves_what_was_written_into_the_file(path: Path) -> None:
    storage = Storage(path)
    for number in range(CHECKPOINT_ROWS):
        assert not storage.needs_checkpoint
        storage.save_value("number", number)
    assert storage.needs_checkpoint
    await storage.checkpoint()
    assert not storage.needs_checkpoint
    with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as without_log:
        assert without_log.execute("SELECT content FROM value").fetchall() == [(str(CHECKPOINT_ROWS - 1),)]
    storage.save_value("number", -1)
    storage.close()
    assert Storage(path).value("number") == -1


def _open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def test_a_checkpoint_leaves_no_open_file_behind(path: Path) -> None:
    storage = Storage(path)
    before = _open_files()
    for number in range(3):
        storage.save_value("number", number)
        await storage.checkpoint()
    assert _open_files() == before
    storage.close()


async def test_nothing_is_lost_when_no_checkpoint_is_possible(path: Path) -> None:
    storage = Storage(path)
    storage.save_value("number", 1)
    reader = sqlite3.connect(path)
    reader.execute("BEGIN")
    reader.execute("SELECT content FROM value").fetchall()  # it holds on to the log as it is now
    storage.save_value("number", 2)
    await storage.checkpoint()
    reader.close()
    storage.close()
    assert Storage(path).value("number") == 2
