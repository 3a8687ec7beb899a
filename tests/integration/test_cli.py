"""The commands of the command line."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bridge import __version__
from bridge.commandline.embedded_broker import free_port
from bridge.simulator.car import Car
from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House, two_ports

CLI = [sys.executable, "-m", "bridge"]


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working folder without settings from the environment."""
    for name in list(os.environ):
        if name.startswith("BRIDGE_") and name != "BRIDGE_TEST_BROKER":
            monkeypatch.delenv(name)
    monkeypatch.setenv("BRIDGE_SECRETS_DIR", str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.chdir(tmp_path)


def run(*arguments: str, timeout: float = 30, **more: str) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*CLI, *arguments], capture_output=True, text=True, timeout=timeout, check=False, env={**os.environ, **more}
    )


async def run_beside(*arguments: str) -> tuple[int, str, str]:
    """The same without blocking the event loop."""
    process = await asyncio.create_subprocess_exec(
        *CLI, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def settings_of(house: House) -> list[str]:
    """The settings of a house, for the command line."""
    token = house.settings.cloud.api_token
    assert token is not None
    values = {
        "mqtt.host": house.settings.mqtt.host,
        "mqtt.port": house.settings.mqtt.port,
        "cloud.url": house.settings.cloud.url,
        "cloud.api_token": token.get_secret_value(),
        "cloud.command_timeout": 3,
        "http.listen": "",
    }
    return [part for key, value in values.items() for part in ("--set", f"{key}={value}")]


def test_the_version_is_printed() -> None:
    assert run("--version").stdout == f"bluecurrent-fimp {__version__}\n"


@pytest.mark.parametrize("command", ["run", "check", "send", "watch"])
def test_bad_settings_are_one_line_and_exit_2(command: str) -> None:
    Path("bridge.toml").write_text('[mqtt]\nhosst = "x"\n')
    more = ["BCU1", "cmd.charge.start"] if command == "send" else []
    done = run(command, *more)
    assert done.returncode == 2
    assert done.stderr == "bridge.toml: mqtt.hosst: unknown key; did you mean mqtt.host?\n"


def test_a_wrong_setting_on_the_command_line_is_named() -> None:
    done = run("run", "--set", "log.level=loud")
    assert done.returncode == 2
    assert done.stderr.startswith("command line: log.level: ")


@pytest.mark.parametrize("command", ["run", "check", "account"])
@pytest.mark.parametrize(
    ("token", "words"),
    [('"a-token"', "the token is in quotes. "), ("a token", "the token has a blank or a line end inside. ")],
)
def test_a_token_that_cannot_be_one_is_named_and_not_sent(command: str, token: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "bridge_cloud__api_token").write_text(f"\ufeff{token}\r\n", encoding="utf-8")
    done = run(command)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"{tmp_path / 'bridge_cloud__api_token'}: cloud.api_token: {words}")
    assert token not in line


async def test_files_with_byte_order_marks_and_windows_line_ends_are_read(build: HouseMaker, tmp_path: Path) -> None:
    """A byte order mark in both, a line end of Windows after the token, and a note on the password's blank."""
    async with build(start=False) as house:
        token = house.cloud.account.api_token
        (tmp_path / "bridge_cloud__api_token").write_bytes(f"\ufeff{token}\r\n".encode())
        (tmp_path / "bridge_mqtt__password").write_bytes(b"\xe2\x80\x8bpass \n")
        lines = [
            f'[mqtt]\nhost = "{house.settings.mqtt.host}"\nport = {house.settings.mqtt.port}\nusername = "u"',
            f'[cloud]\nurl = "{house.settings.cloud.url}"\n[http]\nlisten = ""\n',
        ]
        (tmp_path / "bridge.toml").write_text("\r\n".join(lines), encoding="utf-8-sig", newline="")
        code, out, err = await run_beside("check")
        assert (code, err) == (0, "")
        assert f"ok   cloud          {house.settings.cloud.url} accepts the token\n" in out
        assert "note secrets        mqtt.password begins or ends with a blank or a line end, and is sent exactly" in out


@pytest.fixture
def started(broker: TestBroker) -> Iterator[subprocess.Popen[str]]:
    """The service without a token."""
    arguments = ["--set", f"mqtt.host={broker.host}", "--set", f"mqtt.port={broker.port}", "--set", "http.listen="]
    process = subprocess.Popen([*CLI, "run", *arguments], stderr=subprocess.PIPE, text=True)
    yield process
    process.kill()
    process.communicate()


def test_without_a_token_the_service_logs_it_and_stays_up(started: subprocess.Popen[str]) -> None:
    assert started.stderr is not None
    lines = [json.loads(started.stderr.readline()) for _ in range(3)]
    waiting = next(line for line in lines if "waiting" in line["event"])
    assert "my.bluecurrent.nl" in waiting["what_to_do"]
    assert started.poll() is None
    started.send_signal(signal.SIGTERM)
    assert started.wait(5) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_service_stops_within_five_seconds_whatever_either_link_does(number: signal.Signals) -> None:
    # The first port is closed, and the second accepts connections but never answers.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        arguments = [
            "--set", f"mqtt.port={port}", "--set", f"cloud.url=ws://127.0.0.1:{port}/", "--set", "cloud.api_token=abcdefgh",
            "--set", "http.listen=",
        ]  # fmt: skip
        process = subprocess.Popen([*CLI, "run", *arguments], stderr=subprocess.PIPE, text=True)
        assert process.stderr is not None
        process.stderr.readline()
        process.send_signal(number)
        assert process.wait(5) == 0
        process.stderr.close()


async def test_check_succeeds_on_a_working_installation(build: HouseMaker) -> None:
    async with build(start=False) as house:
        code, out, _ = await run_beside("check", *settings_of(house))
        assert code == 0, out
        assert "FAIL" not in out
        assert "BCU102728  Driveway" in out


async def test_check_works_while_the_service_runs(house: House) -> None:
    house.cloud.single_connection = True
    code, out, _ = await run_beside("check", *settings_of(house))
    assert code == 0
    assert "already connected: the service is running" in out
    assert house.service is not None
    assert house.service.broker.status.up  # the service keeps its connection


async def test_check_names_what_is_wrong(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.refuse_token = True
        code, out, _ = await run_beside("check", *settings_of(house), "--set", f"mqtt.port={free_port()}")
        assert code == 1
        assert "FAIL broker port" in out
        assert "Correct mqtt.host and mqtt.port" in out
        assert "FAIL cloud" in out
        assert "simulated-api-token" not in out
        code, out, _ = await run_beside("check", *settings_of(house), "--set", "cloud.api_token=")
        assert code == 1
        assert "FAIL token" in out


async def test_send_prints_the_answer_to_a_command(house: House) -> None:
    code, out, _ = await run_beside("send", SOCKET, "cmd.state.get_report", *settings_of(house))
    assert (code, out.split()[-1]) == (0, "disconnected")
    code, out, _ = await run_beside(
        "send", SOCKET, "charge.start", "--prop", "charging_mode=normal", *settings_of(house)
    )
    assert code == 1
    assert "ERR_INVALID_STATE" in out
    code, out, _ = await run_beside("send", SOCKET, "cmd.cable_lock.set", "true", *settings_of(house))
    assert code == 1
    assert "ERR_NOT_SUPPORTED" in out  # and not ERR_INVALID_VALUE: it was sent as a bool
    code, out, _ = await run_beside("send", "adapter", "network.get_node", SOCKET, *settings_of(house))
    assert code == 0
    assert "UP" in out
    assert house.service is not None
    assert house.service.broker.status.up


async def test_send_without_a_service_fails_with_the_reason(build: HouseMaker) -> None:
    async with build(start=False) as house:
        code, _, err = await run_beside(
            "send",
            SOCKET,
            "state.get_report",
            *settings_of(house),
            "--set",
            "cloud.command_timeout=0.1",
            "--wait",
            "0.5",
        )
        assert code == 1
        assert "No answer" in err
        code, _, err = await run_beside(
            "send", SOCKET, "state.get_report", *settings_of(house), "--set", f"mqtt.port={free_port()}"
        )
        assert code == 1
        assert "see mqtt.host" in err


async def test_account_prints_the_account_as_json(build: HouseMaker) -> None:
    async with build(start=False, side=True) as house:
        code, out, _ = await run_beside("account", *settings_of(house), "--format", "json")
        assert code == 0
        content = json.loads(out)
        account = house.cloud.account
        assert content["owner"]["login"] == account.login
        assert content["owner"]["since"] == "2020-01-01"
        assert {card["uid"] for card in content["cards"]} == {card["uid"] for card in account.cards}
        assert [point["evse_id"] for point in content["charge_points"]] == list(account.charge_points)
        assert content["sustainability"] == {"trees": account.trees, "co2_kg": account.co2}
        (grid,) = content["grids"]
        assert grid["id"] == "GRID-BCU102728"
        assert sorted(grid["charge_points"]) == sorted(account.charge_points)
        assert grid["address"]
        assert len(content["contracts"]) > 0
        assert content["transactions"] == []
        assert content["missing"] == {}

        code, out, _ = await run_beside("account", *settings_of(house))
        assert code == 0
        words = [line.split()[0] for line in out.splitlines()]
        assert words == ["Owner", *["Card"] * len(account.cards), "Charge", "Charge", "Grid", "Sustainability",
                         *["Contract"] * len(content["contracts"])]  # fmt: skip
        assert house.cloud.requests["VALIDATE_API_TOKEN"] == 2  # one each


async def test_account_shows_the_latest_transactions(build: HouseMaker) -> None:
    async with build(start=False, side=True) as house:
        for _ in range(12):
            house[SOCKET].plug(Car())
            house[SOCKET].start("BCU-APP")
            house[SOCKET].step(600)
            house[SOCKET].unplug()
        code, out, _ = await run_beside("account", *settings_of(house), "--format", "json")
        transactions = json.loads(out)["transactions"]
        assert (code, len(transactions)) == (0, 10)
        assert all(one["kwh"] == pytest.approx(1.848, abs=0.001) for one in transactions)


async def test_account_names_the_parts_that_are_missing(build: HouseMaker) -> None:
    """The app's side away, a request refused, figures that are null or blank."""
    async with build(start=False) as house:
        account = house.cloud.account
        account.trees, account.co2 = None, ""  # type: ignore[assignment] # as the cloud has been seen to answer
        house.cloud.faults.error["GET_CHARGE_CARDS"] = (9, "unknown error")
        code, out, err = await run_beside("account", *settings_of(house))
        assert (code, err) == (0, "")
        lines = out.splitlines()
        assert [line.split()[0] for line in lines] == [
            "Owner", "Charge", "Charge", "Grid", "Sustainability", "?", *["Missing:"] * 4,
        ]  # fmt: skip
        assert lines[4] == "Sustainability  ? trees, ? kg CO2"
        assert [line.partition(".")[0] for line in lines[6:]] == [
            "Missing: cards", "Missing: contracts", "Missing: grid addresses", "Missing: transactions",
        ]  # fmt: skip
        code, out, _ = await run_beside("account", *settings_of(house), "--format", "json")
        content = json.loads(out)
        assert code == 0
        assert content["sustainability"] == {"trees": None, "co2_kg": None}
        assert (content["cards"], content["contracts"], content["transactions"]) == (None, None, None)
        assert set(content["missing"]) == {"cards", "contracts", "grid addresses", "transactions"}


async def test_account_names_the_charge_points_whose_grid_connection_is_refused(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.error["GET_GRID_STATUS"] = (9, "unknown error")
        code, out, _ = await run_beside("account", *settings_of(house), "--format", "json")
        content = json.loads(out)
        assert (code, content["grids"]) == (0, [])
        points = ", ".join(house.cloud.account.charge_points)
        assert content["missing"]["grids"] == f"For {points}: Blue Current refused: unknown error"


async def test_account_is_refused_while_the_service_holds_the_connection(house: House) -> None:
    house.cloud.single_connection = True
    code, out, err = await run_beside("account", *settings_of(house))
    assert (code, out) == (1, "")
    (line,) = err.splitlines()
    assert line.startswith("Blue Current takes one connection at a time, and the service holds it. Stop the service")
    assert house.service is not None
    assert house.service.link.status.up  # the service is not affected


async def test_account_names_a_refused_token(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.refuse_token = True
        code, out, err = await run_beside("account", *settings_of(house))
        assert (code, out, len(err.splitlines())) == (1, "", 1)
        assert "simulated-api-token" not in err


@pytest.fixture
async def watching(house: House) -> AsyncIterator[asyncio.subprocess.Process]:
    """`watch`, beside a running service."""
    process = await asyncio.create_subprocess_exec(*CLI, "watch", *settings_of(house), stdout=asyncio.subprocess.PIPE)
    yield process
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_watch_prints_reports_and_commands(house: House, watching: asyncio.subprocess.Process) -> None:
    assert watching.stdout is not None

    async def ask() -> None:
        while True:
            await house.hub.command(SOCKET, "cmd.state.get_report")
            await asyncio.sleep(0.05)

    asking = asyncio.create_task(ask())
    lines = [(await asyncio.wait_for(watching.stdout.readline(), 10)).decode() for _ in range(2)]
    asking.cancel()
    assert any("state    disconnected" in line for line in lines)
    assert any("» cmd.state.get_report" in line for line in lines)
    watching.send_signal(signal.SIGINT)
    assert await asyncio.wait_for(watching.wait(), 5) == 0


def test_demo_shows_a_car_charging_within_ten_seconds() -> None:
    done = run("demo", "--seconds", "9", timeout=40)
    assert done.returncode == 0, done.stderr
    assert "bluecurrent-fimp send" in done.stdout
    assert "mosquitto_pub" in done.stdout
    for wanted in ("included BCU102728", "state    charging", "session  0."):
        assert wanted in done.stdout, done.stdout
    assert "\x1b[" not in done.stdout  # colours are for terminals
    assert done.stdout.rstrip().endswith("BCU100186 DOWN, BCU102728 DOWN, GRIDBCU102728 DOWN")


@pytest.mark.parametrize("taken", [0, 1])
def test_simulate_names_a_port_that_is_taken(taken: int) -> None:
    port = two_ports()
    with socket.create_server(("127.0.0.1", port + taken)):
        done = run("simulate", "--port", str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot listen on 127.0.0.1, ports {port} and {port + 1}: ")
    assert len(done.stderr.splitlines()) == 1


def test_simulate_serves_a_cloud() -> None:
    port = two_ports()
    process = subprocess.Popen(
        [*CLI, "simulate", "--port", str(port), "--speed", "0"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(3)]
        assert lines[0] == f"cloud.url = ws://127.0.0.1:{port}/haserver\n"
        done = run(
            "check",
            "--set",
            f"cloud.url=ws://127.0.0.1:{port}/haserver",
            "--set",
            "cloud.api_token=simulated-api-token",
            "--set",
            f"mqtt.port={free_port()}",  # not the default port, where another test may run the demo
        )
        assert "BCU102728  Driveway" in done.stdout
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.communicate()
