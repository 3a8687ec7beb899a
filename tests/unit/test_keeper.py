"""When what is remembered gets written."""

import io
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.twin import Twin
from bridge.keeper import EVERY, Keeper
from bridge.logs import Log
from bridge.storage import Storage
from tests.clock import FakeClock


def test_a_clock_that_is_set_back_stops_no_writing(tmp_path: Path) -> None:
    clock = FakeClock()
    storage = Storage(tmp_path / "bridge.db", Log(stream=io.StringIO()).logger, clock.now)
    keeper = Keeper(storage, clock.now)

    session = Session(number=1, seen_from=clock.now(), energy=1.0)
    before = Twin(evse_id="BCU1", memory=Memory(session=session))
    after = Twin(evse_id="BCU1", memory=Memory(session=replace(session, energy=2.0)))
    keeper.changed(None, before)
    clock.move(-timedelta(days=1).total_seconds())
    keeper.changed(before, after)
    clock.move(EVERY.total_seconds())
    keeper.write_if_due()
    kept = storage.memories()["BCU1"].session
    assert kept is not None
    assert kept.energy == 2.0
    storage.close()
