"""Connecting to the broker: the TLS context, the password, and a hint for each kind of failure. Pure but for files."""

import re
import ssl
from typing import TYPE_CHECKING, Final

import aiomqtt

from bridge.settings import MqttSettings

if TYPE_CHECKING:
    from paho.mqtt.client import Client, DisconnectFlags
    from paho.mqtt.properties import Properties
    from paho.mqtt.reasoncodes import ReasonCode

LOGIN_REFUSED: Final = "refuses the user name or the password"

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
            "{where} closed the connection; if this repeats, another program may use the same mqtt.client_id",
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
    """The TLS context for the configured CA, client certificate and host-name check.

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
            context.load_cert_chain(cert_file, key_file)
        except OSError as error:
            raise OSError(f"mqtt.cert_file, mqtt.key_file: {cert_file}, {key_file} cannot be used: {error}") from error
    return context


def reveal(settings: MqttSettings) -> str | None:
    """The broker password in plain text, for the MQTT client only; None if none is set."""
    return settings.password.get_secret_value() if settings.password is not None else None


class BrokerClient(aiomqtt.Client):
    """The client, which notices that the broker closes the connection before it has answered CONNECT.

    By itself `aiomqtt` waits for its whole timeout then.
    """

    def _on_disconnect(
        self,
        client: "Client",
        userdata: object,
        flags: "DisconnectFlags",
        reason_code: "ReasonCode",
        properties: "Properties | None" = None,
    ) -> None:
        if not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError("closed the connection before it answered"))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)
