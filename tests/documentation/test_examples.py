"""Every example in the documentation works: shell commands, messages, what `check` prints."""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from bridge.commandline.cli import app
from bridge.commandline.embedded_broker import free_port
from bridge.fimp.message import Message
from bridge.fimp.topic import Topic
from bridge.storage.storage import Storage
from tests.conftest import HouseMaker
from tests.documentation.pages import ROOT, Block, all_blocks, blocks
from tests.harness import House
from tests.integration.test_cli import environment as environment  # noqa: PLC0414 - a fixture, used by its name
from tests.integration.test_cli import run_beside, settings_of

PROGRAM = "bluecurrent-fimp"
WRONG = {"ERR_MALFORMED", "ERR_UNKNOWN_INTERFACE", "ERR_UNKNOWN_ADDRESS", "ERR_INVALID_VALUE", "ERR_NOT_SUPPORTED"}
"""What only a wrong example is answered with; no car, or no session, is no fault of the example."""


@dataclass(frozen=True)
class Line:
    """One command of a shell example, without the variables before it."""

    block: Block
    words: Sequence[str]

    def __str__(self) -> str:
        return f"{self.block}: {shlex.join(self.words)}"


def lines() -> Iterator[Line]:
    for block in all_blocks("sh"):
        for text in block.text.replace("\\\n", " ").splitlines():
            words = shlex.split(text, comments=True)
            while words and re.match(r"[A-Z_]+=", words[0]):
                words = words[1:]
            if words:
                yield Line(block, words)


LINES = list(lines())


def program(line: Line) -> list[str] | None:
    """The arguments of a call of the bridge, also of one in a container."""
    for number, word in enumerate(line.words):
        if Path(word).name == PROGRAM and line.words[0] != "ssh":
            return list(line.words[number + 1 :])
    return None


def named(name: str) -> list[Line]:
    return [line for line in LINES if line.words[0] == name]


@pytest.mark.parametrize("line", [line for line in LINES if program(line) is not None], ids=str)
def test_a_command_of_the_bridge_is_understood(line: Line) -> None:
    command, arguments = typer.main.get_command(app), program(line)
    assert isinstance(command, TyperGroup)
    assert arguments is not None
    if arguments == ["--version"]:
        return
    name, sub, rest = command.resolve_command(
        command.make_context(PROGRAM, arguments, resilient_parsing=True), arguments
    )
    assert sub is not None
    sub.make_context(name, rest)  # raises for an unknown option


@pytest.mark.parametrize("line", [line for line in LINES if (program(line) or [""])[0] == "send"], ids=str)
async def test_a_command_that_is_sent_is_answered(house: House, line: Line) -> None:
    arguments = program(line)
    assert arguments is not None
    code, out, err = await run_beside(*arguments, *settings_of(house))
    assert err == ""
    assert [word for word in WRONG if word in out] == []
    assert code == 0 or "ERR_INVALID_STATE" in out


@pytest.mark.parametrize("line", named("mosquitto_pub"), ids=str)
async def test_a_message_that_is_published_is_answered(house: House, line: Line) -> None:
    path, payload = (line.words[line.words.index(option) + 1] for option in ("-t", "-m"))
    Topic.parse(path)
    message = Message.parse(payload.encode())
    await house.hub.client.publish(path, payload, qos=1)
    await house.hub.until(lambda: any(heard.message.corid == message.uid for heard in house.hub.heard))
    (answer, *_) = [heard.message for heard in house.hub.heard if heard.message.corid == message.uid]
    assert answer.value not in WRONG


@pytest.mark.parametrize("line", named("make"), ids=str)
def test_a_target_of_make_exists(line: Line) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = re.findall(r"^([a-z]\w*):", makefile, re.MULTILINE)
    variables = [word.partition("=")[0] for word in line.words[1:] if "=" in word]
    assert {word for word in line.words[1:] if "=" not in word} <= set(targets)
    assert all(f"$({name})" in makefile for name in variables)


@pytest.mark.parametrize("line", [line for line in LINES if line.words[0] in {"cp", "docker"}], ids=str)
def test_the_files_of_an_example_exist(line: Line) -> None:
    before = line.block.text[: line.block.text.find(shlex.join(line.words[:2]))]
    folder = ROOT / "deploy" if "cd deploy" in before or line.words[0] == "docker" else ROOT
    files = [line.words[1]] if line.words[0] == "cp" else [
        after for word, after in zip(line.words, line.words[1:], strict=False) if word == "-f"
    ]  # fmt: skip
    assert files
    assert [file for file in files if not (folder / file).exists()] == []


def test_a_backup_can_be_read(tmp_path: Path) -> None:
    """The page's own command, while the service has the file open."""
    (line,) = [line for line in LINES if line.words[:2] == ["python3", "-c"]]
    storage = Storage(tmp_path / "data" / "bridge.db")
    storage.save_value("restarts", 7)
    subprocess.run([shutil.which("python3") or "python3", *line.words[1:]], check=True, cwd=tmp_path)
    storage.close()
    backup = Storage(tmp_path / "bridge-backup.db")
    assert backup.value("restarts") == 7
    backup.close()


def test_every_other_command_has_a_test() -> None:
    harmless = {"cd", "printf", "mkdir", "export", "umask", "sudo", "mosquitto_sub", "curl"}
    installing = ({"python3", "-m", "venv"}, {"venv/bin/pip", "install"})
    others = [
        line
        for line in LINES
        if line.words[0] not in harmless | {"mosquitto_pub", "make", "cp", "docker"}
        and program(line) is None
        and line.words[:2] != ["python3", "-c"]
        and not any(words <= set(line.words) for words in installing)
        and Path(line.words[0]).name != "pytest"
    ]
    assert [str(line) for line in others] == []


@pytest.mark.parametrize("line", [line for line in LINES if Path(line.words[0]).name == "pytest"], ids=str)
def test_the_tests_of_an_example_exist(line: Line) -> None:
    assert all((ROOT / word).exists() for word in line.words[1:] if not word.startswith("-"))


@pytest.mark.parametrize("block", all_blocks("json"), ids=str)
def test_json_examples_are_valid_json(block: Block) -> None:
    json.loads(block.text)


async def test_the_readme_shows_what_check_prints(
    build: HouseMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The README's output: the same lines in the same order, but for hosts, times and sizes."""
    (block,) = [block for block in blocks(ROOT / "README.md") if block.marker == "check"]
    (settings,) = blocks(ROOT / "README.md", "toml")
    async with build(start=False) as house:
        broker, cloud = house.settings.mqtt, house.settings.cloud
        (tmp_path / "bridge.toml").write_text(
            settings.text.replace('"192.168.1.20"', f'"{broker.host}"').replace("1883", str(broker.port))
        )
        (tmp_path / "secrets").mkdir()
        (tmp_path / "secrets" / "bridge_cloud__api_token").write_text("simulated-api-token")
        (tmp_path / "secrets" / "bridge_mqtt__password").write_text("the password")
        monkeypatch.setenv("BRIDGE_SECRETS_DIR", "secrets")
        monkeypatch.chdir(tmp_path)
        # The README has the defaults of these two, which a test cannot use.
        arguments = ["--set", f"cloud.url={cloud.url}", "--set", f"http.listen=127.0.0.1:{(page := free_port())}"]
        code, out, _ = await run_beside("check", *arguments)
    assert code == 0, out
    where = cloud.url.removeprefix("ws://").removesuffix("/haserver")
    told = (
        out.replace(", 2 from command line", "")
        .replace(f"{broker.host}:{broker.port}", "192.168.1.20:1883")
        .replace(cloud.url, "wss://motown.bluecurrent.nl/haserver")
        .replace(where, "motown.bluecurrent.nl:443")
        .replace(f"127.0.0.1:{page}", "127.0.0.1:8099")
    )
    # A simulated cloud has no name and no certificate, so these lines are compared with the code instead.
    expected = [line for line in block.text.splitlines() if line[5:15] not in {"cloud name", "cloud TLS "}]
    assert [measured(line) for line in told.splitlines() if "broker name" not in line] == [
        measured(line) for line in expected
    ]


def measured(line: str) -> str:
    """A line without the parts that differ between machines."""
    line = re.sub(r"\d\d:\d\d(:\d\d)?([+-]\d\d:\d\d)?", "TIME", line)
    line = re.sub(r"(the same as|\d+ s (ahead of|behind)) the cloud's", "OFF", line)
    return re.sub(r"[\d.,]+ [GM]iB", "SIZE", line)


async def test_the_readme_states_how_many_requests_a_start_and_a_reconnect_cost(build: HouseMaker) -> None:
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    match = re.search(
        r"at a start (\w+) requests and (\w+) for each charge point, after a reconnect (\w+) and (\w+)", text
    )
    assert match is not None
    start, start_each, again, again_each = (
        ("one", "two", "three", "four", "five").index(w) + 1 for w in match.groups()
    )
    async with build() as house:
        points = len(house.cloud.account.charge_points)
        await house.hub.until(lambda: len(house.cloud.seen) == start + start_each * points)
        house.cloud.drop()
        await house.hub.until(lambda: len(house.cloud.seen) == start + again + (start_each + again_each) * points)


def test_no_path_of_this_machine_is_in_the_pages() -> None:
    for block in all_blocks():
        assert os.fspath(ROOT) not in block.text
