"""Curves and bars as numbers for an SVG, in the units of the drawing. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import accumulate, pairwise
from typing import Final

from bridge.web.history import STEP_S, Point
from bridge.web.view import DayView

WIDTH: Final = 720
HEIGHT: Final = 120
BAR: Final = 10
BAR_GAP: Final = 4
BARS_HEIGHT: Final = 60

SHORTEST: Final = timedelta(minutes=10)
"""The shortest span of a curve, so that a few points do not look like hours."""

_ROUND_KW: Final = (1, 2, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96)


@dataclass(frozen=True, slots=True)
class Layer:
    """The power of a phase and all phases below it. Drawn from the highest down, each layer shows one share.

    Attributes:
        phase: 1 to 3.
        area: the path of the filled area.
        line: the path along its top.
    """

    phase: int
    area: str
    line: str


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve of power.

    Attributes:
        layers: the highest first; empty where nothing is known.
        full_kw: the power at the top of the drawing, kW.
        highest: the highest power in it, W.
    """

    layers: tuple[Layer, ...]
    full_kw: int
    highest: float
    begin: datetime
    end: datetime

    @property
    def middle(self) -> datetime:
        """Half-way between the two."""
        return self.begin + (self.end - self.begin) / 2


def draw_curve(points: Sequence[Point], now: datetime) -> Curve:
    """Return the curve from the first point to now.

    Now is rounded to the step of a point, so that a curve without new points does not change.
    """
    end = now - timedelta(seconds=now.timestamp() % STEP_S)
    points = [point for point in points[:-1] if point.at < end] + [replace(point, at=end) for point in points[-1:]]
    totals = [point.total for point in points]
    highest = max((total for total in totals if total is not None), default=0.0)
    full_kw = next((kw for kw in _ROUND_KW if kw * 1000 >= highest * 1.02), _ROUND_KW[-1])
    begin = min(points[0].at, end - SHORTEST) if points else end - SHORTEST
    runs = list(_runs(points))
    layers = []
    for phase in (3, 2, 1):
        if phase > 1 and not any(point.powers[phase - 1] for point in points):
            continue
        lines = [
            [(_x(at, begin, end), _y(stack[phase - 1], full_kw)) for at, stack in run] for run in runs if len(run) > 1
        ]
        line = "".join(_line(corners) for corners in lines)
        area = "".join(
            f"M{corners[0][0]} {HEIGHT}L{_line(corners)[1:]}L{corners[-1][0]} {HEIGHT}Z" for corners in lines
        )
        if line:
            layers.append(Layer(phase, area, line))
    return Curve(tuple(layers), full_kw, highest, begin, end)


Stack = tuple[float, ...]


def _runs(points: Sequence[Point]) -> Iterator[list[tuple[datetime, Stack]]]:
    """Yield stretches in which the power is known, each point as the sums of phase 1, 1 and 2, and 1 to 3."""
    run: list[tuple[datetime, Stack]] = []
    steps = sorted(after.at - before.at for before, after in pairwise(points))
    gap = 3 * steps[len(steps) // 2] if steps else timedelta(seconds=STEP_S)  # the machine slept and measured nothing
    for point in points:
        if point.total is None or (run and point.at - run[-1][0] > gap):
            yield run
            run = []
        if point.total is not None:
            run.append((point.at, tuple(accumulate(power or 0.0 for power in point.powers))))
    yield run


def _x(at: datetime, begin: datetime, end: datetime) -> float:
    return round(WIDTH * ((at - begin) / (end - begin)), 1)


def _y(watts: float, full_kw: int) -> float:
    return round(HEIGHT * (1 - watts / (full_kw * 1000)), 1)


def _line(corners: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in corners)


@dataclass(frozen=True, slots=True)
class Bar:
    """One day."""

    x: int
    y: float
    height: float
    today: bool


def draw_bars(days: Sequence[DayView]) -> tuple[Bar, ...]:
    """Return a bar for each day, scaled to the highest. A day with any energy has a visible bar."""
    most = max((day.energy for day in days), default=0.0) or 1.0
    heights = [max(2.0, round(BARS_HEIGHT * day.energy / most, 1)) if day.energy > 0 else 0.0 for day in days]
    return tuple(
        Bar(index * (BAR + BAR_GAP), round(BARS_HEIGHT - height, 1), height, index == len(days) - 1)
        for index, height in enumerate(heights)
    )
