"""`make bench`: measures every peer in every round, and prints ratios and medians."""

import argparse
import asyncio
import gc
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Final

from tests.benchmarks import many
from tests.benchmarks.candidates import CANDIDATES
from tests.benchmarks.machine import commit, machine
from tests.benchmarks.measure import Size, measure
from tests.benchmarks.page import publish
from tests.benchmarks.parsing import parsing
from tests.benchmarks.plot import plot
from tests.benchmarks.result import Result, Round
from tests.benchmarks.table import report
from tests.brokers import mosquitto

MANY_S: Final = 60.0
"""How long each state of many bridges is measured."""


def run(peers: Sequence[str], points: Sequence[int], rounds: int, size: Size) -> Result:
    """Measure; who fails costs only their own figures.

    Args:
        peers: keys of `CANDIDATES`; all but the bridge are measured with one charge point only, since they know
            nothing of an account.
        points: how many charge points the bridge is measured with, one after the other.
        rounds: how often.
        size: how much.
    """
    date = datetime.now().astimezone().isoformat(timespec="minutes")
    result = Result(commit(), date, machine(), asdict(size), parsing(size.questions * 10))
    gc.disable()  # this process only measures, and a collection would disturb a burst
    for number in range(1, rounds + 1):
        for peer, count in _turns(peers, points):
            sys.stderr.write(f"round {number} of {rounds}: {CANDIDATES[peer].title}, {count} charge points\n")
            result.rounds.append(_one(peer, count, size))
            gc.collect()
    return result


def _turns(peers: Sequence[str], points: Sequence[int]) -> Iterator[tuple[str, int]]:
    yield from ((peer, 1) for peer in peers if not CANDIDATES[peer].is_bridge)
    yield from ((peer, count) for peer in peers if CANDIDATES[peer].is_bridge for count in points)


def _one(peer: str, points: int, size: Size) -> Round:
    try:
        return Round(peer, points, asyncio.run(measure(peer, points, size)))
    except Exception as error:  # the other peers are measured in any case
        failed = f"{type(error).__name__}: {error}"
        sys.stderr.write(f"  {failed}\n")
        return Round(peer, points, {}, failed)


def main() -> None:
    """Read the options, run, print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", nargs="+", choices=CANDIDATES, default=list(CANDIDATES))
    parser.add_argument(
        "--points", nargs="+", type=int, default=[1, 10, 100, 1000], help="charge points of the account"
    )
    parser.add_argument("--burst", type=int, default=Size().burst, help="frames of a burst")
    parser.add_argument("--paced", type=int, default=Size().paced, help="frames at 100 a second")
    parser.add_argument("--json", type=Path, help="where to write all figures")
    parser.add_argument("--plot", type=Path, help="where to write the plot, as SVG")
    parser.add_argument("--read", type=Path, help="no run: print (and plot) what --json has written")
    parser.add_argument("--publish", action="store_true", help="make docs/performance.md, its picture and JSON of it")
    parser.add_argument("--many", type=int, metavar="BRIDGES", help="only: what so many bridges on this machine need")
    options = parser.parse_args()
    if options.many:
        sys.stdout.write(f"{asyncio.run(many.measure(options.many, MANY_S))}\n")
        return
    if options.read:
        result = Result.read(options.read)
    else:
        if mosquitto() is None:
            parser.exit(1, "mosquitto is needed: apt install mosquitto\n")
        peers = list(options.peers)
        if "node_red" in peers and shutil.which("npm") is None:
            sys.stderr.write("Node-RED is left out: npm not found\n")
            peers.remove("node_red")
        result = run(peers, options.points, options.rounds, Size(burst=options.burst, paced=options.paced))
    if options.json:
        result.write(options.json)
    if options.plot:
        options.plot.write_text(plot(result))
    if options.publish:
        publish(result)
    sys.stdout.write(report(result))


if __name__ == "__main__":
    main()
