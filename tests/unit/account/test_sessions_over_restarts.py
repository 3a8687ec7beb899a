"""The energy of a socket over kills and losses of the link, with the simulator's charge point and a real file."""

import itertools
import json
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bridge.account.fleet import Fleet
from bridge.bluecurrent.frames import ListedChargePoint, Statuses, parse_frame
from bridge.chargepoint.charge_point_settings import ChargePointSettings
from bridge.chargepoint.session import Memory
from bridge.chargepoint.update import Update
from bridge.simulator import wire_form
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from tests.clock import FakeClock

EVSE = "BCU1"
CARD = "046C8CCA8C1D90"

Deed = str | float
"""What happens at the charge point; a number is seconds that pass."""

DEEDS: st.SearchStrategy[Deed] = st.sampled_from(["plug", "unplug", "card", "stop", 1.0, 5.0, 70.0, 300.0, 1500.0])


class Place:
    """A charge point, its cloud, and the part of the bridge that remembers.

    Args:
        folder: where the file is.
        stale_start: how many pushes after a start still carry the start of the session before.
    """

    def __init__(self, folder: Path, stale_start: int) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self.clock = FakeClock()
        self.point = SimulatedChargePoint(EVSE, self.clock.now, stale_start=stale_start)
        self.told = 0.0
        self._start(folder / "first.db")

    def _start(self, path: Path) -> None:
        self._path = path
        self._storage = Storage(path, now=self.clock.now)
        self._recorder = Recorder(self._storage, self.clock.now)
        memories, steerings = self._storage.memories(), self._storage.steerings()
        self.fleet = Fleet(clock=self.clock, memories=memories, steerings=steerings)
        self.fleet.listeners = (self._recorder.charge_point_changed,)
        self.fleet.listed([ListedChargePoint(EVSE, Update(ChargePointSettings(), frozenset()))])
        self._hear(pushed=False)

    def kill(self, meanwhile: Sequence[Deed]) -> None:
        """Keep only what is on disk at this moment, and start with it after some deeds."""
        path = self._folder / f"{next(self._numbers)}.db"
        for ending in ("", "-wal"):
            with suppress(FileNotFoundError):
                shutil.copyfile(f"{self._path}{ending}", f"{path}{ending}")
        self.close()
        for deed in meanwhile:
            self.do(deed)
        self._start(path)

    def close(self) -> None:
        """Close the file."""
        self._storage.close()

    def lose_link(self, meanwhile: Sequence[Deed]) -> None:
        """Do some deeds while there is no link."""
        point = self.fleet.charge_point(EVSE)
        assert point is not None
        self.fleet._put(point, point.each(lambda twin: twin.link_lost(self.clock.now())))
        for deed in meanwhile:
            self.do(deed)
        self._hear(pushed=False)

    def do(self, deed: Deed) -> None:
        """Something happens at the charge point."""
        match deed:
            case "plug" if self.point.sockets[0].car is None:
                self.point.plug(Car())
            case "unplug":
                self.point.unplug()
            case "card":
                self.point.start(CARD)
            case "stop":
                self.point.stop()
            case float(seconds):
                self.clock.move(seconds)
                self.point.step(seconds)
            case _:
                pass

    def push(self) -> None:
        """The cloud pushes a status."""
        self._hear(pushed=True)

    def _hear(self, *, pushed: bool) -> None:
        data = wire_form.status(self.point, self.point.sockets[0], pushed=pushed)
        frame = parse_frame(json.dumps({"object": "CH_STATUS", "evse_id": EVSE, "data": data}))
        assert isinstance(frame.body, Statuses)
        self.fleet.pushed(EVSE, frame.body.sockets)
        self._recorder.write_if_due()
        self._recorder.before_telling(EVSE)
        assert self.memory.lifetime_energy >= self.told - 1e-9
        assert self.memory.lifetime_energy <= self.delivered + self.rounding
        rows = sum(row.energy for row in self._storage.sessions())
        assert rows == pytest.approx(self.memory.lifetime_energy, abs=1e-9)
        self.told = self.memory.lifetime_energy

    @property
    def memory(self) -> Memory:
        """What the bridge remembers of the socket."""
        return self.fleet.expect(EVSE).memory

    @property
    def delivered(self) -> float:
        """The energy of all sessions, kWh."""
        return sum(one.kwh for one in self.point.transactions)

    @property
    def rounding(self) -> float:
        """By how much a sum of readings may differ, kWh."""
        return 0.002 * (1 + len(self.point.transactions))


@settings(max_examples=60, deadline=None)
@given(
    stale_start=st.integers(0, 2),
    life=st.lists(st.one_of(DEEDS, st.tuples(st.sampled_from(["kill", "lose link"]), st.lists(DEEDS, max_size=3)))),
)
@example(stale_start=1, life=["plug", "card", "stop", ("lose link", ["card", 70.0]), 300.0])
@example(stale_start=2, life=["plug", "card", "stop", 300.0, "card", 1500.0])
@example(stale_start=2, life=["plug", "card", "stop", 300.0, "card", 1500.0, "stop", 1.0])
@example(stale_start=2, life=["plug", "card", "stop", 300.0, "card", 1500.0, "unplug", 1.0])
@example(stale_start=1, life=["plug", "card", "stop", ("kill", ["card", 70.0]), ("kill", [300.0]), 70.0])
@example(stale_start=0, life=["plug", "card", 300.0, 70.0, ("kill", ["unplug", "plug", "card", 70.0])])
def test_no_energy_is_lost_or_counted_twice(stale_start: int, life: list[Deed | tuple[str, list[Deed]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), stale_start)
        certain = True
        for what in life:
            if not isinstance(what, tuple):
                place.do(what)
                place.push()
                continue
            known, energy = len(place.point.transactions), place.delivered
            (place.kill if what[0] == "kill" else place.lose_link)(what[1])
            # What a session delivers out of sight before another one takes its place is told by the transactions alone.
            certain = certain and (len(place.point.transactions) == known or place.delivered == energy)
        for _ in range(3):
            place.do(70.0)
            place.push()
        place.close()
        transaction = place.point.sockets[0].transaction
        if transaction is not None and transaction.kwh > 0.001:
            assert place.memory.session is not None
            assert place.memory.session.energy == pytest.approx(transaction.kwh, abs=0.002)
        if certain:
            assert place.memory.lifetime_energy == pytest.approx(place.delivered, abs=place.rounding)
