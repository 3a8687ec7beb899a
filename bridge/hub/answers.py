"""Answers to commands: their topics, their copies for `resp_to`, and error reports (contract 3 and 7)."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.errors import BridgeError, InvalidValue
from bridge.fimp.addresses import DISCOVERY, Addresses
from bridge.fimp.message import Message
from bridge.fimp.report import Report, error_report
from bridge.fimp.topic import InvalidTopic, Topic
from bridge.hub.line import Item
from bridge.hub.reporter import Reporter
from bridge.hub.subjects import ADAPTER
from bridge.immutable import immutable
from bridge.logs import Once

TOPIC_BYTES: Final = 1024
"""The longest `resp_to` that is accepted, in bytes. MQTT allows more, but some brokers do not."""


@immutable(frozen=True, slots=True)
class AnswerContext:
    """The parts of a command that its answer depends on.

    Attributes:
        path: the topic on which the command arrived.
        topic: the topic, parsed; None if the message is no valid command.
        message: the command; None if it could not be parsed.
        corid: the `uid` of the command; None if it could not be read.
        resp_to: the topic for a copy of the answer; None for no copy.
        subject: the address of the thing that the command is for; `ADAPTER` for the adapter.
    """

    path: str
    topic: Topic | None = None
    message: Message | None = None
    corid: str | None = None
    resp_to: Topic | None = None
    subject: str = ADAPTER


class Answers:
    """Turns the outcome of a command into reports and hands them to the reporter.

    Args:
        reporter: publishes the answers.
        addresses: builds the topics.
        log: the logger.
    """

    def __init__(self, *, reporter: Reporter, addresses: Addresses, log: FilteringBoundLogger) -> None:
        self._reporter = reporter
        self._addresses = addresses
        self._log = log
        self._once = Once()

    @property
    def waiting(self) -> int:
        """The number of answers that the broker has not acknowledged yet."""
        return self._reporter.answers_waiting

    def accept(self, context: AnswerContext, reports: Sequence[Report]) -> None:
        """Answer with reports: each goes to its event topic, and a copy of it to `resp_to`.

        The client waits for the copy if there is one. If that cannot be published, the client gets an error instead.
        """
        resp_to = self._with_prefix(context.resp_to)
        error = partial(self._error, context)
        for report in reports:
            first_error = error if resp_to is None else None
            self._reporter.answer(context.subject, Item(report, "answer", corid=context.corid, error=first_error))
            if resp_to is not None:
                self._reporter.answer(context.subject, Item(report, "answer", resp_to, context.corid, error))

    def refuse(self, context: AnswerContext, error: BridgeError) -> None:
        """Answer with an error report: to `resp_to` if the command has one, else to the event topic."""
        message = context.message
        if self._once.first((error.code, context.path, message.type if message is not None else "")):
            self._log.warning("a command was refused", code=error.code, reason=str(error), topic=context.path[:200])
        resp_to = self._with_prefix(context.resp_to)
        self._reporter.answer(context.subject, Item(self._error(context, error), "answer", resp_to, context.corid))

    def _error(self, context: AnswerContext, error: BridgeError) -> Report:
        event = self._event_of(context)
        return error_report(
            error,
            topic=event,
            service=event.service
            or (DISCOVERY if event.resource_type == "discovery" else self._addresses.resource_name),
            src=event.service_address or self._addresses.resource_name,
            command_topic=context.path,
            command=context.message,
        )

    def _event_of(self, context: AnswerContext) -> Topic:
        """Return the event topic that matches a command topic; for what is no command, that of the adapter."""
        topic = context.topic
        if topic is None:
            return self._addresses.adapter
        if topic.resource_type == "discovery":
            return self._addresses.discovery
        return replace(topic.as_event(), prefix=self._addresses.prefix)

    def _with_prefix(self, topic: Topic | None) -> Topic | None:
        """Return the topic under the configured global prefix, which applies to `resp_to` too."""
        if topic is None or topic.prefix or not self._addresses.prefix:
            return topic
        return replace(topic, prefix=self._addresses.prefix)


def copy_topic(message: Message) -> Topic | None:
    """Return the topic in a command's `resp_to`; None if the command has none.

    Raises:
        InvalidValue: `resp_to` is too long, is not a FIMP topic, or is not of type `rsp` or `evt`.
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
