"""The programs that are compared, and how each is started."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of a peer and the servers that it connects to, all on this machine."""

    folder: Path
    cloud_url: str
    broker_port: int
    http_port: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """One column of the table.

    Attributes:
        title: as the table calls it.
        command: gives program and arguments.
        is_bridge: it answers commands, serves pages and reports by itself.
        measures_the_wire: the turn around the broker alone stands in its column.
    """

    title: str
    command: Callable[[Place], list[str]]
    is_bridge: bool = False
    measures_the_wire: bool = False
    environment: Mapping[str, str] = field(default_factory=lambda: {"PYTHONPATH": str(ROOT)})


def _script(name: str) -> Callable[[Place], list[str]]:
    def command(place: Place) -> list[str]:
        return [sys.executable, "-m", f"tests.benchmarks.peers.{name}", place.cloud_url, str(place.broker_port)]

    return command


def _node_red(place: Place) -> list[str]:
    from tests.benchmarks.peers import node_red  # noqa: PLC0415 - needs npm

    return node_red.command(place.folder, place.cloud_url, place.broker_port)


def _bridge(place: Place) -> list[str]:
    """`bluecurrent-fimp run`, as it is installed."""
    (place.folder / "bridge.toml").write_text(
        f'[mqtt]\nhost = "127.0.0.1"\nport = {place.broker_port}\n'
        f'[cloud]\nurl = "{place.cloud_url}"\napi_token = "measured-token"\n'
        f'[http]\nlisten = "127.0.0.1:{place.http_port}"\n'
    )
    return [sys.executable, "-m", "bridge", "run", "--config", str(place.folder / "bridge.toml")]


CANDIDATES: Final = {
    "wire": Candidate("bare wire", _script("bare_wire"), measures_the_wire=True),
    "naive": Candidate("naive", _script("naive")),
    "node_red": Candidate("Node-RED", _node_red),
    "bridge": Candidate("the bridge", _bridge, is_bridge=True),
}
