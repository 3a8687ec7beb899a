"""The power of the last hours, kept in memory: one point for every ten seconds."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final, Self

STEP: Final = timedelta(seconds=10)
KEPT: Final = timedelta(hours=6)

Watts = float | None
Sample = tuple[Watts, Watts, Watts]
"""The power on phases 1 to 3, W; None is unknown."""


@dataclass(frozen=True, slots=True)
class Point:
    """The average over one step.

    Attributes:
        at: when the step began.
        power_1, power_2, power_3: power of each phase, W; None where it was unknown.
    """

    at: datetime
    power_1: Watts
    power_2: Watts
    power_3: Watts

    @property
    def powers(self) -> Sample:
        """Phases 1 to 3, W."""
        return self.power_1, self.power_2, self.power_3

    @property
    def total(self) -> Watts:
        """The sum over the known phases, W; None if all are unknown."""
        known = [power for power in self.powers if power is not None]
        return sum(known) if known else None

    @classmethod
    def average(cls, at: datetime, samples: Sequence[Sample]) -> Self:
        """The average of samples, phase by phase."""
        one, two, three = (_mean([sample[phase] for sample in samples]) for phase in range(3))
        return cls(at, one, two, three)


def _mean(values: Sequence[Watts]) -> Watts:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


class History:
    """The power of one socket over the last hours.

    Args:
        step: the time that a point covers.
        kept: the age at which points are dropped.
    """

    def __init__(self, step: timedelta = STEP, kept: timedelta = KEPT) -> None:
        self._step = step
        self._points: deque[Point] = deque(maxlen=int(kept / step))
        self._from: datetime | None = None
        self._samples: list[Sample] = []
        self._merged: dict[int, tuple[Point, ...]] = {}

    def add(self, at: datetime, sample: Sample) -> bool:
        """Add a sample; True when it completed a point."""
        finished = False
        if self._from is not None and not timedelta() <= at - self._from < self._step:
            self._points.append(Point.average(self._from, self._samples))
            self._from, finished = None, True
            self._merged.clear()
        if self._from is None:
            self._from, self._samples = at, []
        self._samples.append(sample)
        return finished

    def points(self, most: int) -> tuple[Point, ...]:
        """The points, oldest first, with neighbours merged until about `most` are left.

        They are merged by the clock, so that points that were drawn do not change when new ones come.
        """
        if most not in self._merged:
            span = self._step.total_seconds() * max(1, -(-len(self._points) // most))
            groups = groupby(self._points, lambda point: point.at.timestamp() // span)
            self._merged[most] = tuple(_average(list(group)) for _, group in groups)
        return self._merged[most]


def _average(points: Sequence[Point]) -> Point:
    return Point.average(points[0].at, [point.powers for point in points])
