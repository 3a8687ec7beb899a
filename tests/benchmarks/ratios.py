"""The required ratios of the bridge to its peers within one run."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.benchmarks.measure import FEEDS
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
    """

    what: str
    value: Value
    bound: float
    at_least: bool = False
    unit: str = ""

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


def _by_feed() -> Iterator[Target]:
    for feed in FEEDS:
        for peer, title in (("naive", "naive"), ("node_red", "Node-RED")):
            base = _of(f"{feed}.burst_frames_s", peer=peer)
            yield Target(
                f"{feed}: burst, frames/s : {title}", _ratio(f"{feed}.burst_frames_s", base), 1.2, at_least=True
            )
        base = _of(f"{feed}.burst_messages_s", peer="wire")
        yield Target(
            f"{feed}: burst, messages/s : bare wire", _ratio(f"{feed}.burst_messages_s", base), 0.5, at_least=True
        )
        base = _of(f"{feed}.burst_cpu_ms_a_message", peer="naive")
        yield Target(f"{feed}: burst, CPU a message : naive", _ratio(f"{feed}.burst_cpu_ms_a_message", base), 1.0)
        base = _of(f"{feed}.p50_ms", peer="wire")
        yield Target(f"{feed}: 100 frames/s, p50 : bare wire", _ratio(f"{feed}.p50_ms", base), 1.5)
        base = _of(f"{feed}.p99_ms", peer="naive")
        yield Target(f"{feed}: 100 frames/s, p99 : naive", _ratio(f"{feed}.p99_ms", base), 1.0)
        base = _of(f"{feed}.cpu_ms_a_frame", peer="naive")
        yield Target(f"{feed}: 100 frames/s, CPU a frame : naive", _ratio(f"{feed}.cpu_ms_a_frame", base), 2.0)


def _with_many(points: int) -> Iterator[Target]:
    many = f"{points:,} charge points"
    yield Target(f"{many}: all reported after the last answer", _of("after_last_answer_s", points), 12.0, unit="s")
    yield Target(f"{many}: idle CPU", _of("idle_cpu_percent", points), 1.0, unit="%")
    for feed in FEEDS:
        figure = f"{feed}.cpu_ms_a_frame"
        yield Target(f"{many}: {feed}, CPU a frame : one charge point", _ratio(figure, _of(figure), points), 1.2)
    yield Target(f"{many}: broker back, states and sessions", _of("broker_back_states_s", points), 5.0, unit="s")
    yield Target(f"{many}: broker back, everything", _of("broker_back_all_s", points), 15.0, unit="s")
    for figure, title in (("readyz_ms", "/readyz"), ("page_ms", "page view")):
        yield Target(f"{many}: {title} : one charge point", _ratio(figure, _of(figure), points), 1.2)


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
