"""The image by itself: its size, its privileges, and how it stops."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from bridge import __version__
from tests.e2e.containers.conftest import Built, missing
from tests.e2e.containers.engine import BASE, ROOT, docker, inspect, run, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

MOST_ADDED = 70_000_000
UID = 10001


@pytest.fixture
def name() -> Iterator[str]:
    """A name for a container, which is gone afterwards."""
    name = f"bridge-test-{uuid4().hex[:8]}"
    yield name
    docker("rm", "--force", "--volumes", name, check=False)


def test_the_image_adds_little_to_its_base(image: Built) -> None:
    added = inspect(image.tag)["Size"] - inspect(BASE)["Size"]
    print(f"\nthe image adds {added / 1e6:.1f} MB; built in {image.seconds:.0f} s")  # noqa: T201 - a measure
    assert 0 < added < MOST_ADDED


def test_the_image_has_its_labels_and_its_version(image: Built) -> None:
    labels = inspect(image.tag)["Config"]["Labels"]
    assert labels["org.opencontainers.image.title"] == "bluecurrent-fimp"
    assert labels["org.opencontainers.image.version"] == __version__
    assert labels["org.opencontainers.image.licenses"] == "MIT"
    assert docker("run", "--rm", image.tag, "--version") == f"bluecurrent-fimp {__version__}\n"


def test_the_image_has_the_packages_of_the_service_and_not_of_the_demo(image: Built) -> None:
    program = (
        "import importlib.util as u, os, sys, zoneinfo, pybluecurrent, bridge.service;"
        "zoneinfo.ZoneInfo('Europe/Amsterdam');"
        "print(sys.version_info[:2], os.getuid(), u.find_spec('amqtt'), u.find_spec('pip'), u.find_spec('pytest'))"
    )
    said = docker("run", "--rm", "--read-only", "--entrypoint", "python", image.tag, "-c", program)
    assert said == f"(3, 13) {UID} None None None\n"


def test_the_container_runs_read_only_and_stops_cleanly(image: Built, name: str) -> None:
    docker("run", "--detach", "--read-only", "--cap-drop", "ALL", "--name", name, image.tag)
    until(lambda: "waiting for a Blue Current token" in docker("logs", name), "the service waits for a token")
    assert docker("exec", name, "python", "-m", "bridge.commandline.health") == ""
    assert "Read-only file system" in docker("exec", name, "touch", "/opt/x", check=False)
    assert "bridge.db" in docker("exec", name, "ls", "/data").split()
    assert stopped(name) == 0
    assert '"stopped"' in docker("logs", name)


def test_a_container_that_is_stopped_while_it_starts_stops_at_once(image: Built, name: str) -> None:
    docker("run", "--detach", "--name", name, image.tag)
    assert stopped(name) in (0, 128 + 15)


def stopped(name: str) -> int:
    """Stop the container within 5 s; returns its exit status."""
    begun = time.monotonic()
    docker("stop", name)
    assert time.monotonic() - begun < 5
    code: int = inspect(name)["State"]["ExitCode"]
    return code


def test_the_health_check_follows_a_changed_address(image: Built, name: str) -> None:
    docker("run", "-d", "--name", name, "-e", "BRIDGE_HTTP__LISTEN=0.0.0.0:9000", "--health-interval=1s", image.tag)
    until(lambda: inspect(name)["State"]["Health"]["Status"] == "healthy", "healthy")
    assert "127.0.0.1:8099 does not answer" in docker(
        "exec",
        "-e",
        "BRIDGE_HTTP__LISTEN=127.0.0.1:8099",
        name,
        "python",
        "-m",
        "bridge.commandline.health",
        check=False,
    )


def test_a_container_without_http_is_healthy(image: Built, name: str) -> None:
    docker("run", "-d", "--name", name, "-e", "BRIDGE_HTTP__LISTEN=", "--health-interval=1s", image.tag)
    until(lambda: inspect(name)["State"]["Health"]["Status"] == "healthy", "healthy")


def test_the_image_builds_with_buildkit(engine: None) -> None:
    environment = {**os.environ, "DOCKER_BUILDKIT": "1"}
    said = ""
    for client in dict.fromkeys(shutil.which("docker", path=folder) for folder in os.environ["PATH"].split(":")):
        if client is not None:
            command = [client, "build", "--quiet", str(ROOT)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            said += done.stderr
            if done.returncode == 0:
                return
    if re.search("buildx|BuildKit is enabled but", said):
        missing("no docker client here has BuildKit")
    pytest.fail(said)


@pytest.mark.parametrize("processor", ["x86_64", "aarch64"])
def test_the_lock_installs_on_both_processors(processor: str, tmp_path: Path) -> None:
    """The lock has a wheel for every package with compiled parts; source-only packages have none."""
    lock = (ROOT / "requirements.lock").read_text()
    source_only = re.search(r"^sjcl==.*(?:\n +.*)*\n", lock, re.MULTILINE)
    assert source_only is not None
    wheels = tmp_path / "wheels.lock"
    wheels.write_text(lock.replace(source_only.group(), ""))
    platforms = [f"--platform=manylinux_2_{minor}_{processor}" for minor in (28, 17)]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [*pip, "--require-hashes", "--only-binary=:all:", "--python-version=3.13", *platforms]
    run([*command, f"--platform=manylinux2014_{processor}", "-d", str(tmp_path / "wheels"), "-r", str(wheels)])
    compiled = [path for path in (tmp_path / "wheels").iterdir() if not path.name.endswith("-none-any.whl")]
    assert compiled
    assert all(processor in path.name for path in compiled)
