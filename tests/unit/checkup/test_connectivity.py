"""The connection checks, with real sockets and certificates."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from bridge.checkup.connectivity import Cures, Server, knock, speaks_tls
from bridge.checkup.finding import Finding, Mark
from bridge.commandline.embedded_broker import free_port

CURES = Cures("CURE NAME", "CURE PORT", "CURE UNTRUSTED", "CURE EXPIRED", "CURE OTHER NAME", "CURE NO TLS", "CURE OWN")


def way(host: str, port: int, context: Callable[[], ssl.SSLContext] | None = None, *others: int) -> Server:
    return Server("broker", host, port, context, CURES, tuple((other, ", WORD") for other in others))


@asynccontextmanager
async def listening(context: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def silent() -> AsyncIterator[int]:
    """A server that accepts connections and sends nothing."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def says(finding: Finding | None) -> tuple[Mark, str]:
    assert finding is not None
    return finding.mark, finding.says


# --- name ---


async def test_a_host_name_is_looked_up() -> None:
    mark, text = says(await way("localhost", 1).name())
    assert mark is Mark.OK
    assert "127.0.0.1" in text or "::1" in text


async def test_an_ip_address_needs_no_lookup() -> None:
    assert await way("127.0.0.1", 1).name() is None
    assert await way("::1", 1).name() is None


@pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".invalid"])
async def test_an_unknown_host_name_is_found(host: str) -> None:
    mark, text = says(await way(host, 1).name())
    assert mark is Mark.FAIL
    assert text.startswith(f"there is no host {host}")
    assert text.endswith("CURE NAME")


async def test_a_silent_name_server_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", never)
    monkeypatch.setattr("bridge.checkup.connectivity.NAME_S", 0.05)
    assert "does not answer" in says(await way("hub.local", 1).name())[1]


# --- port ---


async def test_an_open_port_is_ok() -> None:
    async with listening() as port:
        assert says(await way("127.0.0.1", port).open_port()) == (Mark.OK, f"127.0.0.1:{port} is open")


async def test_a_closed_port_is_found() -> None:
    port = free_port()
    expected = f"127.0.0.1:{port}: nothing listens there. CURE PORT"
    assert says(await way("127.0.0.1", port).open_port()) == (Mark.FAIL, expected)
    assert says(await way("localhost", port).open_port())[1].startswith(f"localhost:{port}: nothing listens there.")


async def test_an_open_port_is_suggested_for_a_closed_one() -> None:
    async with listening() as other:
        port = free_port()
        found = says(await way("127.0.0.1", port, None, port, other).open_port())
        text = f"127.0.0.1:{port}: nothing listens there, but something listens on {other}, WORD. CURE PORT"
        assert found == (Mark.FAIL, text)


async def test_a_port_check_has_a_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: object) -> None:
        await asyncio.sleep(60)

    monkeypatch.setattr(asyncio, "open_connection", never)
    assert await knock("127.0.0.1", 1, 0.05) == "no answer"


# --- certificate ---


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def trusting(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        authority.configure_trust(made)
        return made

    return context


async def test_a_plain_connection_has_no_certificate() -> None:
    assert await way("127.0.0.1", 1).certificate() is None


async def test_a_trusted_certificate_is_ok() -> None:
    authority = trustme.CA()
    until = datetime(2035, 5, 1, tzinfo=UTC)
    async with listening(serving(authority.issue_cert("localhost", not_after=until))) as port:
        mark, text = says(await way("localhost", port, trusting(authority)).certificate())
    assert (mark, text) == (Mark.OK, "TLSv1.3, a certificate that is trusted until 2035-05-01")


async def test_a_certificate_of_an_unknown_authority_is_found() -> None:
    async with listening(serving(trustme.CA().issue_cert("localhost"))) as port:
        mark, text = says(await way("localhost", port, ssl.create_default_context).certificate())
    assert mark is Mark.FAIL
    assert text.startswith(f"the certificate of localhost:{port} is not trusted (")
    assert text.endswith("CURE UNTRUSTED")


async def test_an_expired_certificate_is_found() -> None:
    authority = trustme.CA()
    past = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = authority.issue_cert("localhost", not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=past)
    async with listening(serving(certificate)) as port:
        found = says(await way("localhost", port, trusting(authority)).certificate())
    assert found == (Mark.FAIL, f"the certificate of localhost:{port} has expired. CURE EXPIRED")


async def test_a_certificate_that_is_not_valid_yet_is_found() -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", not_before=datetime(2037, 1, 1, tzinfo=UTC))
    async with listening(serving(certificate)) as port:
        mark, text = says(await way("localhost", port, trusting(authority)).certificate())
    assert mark is Mark.FAIL
    assert "the clock of this machine may be wrong" in text


async def test_a_certificate_for_another_name_is_found() -> None:
    authority = trustme.CA()
    async with listening(serving(authority.issue_cert("hub.example"))) as port:
        for host in ("localhost", "127.0.0.1"):
            found = says(await way(host, port, trusting(authority)).certificate())
            expected = f"the certificate of {host}:{port} is for another name. CURE OTHER NAME"
            assert found == (Mark.FAIL, expected)


async def test_a_port_without_tls_is_found() -> None:
    async with listening() as port:  # closes at once, as MQTT brokers do
        mark, text = says(await way("127.0.0.1", port, ssl.create_default_context).certificate())
    assert mark is Mark.FAIL
    assert text.endswith("CURE NO TLS")


async def test_a_port_that_never_answers_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.checkup.connectivity.TLS_S", 0.1)
    async with silent() as port:
        mark, text = says(await way("127.0.0.1", port, ssl.create_default_context).certificate())
    assert (mark, text) == (Mark.FAIL, f"127.0.0.1:{port} does not answer a secure connection. CURE NO TLS")


async def test_a_port_with_tls_is_recognised(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bridge.checkup.connectivity.TLS_S", 0.5)
    async with listening(serving(trustme.CA().issue_cert("elsewhere"))) as port:
        assert await speaks_tls("127.0.0.1", port)
    async with silent() as port:
        assert not await speaks_tls("127.0.0.1", port)
    assert not await speaks_tls("127.0.0.1", free_port())
