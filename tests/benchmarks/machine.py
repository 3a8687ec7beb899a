"""The machine and the versions of a run."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from tests.brokers import mosquitto


def machine() -> dict[str, str]:
    """The processor, the memory, and the versions of the measured programs."""
    versions = {name: importlib.metadata.version(name) for name in ("websockets", "aiomqtt", "bluecurrent-api")}
    kilobytes = _first(r"MemTotal:\s+(\d+)", Path("/proc/meminfo"))
    found = {
        "processor": _first(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo")),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{int(kilobytes) / 1e6:.0f} GB" if kilobytes else "",
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "mosquitto": _said(mosquitto(), "-h").removeprefix("mosquitto version "),
        "node": _said(shutil.which("node"), "--version").removeprefix("v"),
    }
    return {name: value for name, value in {**found, **versions}.items() if value}


def commit() -> str:
    """The measured commit, and whether the tree has uncommitted changes."""
    root = Path(__file__).parents[2]

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = " and changes" if git("status", "--porcelain", "--", "bridge") else ""
    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{changed}"


def _first(pattern: str, path: Path) -> str:
    found = re.search(pattern, path.read_text()) if path.exists() else None
    return found[1] if found else ""


def _said(program: str | None, option: str) -> str:
    """The first line that a program prints for an option; empty if the program is missing."""
    if program is None:
        return ""
    done = subprocess.run([program, option], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0].strip()
