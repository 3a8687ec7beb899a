"""Where a database file is, and what opens it."""

from pathlib import Path

import pytest

from tests.unit.storage.database_files import Opening


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "bridge.db"


@pytest.fixture
def opening() -> Opening:
    """Opens storages, and records their log."""
    return Opening()
