"""Wheel and source archive install into an empty virtual environment, and run there.

What they need is downloaded with pip from the index that this machine uses. Where none answers, the tests are skipped,
and the reason says so.
"""

import os
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge import __version__
from tests.brokers import TestBroker

pytestmark = [pytest.mark.packages, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
NAME = "bluecurrent_fimp_bridge"


def outside() -> dict[str, str]:
    """An environment without this folder and without settings of the bridge."""
    return {
        name: value
        for name, value in os.environ.items()
        if name not in ("PYTHONPATH", "VIRTUAL_ENV") and not name.startswith("BRIDGE_")
    }


def run(*words: str | Path, cwd: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(words, cwd=cwd, env=outside(), capture_output=True, text=True, timeout=timeout, check=False)


class Installed:
    """A virtual environment in a folder, with nothing in it but pip and what `install` puts there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=True)
        self._bin = folder / "venv" / "bin"

    def install(self, what: str | Path) -> None:
        """Install a package with all that it requires."""
        done = run(self._bin / "python", "-m", "pip", "install", "--disable-pip-version-check", what, cwd=self.folder)
        assert done.returncode == 0, done.stderr

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run `bluecurrent-fimp`."""
        return run(self._bin / "bluecurrent-fimp", *words, cwd=self.folder, timeout=60)

    @contextmanager
    def simulated_cloud(self) -> Iterator[list[str]]:
        """Run the simulated cloud; returns the options that point to it."""
        words = [str(self._bin / "bluecurrent-fimp"), "simulate", "--port", "0"]
        with subprocess.Popen(words, cwd=self.folder, env=outside(), stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                lines = [process.stdout.readline().strip().replace(" = ", "=") for _ in range(3)]
                assert [line.split("=")[0] for line in lines[:2]] == ["cloud.url", "cloud.api_token"]
                yield ["--set", lines[0], "--set", lines[1]]
            finally:
                process.terminate()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("packages")
    probe = run(
        sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--retries", "0", "--timeout", "10",
        "--no-deps", "setuptools>=77", cwd=folder,
    )  # fmt: skip
    if probe.returncode:
        pytest.skip(f"no package index answers: {probe.stderr.strip().splitlines()[-1]}")
    done = run(sys.executable, "-m", "build", "--outdir", folder / "dist", ROOT, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist"


def test_the_archive_holds_what_a_reader_needs(packages: Path) -> None:
    (archive,) = packages.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        names = {name.partition("/")[2] for name in opened.getnames()}
    assert {"LICENSE", "README.md", "CHANGELOG.md", "SECURITY.md", "pyproject.toml", "docs/upgrading.md"} <= names


def test_the_wheel_is_the_service(packages: Path, broker: TestBroker, tmp_path: Path) -> None:
    """Without the extra `demo`: the service works, and `demo` names the missing extra."""
    (wheel,) = packages.glob("*.whl")
    assert wheel.name == f"{NAME}-{__version__}-py3-none-any.whl"
    installed = Installed(tmp_path)
    installed.install(wheel)
    assert installed.command("--version").stdout == f"bluecurrent-fimp {__version__}\n"
    with installed.simulated_cloud() as cloud:
        at_broker = ["--set", f"mqtt.host={broker.host}", "--set", f"mqtt.port={broker.port}"]
        checked = installed.command("check", *at_broker, *cloud, "--set", "http.listen=")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "BCU102728  Driveway" in checked.stdout
    demo = installed.command("demo", "--seconds", "1")
    assert demo.returncode == 1
    assert "pip install 'bluecurrent-fimp-bridge[demo]'" in demo.stderr
    assert "Traceback" not in demo.stderr


def test_the_archive_is_built_into_the_service(packages: Path, tmp_path: Path) -> None:
    """With the extra `demo`: everything on one machine, page and texts included."""
    (archive,) = packages.glob("*.tar.gz")
    installed = Installed(tmp_path)
    installed.install(f"{archive}[demo]")
    assert installed.command("--version").stdout == f"bluecurrent-fimp {__version__}\n"
    demo = installed.command("demo", "--seconds", "5")
    assert demo.returncode == 0, demo.stderr
    assert "BCU102728" in demo.stdout
    assert "Traceback" not in demo.stdout + demo.stderr
