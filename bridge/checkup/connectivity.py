"""Checks the connection to a server step by step: name, port, certificate."""

import asyncio
import ipaddress
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bridge.checkup.finding import Finding, fail, ok

NAME_S: Final = 5.0
PORT_S: Final = 5.0
TLS_S: Final = 8.0
OTHER_PORT_S: Final = 1.0
ALERT_S: Final = 0.3
"""The time to wait for an alert after the handshake, s: with TLS 1.3 a missing client certificate shows only there."""

# OpenSSL's X509_V_ERR_ codes, as in `SSLCertVerificationError.verify_code`.
_NOT_YET_VALID: Final = 9
_EXPIRED: Final = 10
_OTHER_NAME: Final = frozenset({62, 64})


@dataclass(frozen=True, slots=True)
class Cures:
    """The cure for each fault of a connection.

    Attributes:
        name: the host name is unknown.
        port: the port does not answer.
        untrusted: the signer of the certificate is unknown.
        expired: the certificate has expired.
        other_name: the certificate is for another host.
        no_tls: the port is open and does not speak TLS.
        own_certificate: the server asks for a client certificate, or refuses the one that it got.
    """

    name: str
    port: str
    untrusted: str
    expired: str
    other_name: str
    no_tls: str
    own_certificate: str


@dataclass(frozen=True, slots=True)
class Server:
    """The checks of the connection to one server.

    Attributes:
        what: the name of the server in findings.
        host: name or address.
        port: the port.
        context: makes the TLS context; None for a plain connection.
        cures: the cures for its faults.
        other_ports: other usual ports of such a server, each with an explanation.
    """

    what: str
    host: str
    port: int
    context: Callable[[], ssl.SSLContext] | None
    cures: Cures
    other_ports: tuple[tuple[int, str], ...] = ()

    @property
    def where(self) -> str:
        """Host and port, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    async def name(self) -> Finding | None:
        """Resolve the host name; None for an address."""
        what = f"{self.what} name"
        if _is_address(self.host):
            return None
        try:
            async with asyncio.timeout(NAME_S):
                found = await asyncio.get_running_loop().getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except TimeoutError:
            return fail(what, f"{self.host}: the name server does not answer. Check this machine's network.")
        except (OSError, UnicodeError):
            return fail(what, f"there is no host {self.host}, or the name server does not answer. {self.cures.name}")
        addresses = dict.fromkeys(str(entry[4][0]) for entry in found)
        return ok(what, f"{self.host} is {', '.join(addresses)}")

    async def open_port(self) -> Finding:
        """Open a connection to the port."""
        what = f"{self.what} port"
        problem = await knock(self.host, self.port, PORT_S)
        if problem is None:
            return ok(what, f"{self.where} is open")
        for port, word in self.other_ports:
            if port != self.port and await knock(self.host, port, OTHER_PORT_S) is None:
                return fail(what, f"{self.where}: {problem}, but something listens on {port}{word}. {self.cures.port}")
        return fail(what, f"{self.where}: {problem}. {self.cures.port}")

    async def certificate(self) -> Finding | None:
        """Make a TLS handshake; None for a plain connection."""
        if self.context is None:
            return None
        what = f"{self.what} TLS"
        try:
            async with asyncio.timeout(TLS_S):
                reader, writer = await asyncio.open_connection(
                    self.host, self.port, ssl=self.context(), server_hostname=self.host
                )
            with suppress(TimeoutError):
                async with asyncio.timeout(ALERT_S):
                    await reader.read(1)
        except OSError as error:
            return fail(what, self._explain(error))
        certificate = writer.get_extra_info("peercert") or {}
        version = writer.get_extra_info("ssl_object").version()
        writer.close()
        until = _until(certificate.get("notAfter"))
        return ok(what, f"{version}, a certificate that is trusted" + (f" until {until:%Y-%m-%d}" if until else ""))

    def _explain(self, error: OSError) -> str:
        match error:
            case TimeoutError():
                return f"{self.where} does not answer a secure connection. {self.cures.no_tls}"
            case ssl.SSLCertVerificationError():
                return self._explain_certificate(error)
            case ssl.SSLError(reason=reason):
                words = (reason or str(error)).lower().replace("_", " ")
                if "certificate required" in words or "handshake failure" in words:
                    return f"{self.where} requires a client certificate. {self.cures.own_certificate}"
                return f"no secure connection to {self.where} ({words}). {self.cures.no_tls}"
            case _:
                return f"{self.where} closed the secure connection at once. {self.cures.no_tls}"

    def _explain_certificate(self, error: ssl.SSLCertVerificationError) -> str:
        if error.verify_code == _EXPIRED:
            return f"the certificate of {self.where} has expired. {self.cures.expired}"
        if error.verify_code == _NOT_YET_VALID:
            return f"the certificate of {self.where} is not valid yet: the clock of this machine may be wrong."
        if error.verify_code in _OTHER_NAME:
            return f"the certificate of {self.where} is for another name. {self.cures.other_name}"
        words = re.sub(r"^certificate verify failed:? ?", "", error.verify_message)
        return f"the certificate of {self.where} is not trusted ({words}). {self.cures.untrusted}"


async def knock(host: str, port: int, patience: float) -> str | None:
    """Connect and disconnect. Return the fault, or None."""
    try:
        async with asyncio.timeout(patience):
            _, writer = await asyncio.open_connection(host, port)
    except TimeoutError:
        return "no answer"
    except ConnectionRefusedError:
        return "nothing listens there"
    except OSError as error:
        return "nothing listens there" if "refused" in str(error).lower() else (error.strerror or str(error)).lower()
    writer.close()
    return None


async def speaks_tls(host: str, port: int) -> bool:
    """Whether a port speaks TLS; the certificate is not verified."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent over this connection
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(TLS_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.close()
        return True
    return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _until(text: object) -> datetime | None:
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(text), UTC) if isinstance(text, str) else None
