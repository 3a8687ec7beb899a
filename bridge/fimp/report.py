"""What is said to the hub: a report or an error, before it gets a time, an id and a topic."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from bridge.errors import BridgeError
from bridge.fimp.message import SKIP, Message, StoragePolicy
from bridge.fimp.topic import Topic
from bridge.fimp.values import ValueType


@dataclass(frozen=True, slots=True)
class Report:
    """One event, on the event topic of the service that sends it.

    Attributes:
        topic: the event topic.
        service: wire name `serv`.
        type: the interface, such as `evt.state.report`.
        value_type: wire name `val_t`.
        value: wire name `val`, of that type.
        properties: wire name `props`; all values are text.
        storage: how the hub's database is to keep it, if not simply as the attribute's last value.
        about: whom it is about, where the topic does not say: a thing, in reports of the adapter. Not sent.
    """

    topic: Topic
    service: str
    type: str
    value_type: ValueType
    value: JsonValue
    properties: Mapping[str, str] = field(default_factory=dict)
    storage: StoragePolicy | None = None
    about: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """What a later report must share to replace this one: topic, interface, and sub-value or subject."""
        sub_value = self.storage.sub_value if self.storage is not None else None
        return self.topic.path, self.type, sub_value or self.about

    def message(
        self, *, uid: UUID, now: datetime, src: str, corid: str | None = None, topic: str | None = None
    ) -> Message:
        """The message to send.

        Args:
            uid: a new one for every message sent.
            now: when it is sent; written with milliseconds.
            src: who sends it: the resource name.
            corid: the `uid` of the command that it answers.
            topic: what to write as the topic, if not the event topic: a copy names its own.
        """
        return Message(
            service=self.service,
            type=self.type,
            value_type=self.value_type,
            value=self.value,
            properties=dict(self.properties),
            tags=[],
            storage=self.storage,
            corid=corid,
            uid=str(uid),
            ctime=now,
            src=src,
            version="1",
            topic=topic or str(self.topic),
        )


def error_report(
    error: BridgeError, *, topic: Topic, service: str, src: str, command_topic: str, command: Message | None
) -> Report:
    """An error as the hub gets it (contract 7).

    Args:
        error: what went wrong.
        topic: the event topic to send it on.
        service: wire name `serv`.
        src: whose error it is: an address, or the resource name.
        command_topic: the topic that the command came on.
        command: the command, if it could be read.
    """
    return Report(
        topic=topic,
        service=service,
        type="evt.error.report",
        value_type="string",
        value=error.code,
        properties={
            "msg": str(error),
            "src": src,
            "cmd_topic": command_topic,
            "cmd_service": command.service if command is not None else "",
            "cmd_type": command.type if command is not None else "",
        },
        # On device topics an error must not take the place of an attribute's last value.
        storage=SKIP if topic.resource_type == "dev" else None,
    )
