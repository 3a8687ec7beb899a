"""`run` imports no modules that only other commands, viewers of the page or a recording need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
OTHERS = (
    "bridge.simulator", "bridge.checkup", "bridge.commandline.send_watch", "bridge.commandline.sessions_report",
    "bridge.commandline.account_report", "bridge.commandline.demo", "rich", "pygments", "trio", "amqtt", "pybluecurrent", "httpx",
    "sjcl", "jinja2", "babel", "prometheus_client", "bridge.web.page", "bridge.web.metrics", "bridge.recording",
)  # fmt: skip
# With an impossible storage path the service is imported and built, and ends at once.
RUN = """
import sys
from bridge.__main__ import main
sys.argv = ["bluecurrent-fimp", "run", "--set", "storage.path=/dev/null/bridge.db"]
try:
    main()
except SystemExit as end:
    assert end.code in (1, 2), end.code
assert "bridge.service" in sys.modules
print(*(name for name, module in sys.modules.items() if module is not None), sep="\\n")
"""


def loaded(program: str, folder: Path) -> set[str]:
    """The modules that a program has imported when it ends."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "BRIDGE_SECRETS_DIR": str(folder)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=folder, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def brought(modules: set[str], names: tuple[str, ...]) -> list[str]:
    return sorted(name for name in modules if any(name == other or name.startswith(f"{other}.") for other in names))


def test_the_service_carries_nothing_that_it_may_not_need(tmp_path: Path) -> None:
    assert brought(loaded(RUN, tmp_path), OTHERS) == []


@pytest.mark.parametrize("module", ["bridge.commandline.cli", "bridge.commandline.health"])
def test_a_command_is_ready_without_the_service(module: str, tmp_path: Path) -> None:
    program = f"import sys, {module}\nprint(*sys.modules, sep='\\n')"
    heavy = ("structlog", "aiomqtt", "websockets", "starlette", "uvicorn", "jinja2", "bridge.service", *OTHERS)
    assert brought(loaded(program, tmp_path), heavy) == []
