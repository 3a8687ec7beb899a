"""What a run of the rig counts and measures, and when a promise is broken."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

GROWTH: Final = 1.10
"""How much the memory may grow: by a tenth."""

Use = tuple[float, int, int]
"""Memory in MB, tasks, and open files."""


class Broken(AssertionError):
    """A promise was broken."""


@dataclass
class Figures:
    """What was counted and measured in a run."""

    faults: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    pushes: int = 0
    reports: int = 0
    requests: int = 0
    sessions: int = 0
    starts: int = 0
    memory_mb: tuple[float, float] = (0.0, 0.0)
    tasks: tuple[int, int] = (0, 0)
    files: tuple[int, int] = (0, 0)
    seconds: float = 0.0

    @property
    def summary(self) -> str:
        """The figures in short."""
        return (
            f"{self.faults.total()} faults in {self.seconds:.0f} s, {self.commands} commands, {self.pushes} pushes, "
            f"memory {self.memory_mb[0]:.0f} → {self.memory_mb[1]:.0f} MB"
        )

    def __str__(self) -> str:
        return (
            f"{sum(self.faults.values())} faults in {self.seconds:.0f} s: {self.commands} commands, {self.pushes} pushes, "
            f"{self.reports} reports, {self.requests} requests, {self.sessions} sessions, {self.starts} starts; "
            f"memory {self.memory_mb[0]:.1f} → {self.memory_mb[1]:.1f} MB, tasks {self.tasks[0]} → {self.tasks[1]}, "
            f"files {self.files[0]} → {self.files[1]}; answered with errors: {dict(self.errors)}"
        )


def check_growth(before: Use, after: Use) -> None:
    """Compare what is used with what was used before.

    Raises:
        Broken: it is more.
    """
    if after[0] > before[0] * GROWTH:
        raise Broken(f"memory grew from {before[0]:.1f} to {after[0]:.1f} MB")
    if after[1] > before[1]:
        raise Broken(f"{after[1]} tasks instead of {before[1]}")
    if after[2] > before[2]:
        raise Broken(f"{after[2]} open files instead of {before[2]}")
