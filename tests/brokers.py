"""The broker of a test run: in a container if an engine runs, else a local mosquitto, else the embedded one."""

import asyncio
import base64
import contextlib
import hashlib
import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bridge.commandline.embedded_broker import embedded_broker, free_port

IMAGE = "eclipse-mosquitto:2"


@dataclass(frozen=True)
class TestBroker:
    """Where a broker listens, and what kind it is."""

    __test__ = False

    host: str
    port: int
    kind: str

    @property
    def keeps_sessions(self) -> bool:
        """Whether it keeps messages for a disconnected client; the embedded broker does not."""
        return self.kind != "embedded"


def engine_runs() -> bool:
    """Whether a container engine answers."""
    if shutil.which("docker") is None:
        return False
    return subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0


def choose() -> str:
    """The kind of broker for this run; BRIDGE_TEST_BROKER forces one."""
    forced = os.environ.get("BRIDGE_TEST_BROKER")
    if forced:
        return forced
    if engine_runs():
        return "container"
    if mosquitto() is not None:
        return "mosquitto"
    return "embedded"


def mosquitto() -> str | None:
    """The mosquitto on this machine, if there is one."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


@contextlib.contextmanager
def running(kind: str) -> Iterator[TestBroker]:
    """A broker of the given kind without a login."""
    starters = {"container": _container, "mosquitto": _local, "embedded": _embedded}
    with starters[kind]() as broker:
        yield broker


CONFIG = (
    "listener {port} {host}\nallow_anonymous true\nmax_queued_messages 10000\npersistence false\nset_tcp_nodelay true\n"
)


@contextlib.contextmanager
def mosquitto_container(folder: Path, *ports: int) -> Iterator[tuple[str, dict[int, int]]]:
    """Mosquitto in a container with the configuration in the folder; returns its host and port mapping."""
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")
    from testcontainers.core.container import DockerContainer  # noqa: PLC0415 - only where an engine runs

    for path in (folder, *folder.iterdir()):
        path.chmod(0o755 if path.is_dir() else 0o644)
    container = DockerContainer(IMAGE).with_exposed_ports(*ports)
    container.with_volume_mapping(str(folder), "/mosquitto/config", "ro")
    with container:
        host = container.get_container_host_ip()
        found = {port: int(container.get_exposed_port(port)) for port in ports}
        for port in found.values():
            _await_port(host, port)
        yield host, found


@contextlib.contextmanager
def _container() -> Iterator[TestBroker]:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "mosquitto.conf").write_text(CONFIG.format(port=1883, host="0.0.0.0"))
        with mosquitto_container(Path(folder), 1883) as (host, ports):
            yield TestBroker(host, ports[1883], "container")


def password_line(name: str, password: str) -> str:
    """A line of mosquitto's password file."""
    rounds, salt = 101, b"test's salt!"  # mosquitto wants 12 bytes
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, rounds)
    return f"{name}:$7${rounds}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}\n"


@contextlib.contextmanager
def _local() -> Iterator[TestBroker]:
    port = free_port()
    with local_mosquitto(CONFIG.format(port=port, host="127.0.0.1"), port):
        yield TestBroker("127.0.0.1", port, "mosquitto")


@contextlib.contextmanager
def local_mosquitto(config: str, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A mosquitto process with this configuration."""
    program = mosquitto()
    assert program is not None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mosquitto.conf"
        path.write_text(config)
        process = subprocess.Popen([program, "-c", str(path)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            _await_port("127.0.0.1", port)
            yield process
        finally:
            process.terminate()
            process.wait(5)


@contextlib.contextmanager
def _embedded() -> Iterator[TestBroker]:
    """Runs in a thread with its own event loop, since the loops of tests end with each test."""
    port, loop = free_port(), asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with embedded_broker(port):
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield TestBroker("127.0.0.1", port, "embedded")
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def _await_port(host: str, port: int) -> None:
    deadline = time.monotonic() + 15
    while True:
        try:
            with socket.create_connection((host, port), timeout=1):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
