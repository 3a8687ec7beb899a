"""Draws a run as SVG."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from tests.benchmarks.candidates import CANDIDATES
from tests.benchmarks.result import Result
from tests.benchmarks.table import number

WIDTH: Final = 840
COLUMNS: Final = 2
PANEL_W: Final = WIDTH // COLUMNS
LABEL_W: Final = 110
BAR_W: Final = PANEL_W - LABEL_W - 90
BAR_H: Final = 16
GAP: Final = 8
HEAD: Final = 44

Bars = list[tuple[str, float, bool]]
"""Label, value, and whether it is the bridge's."""


@dataclass(frozen=True, slots=True)
class _Panel:
    title: str
    bars: Callable[[Result], Bars]


def _peers(figure: str) -> Callable[[Result], Bars]:
    def bars(result: Result) -> Bars:
        found = ((peer, result.value(peer, 1, figure)) for peer in result.peers(1))
        return [(CANDIDATES[peer].title, value, peer == "bridge") for peer, value in found if value is not None]

    return bars


def _sizes(figure: str) -> Callable[[Result], Bars]:
    def bars(result: Result) -> Bars:
        found = ((points, result.value("bridge", points, figure)) for points in result.points())
        return [(f"{points:,} point{'s' * (points > 1)}", value, True) for points, value in found if value is not None]

    return bars


PANELS: Final = (
    _Panel("burst, frames a second", _peers("energy.burst_frames_s")),
    _Panel("burst, messages a second", _peers("energy.burst_messages_s")),
    _Panel("100 frames a second: median, ms", _peers("energy.p50_ms")),
    _Panel("100 frames a second: 99 of 100 within, ms", _peers("energy.p99_ms")),
    _Panel("CPU ms a message in the burst", _peers("energy.burst_cpu_ms_a_message")),
    _Panel("memory, MB", _peers("memory_mb")),
    _Panel("the bridge: CPU ms a frame", _sizes("energy.cpu_ms_a_frame")),
    _Panel("the bridge: memory, MB", _sizes("memory_mb")),
)


_HEAD: Final = """\
<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height:.0f}" viewBox="0 0 {width} {height:.0f}" role="img"
     font-family="system-ui, sans-serif" font-size="13">
  <title>How the bridge compares, and how it is with many charge points</title>
  <style>
    .ground {{ fill: #ffffff }} .word {{ fill: #1f2328 }} .title {{ fill: #1f2328; font-weight: 600 }}
    .small {{ fill: #57606a; font-size: 11px }} .ours {{ fill: #0969da }} .other {{ fill: #8c959f }}
    @media (prefers-color-scheme: dark) {{
      .ground {{ fill: #0d1117 }} .word, .title {{ fill: #f0f6fc }} .small {{ fill: #b7bdc8 }}
      .ours {{ fill: #58a6ff }} .other {{ fill: #656c76 }}
    }}
  </style>
  <rect class="ground" width="100%" height="100%"/>"""


def plot(result: Result) -> str:
    """Bars in one panel for each figure, with the bridge in another colour."""
    drawn: list[str] = []
    y = 30.0
    for first in range(0, len(PANELS), COLUMNS):
        row = [(panel, panel.bars(result)) for panel in PANELS[first : first + COLUMNS]]
        for column, (panel, bars) in enumerate(row):
            drawn += _panel(panel.title, bars, column * PANEL_W + 16, y)
        y += HEAD + max(len(bars) for _, bars in row) * (BAR_H + GAP)
    machine = f"{result.machine.get('processor', 'unknown processor')}, {result.machine.get('cores', '?')} cores"
    caption = _text("small", 16, y, f"Commit {result.commit}, {result.date[:10]}; {machine}; medians of one run")
    return "\n  ".join((_HEAD.format(width=WIDTH, height=y + 12), *drawn, caption)) + "\n</svg>\n"


def _panel(title: str, bars: Bars, x: float, y: float) -> Iterator[str]:
    yield _text("title", x, y, title)
    longest = max((value for _, value, _ in bars), default=0.0)
    for index, (label, value, is_ours) in enumerate(bars):
        top = y + 12 + index * (BAR_H + GAP)
        width = max(1.0, BAR_W * value / longest) if longest else 1.0
        kind = "ours" if is_ours else "other"
        yield _text("word", x, top + 12, label)
        yield f'<rect class="{kind}" x="{x + LABEL_W}" y="{top:.0f}" width="{width:.1f}" height="{BAR_H}" rx="2"/>'
        yield _text("word", x + LABEL_W + width + 6, top + 12, number(value))


def _text(kind: str, x: float, y: float, text: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'
