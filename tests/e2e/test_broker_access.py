"""User names, passwords, TLS and client certificates with mosquitto in a container, and the log lines of failures."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr

from bridge.hub.broker import TIMEOUT_S
from tests.brokers import TestBroker, engine_runs, mosquitto_container, password_line
from tests.e2e.containers.conftest import missing
from tests.harness import PATIENCE_S, House, make_house

pytestmark = pytest.mark.containers

OPEN, NAMED, SECURE, ELSEWHERE, CERTIFIED = 1883, 1884, 8883, 8884, 8885
LISTENERS = """
per_listener_settings true
set_tcp_nodelay true
persistence false

listener 1883
allow_anonymous true

listener 1884
allow_anonymous false
password_file /mosquitto/config/users

listener 8883
allow_anonymous true
certfile /mosquitto/config/here.pem
keyfile /mosquitto/config/here.key

listener 8884
allow_anonymous true
certfile /mosquitto/config/elsewhere.pem
keyfile /mosquitto/config/elsewhere.key

listener 8885
allow_anonymous true
certfile /mosquitto/config/here.pem
keyfile /mosquitto/config/here.key
cafile /mosquitto/config/ca.pem
require_certificate true
"""
HERE = "127.0.0.1"
PASSWORD = "the right password"


@dataclass(frozen=True)
class Guarded:
    """A broker with a listener for each kind of access."""

    host: str
    ports: Mapping[int, int]
    folder: Path

    @property
    def open(self) -> TestBroker:
        """The listener of the hub's ear."""
        return TestBroker(self.host, self.ports[OPEN], "container")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    """The broker, with certificates made for it."""
    if not engine_runs():
        missing("no container engine answers (docker info)")
    folder = tmp_path_factory.mktemp("guarded")
    ca = trustme.CA()
    ca.cert_pem.write_to_path(folder / "ca.pem")
    trustme.CA().cert_pem.write_to_path(folder / "other-ca.pem")
    issued = {
        "here": ca.issue_cert(HERE),
        "elsewhere": ca.issue_cert("broker.invalid"),
        "client": ca.issue_cert("bridge"),
    }
    for name, certificate in issued.items():
        certificate.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        certificate.private_key_pem.write_to_path(folder / f"{name}.key")
    (folder / "users").write_text(password_line("bridge", PASSWORD))
    (folder / "mosquitto.conf").write_text(LISTENERS)
    with mosquitto_container(folder, OPEN, NAMED, SECURE, ELSEWHERE, CERTIFIED) as (_, ports):
        yield Guarded(HERE, ports, folder)


@contextlib.asynccontextmanager
async def bridge(guarded: Guarded, folder: Path, listener: int, **mqtt: Any) -> AsyncIterator[House]:
    """A bridge at that listener."""
    options = {"port": guarded.ports[listener], **mqtt}
    async with make_house(guarded.open, folder, start=False, mqtt=options) as house:
        await house.start(wait=False)
        yield house


async def reason(house: House) -> str:
    """The reason in the log why the broker refuses the bridge."""
    async with asyncio.timeout(TIMEOUT_S + PATIENCE_S):
        while True:
            for line in house.log_lines():
                if line["event"] == "connection to the broker is down":
                    return str(line["reason"])
            await asyncio.sleep(0.02)


async def test_the_right_password_connects(guarded: Guarded, tmp_path: Path) -> None:
    async with bridge(guarded, tmp_path, NAMED, username="bridge", password=SecretStr(PASSWORD)) as house:
        await house.ready()
    assert PASSWORD not in house.log.getvalue()


@pytest.mark.parametrize(
    "credentials",
    [
        {},
        {"username": "bridge", "password": SecretStr("wrong")},
        {"username": "nobody", "password": SecretStr(PASSWORD)},
    ],
    ids=["none", "password", "name"],
)
async def test_wrong_credentials_name_the_setting(
    guarded: Guarded, tmp_path: Path, credentials: dict[str, Any]
) -> None:
    async with bridge(guarded, tmp_path, NAMED, **credentials) as house:
        said = await reason(house)
    assert "refuses the user name or the password" in said
    assert "mqtt.username" in said


async def test_a_private_authority_is_trusted_when_configured(guarded: Guarded, tmp_path: Path) -> None:
    async with bridge(guarded, tmp_path, SECURE, tls=True, ca_file=guarded.folder / "ca.pem") as house:
        await house.ready()


@pytest.mark.parametrize("authority", [None, "other-ca.pem"], ids=["none", "another"])
async def test_a_wrong_authority_names_the_setting(guarded: Guarded, tmp_path: Path, authority: str | None) -> None:
    ca_file = guarded.folder / authority if authority is not None else None
    async with bridge(guarded, tmp_path, SECURE, tls=True, ca_file=ca_file) as house:
        said = await reason(house)
    assert "no secure connection" in said
    assert "mqtt.ca_file" in said


async def test_another_host_name_names_the_setting(guarded: Guarded, tmp_path: Path) -> None:
    async with bridge(guarded, tmp_path, ELSEWHERE, tls=True, ca_file=guarded.folder / "ca.pem") as house:
        said = await reason(house)
    assert "mqtt.tls_insecure" in said


async def test_the_check_of_the_host_name_can_be_skipped(guarded: Guarded, tmp_path: Path) -> None:
    ca_file = guarded.folder / "ca.pem"
    async with bridge(guarded, tmp_path, ELSEWHERE, tls=True, ca_file=ca_file, tls_insecure=True) as house:
        await house.ready()


async def test_skipping_the_host_name_check_does_not_trust_another_authority(guarded: Guarded, tmp_path: Path) -> None:
    ca_file = guarded.folder / "other-ca.pem"
    async with bridge(guarded, tmp_path, ELSEWHERE, tls=True, ca_file=ca_file, tls_insecure=True) as house:
        assert "mqtt.ca_file" in await reason(house)


async def test_a_client_certificate_connects(guarded: Guarded, tmp_path: Path) -> None:
    files = {name: guarded.folder / file for name, file in
             (("ca_file", "ca.pem"), ("cert_file", "client.pem"), ("key_file", "client.key"))}  # fmt: skip
    async with bridge(guarded, tmp_path, CERTIFIED, tls=True, **files) as house:
        await house.ready()


async def test_a_missing_client_certificate_names_the_setting(guarded: Guarded, tmp_path: Path) -> None:
    async with bridge(guarded, tmp_path, CERTIFIED, tls=True, ca_file=guarded.folder / "ca.pem") as house:
        assert "mqtt.cert_file" in await reason(house)


async def test_a_missing_file_is_named(guarded: Guarded, tmp_path: Path) -> None:
    async with bridge(guarded, tmp_path, SECURE, tls=True, ca_file=tmp_path / "missing.pem") as house:
        said = await reason(house)
    assert "missing.pem" in said
    assert "mqtt.ca_file" in said
