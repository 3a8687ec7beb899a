"""Certificates that are not to be trusted: the one line that a person reads, for the broker and for the cloud."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from tests.brokers import TestBroker
from tests.conftest import HouseMaker
from tests.harness import House

PAST = datetime(2020, 1, 1, tzinfo=UTC)
FUTURE = datetime(2037, 1, 1, tzinfo=UTC)


@contextlib.asynccontextmanager
async def terminated(certificate: trustme.LeafCert, host: str, port: int) -> AsyncIterator[int]:
    """A TLS server that passes everything on to `host:port` in the clear."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    certificate.configure_cert(context)

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        sink.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(pump(reader, far_writer), pump(far_reader, writer))

    server = await asyncio.start_server(serve, "127.0.0.1", ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


Certificates = Callable[[trustme.CA], trustme.LeafCert]


def right(authority: trustme.CA) -> trustme.LeafCert:
    """One that is to be trusted."""
    return authority.issue_cert("localhost")


def expired(authority: trustme.CA) -> trustme.LeafCert:
    """One that has expired."""
    return authority.issue_cert("localhost", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=PAST)


def early(authority: trustme.CA) -> trustme.LeafCert:
    """One that is not valid yet."""
    return authority.issue_cert("localhost", not_before=FUTURE)


def elsewhere(authority: trustme.CA) -> trustme.LeafCert:
    """One for another host."""
    return authority.issue_cert("hub.example")


def foreign(_: trustme.CA) -> trustme.LeafCert:
    """One of another authority."""
    return trustme.CA().issue_cert("localhost")


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> trustme.CA:
    """The authority that this machine trusts."""
    made = trustme.CA()
    made.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    return made


async def complaint(house: House, event: str) -> str:
    """The reason in the one line of the log that says that something is down."""

    def found() -> list[str]:
        return [str(line["reason"]) for line in house.log_lines() if line["event"] == event]

    await house.start(wait=False)
    await house.hub.until(lambda: bool(found()))
    (reason,) = set(found())
    assert "\n" not in reason
    assert "Traceback" not in house.log.getvalue()
    return reason


@pytest.mark.parametrize("named", [True, False], ids=["private authority", "authority of the system"])
async def test_the_right_authority_passes_at_both_ends(
    build: HouseMaker, broker: TestBroker, authority: trustme.CA, tmp_path: Path, named: bool
) -> None:
    async with build(start=False) as house:
        cloud_port = int(house.settings.cloud.url.rpartition(":")[2].partition("/")[0])
        async with (
            terminated(right(authority), broker.host, broker.port) as near,
            terminated(right(authority), "127.0.0.1", cloud_port) as far,
        ):
            ca_file = tmp_path / "ca.pem" if named else None
            mqtt = {"host": "localhost", "port": near, "tls": True, "ca_file": ca_file}
            house.settings = house.settings.model_copy(
                update={
                    "mqtt": house.settings.mqtt.model_copy(update=mqtt),
                    "cloud": house.settings.cloud.model_copy(update={"url": f"wss://localhost:{far}/haserver"}),
                }
            )
            await house.start()
            await house.stop()


BROKER_SAYS = {
    expired: "the certificate of {where} has expired: renew it on the broker, or correct the clock of this machine",
    early: "the certificate of {where} is not valid yet: correct the clock of this machine or of the broker",
    elsewhere: "the certificate of {where} is for another host",
    foreign: "no secure connection to {where}",
}
BROKER_CURES = {elsewhere: "mqtt.tls_insecure", foreign: "see mqtt.tls and mqtt.ca_file"}


@pytest.mark.parametrize("made", BROKER_SAYS, ids=lambda made: made.__name__)
async def test_the_broker_with_another_certificate_is_one_clear_line(
    build: HouseMaker, broker: TestBroker, authority: trustme.CA, tmp_path: Path, made: Certificates
) -> None:
    async with terminated(made(authority), broker.host, broker.port) as port:
        mqtt = {"host": "localhost", "port": port, "tls": True, "ca_file": tmp_path / "ca.pem"}
        async with build(start=False, mqtt=mqtt) as house:
            said = await complaint(house, "connection to the broker is down")
    assert said.startswith(BROKER_SAYS[made].format(where=f"localhost:{port}"))
    assert said.endswith(BROKER_CURES.get(made, ""))


CLOUD_SAYS = {
    expired: "its certificate has expired. Check the clock of this machine",
    early: "its certificate is not valid yet. Check the clock of this machine",
    elsewhere: "its certificate is for another host. Check cloud.url, and whether",
    foreign: "its certificate is not trusted (unable to get local issuer certificate). Check whether",
}


@pytest.mark.parametrize("made", CLOUD_SAYS, ids=lambda made: made.__name__)
async def test_a_cloud_with_another_certificate_is_one_clear_line(
    build: HouseMaker, authority: trustme.CA, made: Certificates
) -> None:
    async with build(start=False) as house:
        port = int(house.settings.cloud.url.rpartition(":")[2].partition("/")[0])
        async with terminated(made(authority), "127.0.0.1", port) as far:
            cloud = house.settings.cloud.model_copy(update={"url": f"wss://localhost:{far}/haserver"})
            house.settings = house.settings.model_copy(update={"cloud": cloud})
            said = await complaint(house, "link to Blue Current is down")
            assert house.cloud.handshakes == 0  # nothing was sent
    assert said.startswith(f"Blue Current cannot be reached: {CLOUD_SAYS[made]}")
