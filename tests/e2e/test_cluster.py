"""A cluster loses a node under load. docs/many-accounts.md describes the cluster."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.e2e import cluster as clusters
from tests.e2e.cluster import PASSWORD, USER, Cluster
from tests.e2e.containers.engine import Stack, compose_command
from tests.e2e.fleet import Home, SteadyHub, fleet
from tests.e2e.live_brokers import REQUIRED

pytestmark = [pytest.mark.brokers, pytest.mark.timeout(600)]

HOMES = 6
PATIENCE_S = 90.0
LOG_DELAY_S = 3.0
"""A node writes its log up to two seconds late."""


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    """Three nodes behind HAProxy."""
    lacking = clusters.missing()
    if lacking is not None:
        assert not REQUIRED, lacking
        pytest.skip(lacking)
    with clusters.cluster(tmp_path) as made:
        yield made


@pytest.fixture
async def hub(cluster: Cluster) -> AsyncIterator[SteadyHub]:
    """A hub, connected through HAProxy like the bridges."""
    async with SteadyHub(cluster.port, USER, PASSWORD) as made:
        yield made


async def work(hub: SteadyHub, home: Home, stop: asyncio.Event, uids: dict[str, str]) -> None:
    """Start, query, stop and query in turn; each command is answered before the next is sent."""
    for type_ in _cycle():
        if stop.is_set() and type_ == "cmd.charge.start":
            return
        uid = await hub.say(home, type_)
        uids[uid] = type_
        await hub.answered(uid, PATIENCE_S)


def _cycle() -> Iterator[str]:
    while True:
        yield from ("cmd.charge.start", "cmd.state.get_report", "cmd.charge.stop", "cmd.state.get_report")


def connections(home: Home) -> int:
    """How often its bridge has connected to the broker."""
    return sum(line["event"] == "connected to the broker" for line in home.log_lines())


async def test_no_command_is_lost_when_a_node_is_killed_under_load(
    cluster: Cluster, hub: SteadyHub, tmp_path: Path
) -> None:
    async with fleet(HOMES, cluster.port, USER, PASSWORD, tmp_path / "homes") as homes:
        await hub.until(lambda: len(hub.up) == HOMES, PATIENCE_S)
        # HAProxy spreads the connections as it likes: the hub moves to the node of the first bridge.
        await asyncio.sleep(LOG_DELAY_S)
        node = cluster.node_of(homes[0].client_id)
        await hub.move(node.port)
        before = connections(homes[0])
        stop, sent = asyncio.Event(), [dict[str, str]() for _ in homes]
        async with asyncio.TaskGroup() as group:
            for home, uids in zip(homes, sent, strict=True):
                group.create_task(work(hub, home, stop, uids))
            await asyncio.sleep(5)
            await asyncio.to_thread(node.kill)
            await asyncio.sleep(10)
            meanwhile = sum(map(len, sent))
            await asyncio.to_thread(node.start)
            await asyncio.sleep(5)
            stop.set()
        # The bridge and the hub, whose session the cluster keeps, have reconnected by themselves.
        assert hub.breaks >= 1
        assert connections(homes[0]) > before
        assert all(home.process.poll() is None for home in homes)
        assert sum(map(len, sent)) > meanwhile  # work continued meanwhile
        # Every command was answered (`work` waits for it), and none was carried out twice.
        for home, uids in zip(homes, sent, strict=True):
            types = list(uids.values())
            assert len(home.cloud.requests_for("START_SESSION")) == types.count("cmd.charge.start"), home.name
            assert len(home.cloud.requests_for("STOP_SESSION")) == types.count("cmd.charge.stop"), home.name
            refused = [answer for uid in uids for answer in hub.answers[uid] if answer[0] == "evt.error.report"]
            assert not refused, home.name


def test_the_compose_file_of_the_cluster_is_valid(tmp_path: Path) -> None:
    if compose_command() is None:
        pytest.skip("docker-compose is not installed")
    stack = Stack.copied(tmp_path, "docker-compose.cluster.yml")
    assert "is missing in .env" in stack("config", check=False)
    stack.configure({"CLUSTER_COOKIE": "abc", "CLUSTER_PASSWORD": "def"})
    assert {*clusters.NODES, "broker", "home-1", "home-2"} == set(stack("config", "--services").split())
    shown = stack("config")
    for name in clusters.NODES:
        assert f"hostname: {name}\n" in shown
        assert f"{name}-data:/var/lib/rabbitmq" in shown or f"source: {name}-data" in shown
