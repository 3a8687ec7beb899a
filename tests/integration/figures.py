"""What the tests of promised times measure, and how strict they are.

A machine that does other work beside the tests must not make them fail, so a promised time is tested with patience.
`make reliability` runs them alone and without it, and `docs/reliability.md` shows what it measured.
"""

import json
import os
from pathlib import Path
from typing import Final

STRICT: Final = "BRIDGE_RELIABILITY"
"""The environment variable with the file that collects the figures of a strict run."""

PATIENCE: Final = 10.0
"""How many times as long as promised something may take in CI."""


def is_strict() -> bool:
    """Whether this run measures for the page: promised times count as promised, and long tests run in full."""
    return bool(os.environ.get(STRICT))


def patience(promised_s: float) -> float:
    """How long to wait for something that is promised within `promised_s` seconds."""
    return PATIENCE * promised_s


def within(promised_s: float) -> float:
    """How long something may take in this run that is promised within `promised_s` seconds."""
    return promised_s if is_strict() else patience(promised_s)


def note(figure: str, test: str = "") -> None:
    """Keep what a test has measured, if this run is for the page.

    Args:
        figure: what was measured, in a few words.
        test: what measured it; empty: the test that runs now.
    """
    path = os.environ.get(STRICT)
    if path:
        running = os.environ.get("PYTEST_CURRENT_TEST", "").partition(" ")[0].rpartition("::")[2].partition("[")[0]
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"test": test or running, "figure": figure}, ensure_ascii=False) + "\n")
