"""The one MQTT connection: commands in, events out, kept open."""

import asyncio
import re
import socket
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NoReturn

import aiomqtt
from structlog.typing import FilteringBoundLogger

from bridge.backoff import backoff
from bridge.clock import Clock
from bridge.hub.outbox import Entry, Outbox
from bridge.logs import Once
from bridge.settings import MqttSettings
from bridge.tasks import end

KEEPALIVE_S: Final = 30
TIMEOUT_S: Final = 10.0
QOS: Final = 1
# Messages are small and follow each other: with Nagle's algorithm each would wait for the other side's delayed
# acknowledgement, some 40 ms.
AT_ONCE: Final = ((socket.IPPROTO_TCP, socket.TCP_NODELAY, 1),)
REFUSED: Final = 0x80  # MQTT 3.1.1, 3.9.3: the code of a subscription that was not granted
STABLE_AFTER: Final = timedelta(seconds=30)
"""How long a connection must have been up for the back-off to begin anew."""

LONGEST_WAIT_S: Final = 30.0
"""The longest wait between two tries: a broker is near and counts no requests, and commands wait for it.

Not above STABLE_AFTER: two programs with one client id push each other off, and would begin anew each time.
"""

HEAR_OUT_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """Whether the connection is up, since when, and what keeps it from being so."""

    up: bool
    since: datetime
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that came from the broker."""

    path: str
    payload: bytes
    retained: bool


class _Renew(Exception):
    """The connection is to be made anew, in good order."""


class Broker:
    """The connection to the hub's broker.

    Args:
        settings: where it is and how to get in.
        subscriptions: the topic filters of the commands.
        outbox: what to publish.
        will: gives the topic and payload that the broker publishes if the bridge vanishes.
        on_message: takes what comes, at once and without waiting.
        on_connect: is told of every connection, and whether it was only renewed for the will's sake.
        on_change: is told whenever the status changes.
        clock: tells the time and waits.
        jitter: gives a random number from 0 to 1.
        log: where to say what happens.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        subscriptions: Sequence[str],
        outbox: Outbox,
        will: Callable[[], tuple[str, bytes]],
        on_message: Callable[[Arrival], None],
        on_connect: Callable[[bool], None],
        on_change: Callable[[BrokerStatus], None],
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        self._settings = settings
        self._subscriptions = subscriptions
        self._outbox = outbox
        self._will = will
        self._on_message = on_message
        self._on_connect = on_connect
        self._on_change = on_change
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._once = Once()
        self.status = BrokerStatus(up=False, since=clock.now())

    async def run(self) -> NoReturn:
        """Keep the connection open for ever."""
        attempt, renewed = 0, False
        while True:
            try:
                await self._connect(renewed=renewed)
            except _Renew:
                renewed = True
                continue
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                renewed = False
                stable = self.status.up and self._clock.now() - self.status.since >= STABLE_AFTER
                delay = backoff(0 if stable else attempt, self._jitter(), LONGEST_WAIT_S)
                attempt = 1 if stable else attempt + 1
                problem = self._explain(error)
                self._change(up=False, problem=problem)
                if self._once.first(("down", problem)):
                    self._log.warning("connection to the broker is down", reason=problem, next_try_s=round(delay, 1))
                await self._clock.sleep(delay)

    async def _connect(self, *, renewed: bool) -> None:
        self._outbox.forget_renewals()
        topic, payload = self._will()
        client = aiomqtt.Client(
            self._settings.host,
            self._settings.port,
            username=self._settings.username,
            password=reveal(self._settings),
            identifier=self._settings.client_id,
            # The broker keeps the session, so that a command sent during a short break is not lost.
            clean_session=False,
            will=aiomqtt.Will(topic, payload, qos=QOS),
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            tls_context=tls_context(self._settings) if self._settings.tls else None,
            socket_options=AT_ONCE,
        )
        reading: asyncio.Future[None] | None = None
        try:
            async with client:
                reading = asyncio.ensure_future(self._read(client))
                await self._subscribe(client)
                if not renewed:
                    self._outbox.forget_reports()  # everything is said again, by `on_connect`
                    self._once.forget("down")
                    self._log.info("connected to the broker", host=self._settings.host, port=self._settings.port)
                self._change(up=True, problem=None)
                self._on_connect(renewed)
                await self._write_while(reading, client)
        except (_Renew, aiomqtt.MqttError):
            # What has come is acknowledged, and the broker will not send it again: it is heard out. The reading ends
            # by itself, once the connection is closed and nothing is left.
            if reading is not None:
                await asyncio.wait([reading], timeout=HEAR_OUT_S)
            raise
        finally:
            if reading is not None:
                await end(reading)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        granted = await client.subscribe([(topic, QOS) for topic in self._subscriptions])
        for topic, answer in zip(self._subscriptions, granted, strict=False):
            if (answer if isinstance(answer, int) else int(getattr(answer, "value", 0))) >= REFUSED:
                raise aiomqtt.MqttError(f"the broker does not let this user subscribe to {topic}")

    async def _write_while(self, reading: asyncio.Future[None], client: aiomqtt.Client) -> None:
        """Publish until that fails, or the connection is to be renewed, or the reading has ended."""
        writing = asyncio.ensure_future(self._write(client))
        try:
            done, _ = await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(writing)

    async def _read(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            try:
                self._on_message(Arrival(str(message.topic), bytes(message.payload), message.retain))
            except Exception:
                self._log.exception("a message could not be handled", topic=str(message.topic))

    async def _write(self, client: aiomqtt.Client) -> None:
        while True:
            entry = await self._outbox.first()
            if not isinstance(entry, Entry):
                self._outbox.done(entry)
                raise _Renew
            await client.publish(entry.path, entry.message.to_bytes(entry.payload_type), qos=QOS)
            self._outbox.done(entry)

    def _change(self, *, up: bool, problem: str | None) -> None:
        if (up, problem) == (self.status.up, self.status.problem):
            return
        since = self.status.since if up == self.status.up else self._clock.now()
        self.status = BrokerStatus(up, since, problem)
        self._on_change(self.status)

    def _explain(self, error: Exception) -> str:
        where = self._settings.where
        return explain(error, where)


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
        (
            "disconnect",
            "{where} closed the connection; if this repeats, another program may use the same mqtt.client_id",
        ),
        (  # with TLS 1.3 a broker that misses the client's certificate falls silent
            "timed out|timeout",
            "{where} does not answer: see mqtt.host, mqtt.port and mqtt.tls, and mqtt.cert_file if it asks for one",
        ),
        ("", "{where}: {error}"),
    )
)


def explain(error: Exception, where: str) -> str:
    """What is wrong with the way to the broker, and which setting to look at."""
    text = str(error) or type(error).__name__
    hint = next(hint for pattern, hint in _HINTS if pattern.search(text))
    return hint.format(where=where, error=text)


def tls_context(settings: MqttSettings) -> ssl.SSLContext:
    """How to reach a broker by TLS.

    Raises:
        OSError: a certificate or key file cannot be read.
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
    """The password in the clear, for the one place that needs it."""
    return settings.password.get_secret_value() if settings.password is not None else None
