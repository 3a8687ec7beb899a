"""Three RabbitMQ nodes behind HAProxy, as processes, with the settings of deploy/cluster."""

import contextlib
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.commandline.embedded_broker import free_port
from tests.e2e.live_brokers import LiveBroker, rabbitmq_missing, rabbitmq_node, stop_epmd

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "cluster"
NODES: Final = ("rabbit-1", "rabbit-2", "rabbit-3")
USER, PASSWORD = "bridge", "of the cluster"


def missing() -> str | None:
    """What is missing on this machine to run it; None if nothing is."""
    return rabbitmq_missing() or (None if haproxy() else "haproxy not found")


def haproxy() -> str | None:
    """The HAProxy of this machine."""
    return shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")


@dataclass
class Cluster:
    """The nodes, and where HAProxy listens."""

    port: int
    nodes: list[LiveBroker] = field(default_factory=list)

    def node_of(self, client_id: str) -> LiveBroker:
        """The node that has accepted the newest connection of a client, by their logs."""
        wanted = f"client id: {client_id})"
        accepted = (
            (line, place)
            for place, node in enumerate(self.nodes)
            for log in node.folder.glob("log/*.log")
            for line in log.read_text().splitlines()
            if wanted in line
        )
        return self.nodes[max(accepted)[1]]  # a line begins with its time


@contextlib.contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """A cluster that accepts connections."""
    epmd_port, port = free_port(), free_port()
    ports = {name: free_port() for name in NODES}
    settings = _settings()
    made = Cluster(port)
    for name in NODES:
        (folder / name).mkdir()
        made.nodes.append(rabbitmq_node(f"{name}@localhost", ports[name], epmd_port, folder / name, settings))
    (folder / "haproxy").mkdir()
    proxy = LiveBroker(
        "HAProxy", port, [str(haproxy()), "-db", "-f", str(_proxy(folder, port, ports))], folder / "haproxy"
    )
    try:
        first, *others = made.nodes
        first.start()  # it makes the cluster, the others join it
        with ThreadPoolExecutor() as pool:
            list(pool.map(LiveBroker.start, others))
        proxy.start()
        time.sleep(2.5)  # until it has seen each of them twice
        yield made
    finally:
        for process in (proxy, *made.nodes):
            process.kill()
        stop_epmd(epmd_port)


def _settings() -> str:
    """The shipped settings of a node without its address, with the node names of this test."""
    text = (SHIPPED / "rabbitmq.conf").read_text()
    for name in NODES:
        assert f"rabbit@{name}\n" in text
        text = text.replace(f"rabbit@{name}\n", f"{name}@localhost\n")
    kept = [line for line in text.splitlines() if not line.startswith(("listeners.", "mqtt.listeners.", "mqtt.allow_"))]
    return "\n".join([*kept, f"default_user = {USER}", f"default_pass = {PASSWORD}", ""])


def _proxy(folder: Path, port: int, ports: dict[str, int]) -> Path:
    text = (SHIPPED / "haproxy.cfg").read_text().replace("bind :1883", f"bind 127.0.0.1:{port}")
    for name in NODES:
        assert f" {name}:1883\n" in text
        text = text.replace(f" {name}:1883\n", f" 127.0.0.1:{ports[name]}\n")
    path = folder / "haproxy" / "haproxy.cfg"
    path.write_text(text)
    return path
