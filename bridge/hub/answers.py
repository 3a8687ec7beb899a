"""Answers to commands: where they go and what an error looks like (contract 3 and 7)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.errors import BridgeError, InvalidValue
from bridge.fimp.addresses import Addresses
from bridge.fimp.message import Message
from bridge.fimp.report import Report, error_report
from bridge.fimp.topic import InvalidTopic, Topic
from bridge.hub.reporter import Reporter
from bridge.hub.telling import ADAPTER
from bridge.logs import Once

TOPIC_BYTES: Final = 1024
"""The longest `resp_to` that is used. MQTT allows more, but some brokers do not, and no hub needs it."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The parts of a command that its answer depends on.

    Attributes:
        path: the topic that it came on.
        event: the event topic that belongs to it.
        message: the command, if it could be read.
        corid: its `uid`, where that much could be read.
        resp_to: where a copy of the answer goes.
        subject: the thing that it is about.
    """

    path: str
    event: Topic
    message: Message | None = None
    corid: str | None = None
    resp_to: Topic | None = None
    subject: str = ADAPTER


class Answers:
    """Hands answers to the reporter.

    Args:
        reporter: publishes them.
        addresses: the topics.
        log: where to say what happens.
    """

    def __init__(self, *, reporter: Reporter, addresses: Addresses, log: FilteringBoundLogger) -> None:
        self._reporter = reporter
        self._addresses = addresses
        self._log = log
        self._once = Once()

    @property
    def waiting(self) -> int:
        """How many answers the broker does not have yet."""
        return self._reporter.answers_waiting

    def unreadable(self, path: str, corid: str | None = None) -> Asked:
        """What came on a command topic and is no command: it is answered on the adapter's event topic."""
        return Asked(path, self._addresses.adapter, corid=corid)

    def asked(self, path: str, topic: Topic, message: Message) -> Asked:
        """A command that could be read; its `resp_to` is looked at by `copy_topic`."""
        event = replace(topic.as_event(), prefix=self._addresses.prefix)
        if topic.resource_type == "discovery":
            event = self._addresses.discovery
        return Asked(path, event, message, message.uid)

    def accept(self, asked: Asked, reports: Sequence[Report]) -> None:
        """Answer with reports: each on its event topic, and a copy on `resp_to`."""
        for report in reports:
            self._reporter.answer(asked.subject, report, corid=asked.corid, copy_to=self._in_our_house(asked.resp_to))

    def refuse(self, asked: Asked, error: BridgeError) -> None:
        """Answer with an error: on `resp_to` if there is one, else on the event topic."""
        message, event = asked.message, asked.event
        if self._once.first((error.code, asked.path, message.type if message is not None else "")):
            self._log.warning("a command was refused", code=error.code, reason=str(error), topic=asked.path[:200])
        report = error_report(
            error,
            topic=event,
            service=event.service
            or ("system" if event.resource_type == "discovery" else self._addresses.resource_name),
            src=event.service_address or self._addresses.resource_name,
            command_topic=asked.path,
            command=message,
        )
        resp_to = self._in_our_house(asked.resp_to)
        if resp_to is not None:
            self._reporter.answer_only_at(asked.subject, report, resp_to, corid=asked.corid)
        else:
            self._reporter.answer(asked.subject, report, corid=asked.corid)

    def _in_our_house(self, topic: Topic | None) -> Topic | None:
        """The global prefix applies to `resp_to` too."""
        if topic is None or topic.prefix or not self._addresses.prefix:
            return topic
        return replace(topic, prefix=self._addresses.prefix)


def copy_topic(message: Message) -> Topic | None:
    """The topic that `resp_to` names; None if it names none.

    Raises:
        InvalidValue: it cannot be used.
    """
    if not message.resp_to:
        return None
    if len(message.resp_to.encode(errors="replace")) > TOPIC_BYTES:
        raise InvalidValue(f"resp_to is longer than {TOPIC_BYTES} bytes.")
    try:
        topic = Topic.parse(message.resp_to)
    except InvalidTopic as error:
        raise InvalidValue(f"resp_to cannot be used: {error}") from None
    if topic.message_type not in ("rsp", "evt"):
        raise InvalidValue("resp_to must be a topic of type rsp or evt.")
    return topic
