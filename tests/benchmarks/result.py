"""The figures of a run, kept as JSON and read as medians."""

import json
import statistics
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from tests.benchmarks.measure import Figures


@dataclass(frozen=True, slots=True)
class Round:
    """The figures of one peer from one round.

    Attributes:
        peer: its key in `CANDIDATES`.
        points: charge points.
        figures: name → value; the unit is the end of the name.
        failed: what kept it from its end; None: nothing.
    """

    peer: str
    points: int
    figures: Figures
    failed: str | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """A run.

    Attributes:
        commit: what was measured.
        date: when, ISO 8601.
        machine: what it ran on, and which versions of what.
        size: how much was measured.
        parsing: what reading costs.
        rounds: what was measured, in order.
    """

    commit: str
    date: str
    machine: dict[str, str]
    size: dict[str, float]
    parsing: Figures = field(default_factory=dict)
    rounds: list[Round] = field(default_factory=list)

    def value(self, peer: str, points: int, figure: str) -> float | None:
        """The median of a figure; None: it was not measured."""
        values = [one.figures[figure] for one in self.of(peer, points) if one.failed is None and figure in one.figures]
        return statistics.median(values) if values else None

    def failures(self, peer: str, points: int) -> list[str]:
        """Why rounds of a peer have no figures."""
        return [one.failed for one in self.of(peer, points) if one.failed is not None]

    def points(self) -> list[int]:
        """The sizes of account that the bridge was measured with."""
        return sorted({one.points for one in self.rounds if one.peer == "bridge"})

    def peers(self, points: int) -> list[str]:
        """The peers measured with this number of charge points, in order."""
        return list(dict.fromkeys(one.peer for one in self.rounds if one.points == points))

    def of(self, peer: str, points: int) -> list[Round]:
        """The rounds of a peer with a number of charge points."""
        return [one for one in self.rounds if (one.peer, one.points) == (peer, points)]

    def write(self, path: Path) -> None:
        """Write the results."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read what `write` has kept."""
        data: dict[str, Any] = json.loads(path.read_text())
        return cls(**{**data, "rounds": [Round(**one) for one in data["rounds"]]})
