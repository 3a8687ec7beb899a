"""Connecting to the broker: the client, the TLS context, the password, and a hint for each kind of failure."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, NoReturn, Self, TypedDict
from uuid import uuid4

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.settings import MqttSettings

if TYPE_CHECKING:
    from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage, SocketLike

_NO_PROPERTIES: Final = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call] # paho leaves it untyped
_ACCEPTED: Final = ReasonCode(PacketTypes.PUBACK), _NO_PROPERTIES

LOGIN_REFUSED: Final = "refuses the user name or the password"
CLOSED_UNANSWERED: Final = "closed the connection before it answered"
NOT_ANSWERED: Final = "timed out: the connection is not answered"

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


class Access(TypedDict):
    """The arguments of `aiomqtt.Client` that every client of the bridge has."""

    hostname: str
    port: int
    username: str | None
    password: str | None
    tls_context: ssl.SSLContext | None
    socket_options: tuple[tuple[int, int, int], ...]


class VisitorAccess(Access):
    """The arguments of a client beside the service's own: a random client id, and a session that is not kept."""

    identifier: str
    clean_session: bool


def access(settings: MqttSettings) -> Access:
    """How any client reaches the broker.

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
    """How a client beside the service's own reaches the broker, which would close that one at a second with its id.

    Raises:
        OSError: as `access`.
    """
    identifier = f"{settings.client_id[:14]}-{uuid4().hex[:8]}"  # the 23 characters that any broker takes
    return VisitorAccess(**access(settings), identifier=identifier, clean_session=True)


class BrokerClient(aiomqtt.Client):
    """The client, which publishes and receives at little cost, and gives up a connection that is not answered.

    By itself `aiomqtt` waits for its whole timeout when the broker closes the connection before it has answered
    CONNECT, and leaves the socket open when that timeout has passed.
    """

    received: Callable[[str, bytes, bool], None]
    """Called with the topic and the payload of each message, and whether the broker had kept it."""

    _unanswered = False
    _awaits_room = False

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            MqttError: the broker cannot be reached, refuses, or does not answer.
        """
        self._client.disable_logger()  # paho formats two lines for each message, which nobody reads
        self._client._handle_pubackcomp = self._handle_puback  # type: ignore[method-assign] # paho has no hook for it
        for future in (self._connected, self._disconnected):
            future.add_done_callback(_see_failure)
        self._unanswered = True
        try:
            return await super().__aenter__()
        except (aiomqtt.MqttError, asyncio.CancelledError):
            self._unanswered = False
            self._client.disconnect()
            raise
        finally:
            self._unanswered = False

    def give_up(self) -> None:
        """End a connection that is not answered, as if its timeout had passed; else do nothing."""
        if self._unanswered and not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError(NOT_ANSWERED))

    async def closed(self) -> NoReturn:
        """Wait until the connection is closed.

        Raises:
            MqttError: it is closed.
        """
        await asyncio.wait([self._disconnected])
        raise aiomqtt.MqttError("Disconnected") from self._disconnected.exception()

    def _on_message(self, client: "Client", userdata: object, message: "MQTTMessage") -> None:
        """Pass a message on at once. A reader of `aiomqtt.Client.messages` gets it by two tasks and a queue."""
        del client, userdata
        self.received(message.topic, bytes(message.payload), message.retain)

    @cached_property
    def _sent(self) -> dict[int, Callable[[], None]]:
        """By the number of each message without an acknowledgement, what to call with it."""
        return {}

    def send(self, topic: str, payload: bytes, acknowledged: Callable[[], None]) -> None:
        """Publish a message at QoS 1 without waiting. It is written by `flush`, or in the next turn of the loop.

        `aiomqtt.Client.publish` waits for the acknowledgement, with an event and a timeout for each message.

        Args:
            topic: the topic.
            payload: the payload.
            acknowledged: called when the broker has acknowledged the message.

        Raises:
            aiomqtt.MqttError: the connection is lost.
            ValueError: MQTT cannot carry the topic or the payload. So does `struct.error`.
        """
        info = self._client.publish(topic, payload, qos=1)
        if info.rc:
            raise aiomqtt.MqttCodeError(info.rc, "Could not publish message")
        self._sent[info.mid] = acknowledged

    def flush(self) -> None:
        """Write what is published."""
        self._write(self._client)

    def _handle_puback(self, cmd: object) -> MQTTErrorCode:
        """Handle a PUBACK. paho makes two objects of MQTT 5 for each, which cost a quarter of the whole message."""
        del cmd  # PUBCOMP answers a message at QoS 2; there are none
        mid = int.from_bytes(self._client._in_packet["packet"][:2], "big")
        if mid not in self._client._out_messages:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        return self._client._do_on_publish(mid, *_ACCEPTED)

    def _on_publish(
        self,
        client: "Client",
        userdata: object,
        mid: int,
        reason_code: ReasonCode,
        properties: Properties,
    ) -> None:
        acknowledged = self._sent.pop(mid, None)
        if acknowledged is not None:
            acknowledged()
        else:
            super()._on_publish(client, userdata, mid, reason_code, properties)

    def _on_socket_register_write(self, client: "Client", userdata: object, sock: "SocketLike") -> None:
        """Write in the next turn of the loop. `aiomqtt` first asks the system whether the socket can take it."""
        del userdata
        try:
            asyncio.get_running_loop().call_soon(self._write, client)
        except RuntimeError:  # CONNECT is sent by another thread
            self._loop.call_soon_threadsafe(self._await_room, client, sock)

    def _await_room(self, client: "Client", sock: "SocketLike") -> None:
        """Write once the system says that the socket can take more. It can be closed by now, and has no number then."""
        if sock.fileno() >= 0:
            self._awaits_room = True
            super()._on_socket_register_write(client, None, sock)

    def _on_socket_open(self, client: "Client", userdata: object, sock: "SocketLike") -> None:
        opened = super()._on_socket_open
        # The socket is opened by another thread, and can be closed before the loop reads from it.
        self._loop.call_soon_threadsafe(lambda: opened(client, userdata, sock) if sock.fileno() >= 0 else None)

    def _on_socket_unregister_write(self, client: "Client", userdata: object, sock: "SocketLike") -> None:
        if self._awaits_room:
            self._awaits_room = False
            super()._on_socket_unregister_write(client, userdata, sock)

    def _write(self, client: "Client") -> None:
        try:
            if client.want_write():
                client.loop_write()
            sock = client.socket()
            if client.want_write() and sock is not None and not self._awaits_room:
                self._await_room(client, sock)
        except Exception as error:  # as in `aiomqtt`: the connection is broken
            if self._unanswered and not self._connected.done():
                self._connected.set_exception(aiomqtt.MqttError(str(error)))
            elif not self._disconnected.done():
                self._disconnected.set_exception(error)

    def _on_disconnect(
        self,
        client: "Client",
        userdata: object,
        flags: "DisconnectFlags",
        reason_code: ReasonCode,
        properties: Properties | None = None,
    ) -> None:
        if self._connected.cancelled():
            return  # nobody waits for this connection any more, and `aiomqtt` would raise the cancellation here
        if self._unanswered and not self._connected.done():
            self._connected.set_exception(aiomqtt.MqttError(CLOSED_UNANSWERED))
        super()._on_disconnect(client, userdata, flags, reason_code, properties)


def _see_failure(future: asyncio.Future[None]) -> None:
    """Mark the failure of a connection as seen: asyncio would log one that comes when nobody waits for it any more."""
    if not future.cancelled():
        future.exception()


async def give_up_once_others_are_answered(client: BrokerClient, settings: MqttSettings, every: float) -> None:
    """Try the broker with further connections while one is not answered; give that one up once another is accepted.

    A proxy or a broker that hung can leave a connection unanswered for good, and answer the next one. The connection
    itself keeps its whole timeout, so a broker or a network that needs longer than `every` is not given up.

    Args:
        client: the connection.
        settings: host, port, TLS and credentials of the broker.
        every: the time between two tries, s.
    """
    loop = asyncio.get_running_loop()
    due = loop.time() + every
    while True:
        await asyncio.sleep(due - loop.time())
        due = loop.time() + every
        if await accepts_another(settings, every):
            client.give_up()


async def accepts_another(settings: MqttSettings, timeout: float) -> bool:
    """Whether the broker accepts another connection, with a client id of its own, no session kept, and no will."""
    visitor = BrokerClient(**visitor_access(settings), timeout=timeout)
    try:
        async with asyncio.timeout(timeout), visitor:  # the timeout of the client begins after the TLS handshake
            return True
    except (aiomqtt.MqttError, OSError, ValueError):
        return False
