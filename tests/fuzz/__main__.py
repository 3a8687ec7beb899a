"""Fuzz one target, or all of them in turn: `python -m tests.fuzz [--seconds N] [TARGET…]`.

New inputs that reach further are kept in a folder outside the repository (`--found`), what crashes a target beside it.
A crash ends with exit code 1 and the name of its file: copy that into the corpus, with a test for what it has found.

Coverage guides the fuzzing where `atheris` is installed (it has wheels for CPython 3.11 to 3.13 on Linux). Elsewhere
only the corpus is run, with random changes to it for the given time; this is said.
"""

import argparse
import random
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

from tests.fuzz.targets import CORPUS, TARGETS, Target, corpus

GUIDED = find_spec("atheris") is not None

LARGEST = 64 * 1024
"""Bytes of an input that is made."""


def main() -> int:
    """Read the command line and fuzz."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Fuzz what reads bytes from outside.")
    parser.add_argument("--seconds", type=int, default=600, help="for each target")
    parser.add_argument("--found", type=Path, default=Path("build/fuzz"), help="where new inputs and crashes are kept")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    options = parser.parse_args()
    unknown = [name for name in options.targets if name not in TARGETS]
    if unknown:
        parser.error(f"there is no target {', '.join(unknown)}; there is: {', '.join(TARGETS)}")
    if not GUIDED:
        print("atheris is not installed for this Python: the corpus is run with random changes, unguided", flush=True)
    failed = []
    for name in options.targets or TARGETS:
        print(f"-- {name}, {options.seconds} s", flush=True)
        if not _run(name, options.seconds, options.found / name):
            failed.append(name)
    print(f"failed: {', '.join(failed)}" if failed else "no target failed")
    return 1 if failed else 0


def _run(name: str, seconds: int, found: Path) -> bool:
    found.mkdir(parents=True, exist_ok=True)
    if not GUIDED:
        return _unguided(name, TARGETS[name], seconds, found)
    # A process of its own for each: libFuzzer ends the process that it runs in.
    command = [sys.executable, "-m", "tests.fuzz.guided", name]
    options = [f"-max_total_time={seconds}", f"-artifact_prefix={found}/", f"-max_len={LARGEST}", "-rss_limit_mb=1024"]
    folders = [str(found), str(CORPUS / name)]
    return (
        subprocess.run([*command, *options, "-print_final_stats=1", "-verbosity=1", *folders], check=False).returncode
        == 0
    )


def _unguided(name: str, target: Target, seconds: int, found: Path) -> bool:
    chance, known = random.Random(0), [path.read_bytes() for path in corpus(name)]
    end, executions = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        data = bytearray(chance.choice(known))
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(len(data) + 1)
            data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(4))
        executions += 1
        try:
            target(bytes(data))
        except Exception:
            file = found / f"crash-{executions}"
            file.write_bytes(data)
            print(f"{name} raised on {file}")
            return False
    print(f"{executions} executions")
    return True


if __name__ == "__main__":
    sys.exit(main())
