"""Third-party brokers as processes that can be killed and started again."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bridge.commandline.embedded_broker import free_port
from tests.brokers import TestBroker, mosquitto

AEDES: Final = Path(__file__).parent / "aedes"
RABBITMQ: Final = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
REQUIRED: Final = os.environ.get("BRIDGE_REQUIRE_BROKERS") == "1"
STARTUP_S: Final = 90.0
ATTEMPTS: Final = 3
PORT_TAKEN: Final = "dist_port_already_used"
INSTALL_S: Final = 300.0
SMALL_PACKET: Final = 6000
"""The largest packet that the mosquitto with a limit takes, bytes."""


@dataclass
class LiveBroker:
    """A broker on this machine.

    Attributes:
        kind: its name in the documentation.
        port: where it listens.
        command: program and arguments.
        folder: where it keeps what it keeps.
        environment: variables beside those of this process.
        keeps_sessions: what it keeps for a client outlives the broker's own end.
    """

    kind: str
    port: int
    command: Sequence[str]
    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    keeps_sessions: bool = False
    _process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> TestBroker:
        """For `make_house`."""
        return TestBroker("127.0.0.1", self.port, self.kind)

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        for attempt in range(ATTEMPTS):
            if self._starts():
                return
            words = (self.folder / "broker.log").read_text(errors="replace")
            if PORT_TAKEN not in words or attempt + 1 == ATTEMPTS:
                raise RuntimeError(f"{self.kind} did not start:\n{words[-2000:]}")
            # Another program has taken a port since it was found to be free.
            self.environment = {**self.environment, "RABBITMQ_DIST_PORT": str(free_port())}

    def _starts(self) -> bool:
        with (self.folder / "broker.log").open("ab") as output:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + STARTUP_S
        while not _listens(self.port):
            if self._process.poll() is not None or time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def kill(self) -> None:
        """Kill the process and its children, as a loss of power would."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
            self._process = None
        while _listens(self.port):  # its children end a moment later
            time.sleep(0.02)


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


# --- aedes ---


def aedes_missing() -> str | None:
    """What is missing on this machine to run aedes; None if nothing is."""
    lacking = [program for program in ("node", "npm") if shutil.which(program) is None]
    return f"{' and '.join(lacking)} not found" if lacking else None


@contextlib.contextmanager
def aedes(folder: Path) -> Iterator[LiveBroker]:
    """Aedes, installed from npm the first time."""
    done, lock = AEDES / "node_modules" / ".package-lock.json", AEDES / "package-lock.json"
    if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        made = subprocess.run(command, cwd=AEDES, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"npm ci failed:\n{made.stdout}\n{made.stderr}")
    port = free_port()
    yield LiveBroker("aedes", port, ["node", str(AEDES / "broker.js"), str(port)], folder)


# --- mosquitto ---


def mosquitto_missing() -> str | None:
    """What is missing on this machine to run mosquitto; None if nothing is."""
    return "mosquitto not found" if mosquitto() is None else None


@contextlib.contextmanager
def small_mosquitto(folder: Path) -> Iterator[LiveBroker]:
    """A mosquitto that closes a connection on a large packet, and keeps nothing on disk."""
    yield _mosquitto(folder, f"persistence false\nmax_packet_size {SMALL_PACKET}\n")


@contextlib.contextmanager
def keeping_mosquitto(folder: Path) -> Iterator[LiveBroker]:
    """A mosquitto that writes the sessions of clients to disk at once."""
    keeping = f"persistence true\npersistence_location {folder}/\nautosave_on_changes true\nautosave_interval 1\n"
    # Started as root, it would become another user, which may not write here.
    yield _mosquitto(folder, f"{keeping}user root\n" if os.geteuid() == 0 else keeping, keeps_sessions=True)


def _mosquitto(folder: Path, more: str, *, keeps_sessions: bool = False) -> LiveBroker:
    port, config = free_port(), folder / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n{more}")
    return LiveBroker("mosquitto", port, [str(mosquitto()), "-c", str(config)], folder, keeps_sessions=keeps_sessions)


# --- RabbitMQ ---


def rabbitmq_missing() -> str | None:
    """What is missing on this machine to run RabbitMQ; None if nothing is."""
    return None if RABBITMQ.exists() else f"{RABBITMQ} not found (rabbitmq-server)"


@contextlib.contextmanager
def rabbitmq(folder: Path) -> Iterator[LiveBroker]:
    """One RabbitMQ node, which keeps the sessions of clients on disk."""
    port, epmd_port = free_port(), free_port()
    try:
        anonymous = "mqtt.allow_anonymous = true\nmqtt.default_user = guest\nmqtt.default_pass = guest\n"
        yield rabbitmq_node("bridge@localhost", port, epmd_port, folder, anonymous)
    finally:
        stop_epmd(epmd_port)


def rabbitmq_node(name: str, port: int, epmd_port: int, folder: Path, settings: str) -> LiveBroker:
    """A RabbitMQ node.

    Args:
        name: of the Erlang node.
        port: for MQTT.
        epmd_port: where Erlang's port mapper of this test listens.
        folder: of its own.
        settings: the lines of its configuration, but for its address.
    """
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp = none\nmqtt.listeners.tcp.1 = 127.0.0.1:{port}\n{settings}")
    (folder / "plugins").write_text("[rabbitmq_mqtt].\n")
    cookie = folder / ".erlang.cookie"
    cookie.write_text("bridge-tests")
    cookie.chmod(0o600)
    environment = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(epmd_port),
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_NODENAME": name,
        "RABBITMQ_DIST_PORT": str(free_port()),
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
    }
    return LiveBroker("RabbitMQ", port, [str(RABBITMQ)], folder, environment, keeps_sessions=True)


def stop_epmd(port: int) -> None:
    """End the port mapper that the nodes of a test have started."""
    command = ["epmd", "-port", str(port), "-kill"]
    deadline = time.monotonic() + 10
    # It does not end while it knows a node, and notices the end of a node a moment later.
    while subprocess.run(command, capture_output=True, check=False).returncode and time.monotonic() < deadline:
        time.sleep(0.1)
