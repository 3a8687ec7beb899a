"""A disk that does not answer for a while: nobody waits for it, and nothing is lost.

The thread that writes is held up, as it is by a disk. Whoever waits for it without an end makes a test time out.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.chargepoint.session import Memory
from bridge.storage import writer
from bridge.storage.peek import Peek
from bridge.storage.storage import Outcome, Storage
from bridge.storage.work_thread import Job
from tests.unit.storage.database_files import NOW, Opening

FOREVER_S = 1000.0


@contextmanager
def held_up(storage: Storage) -> Iterator[None]:
    """The disk does not answer; then it does, and what it was given is written."""
    thread = storage._database._writer._thread
    assert thread is not None
    answers = threading.Event()
    thread.submit(Job(answers.wait))
    try:
        yield
    finally:
        answers.set()
        thread.submit(done := Job(lambda: None))
        done.wait()


@pytest.fixture
def storage(path: Path, opening: Opening, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """A storage that waits for the disk only for a moment."""
    monkeypatch.setattr(writer, "PATIENCE_S", 0.02)
    storage = opening(path)
    yield storage
    storage.close()


def test_what_a_slow_disk_has_not_written_is_known_and_written_once_it_answers(path: Path, storage: Storage) -> None:
    storage.save_value("before", 1)
    with held_up(storage):
        storage.save_value("x", 1)
        storage.save_value("x", 2)
        assert storage.claim("u-1")
        assert not storage.claim("u-1")
        storage.settle("u-1", Outcome("ERR_TIMEOUT", "Nobody knows."))
        storage.save_memories({"B": Memory(earlier_energy=3.0)}, NOW)
        storage.save_memories({"B": Memory(earlier_energy=4.0)}, NOW)
        assert storage.value("x") == 2
        assert storage.outcome("u-1") == Outcome("ERR_TIMEOUT", "Nobody knows.")
        assert storage.memories() == {}  # a read waits for the disk no more than a write
        assert Peek(path).value("x") is None
        assert Peek(path).value("before") == 1
    storage.write_owed()
    storage.close()
    again = Storage(path)
    assert again.value("x") == 2
    assert again.outcome("u-1") == Outcome("ERR_TIMEOUT", "Nobody knows.")
    assert again.memories()["B"].earlier_energy == 4.0
    again.close()


def test_only_the_first_write_waits(storage: Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    with held_up(storage):
        storage.save_value("x", 0)
        monkeypatch.setattr(writer, "PATIENCE_S", FOREVER_S)
        for number in range(100):
            storage.save_value(f"x{number}", number)
            storage.write_owed()


def test_each_write_is_waited_for_again_once_the_disk_answers(
    path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_up(storage):
        storage.save_value("x", 0)
        storage.save_value("y", 0)
    monkeypatch.setattr(writer, "PATIENCE_S", FOREVER_S)  # the job took less than this, so the disk is no longer slow
    storage.write_owed()
    assert Peek(path).value("y") == 0
    storage.save_value("x", 1)
    assert Peek(path).value("x") == 1


def test_the_log_names_a_disk_that_does_not_answer_and_its_return_once(
    storage: Storage, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held_up(storage):
        storage.save_value("x", 1)
        storage.write_owed()
        assert opening.lines() == []  # a short wait is no news
        monkeypatch.setattr(writer, "LONG_S", 0.0)
        storage.write_owed()
        storage.write_owed()
        assert [(line["level"], line["reason"]) for line in opening.lines()] == [
            ("error", "the disk does not answer"),
        ]
    storage.write_owed()
    assert [line["level"] for line in opening.lines()] == ["error", "info"]


def test_a_storage_that_is_closed_while_the_disk_is_slow_waits_for_it(path: Path, storage: Storage) -> None:
    thread = storage._database._writer._thread
    assert thread is not None
    answers = threading.Event()
    thread.submit(Job(answers.wait))
    storage.save_value("x", 1)
    storage.save_value("y", 2)
    threading.Timer(0.1, answers.set).start()
    storage.close()
    assert [Peek(path).value(name) for name in ("x", "y")] == [1, 2]


def test_a_value_that_the_tables_refuse_late_takes_nothing_with_it(
    path: Path, storage: Storage, opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = storage._database
    with held_up(storage):
        storage.save_value("x", 1)
        database.write({"bad": ("INSERT INTO value VALUES (NULL, NULL)", ())})
        storage.save_value("y", 2)
    monkeypatch.setattr(writer, "PATIENCE_S", FOREVER_S)
    storage.write_owed()
    storage.save_value("z", 3)
    assert [Peek(path).value(name) for name in ("x", "y", "z")] == [1, 2, 3]
    assert [line["level"] for line in opening.lines()] == ["error"]


def test_a_value_that_the_tables_refuse_at_once_is_raised(path: Path, storage: Storage) -> None:
    with pytest.raises(sqlite3.IntegrityError):
        storage._database.write({"bad": ("INSERT INTO value VALUES (NULL, NULL)", ())})
    storage.save_value("x", 1)
    assert Peek(path).value("x") == 1


async def test_writes_do_not_wait_for_a_checkpoint(
    path: Path, storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers, checkpoint = threading.Event(), storage._database.checkpoint

    def slow() -> None:
        answers.wait()
        checkpoint()

    monkeypatch.setattr(storage._database, "checkpoint", slow)
    moving = asyncio.create_task(storage.checkpoint())
    await asyncio.sleep(0)
    monkeypatch.setattr(writer, "PATIENCE_S", FOREVER_S)
    storage.save_value("x", 1)
    assert Peek(path).value("x") == 1
    answers.set()
    await moving


async def test_the_log_begins_anew_before_the_next_write(path: Path, storage: Storage) -> None:
    """The first write after a checkpoint waits for the disk; it must not be one that the event loop waits for."""

    def checkpoints() -> bytes:
        return Path(f"{path}-wal").read_bytes()[12:16]  # the checkpoint sequence number of the header

    storage.save_value("x", 1)
    before = checkpoints()
    await storage.checkpoint()
    with held_up(storage):
        pass
    assert checkpoints() != before
    assert Peek(path).value("x") == 1
