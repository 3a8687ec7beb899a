"""Files that are locked, read-only, or on a full disk."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.chargepoint.session import Memory
from bridge.storage.database import StorageUnusable
from bridge.storage.peek import Peek
from bridge.storage.storage import Outcome, Storage
from tests.unit.storage.database_files import NOW, Opening


def test_an_empty_file_has_nothing_until_the_first_start(path: Path) -> None:
    path.touch()
    assert (Peek(path).sessions(), Peek(path).names(), Peek(path).energy_before()) == ([], {}, {})
    assert not Peek(path).has_sessions()


def test_a_second_bridge_is_refused(path: Path, opening: Opening) -> None:
    storage = opening(path)
    with pytest.raises(StorageUnusable, match="in use by another bridge") as caught:
        opening(path)
    assert not caught.value.permanent
    assert Peek(path).sessions() == []  # a reader may open it
    storage.close()
    opening(path).close()


def test_a_path_that_is_a_folder_is_refused(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "bridge.db").mkdir()
    with pytest.raises(StorageUnusable, match="cannot be used"):
        opening(tmp_path / "bridge.db")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path, opening: Opening) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StorageUnusable, match="must be able to write"):
        opening(tmp_path / "file" / "bridge.db")


def test_on_a_full_disk_values_are_kept_in_memory_and_written_later(path: Path, opening: Opening) -> None:
    storage = opening(path)
    storage.save_value("before", 1)
    connection = storage._database._connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own way to be out of room
    for number in range(40):
        storage.save_value("large", "x" * 5000 * (number + 1))
    assert storage.claim("u-1")
    assert not storage.claim("u-1")
    storage.settle("u-1", Outcome("ERR_TIMEOUT", "Nobody knows."))
    storage.save_memories({"B": Memory(earlier_energy=3.0)}, NOW)
    storage.save_inclusion("B", {"address": "B"})
    assert storage.value("large") == "x" * 200_000  # the value is still known
    assert storage.outcome("u-1") == Outcome("ERR_TIMEOUT", "Nobody knows.")
    assert storage.memories() == {}
    assert [line["level"] for line in opening.lines()] == ["error"]  # logged once
    connection.execute("PRAGMA max_page_count = 100000")
    storage.write_owed()
    assert [line["level"] for line in opening.lines()] == ["error", "info"]
    storage.close()
    again = opening(path)
    assert again.value("large") == "x" * 200_000
    assert not again.claim("u-1")
    assert again.memories()["B"].earlier_energy == 3.0
    assert again.inclusions() == {"B": {"address": "B"}}
    again.close()


def test_a_lock_of_another_program_is_waited_out(path: Path, opening: Opening) -> None:
    storage = opening(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        storage.save_value("x", 1)
        other.execute("ROLLBACK")
    assert Peek(path).value("x") is None
    storage.write_owed()
    assert Peek(path).value("x") == 1
    storage.close()


def test_a_read_only_folder_is_refused(unprivileged: Path) -> None:
    path = unprivileged / "bridge.db"
    unprivileged.chmod(0o500)
    with pytest.raises(StorageUnusable, match="Permission denied"):
        Storage(path)
    assert not path.exists()


def test_a_read_only_file_is_refused_and_not_set_aside(unprivileged: Path) -> None:
    path = unprivileged / "bridge.db"
    Storage(path).close()
    path.chmod(0o400)
    with pytest.raises(StorageUnusable) as raised:
        Storage(path)
    assert str(path) in str(raised.value)
    assert [file.name for file in unprivileged.iterdir() if "damaged" in file.name] == []
