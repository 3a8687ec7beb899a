"""The required ratios of the bridge to its peers within one run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.web.observer import ON_A_PAGE
from tests.benchmarks.measure import FEEDS
from tests.benchmarks.obstacles import (
    FIRST_MESSAGE,
    LATE_FRAMES,
    LONGER_PAGE,
    PER_FRAME,
    SUMMARY,
    TRADE_OFF,
    WRITE_PER_FRAME,
)
from tests.benchmarks.result import Result

Value = Callable[[Result], float | None]


@dataclass(frozen=True, slots=True)
class Target:
    """One requirement.

    Attributes:
        what: in words.
        value: gives what it is in a run.
        bound: what it must be.
        at_least: the bound is a lower one.
        unit: empty for a ratio.
        obstacle: what stands in the way, if it is known why it is missed.
    """

    what: str
    value: Value
    bound: float
    at_least: bool = False
    unit: str = ""
    obstacle: str = ""

    def missed_by(self, result: Result) -> float | None:
        """By how much it is missed, as a share of the bound; None if it is met or was not measured."""
        value = self.value(result)
        return abs(value / self.bound - 1) if value is not None and not self.met(result) else None

    def met(self, result: Result) -> bool | None:
        """Whether the requirement is met; None if it was not measured."""
        value = self.value(result)
        if value is None:
            return None
        return value >= self.bound if self.at_least else value <= self.bound


def _of(figure: str, points: int = 1, peer: str = "bridge") -> Value:
    return lambda result: result.value(peer, points, figure)


def _ratio(figure: str, base: Value, points: int = 1) -> Value:
    def value(result: Result) -> float | None:
        ours, theirs = result.value("bridge", points, figure), base(result)
        return ours / theirs if ours is not None and theirs else None

    return value


def _kilobytes_a_point(result: Result) -> float | None:
    points = result.points()
    one, many = (result.value("bridge", count, "memory_mb") for count in (points[0], points[-1]))
    if one is None or many is None or points[0] == points[-1]:
        return None
    return (many - one) / (points[-1] - points[0]) * 1000


_BY_FEED: Final = (
    ("burst, frames/s : naive", "burst_frames_s", "naive", 1.2, PER_FRAME),
    ("burst, frames/s : Node-RED", "burst_frames_s", "node_red", 1.2, PER_FRAME),
    ("burst, messages/s : bare wire", "burst_messages_s", "wire", 0.5, TRADE_OFF),
    ("burst, CPU a message : naive", "burst_cpu_ms_a_message", "naive", 1.0, TRADE_OFF),
    ("100 frames/s, p50 : bare wire", "p50_ms", "wire", 1.5, FIRST_MESSAGE),
    ("100 frames/s, p99 : naive", "p99_ms", "naive", 1.0, LATE_FRAMES),
    ("100 frames/s, CPU a frame : naive", "cpu_ms_a_frame", "naive", 2.0, FIRST_MESSAGE),
)
"""For both feeds: what, the figure, the peer that it is compared with, the bound, and what stands in the way."""


def _by_feed() -> Iterator[Target]:
    for feed in FEEDS:
        for what, name, peer, bound, obstacle in _BY_FEED:
            figure = f"{feed}.{name}"
            ratio = _ratio(figure, _of(figure, peer=peer))
            yield Target(f"{feed}: {what}", ratio, bound, at_least=name.endswith("_s"), obstacle=obstacle)


def _with_many(points: int) -> Iterator[Target]:
    many = f"{points:,} charge points"
    yield Target(f"{many}: all reported after the last answer", _of("after_last_answer_s", points), 12.0, unit="s")
    yield Target(f"{many}: idle CPU", _of("idle_cpu_percent", points), 1.0, unit="%")
    for feed in FEEDS:
        figure = f"{feed}.cpu_ms_a_frame"
        ratio = _ratio(figure, _of(figure), points)
        yield Target(f"{many}: {feed}, CPU a frame : one charge point", ratio, 1.2, obstacle=WRITE_PER_FRAME)
    yield Target(f"{many}: broker back, states and sessions", _of("broker_back_states_s", points), 5.0, unit="s")
    yield Target(f"{many}: broker back, everything", _of("broker_back_all_s", points), 15.0, unit="s")
    yield Target(f"{many}: /readyz : one charge point", _ratio("readyz_ms", _of("readyz_ms"), points), 1.2)
    for few, title, obstacle in (
        (ON_A_PAGE, f"{ON_A_PAGE}, which fill a page too", SUMMARY),
        (1, "one, whose page is shorter", LONGER_PAGE),
    ):
        ratio = _ratio("page_ms", _of("page_ms", few), points)
        yield Target(f"{many}: page view : {title}", ratio, 1.2, obstacle=obstacle)


TARGETS: Final = (
    *_by_feed(),
    Target(
        "question to answer : bare wire's publish to hear",
        _ratio("round_trip_ms", _of("round_trip_ms", peer="wire")),
        2.5,
    ),
    Target("memory", _of("memory_mb"), 60.0, unit="MB"),
    Target("memory of a further charge point", _kilobytes_a_point, 30.0, unit="kB"),
    Target("memory after the burst : before it", _ratio("memory_after_mb", _of("memory_mb")), 1.1),
    Target("start to first state", _of("first_state_s"), 0.6, unit="s"),
    *_with_many(1000),
)
