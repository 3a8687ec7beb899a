"""The MQTT connection to the hub's broker: it receives commands, publishes reports, and reconnects."""

import asyncio
import struct
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, NoReturn

import aiomqtt
from structlog.typing import FilteringBoundLogger

from bridge.backoff import backoff
from bridge.clock import Clock
from bridge.fimp.addresses import Addresses
from bridge.hub.broker_client import (
    CLOSED_UNANSWERED,
    BrokerClient,
    accepts_another,
    give_up_once_others_are_answered,
)
from bridge.hub.connection import access, explain
from bridge.hub.line import Publication, Renewal
from bridge.hub.reporter import Reporter
from bridge.hub.router import Router
from bridge.logs import Once
from bridge.services.network import SMALLEST_WILL_BYTES, WILL_BYTES, NetworkService
from bridge.services.things import ThingsService
from bridge.settings import MqttSettings
from bridge.storage.recorder import Recorder
from bridge.tasks import end

KEEPALIVE_S: Final = 30
TIMEOUT_S: Final = 10.0
QOS: Final = 1
REFUSED: Final = 0x80  # MQTT 3.1.1, 3.9.3: the return code of a refused subscription
STABLE_AFTER_S: Final = 30.0
"""A connection that was up for this long resets the back-off."""

LONGEST_WAIT_S: Final = 2.0
"""The longest wait between two connection attempts (contract 3): the broker is near, and commands wait for it."""

SHORTEST_WAIT_S: Final = 0.1
"""The shortest wait after an attempt that took long."""

IN_FLIGHT: Final = 20
"""The number of publishes that may wait for their acknowledgement at the same time."""

UNACKNOWLEDGED_S: Final = 10.0
"""The bridge reconnects when publishes have been in flight for this long and none was acknowledged."""


@dataclass(frozen=True, slots=True)
class BrokerStatus:
    """The state of the connection.

    Attributes:
        up: whether the connection is up.
        since: when `up` last changed.
        problem: why the connection is down, as a sentence with the setting to check; None while it is up.
    """

    up: bool
    since: datetime
    problem: str | None = None


class _Renew(Exception):
    """Ends the connection with a DISCONNECT so that it can be opened again with a new will."""


class Broker:
    """The connection to the hub's broker.

    Args:
        settings: host, port, TLS and credentials of the broker.
        addresses: builds the topics to subscribe to.
        recorder: writes the energy before the hub is told of it.
        reporter: gives the messages to publish.
        router: takes the received commands.
        network: builds the will.
        things: lists the things that the will names.
        clock: the source of time.
        jitter: returns a random number from 0 to 1.
        log: the logger.

    Attributes:
        status: the state of the connection.
        listeners: called with the new status at each change.
    """

    def __init__(
        self,
        settings: MqttSettings,
        *,
        addresses: Addresses,
        recorder: Recorder,
        reporter: Reporter,
        router: Router,
        network: NetworkService,
        things: ThingsService,
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
    ) -> None:
        self._settings = settings
        self._subscriptions = addresses.subscriptions()
        self._recorder = recorder
        self._reporter = reporter
        self._router = router
        self._network = network
        self._things = things
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._once = Once()
        self._up_at = 0.0
        self._progress_at = 0.0  # when a message was acknowledged, or went out while none was in flight
        self._most_will = WILL_BYTES
        self._will_size = self._closed_at = 0
        self.status = BrokerStatus(up=False, since=clock.now())
        self.listeners: tuple[Callable[[BrokerStatus], None], ...] = ()

    async def run(self) -> NoReturn:
        """Keep the connection open: reconnect after each failure, with back-off, until cancelled."""
        attempt, renewed = 0, False
        while True:
            began = self._clock.monotonic()
            try:
                await self._connect(renewed=renewed)
            except _Renew:
                renewed = True
                continue
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                renewed = False
                stable = self.status.up and self._clock.monotonic() - self._up_at >= STABLE_AFTER_S
                delay = backoff(0 if stable else attempt, self._jitter(), LONGEST_WAIT_S)
                if not self.status.up:  # the time that the try took counts: a broker can take long not to answer
                    delay = max(SHORTEST_WAIT_S, delay - (self._clock.monotonic() - began))
                attempt = 1 if stable else attempt + 1
                problem = explain(error, self._settings.where)
                self._change(up=False, problem=problem)
                if self._once.first(("down", problem)):
                    self._log.warning("connection to the broker is down", reason=problem, next_try_s=round(delay, 1))
                if str(error) == CLOSED_UNANSWERED:
                    await self._cut_will()
                await self._clock.sleep(delay)

    async def _cut_will(self) -> None:
        """Halve the will if the broker closes a connection with it and accepts one without a will.

        A broker with a maximum packet size closes the connection at a CONNECT that is too large for it. One that is
        starting does so once.
        """
        first, self._closed_at = self._closed_at != self._will_size, self._will_size
        if first:
            return
        most = max(SMALLEST_WILL_BYTES, self._will_size // 2)
        if most < self._will_size and await accepts_another(self._settings, LONGEST_WAIT_S):
            self._log.warning("the broker may not accept a will of this size; it is cut", size=self._will_size, to=most)
            self._most_will = most

    async def _connect(self, *, renewed: bool) -> None:
        will_addresses = self._things.will_addresses()
        topic, payload, left_out = self._network.will(will_addresses, self._most_will)
        self._will_size = len(payload)
        if left_out and self._once.first("will"):
            self._log.warning("the will cannot name all things; some are not reported DOWN if the bridge vanishes")
        client = BrokerClient(
            **access(self._settings),
            identifier=self._settings.client_id,
            # The broker keeps the session, so that a command sent during a short break is not lost.
            clean_session=False,
            will=aiomqtt.Will(topic, payload, qos=QOS),
            keepalive=KEEPALIVE_S,
            timeout=TIMEOUT_S,
            max_inflight_messages=0,  # not limited here, but by `IN_FLIGHT`
        )
        client.received = self._received
        trying = asyncio.ensure_future(give_up_once_others_are_answered(client, self._settings, LONGEST_WAIT_S))
        try:
            async with client:
                await end(trying)
                await self._subscribe(client)
                if not renewed:
                    self._once.forget("down")
                    self._log.info("connected to the broker", host=self._settings.host, port=self._settings.port)
                self._closed_at = 0
                self._up_at = self._progress_at = self._clock.monotonic()
                self._change(up=True, problem=None)
                self._reporter.connected(will_addresses, renewed=renewed)
                await self._publish_until_closed(client)
        finally:
            await end(trying)
            self._reporter.lost()

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        granted = await client.subscribe([(topic, QOS) for topic in self._subscriptions])
        for topic, answer in zip(self._subscriptions, granted, strict=False):
            if (answer if isinstance(answer, int) else int(getattr(answer, "value", 0))) >= REFUSED:
                raise aiomqtt.MqttError(f"the broker does not let this user subscribe to {topic}")

    async def _publish_until_closed(self, client: BrokerClient) -> None:
        """Publish until a publish fails, or the connection is closed or is to be renewed."""
        tasks = [asyncio.ensure_future(work) for work in (client.closed(), self._watch(), self._publish(client))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await end(*tasks)

    def _received(self, path: str, payload: bytes, retained: bool) -> None:
        try:
            self._router.take(path, payload, retained=retained)
        except Exception:
            self._log.exception("a message from the broker could not be handled", topic=path[:200])

    async def _publish(self, client: BrokerClient) -> NoReturn:
        """Publish what the reporter gives, up to `IN_FLIGHT` messages without an acknowledgement."""
        while True:
            publication = self._reporter.take() if self._reporter.in_flight < IN_FLIGHT else None
            if publication is None:
                client.flush()
                await self._reporter.wait_for_work()
            elif isinstance(publication, Renewal):
                raise _Renew
            else:
                is_first = self._reporter.in_flight == 1
                if is_first:
                    self._progress_at = self._clock.monotonic()
                self._publish_one(client, publication)
                if is_first:
                    client.flush()  # the first of several does not wait until the others are made

    def _publish_one(self, client: BrokerClient, publication: Publication) -> None:
        self._recorder.before_telling(publication.line.subject)
        try:
            client.send(publication.path, publication.payload, partial(self._acknowledged, publication))
        except (ValueError, struct.error) as error:  # raised by paho for a topic or payload that MQTT cannot carry
            self._reporter.unsendable(publication, str(error))

    def _acknowledged(self, publication: Publication) -> None:
        self._progress_at = self._clock.monotonic()
        self._reporter.acknowledged(publication)

    async def _watch(self) -> None:
        """Fail when no acknowledgement arrives for `UNACKNOWLEDGED_S`: a dead connection can look open."""
        while True:
            await asyncio.sleep(1)
            if self._reporter.in_flight and self._clock.monotonic() - self._progress_at > UNACKNOWLEDGED_S:
                raise aiomqtt.MqttError("timed out: the broker does not acknowledge what is published")

    def _change(self, *, up: bool, problem: str | None) -> None:
        if (up, problem) == (self.status.up, self.status.problem):
            return
        since = self.status.since if up == self.status.up else self._clock.now()
        self.status = BrokerStatus(up, since, problem)
        for listener in self.listeners:
            listener(self.status)
