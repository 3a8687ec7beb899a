"""Damaged files are set aside and reported."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.storage import schema
from bridge.storage.peek import Peek
from tests.unit.storage.database_files import (
    OVER,
    Opening,
    bad_content,
    bad_page,
    cut_off,
    fill,
    no_database,
    no_json,
    no_table,
    old_file,
)


@pytest.mark.parametrize("damage", [no_database, bad_page, cut_off, bad_content, no_json, no_table])
def test_a_damaged_file_is_set_aside_and_reported(path: Path, opening: Opening, damage: Any) -> None:
    fill(path, opening)
    damage(path)
    damaged = path.read_bytes()
    storage = opening(path)
    assert storage.value("value-1") is None
    assert storage.memories() == {}
    storage.save_value("new", 1)
    aside = path.with_name("bridge.db.damaged-20261121T080000")
    assert aside.read_bytes() == damaged
    error = next(line for line in opening.lines() if line["level"] == "error")
    assert error["set_aside"] == str(aside)
    assert "Sessions, lifetime energy, a login" in error["event"]
    storage.close()
    again = opening(path)
    assert again.value("new") == 1
    again.close()
    damage(path) if damage not in {bad_content, no_json} else no_database(path)
    opening(path).close()
    assert path.with_name("bridge.db.damaged-20261121T080000-2").exists()


def test_an_old_file_with_damaged_content_is_set_aside_too(path: Path, opening: Opening) -> None:
    old_file(path, BCU1="not a memory", BCU2_1=OVER)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("UPDATE memory SET content = '{' WHERE address = 'BCU1'")
        connection.commit()
    opening(path).close()
    aside = path.with_name("bridge.db.damaged-20261121T080000")
    with closing(sqlite3.connect(aside)) as connection:
        assert schema.version_of(connection) == 1
    assert Peek(path).sessions() == []


def test_an_empty_file_is_a_new_one(path: Path, opening: Opening) -> None:
    path.touch()
    opening(path).close()
    assert opening.lines() == []
