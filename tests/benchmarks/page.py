"""Writes the results of a run into docs/performance.md."""

from pathlib import Path
from typing import Final

from tests.benchmarks.plot import plot
from tests.benchmarks.result import Result
from tests.benchmarks.table import report

DOCS: Final = Path(__file__).parents[2] / "docs"
PAGE: Final = DOCS / "performance.md"
FIGURES: Final = DOCS / "performance.json"
PICTURE: Final = DOCS / "images" / "performance.svg"
_BEGIN, _END = "<!-- run -->\n", "<!-- end of run -->"


def publish(result: Result) -> None:
    """Write the page's block, the picture, and the figures that both come from."""
    result.write(FIGURES)
    PICTURE.write_text(plot(result))
    PAGE.write_text(filled(PAGE.read_text(), result))


def filled(page: str, result: Result) -> str:
    """The page with the tables of this run."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}{_described(result)}\n\n{report(result)}{_END}{after}"


def _described(result: Result) -> str:
    rounds = max((len(result.of(peer, 1)) for peer in result.peers(1)), default=0)
    machine = dict(result.machine)
    processor = f"{machine.pop('processor', 'unknown processor')}, {machine.pop('cores', '?')} cores"
    processor = ", ".join(part for part in (processor, machine.pop("memory", ""), machine.pop("system", "")) if part)
    versions = ", ".join(f"{name} {version}" for name, version in machine.items())
    return (
        f"{result.date[:10]}, commit {result.commit}, medians of {rounds} rounds.\n\n"
        f"Machine: {processor}.\nVersions: {versions}."
    )
