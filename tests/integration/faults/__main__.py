"""Long runs of the fault rig by hand: `python -m tests.integration.faults --seeds 50 --faults 1000`.

A run that breaks a promise is shrunk on demand: halves and then single steps are left out for as long as it breaks all
the same. What is left is the beginning of a test of its own.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests import brokers
from tests.brokers import TestBroker
from tests.integration.faults.driver import run
from tests.integration.faults.plan import Step, plan
from tests.integration.faults.result import Broken, Figures
from tests.integration.figures import note

Failure = BaseException | None


def attempt(broker: TestBroker, seed: int, steps: Sequence[Step], most_s: float) -> Figures | Exception:
    """Run a plan; gives its figures, or what it broke."""

    async def within() -> Figures:
        async with asyncio.timeout(most_s):
            return await run(broker, Path(folder), seed, steps)

    with tempfile.TemporaryDirectory() as folder:
        try:
            return asyncio.run(within())
        except (Broken, TimeoutError, OSError) as error:
            return error


def promise_of(outcome: object) -> str:
    """Which promise an outcome breaks: the words before its details; empty if it breaks none."""
    return str(outcome).partition(":")[0] if isinstance(outcome, Broken) else ""


def shrink(broker: TestBroker, seed: int, steps: Sequence[Step], most_s: float, promise: str) -> Sequence[Step]:
    """Leave out what is not needed to break the same promise, ever smaller parts, beginning with the last ones."""
    size = len(steps) // 2
    while size:
        start = len(steps) - size
        while start >= 0:
            fewer = [*steps[:start], *steps[start + size :]]
            if fewer and promise_of(attempt(broker, seed, fewer, most_s)) == promise:
                steps = fewer
                print(f"  {len(steps)} steps are enough", flush=True)
            start -= size
        size //= 2
    return steps


def main() -> int:
    """Run what the command line asks for; gives 1 where a promise was broken."""
    parser = argparse.ArgumentParser(prog="tests.integration.faults")
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many, one after the other")
    parser.add_argument("--faults", type=int, default=1000, help="in each run")
    parser.add_argument("--kills", action="store_true", help="kill -9 among the faults")
    parser.add_argument("--most", type=float, default=300.0, help="how long a run may take, s")
    parser.add_argument("--shrink", action="store_true", help="shrink a run that breaks a promise")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the simulated cloud and its clients complain of the faults
    kind = brokers.choose()
    if kind == "embedded":
        print("a broker that keeps sessions is needed: mosquitto, or a container engine", file=sys.stderr)
        return 1
    broken = 0
    runs: list[Figures] = []
    with brokers.running(kind) as broker:
        for seed in range(given.seed, given.seed + given.seeds):
            steps: Sequence[Step] = plan(seed, given.faults, kills=given.kills)
            outcome = attempt(broker, seed, steps, given.most)
            print(f"seed {seed}: {outcome!s}", flush=True)
            if isinstance(outcome, Figures):
                runs.append(outcome)
                continue
            broken += 1
            if given.shrink and isinstance(outcome, Broken):
                for step in shrink(broker, seed, steps, given.most, promise_of(outcome)):
                    print(f"  {step}")
    note(in_all(runs, given.faults, broken, kills=given.kills), "tests/integration/faults/__main__.py")
    return 1 if broken else 0


def in_all(runs: Sequence[Figures], faults: int, broken: int, *, kills: bool) -> str:
    """Several runs in one line."""
    what = f"{len(runs) + broken} seeds of {faults:,} faults{', kills among them' if kills else ''}"
    if not runs:
        return f"{what}: all broke a promise"
    commands, sessions = sum(run.commands for run in runs), sum(run.sessions for run in runs)
    growth = max(run.memory_mb[1] / run.memory_mb[0] - 1 for run in runs)
    return (
        f"{what}: {len(runs)} all right, {commands:,} commands, {sessions:,} sessions, "
        f"at most {max(run.seconds for run in runs):.0f} s and {growth:+.1%} memory"
    )


if __name__ == "__main__":
    sys.exit(main())
