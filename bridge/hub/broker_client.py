"""The MQTT client of the service: it publishes at little cost, and gives up a connection that is not answered."""

import asyncio
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Final, NoReturn, Self

import aiomqtt
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.hub.connection import visitor_access
from bridge.settings import MqttSettings

if TYPE_CHECKING:
    from paho.mqtt.client import Client, DisconnectFlags, MQTTMessage, SocketLike

_NO_PROPERTIES: Final = Properties(PacketTypes.PUBACK)  # type: ignore[no-untyped-call] # paho leaves it untyped
_ACCEPTED: Final = ReasonCode(PacketTypes.PUBACK), _NO_PROPERTIES

CLOSED_UNANSWERED: Final = "closed the connection before it answered"
NOT_ANSWERED: Final = "timed out: the connection is not answered"

ACKNOWLEDGE_AFTER_S: Final = 0.001
"""How long after it is received a message is acknowledged, s. A query is answered by then, so the answer goes first."""


class BrokerClient(aiomqtt.Client):
    """A client of `aiomqtt` that publishes and receives without a task, a queue or a timeout for each message.

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
        self._client.manual_ack_set(True)  # `_on_message` acknowledges
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
        del userdata
        self.received(message.topic, bytes(message.payload), message.retain)
        self._loop.call_later(ACKNOWLEDGE_AFTER_S, client.ack, message.mid, message.qos)

    @cached_property
    def _sent(self) -> dict[int, Callable[[], None]]:
        """The function to call at the acknowledgement of each published message, by the number of the message."""
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
    """Mark the failure of a connection as retrieved: asyncio would log one that nobody waits for any more."""
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
    """Whether the broker accepts another connection, with a random client id, no kept session and no will."""
    visitor = BrokerClient(**visitor_access(settings), timeout=timeout)
    try:
        async with asyncio.timeout(timeout), visitor:  # the timeout of the client begins after the TLS handshake
            return True
    except (aiomqtt.MqttError, OSError, ValueError):
        return False
