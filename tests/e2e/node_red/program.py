"""A real Node-RED: installed once from npm, run in its own folder, controlled by its admin API."""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, cast

from websockets.asyncio.client import connect

from bridge.commandline.embedded_broker import free_port

FOLDER: Final = Path(__file__).parent / "npm"
FLOWS: Final = Path(__file__).parents[3] / "deploy" / "node-red" / "flows.json"
REQUIRED: Final = os.environ.get("BRIDGE_REQUIRE_NODERED") == "1"
PATIENCE_S: Final = 8.0
STARTUP_S: Final = 60.0
INSTALL_S: Final = 500.0
OLDEST_NODE: Final = (18, 5)

Node = dict[str, Any]

SETTINGS = """
module.exports = {
    uiHost: "127.0.0.1",
    credentialSecret: "simulated",
    telemetry: { enabled: false, updateNotification: false },
    editorTheme: { tours: false },
    mqttReconnectTime: 300,
    logging: { console: { level: "warn" } },
};
"""


def flows() -> list[Node]:
    """The flows as they are shipped."""
    return cast("list[Node]", json.loads(FLOWS.read_text()))


def missing() -> str | None:
    """What is missing on this machine to run Node-RED; None if nothing is."""
    lacking = [program for program in ("node", "npm") if shutil.which(program) is None]
    if lacking:
        return f"{' and '.join(lacking)} not found"
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    major, minor, *_ = map(int, version.removeprefix("v").split("."))
    return None if (major, minor) >= OLDEST_NODE else f"Node.js {version} is too old for this Node-RED"


def install() -> Path:
    """Install the pinned Node-RED if it is missing; returns its program."""
    program = FOLDER / "node_modules" / "node-red" / "red.js"
    # npm writes this file last, so that an interrupted installation is repeated.
    done = FOLDER / "node_modules" / ".package-lock.json"
    wanted = (FOLDER / "package-lock.json").stat().st_mtime
    if not done.exists() or done.stat().st_mtime < wanted:
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        made = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        if made.returncode != 0:
            raise RuntimeError(f"npm ci failed:\n{made.stdout}\n{made.stderr}")
    return program


class NodeRed:
    """The admin API of a running Node-RED.

    Args:
        url: where it listens.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.tab = next(node["id"] for node in flows() if node["type"] == "tab")

    async def _ask(self, method: str, path: str, body: object = None) -> Any:
        def ask() -> Any:
            data = json.dumps(body).encode() if body is not None else None
            request = urllib.request.Request(f"{self.url}{path}", data, method=method)
            request.add_header("Content-Type", "application/json")
            if path == "/flows":
                request.add_header("Node-RED-Deployment-Type", "full")
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                content = answer.read()
                is_json = answer.headers.get_content_type() == "application/json"
            return json.loads(content) if is_json and content else None

        return await asyncio.to_thread(ask)

    async def deploy(self, nodes: list[Node]) -> None:
        """Deploy these flows only, and forget the context of earlier ones."""
        await self._ask("POST", "/flows", [])
        await self._ask("POST", "/flows", nodes)

    async def redeploy(self, nodes: list[Node]) -> None:
        """Deploy these flows, and keep the context of earlier ones."""
        await self._ask("POST", "/flows", nodes)

    async def click(self, name: str, payload: float | None = None) -> None:
        """Click the button of an inject node; `payload` replaces the time that the node would send."""
        (node,) = [node for node in flows() if node["type"] == "inject" and node["name"] == name]
        props = [{"p": "payload", "v": str(payload), "vt": "num"}]
        body = None if payload is None else {"__user_inject_props__": props}
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                await self._ask("POST", f"/inject/{node['id']}", body)
            except urllib.error.HTTPError as error:
                # After a deployment the nodes take a moment to be there.
                if error.code != HTTPStatus.NOT_FOUND or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(0.1)
            else:
                return

    async def context(self, key: str) -> Any:
        """The value in the flow context under a key; None if there is none."""
        answer = await self._ask("GET", f"/context/flow/{self.tab}/{key}")
        # The admin API gives values as text, with a mark for values that JSON cannot express.
        return json.loads(answer["msg"], object_hook=_plain) if answer["format"] != "undefined" else None

    async def forget(self, key: str) -> None:
        """Delete a key of the flow context."""
        await self._ask("DELETE", f"/context/flow/{self.tab}/{key}")

    async def keeps(self, key: str, condition: Callable[[Any], bool]) -> Any:
        """Wait until the value under a key of the flow context meets a condition; returns it."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            value = await self.context(key)
            if condition(value):
                return value
            await asyncio.sleep(0.03)
        raise AssertionError(f"flow context {key} did not become what it should; it is {value}")

    async def status(self, name: str, condition: Callable[[str], bool]) -> str:
        """Wait until the status of a node meets a condition; returns it."""
        (node,) = [node for node in flows() if node.get("name") == name]
        topic, text = f"status/{node['id']}", ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S), connect(f"{self.url.replace('http', 'ws', 1)}/comms") as comms:
                await comms.send(json.dumps({"subscribe": "status/#"}))
                async for frame in comms:
                    for event in json.loads(frame):
                        if event.get("topic") == topic:
                            text = str(event["data"].get("text", ""))
                            if condition(text):
                                return text
        raise AssertionError(f"the status of {name} did not become what it should; it is {text!r}")


def _plain(value: dict[str, Any]) -> Any:
    return None if value.get("type") == "undefined" and "__enc__" in value else value


def edited(functions: dict[str, str] | None = None, **settings: object) -> list[Node]:
    """The flows with settings of the tab, and optionally another price feed.

    Their minute does not pass by itself: the test says what time it is.

    Args:
        functions: name of a function node → its new code.
        settings: environment variables of the tab.
    """
    nodes = flows()
    for node in nodes:
        if node["type"] == "tab":
            for variable in node["env"]:
                if variable["name"] in settings:
                    variable["value"] = str(settings.pop(variable["name"]))
                    variable["type"] = "str" if variable["type"] == "jsonata" else variable["type"]
        if node["type"] == "inject" and node["repeat"]:
            node["repeat"], node["once"] = "", False
        if node["type"] == "function" and functions and node["name"] in functions:
            node["func"] = functions[node["name"]]
    assert not settings, f"the tab has no setting {settings}"
    return nodes


@contextlib.contextmanager
def running(program: Path, folder: Path, environment: Mapping[str, str]) -> Iterator[NodeRed]:
    """A Node-RED without flows, on a free port, in Amsterdam's time, with these environment variables."""
    (folder / "settings.js").write_text(SETTINGS)
    (folder / "flows.json").write_text("[]")
    port = free_port()
    log = folder / "log.txt"
    command = ["node", str(program), "--userDir", str(folder), "--port", str(port), "flows.json"]
    with log.open("w") as output:
        environment = {**os.environ, "TZ": "Europe/Amsterdam", **environment}
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + STARTUP_S
        while not _serves(url):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"Node-RED did not start:\n{log.read_text()}")
            time.sleep(0.1)
        yield NodeRed(url)
    finally:
        process.terminate()
        process.wait(15)


def _serves(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/settings", timeout=1):
            return True
    except (urllib.error.URLError, OSError):
        return False
