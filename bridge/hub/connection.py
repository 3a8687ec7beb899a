"""How clients reach the broker: the address, the login and TLS, and a hint for each kind of failure."""

import re
import socket
import ssl
from typing import Final, TypedDict
from uuid import uuid4

from bridge.settings import MqttSettings

LOGIN_REFUSED: Final = "refuses the user name or the password"

# Messages are small and frequent. With Nagle's algorithm each would wait for the peer's delayed acknowledgement, about
# 40 ms.
NO_DELAY: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)

_HINTS: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), hint)
    for pattern, hint in (
        (r"^mqtt\.", "{error}"),
        ("not authori[sz]ed|bad user ?name", f"{{where}} {LOGIN_REFUSED}: see mqtt.username"),
        (
            "certificate.required|handshake failure",
            "{where} asks for a client certificate ({error}): see mqtt.cert_file and mqtt.key_file",
        ),
        (
            "mismatch|doesn't match",
            "the certificate of {where} is for another host ({error}): see mqtt.host, or allow it: mqtt.tls_insecure",
        ),
        (
            "has expired",
            "the certificate of {where} has expired: renew it on the broker, or correct the clock of this machine",
        ),
        (
            "not yet valid",
            "the certificate of {where} is not valid yet: correct the clock of this machine or of the broker",
        ),
        ("certificate|ssl|tls", "no secure connection to {where} ({error}): see mqtt.tls and mqtt.ca_file"),
        ("refused", "nothing listens on {where}: see mqtt.host and mqtt.port"),
        ("name or service|name resolution|no address", "there is no such host as in {where}: see mqtt.host"),
        ("subscribe", "{error}"),
        (  # with TLS 1.3 a broker that requires a client certificate closes the connection after the handshake
            "before it answered",
            "{where} {error}: it is starting, or is no MQTT broker; see mqtt.port, mqtt.tls, and mqtt.cert_file",
        ),
        (
            "disconnect",
            (
                "{where} closed the connection; if this repeats, another program uses the same mqtt.client_id, or a "
                "message is too large for the broker, and is named here after a few attempts"
            ),
        ),
        (
            "timed out|timeout",
            "{where} does not answer: see mqtt.host, mqtt.port and mqtt.tls, and mqtt.cert_file if it asks for one",
        ),
        ("", "{where}: {error}"),
    )
)


def explain(error: Exception, where: str) -> str:
    """Describe a connection failure in one sentence that names the setting to check.

    Args:
        error: the failure, from paho, the socket or `ssl`.
        where: the broker as `host:port`.
    """
    text = str(error) or type(error).__name__
    hint = next(hint for pattern, hint in _HINTS if pattern.search(text))
    return hint.format(where=where, error=text)


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """Return the TLS context for the configured CA, client certificate and host-name check.

    Raises:
        OSError: a certificate or key file cannot be read; the text names the setting.
    """
    ca_file, cert_file, key_file = settings.ca_file, settings.cert_file, settings.key_file
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise OSError(f"mqtt.ca_file: {ca_file} cannot be used: {error}") from error
    if settings.tls_insecure:
        context.check_hostname = False
    if cert_file is not None:
        try:
            # Without a password OpenSSL would ask for that of an encrypted key on the terminal, and wait.
            context.load_cert_chain(cert_file, key_file, password="")
        except OSError as error:
            raise OSError(f"mqtt.cert_file, mqtt.key_file: {cert_file}, {key_file} cannot be used: {error}") from error
    return context


class Access(TypedDict):
    """The arguments of `aiomqtt.Client` that every client of the bridge has."""

    hostname: str
    port: int
    username: str | None
    password: str | None
    tls_context: ssl.SSLContext | None
    socket_options: tuple[tuple[int, int, int], ...]


class VisitorAccess(Access):
    """The arguments of a client other than the service's: a random client id, and a session that is not kept."""

    identifier: str
    clean_session: bool


def access(settings: MqttSettings) -> Access:
    """Return the arguments with which every client of the bridge reaches the broker.

    Raises:
        OSError: a certificate or key file cannot be read; the text names the setting.
    """
    return Access(
        hostname=settings.host,
        port=settings.port,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password is not None else None,
        tls_context=tls_context(settings) if settings.tls else None,
        socket_options=NO_DELAY,
    )


def visitor_access(settings: MqttSettings) -> VisitorAccess:
    """Return the arguments of a client other than the service's.

    Its client id is random, since a broker closes the older of two connections with the same id.

    Raises:
        OSError: as `access`.
    """
    identifier = f"{settings.client_id[:14]}-{uuid4().hex[:8]}"  # the 23 characters that any broker takes
    return VisitorAccess(**access(settings), identifier=identifier, clean_session=True)
