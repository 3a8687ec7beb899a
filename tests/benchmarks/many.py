"""Many bridges on one machine: `make bench BENCH="--many 20"`. docs/many-accounts.md has a run.

Each has a simulated account of two charge points, and a car that charges; all share one mosquitto.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bridge.commandline.embedded_broker import free_port
from tests.benchmarks.measure import BROKER
from tests.benchmarks.process import Peer
from tests.benchmarks.table import markdown, number
from tests.brokers import local_mosquitto
from tests.e2e.fleet import Home, SteadyHub, fleet
from tests.harness import SOCKET

SETTLE_S = 5.0
PUSH_EVERY_S = 5.0


async def measure(count: int, seconds: float) -> str:
    """Memory and CPU time of a number of bridges: idle, while cars charge, and while a hub sends queries.

    Args:
        count: how many.
        seconds: how long each is measured.
    """
    port = free_port()
    with tempfile.TemporaryDirectory() as folder, local_mosquitto(BROKER.format(port=port), port):
        begun = time.perf_counter()
        async with SteadyHub(port, "", "") as hub, fleet(count, port, "", "", Path(folder)) as homes:
            await hub.until(lambda: len(hub.up) == count, 300)
            started_s = time.perf_counter() - begun
            await asyncio.sleep(SETTLE_S)
            peers = [Peer(home.process, home.log) for home in homes]
            memory = [peer.memory_mb() for peer in peers]
            idle = await _cpu(peers, seconds, None)
            for home in homes:
                home.cloud.account.charge_points[SOCKET].start("046C8CCA8C1D90")
            pushing = await _cpu(peers, seconds, lambda: _push(homes))
            after = [peer.memory_mb() for peer in peers]
    rows = [
        ("start of all, until every thing is told UP, s", number(started_s), ""),
        ("memory of each, idle, MB", number(statistics.median(memory)), number(sum(memory))),
        ("memory of each, later, MB", number(statistics.median(after)), number(sum(after))),
        ("CPU of each, idle, %", number(statistics.median(idle)), number(sum(idle))),
        (f"CPU of each, a push every {PUSH_EVERY_S:g} s, %", number(statistics.median(pushing)), number(sum(pushing))),
    ]
    return markdown((f"{count} bridges", "median", "sum"), rows)


async def _cpu(
    peers: Sequence[Peer], seconds: float, every: Callable[[], asyncio.Future[object]] | None
) -> list[float]:
    """The CPU time of each, in % of one core."""
    before, begun = [peer.cpu_s() for peer in peers], time.perf_counter()
    while (left := begun + seconds - time.perf_counter()) > 0:
        if every is not None:
            await every()
        await asyncio.sleep(min(PUSH_EVERY_S, left))
    took = time.perf_counter() - begun
    return [(peer.cpu_s() - then) / took * 100 for peer, then in zip(peers, before, strict=True)]


def _push(homes: Sequence[Home]) -> "asyncio.Future[object]":
    async def push() -> None:
        for home in homes:
            point = home.cloud.account.charge_points[SOCKET]
            point.step(PUSH_EVERY_S)
            await home.cloud.push(point)

    return asyncio.ensure_future(push())
