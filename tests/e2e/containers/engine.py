"""Runs the container engine and docker-compose as a user would."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.commandline.embedded_broker import free_port

ROOT = Path(__file__).parents[3]
IMAGE, BASE = "bluecurrent-fimp", "python:3.13-slim"
NODE_RED = "nodered/node-red:4"


def docker(*arguments: str, timeout: float = 300, **more: Any) -> str:
    """Run docker; returns its output."""
    return run(["docker", *arguments], timeout=timeout, **more)


def run(command: Iterable[str], *, timeout: float = 300, check: bool = True, **more: Any) -> str:
    """Run a program; returns its output, including errors."""
    done: subprocess.CompletedProcess[str] = subprocess.run(
        list(command),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=timeout,
        check=False,
        **more,
    )
    assert done.returncode == 0 or not check, f"{command} → {done.returncode}\n{done.stdout[-4000:]}"
    return done.stdout


def inspect(name: str) -> dict[str, Any]:
    """The engine's description of a container or an image."""
    found: dict[str, Any] = json.loads(docker("inspect", name))[0]
    return found


def has_image(tag: str) -> bool:
    """Whether the engine has that image already."""
    return subprocess.run(["docker", "image", "inspect", tag], capture_output=True, check=False).returncode == 0


def compose_command() -> list[str] | None:
    """docker-compose, of either kind, if it is installed."""
    if shutil.which("docker-compose"):
        return ["docker-compose"]
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else None


def until(condition: Callable[[], Any], what: str, patience: float = 40) -> Any:
    """Wait until a condition holds; returns its value."""
    deadline = time.monotonic() + patience
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what}: not so after {patience} s"
        time.sleep(0.2)
    return found


@dataclass
class Stack:
    """The compose files in a folder of their own, under a project name and on ports of their own.

    Attributes:
        folder: the copy of deploy/.
        files: the compose files.
        project: the project's name.
        profiles: the profiles switched on.
    """

    folder: Path
    files: tuple[str, ...]
    project: str
    profiles: tuple[str, ...] = ()
    ports: dict[str, int] = field(
        default_factory=lambda: {
            name: free_port()
            for name in ("MQTT_LISTEN", "STATUS_PAGE", "DEMO_MQTT_LISTEN", "DEMO_STATUS_PAGE", "NODE_RED")
        }
    )

    @classmethod
    def copied(cls, folder: Path, *files: str, profiles: tuple[str, ...] = ()) -> "Stack":
        """A copy of the files in the repository."""
        for name in ("deploy", "config"):
            ignored = shutil.ignore_patterns(
                ".env", "bridge_*", "users*"
            )  # files that a user of this tree has put there
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        for path in (folder, *folder.rglob("*")):  # pytest's folders are for its user only
            path.chmod(0o755 if path.is_dir() else 0o644)
        return cls(folder / "deploy", files, f"bridge-test-{os.getpid()}-{free_port()}", profiles)

    def configure(self, environment: Mapping[str, str]) -> None:
        """Write .env, as a user does."""
        lines = [f"{name}={value}\n" for name, value in environment.items()]
        (self.folder / ".env").write_text("".join(lines))

    def secret(self, name: str, value: str) -> None:
        """Write a secret, as a user does."""
        path = self.folder / "secrets" / name
        path.write_text(value)
        path.chmod(0o644)

    def hurry(self, *services: str) -> None:
        """Let the health checks start at once, not after half a minute."""
        checks = "".join(f"  {service}:\n    healthcheck: {{interval: 1s}}\n" for service in services)
        (self.folder / "hurry.yml").write_text(f"services:\n{checks}")
        self.files = (*self.files, "hurry.yml")

    def __call__(self, *arguments: str, check: bool = True) -> str:
        """Run docker-compose."""
        command = compose_command()
        assert command is not None
        for file in self.files:
            command += ["-f", file]
        for profile in self.profiles:
            command += ["--profile", profile]
        ports = {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BRIDGE_")}
        command += ["-p", self.project, *arguments]
        return run(command, cwd=self.folder, env=environment | ports, check=check)

    def container(self, service: str) -> str:
        """The id of the service's container."""
        return self("ps", "-q", service).split()[-1]

    def inspect(self, service: str) -> dict[str, Any]:
        """The engine's description of the service's container."""
        return inspect(self.container(service))

    def health(self, service: str) -> str:
        """`healthy` if all is well."""
        status: str = self.inspect(service)["State"]["Health"]["Status"]
        return status

    def log(self, service: str) -> str:
        """The log of the service."""
        return docker("logs", self.container(service))

    def execute(self, service: str, *command: str, check: bool = True) -> str:
        """Run a command in the service's container."""
        return docker("exec", self.container(service), *command, check=check)

    def down(self) -> None:
        """Remove everything, including data."""
        self("down", "--volumes", "--timeout", "5", check=False)
