"""Formats a run as Markdown: ratios first, then the figures."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from tests.benchmarks.candidates import CANDIDATES
from tests.benchmarks.ratios import TARGETS, Target
from tests.benchmarks.result import Result

_BY_FEED: Final = {
    "burst_frames_s": "burst: frames/s",
    "burst_messages_s": "burst: messages/s",
    "burst_cpu_ms_a_frame": "burst: CPU ms a frame",
    "burst_cpu_ms_a_message": "burst: CPU ms a message",
    "p50_ms": "100 frames/s: p50 ms",
    "p99_ms": "100 frames/s: p99 ms",
    "cpu_ms_a_frame": "100 frames/s: CPU ms a frame",
    "messages_a_frame": "100 frames/s: messages a frame",
}
_ROWS: Final = {
    **{f"energy.{name}": f"energy changes; {title}" for name, title in _BY_FEED.items()},
    **{f"power.{name}": f"energy and power change; {title}" for name, title in _BY_FEED.items()},
    "round_trip_ms": "question to answer (bare wire: publish to hear), ms",
    "memory_mb": "memory, idle, MB",
    "memory_after_mb": "memory after the bursts, MB",
    "idle_cpu_percent": "CPU, idle, %",
    "first_state_s": "start to first state, s",
    "all_reported_s": "start to all reported, s",
    "after_last_answer_s": "last answer of the cloud to all reported, s",
    "broker_back_states_s": "broker back: states and sessions told, s",
    "broker_back_all_s": "broker back: all told, s",
    "readyz_ms": "/readyz, ms",
    "page_ms": "page view, ms",
}


def report(result: Result) -> str:
    """The whole run, as Markdown."""
    parts = [_ratios(result), _missed(result), _peers(result), _sizes(result), _parsing(result), *_failures(result)]
    return "\n\n".join(part for part in parts if part) + "\n"


def markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table."""
    lines = [list(head), ["---", *["--:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def number(value: float | None) -> str:
    """A number with three significant digits, or a dash."""
    if value is None:
        return "-"
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if size >= 10 else f"{value:.2f}" if size >= 0.1 or size == 0 else f"{value:.3f}"


def _ratios(result: Result) -> str:
    def row(target: Target) -> list[str]:
        is_met = target.met(result)
        bound = f"{'≥' if target.at_least else '≤'} {target.bound:g} {target.unit}".strip()
        value = f"{number(target.value(result))} {target.unit}".strip()
        return [target.what, value, bound, {True: "yes", False: "no", None: "-"}[is_met]]

    return markdown(("the bridge", "is", "to be", "met"), map(row, TARGETS))


def _missed(result: Result) -> str:
    """By how much each missed requirement is missed, and what stands in the way."""
    lines: dict[str, list[str]] = {}
    for target in TARGETS:
        missed_by = target.missed_by(result)
        if missed_by is not None:
            side = "below" if target.at_least else "above"
            lines.setdefault(target.obstacle, []).append(f"{target.what}: {missed_by:.0%} {side} what is wanted")
    return "\n".join(f"- {'; '.join(missed)}. {_sentence(obstacle)}".rstrip() for obstacle, missed in lines.items())


def _sentence(obstacle: str) -> str:
    return f"What stands in the way: {obstacle}." if obstacle else ""


def _peers(result: Result) -> str:
    peers = result.peers(1)
    rows = ([title, *(number(result.value(peer, 1, name)) for peer in peers)] for name, title in _ROWS.items())
    return markdown(["one charge point", *(CANDIDATES[peer].title for peer in peers)], rows) if peers else ""


def _sizes(result: Result) -> str:
    sizes = result.points()
    rows = ([title, *(number(result.value("bridge", size, name)) for size in sizes)] for name, title in _ROWS.items())
    return markdown(["the bridge, charge points", *(f"{size:,}" for size in sizes)], rows)


def _parsing(result: Result) -> str:
    figures = result.parsing
    if not figures:
        return ""
    titles = {
        "status_json_us": "CH_STATUS: json.loads",
        "status_official_client_us": "CH_STATUS: the official client",
        "status_frame_us": "CH_STATUS: the bridge, a typed frame",
        "status_twin_us": "CH_STATUS: the bridge, its twin, session and limits after it",
        "command_json_us": "command: json.loads",
        "command_message_us": "command: the bridge, a typed message",
    }
    rows = []
    for name, title in titles.items():
        base = figures[f"{name.partition('_')[0]}_json_us"]
        rows.append([title, number(figures[name] / base), number(figures[name])])
    return markdown(("reading", "times json.loads", "µs"), rows)


def _failures(result: Result) -> Iterator[str]:
    for points in result.points():
        for peer in result.peers(points):
            for failure in result.failures(peer, points):
                yield f"{CANDIDATES[peer].title}, {points:,} charge points: {failure}"
