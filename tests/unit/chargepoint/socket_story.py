"""A socket that receives pushes one after the other, and the time."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.status import Activity, Status, Vehicle
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

T1, T2, T3 = (NOON + timedelta(hours=hours) for hours in (-3, -2, -1))

GRACE = timedelta(seconds=60)


def update(**values: Any) -> Update[Status]:
    """The update by a push, with words as on the wire."""
    if "activity" in values and values["activity"] is not None:
        values["activity"] = Activity(values["activity"])
    if "vehicle" in values and values["vehicle"] is not None:
        values["vehicle"] = Vehicle(values["vehicle"])
    return Update(Status(**values), frozenset(values))


@dataclass
class Story:
    """A socket, and the time."""

    twin: Twin
    now: datetime = NOON

    def push(self, activity: str = "available", vehicle: str = "B", after: float = 10, **more: Any) -> "Story":
        """Receive a push."""
        self.now += timedelta(seconds=after)
        self.twin = self.twin.pushed(update(activity=activity, vehicle=vehicle, **more), self.now).link_found()
        return self

    def wait(self, seconds: float) -> "Story":
        """Let time pass."""
        self.now += timedelta(seconds=seconds)
        return self

    def lose_link(self) -> "Story":
        """Take the link down."""
        self.twin = self.twin.link_lost(self.now)
        return self

    def remember(self, change: Any, *args: Any) -> "Story":
        """A command has an outcome."""
        self.twin = self.twin.remembering(lambda memory: change(memory, *args))
        return self

    def verdict(self, change: Any, *args: Any, opened: int | None = None) -> "Story":
        """Receive the verdict on a command that was sent at this number of openings; None: at the present one."""
        return self.remember(partial(change, opened=self.memory.opened if opened is None else opened), *args)

    @property
    def memory(self) -> Memory:
        """The memory."""
        return self.twin.memory

    @property
    def latest(self) -> Session:
        """The latest session."""
        assert self.memory.session is not None
        return self.memory.session

    def say(self, after: float = 10, **values: Any) -> "Story":
        """Receive a push with these fields only."""
        self.now += timedelta(seconds=after)
        self.twin = self.twin.pushed(update(**values), self.now).link_found()
        return self

    @property
    def state(self) -> str:
        """The state, in the standard set."""
        return self.twin.state(self.now, grace=GRACE, state_set="standard").value

    @property
    def energies(self) -> tuple[float, float | None, float]:
        """Of this session, the one before, and all."""
        latest = self.memory.session
        assert latest is not None
        total = round(self.memory.lifetime_energy, 6)
        return round(latest.energy, 6), self.memory.previous_energy, total


def story() -> Story:
    """A socket of which nothing is known."""
    return Story(Twin(evse_id="BCU1"))


def readings(*energies: float, seconds: float = 10.0) -> Story:
    """A session whose counter shows these values, kWh, one after the other."""
    s = story().push("available", "B")
    for energy in energies:
        s.push("charging", "C", after=seconds, energy=energy)
    return s
