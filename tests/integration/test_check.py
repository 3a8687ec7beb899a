"""`check` with real brokers and the simulated cloud, for all common faults."""

import asyncio
import json
import stat
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from bridge.checkup.finding import Finding, Mark
from bridge.checkup.run_checks import check
from bridge.clock import SystemClock
from bridge.commandline.embedded_broker import free_port
from bridge.settings import Settings
from bridge.storage.storage import Storage
from tests.brokers import TestBroker, local_mosquitto, mosquitto
from tests.conftest import HouseMaker
from tests.harness import House
from tests.integration.test_cli import environment as environment  # noqa: PLC0414 - a fixture, used by its name
from tests.integration.test_cli import run, run_beside, settings_of

MOSQUITTO = pytest.mark.skipif(mosquitto() is None, reason="needs a mosquitto of this machine: its own configuration")


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that runs answers at once."""
    monkeypatch.setattr("bridge.checkup.broker.SERVICE_S", 0.15)


async def look(settings: Settings) -> dict[str, Finding]:
    """All findings by their subject; of several charge points the last."""
    return {finding.what: finding async for finding in check(settings, {}, SystemClock())}


def with_(house: House, **sections: dict[str, Any]) -> Settings:
    """The settings of a house, some of them changed."""
    content = {section: dict(getattr(house.settings, section)) for section in type(house.settings).model_fields}
    for section, changes in sections.items():
        content[section] |= changes
    return Settings.model_validate(content)


def assert_fails(finding: Finding, *words: str) -> None:
    assert finding.mark is Mark.FAIL, finding
    for word in words:
        assert word in finding.says


@pytest.fixture
async def idle(build: HouseMaker) -> AsyncIterator[House]:
    """A broker and a cloud, and no service."""
    async with build(start=False) as house:
        yield house


async def test_a_working_installation_has_no_finding(idle: House) -> None:
    found = await look(with_(idle, mqtt={"host": "localhost"}))
    assert [finding for finding in found.values() if finding.failed] == []
    assert list(found) == ["settings", "storage", "time zone", "broker name", "broker port", "broker", "service",
                           "cloud port", "clock", "cloud", "charge point", "status page"]  # fmt: skip
    assert found["clock"].says.endswith("the same as the cloud's")
    assert idle.cloud.requests["VALIDATE_API_TOKEN"] + idle.cloud.requests["HELLO"] == 2
    assert idle.cloud.seen[-1]["command"] == "GET_CHARGE_POINTS"
    assert len(idle.cloud.seen) == 3  # the number of requests that a check makes


async def test_a_running_service_is_found_and_left_connected(house: House) -> None:
    house.cloud.single_connection = True
    found = await look(house.settings)
    assert [finding for finding in found.values() if finding.failed] == []
    assert found["service"].says == "runs and answers on this broker: cloud CONNECTED, login AUTHENTICATED"
    assert found["cloud"].says.startswith("already connected: the service is running")
    assert house.service is not None
    assert house.service.broker.status.up  # the service keeps its connection
    assert house.service.link.status.up


# --- the broker ---


async def test_a_closed_broker_port_does_not_stop_the_other_checks(idle: House) -> None:
    found = await look(with_(idle, mqtt={"host": "127.0.0.1", "port": free_port()}))
    assert_fails(found["broker port"], "mqtt.port")
    assert "broker" not in found
    assert found["cloud"].mark is Mark.OK


async def test_an_unknown_host_is_found(idle: House) -> None:
    found = await look(with_(idle, mqtt={"host": "hub.invalid"}))
    assert_fails(found["broker name"], "hub.invalid", "mqtt.host")
    assert "broker port" not in found


async def test_an_open_port_of_the_hub_is_suggested(idle: House, monkeypatch: pytest.MonkeyPatch) -> None:
    ports = ((idle.broker.port, ", where a Futurehome hub's local API listens"),)
    monkeypatch.setattr("bridge.checkup.broker._PORTS", ports)
    found = await look(with_(idle, mqtt={"port": free_port()}))
    assert_fails(found["broker port"], f"something listens on {idle.broker.port}, where a Futurehome hub's local API")


async def test_a_port_that_is_no_broker_is_found(idle: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.checkup.broker.LOGIN_S", 0.5)
    monkeypatch.setattr("bridge.checkup.connectivity.TLS_S", 0.5)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        found = await look(with_(idle, mqtt={"host": "127.0.0.1", "port": port}))
    assert_fails(found["broker"], "does not answer as an MQTT broker does")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that mosquitto can read after it has changed its user from root."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def guarded(folder: Path, *more: str) -> Iterator[int]:
    """A mosquitto that knows one user."""
    port = free_port()
    passwords = folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", str(passwords), "hub-user", "right-password"], check=True)
    passwords.chmod(0o644)
    lines = [f"listener {port} 127.0.0.1", "allow_anonymous false", f"password_file {passwords}", *more]
    with local_mosquitto("\n".join(lines) + "\n", port):
        yield port


@MOSQUITTO
@pytest.mark.parametrize(
    ("user", "password", "words"),
    [
        (None, None, "requires a user name. Set mqtt.username and mqtt.password."),
        ("hub-user", None, "refuses the user name hub-user without a password. Set mqtt.password."),
        ("hub-user", "wrong-password", "refuses the user name hub-user with this password."),
        ("nobody", "right-password", "refuses the user name nobody with this password."),
    ],
)
async def test_a_refused_broker_login_is_found(
    idle: House, folder: Path, user: str | None, password: str | None, words: str
) -> None:
    with guarded(folder) as port:
        secret = SecretStr(password) if password is not None else None
        mqtt = {"host": "127.0.0.1", "port": port, "username": user, "password": secret}
        found = await look(with_(idle, mqtt=mqtt))
        assert_fails(found["broker"], words)
        assert "-password" not in found["broker"].says
        right = {**mqtt, "username": "hub-user", "password": SecretStr("right-password")}
        assert (await look(with_(idle, mqtt=right)))["broker"].says.endswith("as hub-user, and delivers its messages")


@MOSQUITTO
async def test_a_user_that_may_not_subscribe_is_found(idle: House, folder: Path) -> None:
    access = folder / "access"
    access.write_text("user hub-user\ntopic readwrite elsewhere/#\n")
    access.chmod(0o644)
    with guarded(folder, f"acl_file {access}") as port:
        mqtt = {"host": "127.0.0.1", "port": port, "username": "hub-user", "password": SecretStr("right-password")}
        found = await look(with_(idle, mqtt=mqtt))
    assert_fails(found["broker"], "does not deliver its messages", "access rules")


@contextmanager
def secured(folder: Path, certificate: trustme.LeafCert, *more: str) -> Iterator[int]:
    """A mosquitto that accepts TLS connections only."""
    port = free_port()
    certificate.private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    pem = folder / "server.pem"
    pem.chmod(0o644)
    lines = [f"listener {port}", "allow_anonymous true", f"certfile {pem}", f"keyfile {pem}", *more]
    with local_mosquitto("\n".join(lines) + "\n", port):
        yield port


@MOSQUITTO
async def test_a_broker_with_tls_is_checked_with_its_certificate(
    idle: House, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.checkup.broker.LOGIN_S", 2.0)
    authority = trustme.CA()
    ca_file = folder / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    with secured(folder, authority.issue_cert("localhost")) as port:
        mqtt: dict[str, Any] = {"host": "localhost", "port": port}
        assert_fails((await look(with_(idle, mqtt=mqtt)))["broker"], "takes only secure connections", "mqtt.tls = true")
        mqtt["tls"] = True
        assert_fails((await look(with_(idle, mqtt=mqtt)))["broker TLS"], "is not trusted", "mqtt.ca_file")
        mqtt["ca_file"] = ca_file
        found = await look(with_(idle, mqtt=mqtt))
        assert found["broker TLS"].mark is Mark.OK
        assert found["broker"].mark is Mark.OK
        mqtt["host"] = "127.0.0.1"
        assert_fails((await look(with_(idle, mqtt=mqtt)))["broker TLS"], "is for another name", "mqtt.tls_insecure")
        mqtt["tls_insecure"] = True
        assert (await look(with_(idle, mqtt=mqtt)))["broker"].mark is Mark.OK


@MOSQUITTO
async def test_a_missing_client_certificate_is_found(idle: House, folder: Path) -> None:
    authority = trustme.CA()
    ca_file, own = folder / "ca.pem", folder / "client.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    ca_file.chmod(0o644)
    authority.issue_cert("bridge@example.org").private_key_and_cert_chain_pem.write_to_path(str(own))
    with secured(folder, authority.issue_cert("localhost"), f"cafile {ca_file}", "require_certificate true") as port:
        mqtt: dict[str, Any] = {"host": "localhost", "port": port, "tls": True, "ca_file": ca_file}
        assert_fails(
            (await look(with_(idle, mqtt=mqtt)))["broker TLS"], "requires a client certificate", "mqtt.cert_file"
        )
        found = await look(with_(idle, mqtt={**mqtt, "cert_file": own, "key_file": own}))
        assert found["broker"].mark is Mark.OK


async def test_tls_on_a_plain_port_is_found(idle: House) -> None:
    found = await look(with_(idle, mqtt={"tls": True}))
    assert_fails(found["broker TLS"], "mqtt.tls = false")


async def test_wrong_certificate_files_are_found(idle: House, tmp_path: Path) -> None:
    found = await look(with_(idle, mqtt={"tls": True, "ca_file": tmp_path / "none.pem"}))
    assert_fails(found["broker TLS"], "mqtt.ca_file", "cannot be read: no such file")
    (tmp_path / "ca.pem").write_text("no certificate\n")
    found = await look(with_(idle, mqtt={"tls": True, "ca_file": tmp_path / "ca.pem"}))
    assert_fails(found["broker TLS"], "mqtt.ca_file cannot be used")
    found = await look(with_(idle, mqtt={"ca_file": tmp_path / "ca.pem"}))
    assert (found["broker TLS"].mark, found["broker"].mark) == (Mark.NOTE, Mark.OK)


# --- the cloud ---


async def test_a_refused_token_is_found(idle: House) -> None:
    found = await look(with_(idle, cloud={"api_token": SecretStr("not-this-token")}))
    assert_fails(found["cloud"], "refuses the API token", "my.bluecurrent.nl")
    assert "not-this-token" not in str(found)


async def test_a_missing_token_and_an_unreachable_cloud_are_both_found(idle: House) -> None:
    cloud = {"api_token": None, "url": f"ws://127.0.0.1:{free_port()}/haserver"}
    found = await look(with_(idle, cloud=cloud))
    assert_fails(found["token"], "my.bluecurrent.nl")
    assert_fails(found["cloud port"], "nothing listens there", "cloud.url")
    assert found["clock"].says == "could not be compared: 127.0.0.1 was not reached"
    assert found["broker"].mark is Mark.OK


async def test_a_reached_request_limit_is_found(idle: House) -> None:
    await idle.cloud.reach_limit()
    assert_fails((await look(idle.settings))["cloud"], "request limit for today is reached", "Amsterdam time")


async def test_a_silent_cloud_is_found(idle: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.checkup.cloud.LOGIN_S", 0.3)
    idle.cloud.faults.silent = {"*"}
    began = time.monotonic()
    assert_fails((await look(idle.settings))["cloud"], "no answer")
    assert time.monotonic() - began < 5


async def test_an_account_without_charge_points_is_found(idle: House) -> None:
    idle.cloud.account.charge_points.clear()
    assert_fails((await look(idle.settings))["charge points"], "none")


async def test_an_untrusted_certificate_of_the_cloud_is_found(idle: House) -> None:
    import ssl  # noqa: PLC0415 - here only

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context) as server:
        url = f"wss://localhost:{server.sockets[0].getsockname()[1]}/haserver"
        found = await look(with_(idle, cloud={"url": url}))
    assert_fails(found["cloud TLS"], "is not trusted", "ca-certificates")
    assert "cloud" not in found


async def test_a_proxy_is_named_without_its_password(idle: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://someone:hunter2hunter2@proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("bridge.checkup.cloud.LOGIN_S", 0.3)
    found = await look(idle.settings)
    assert found["cloud port"].says.startswith("reached through the proxy proxy.example")
    assert "hunter2" not in str(found)


# --- the clock ---


class Off(SystemClock):
    """A clock with a wrong time."""

    def __init__(self, by: float) -> None:
        self._by = timedelta(seconds=by)

    def now(self) -> datetime:
        return super().now() + self._by


@pytest.mark.parametrize(
    ("by", "mark", "words"),
    [
        (0, Mark.OK, "the same as the cloud's"),
        (10, Mark.OK, "s ahead of the cloud's"),
        (120, Mark.NOTE, "commands.max_age"),
        (310, Mark.FAIL, "ERR_EXPIRED"),
        (7200, Mark.FAIL, "min ahead of the cloud's: commands then count as too old"),
        (-7200, Mark.FAIL, "min behind the cloud's: old commands are then taken for new ones"),
    ],
)
async def test_the_clock_is_compared_with_the_clouds(idle: House, by: float, mark: Mark, words: str) -> None:
    found = {finding.what: finding async for finding in check(idle.settings, {}, Off(by))}
    assert found["clock"].mark is mark
    assert words in found["clock"].says


# --- the command ---


async def test_the_exit_code_and_the_lines_follow_the_findings(idle: House) -> None:
    code, out, _ = await run_beside("check", *settings_of(idle))
    assert code == 0
    assert all(line[:4] in {"ok  ", "note"} for line in out.splitlines()), out
    code, out, _ = await run_beside("check", *settings_of(idle), "--set", "cloud.api_token=not-this-token")
    assert code == 1
    assert [line for line in out.splitlines() if line.startswith("FAIL")] == [
        "FAIL cloud          Blue Current refuses the API token. Make a new one on my.bluecurrent.nl (settings, advanced)."
    ]
    code, out, err = await run_beside("check", "--set", "mqtt.prot=1")
    assert (code, out) == (2, "")
    assert err == "command line: mqtt.prot: unknown key; did you mean mqtt.port?\n"


def test_a_storage_folder_that_cannot_be_made_is_found(broker: TestBroker) -> None:
    Path("occupied").write_text("")
    done = run("check", "--set", f"mqtt.host={broker.host}", "--set", f"mqtt.port={broker.port}",
               "--set", "storage.path=occupied/bridge.db", "--set", f"cloud.url=ws://127.0.0.1:{free_port()}/")  # fmt: skip
    assert done.returncode == 1
    assert "FAIL storage" in done.stdout
    assert "occupied is not a folder" in done.stdout
    assert "ok   broker" in done.stdout
    assert done.stderr == ""


async def test_the_redacted_dump_is_private_and_numbered(house: House, tmp_path: Path) -> None:
    house.cloud.single_connection = True
    file = tmp_path / "dump.json"
    storage = ["--set", f"storage.path={house.settings.storage.path}"]
    code, out, _ = await run_beside("check", *settings_of(house), *storage, "--redacted-dump", str(file))
    assert code == 0
    assert out.splitlines()[-1] == "numbered. Read the file before you send it."
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    text = file.read_text()
    content = json.loads(text)
    assert list(content) == ["made_at", "versions", "settings", "check", "storage"]
    assert list(content["storage"]["charge_points"]) == ["BCU000001", "BCU000002"]
    assert content["storage"]["charge_points"]["BCU000002"]["model"] == "U:MOVE16"
    assert "GRIDBCU000002" in content["storage"]["things"]
    for private in ("simulated-api-token", "102728", "100186", "Driveway", "Carport", "046C8CCA8C1D90", "A1B2C3D4E5F6",
                    "NL-ANW-CZPYJFFML-3", "House card", str(tmp_path)):  # fmt: skip
        assert private not in text, private

    before = file.read_text()
    code, out, err = await run_beside("check", *settings_of(house), "--redacted-dump", str(file))
    assert (code, out) == (1, "")
    assert err == f"{file} exists already and is not overwritten. Name another file.\n"
    assert file.read_text() == before
    nowhere = tmp_path / "nowhere" / "dump.json"
    code, out, err = await run_beside("check", *settings_of(house), "--redacted-dump", str(nowhere))
    assert code == 1
    assert err == f"{nowhere} cannot be written: No such file or directory\n"


async def test_a_stored_login_is_used(idle: House) -> None:
    storage = Storage(idle.settings.storage.path)
    storage.save_value("login", "simulated-api-token")
    storage.close()
    found = await look(with_(idle, cloud={"api_token": None}))
    assert found["cloud"].mark is Mark.OK
    idle.settings.storage.path.unlink()
    assert (await look(with_(idle, cloud={"api_token": None})))["token"].mark is Mark.FAIL
