"""docker-compose.nodered.yml: Node-RED with the example flows, beside the demo."""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.containers.conftest import Built, missing
from tests.e2e.containers.engine import NODE_RED, ROOT, Stack, docker, has_image, run, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(600)]

FLOWS = ROOT / "deploy/node-red/flows.json"


@pytest.fixture(scope="module")
def node_red(engine: None, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The official image if it can be pulled, else one that is built once on this machine."""
    if has_image(NODE_RED):
        return
    if subprocess.run(["docker", "pull", "--quiet", NODE_RED], capture_output=True, check=False).returncode == 0:
        return
    if shutil.which("npm") is None:
        missing("the image of Node-RED cannot be pulled, and npm is not installed to make one")
    folder = tmp_path_factory.mktemp("node-red")
    shutil.copytree(Path(__file__).parent / "node-red", folder, dirs_exist_ok=True)
    run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--omit=dev", "node-red@4"], cwd=folder)
    docker("build", "--quiet", "--tag", NODE_RED, str(folder))


@pytest.fixture(scope="module")
def stack(image: Built, compose: None, node_red: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Node-RED and the demo, without the bridge to the real cloud."""
    files = ("docker-compose.yml", "docker-compose.nodered.yml")
    stack = Stack.copied(tmp_path_factory.mktemp("flows"), *files, profiles=("demo",))
    stack.configure({"NODE_RED_BROKER": "demo-broker"})
    try:
        stack("up", "--detach")
        yield stack
    finally:
        stack.down()


def flows(stack: Stack) -> list[dict[str, Any]]:
    """The flows that Node-RED runs; none while it does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{stack.ports['NODE_RED']}/flows", timeout=5) as answer:
            found: list[dict[str, Any]] = json.load(answer)
            return found
    except OSError:
        return []


def test_node_red_runs_the_example_flows(stack: Stack) -> None:
    running = until(lambda: flows(stack), "Node-RED answers", 60)
    assert {node["id"] for node in json.loads(FLOWS.read_text())} <= {node["id"] for node in running}


def test_node_red_reaches_the_broker(stack: Stack) -> None:
    until(lambda: "Connected to broker" in stack.log("node-red"), "Node-RED is connected")
    assert "Waiting for missing types" not in stack.log("node-red")


def test_the_context_of_the_flows_is_kept_and_their_time_zone_is_amsterdam(stack: Stack) -> None:
    until(lambda: "module=localfilesystem" in stack.log("node-red"), "Node-RED keeps context on disk", 60)
    assert "Context store  : 'default' [module=localfilesystem]" in stack.log("node-red")
    assert stack("exec", "-T", "node-red", "node", "-p", "process.env.TZ").strip() == "Europe/Amsterdam"


def test_changes_of_a_user_to_the_flows_stay(stack: Stack) -> None:
    running = until(lambda: flows(stack), "Node-RED answers", 60)
    running.append({"id": "a1b2c3d4e5f60718", "type": "tab", "label": "Mine"})
    request = urllib.request.Request(
        f"http://127.0.0.1:{stack.ports['NODE_RED']}/flows",
        json.dumps(running).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.status == 204
    stack("rm", "--stop", "--force", "node-red")
    stack("up", "--detach", "node-red")
    assert "Mine" in {node.get("label") for node in until(lambda: flows(stack), "Node-RED answers", 60)}
