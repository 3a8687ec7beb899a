"""What is said to the hub: a report or an error, before it gets a time, an id and a topic."""

import gzip
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import blake2b
from typing import Final
from uuid import UUID

from pydantic import JsonValue
from pydantic_core import to_json

from bridge.errors import BridgeError
from bridge.fimp.message import SKIP, Message, StoragePolicy
from bridge.fimp.time_format import format_time
from bridge.fimp.topic import Topic
from bridge.fimp.values import ValueType

ReportKey = tuple[str, str, str]
"""Topic, interface, and sub-value or subject: what a later report shares with the one that it replaces."""


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
        about: the thing that a report of the adapter is about. Not sent.
    """

    topic: Topic
    service: str
    type: str
    value_type: ValueType
    value: JsonValue
    properties: Mapping[str, str] = field(default_factory=dict)
    storage: StoragePolicy | None = None
    about: str = ""
    _fingerprint: object = field(default=None, init=False, repr=False, compare=False)

    @property
    def key(self) -> ReportKey:
        """What a later report must share to replace this one.

        An inclusion and an exclusion of one thing replace each other: both tell whether it is there.
        """
        sub_value = self.storage.sub_value if self.storage is not None else None
        return self.topic.path, _PRESENCE.get(self.type, self.type), sub_value or self.about

    @property
    def fingerprint(self) -> object:
        """Equal for two reports of one key exactly when they say the same. Small, since one is kept for every key."""
        if self._fingerprint is None:
            object.__setattr__(self, "_fingerprint", self._make_fingerprint())
        return self._fingerprint

    def _make_fingerprint(self) -> object:
        value: object = self.value
        if isinstance(value, dict | list):
            value = blake2b(to_json(value), digest_size=12, person=_PERSONS.get(self.type, b"")).digest()
        return value, *self.properties.items()

    def encode(
        self,
        *,
        uid: UUID,
        now: datetime,
        src: str,
        corid: str | None = None,
        topic: Topic | None = None,
    ) -> bytes:
        """The message as it goes to the broker: JSON in UTF-8, gzipped where the topic says so (page 4, "Messages").

        Args:
            uid: a new one for every message sent.
            now: when it is sent; written with milliseconds.
            src: who sends it: the resource name.
            corid: the `uid` of the command that it answers.
            topic: where it goes, if not to the event topic. It also decides whether the message is gzipped.

        Raises:
            ValueError: the value cannot be written as JSON.
        """
        storage, target = self.storage, topic or self.topic
        fields: dict[str, JsonValue] = {
            "serv": self.service,
            "type": self.type,
            "val_t": self.value_type,
            "val": self.value,
            "props": dict[str, JsonValue](self.properties),
            "tags": [],
        }
        if storage is not None:
            policy = {"strategy": storage.strategy, "sub_value": storage.sub_value}
            fields["storage"] = {name: value for name, value in policy.items() if value is not None}
        if corid is not None:
            fields["corid"] = corid
        fields |= {"uid": str(uid), "ctime": format_time(now), "src": src, "ver": "1", "topic": str(target)}
        text = to_json(fields)
        return gzip.compress(text) if target.payload_type == "j1c1" else text


_PERSONS: Final = {"evt.thing.inclusion_report": b"inclusion", "evt.thing.exclusion_report": b"exclusion"}
"""What tells the fingerprints of two interfaces apart that share a key."""

LONGEST_WORDS: Final = 1000
"""Characters of a text in an error report. The rest says no more, and a broker may refuse what is too large."""

_PRESENCE: Final = {"evt.thing.inclusion_report": "presence", "evt.thing.exclusion_report": "presence"}


def error_report(
    error: BridgeError, *, topic: Topic, service: str, src: str, command_topic: str, command: Message | None
) -> Report:
    """The report of an error that answers a command (contract 7).

    Args:
        error: what went wrong.
        topic: the event topic to send it on.
        service: wire name `serv`.
        src: whose error it is: an address, or the resource name.
        command_topic: the topic that the command came on.
        command: the command, if it could be read.
    """
    cause = {
        "cmd_topic": _readable(command_topic),
        "cmd_service": command.service if command is not None else "",
        "cmd_type": command.type if command is not None else "",
    }
    report = event_of_error(error, topic=topic, service=service, src=src)
    return replace(report, properties={**report.properties, **cause})


def event_of_error(error: BridgeError, *, topic: Topic, service: str, src: str) -> Report:
    """The report of an error that answers no command: it has no `cmd_` properties (contract 3)."""
    return Report(
        topic=topic,
        service=service,
        type="evt.error.report",
        value_type="string",
        value=error.code,
        properties={"msg": _readable(str(error)) or error.code, "src": src},
        # On device topics an error must not take the place of an attribute's last value.
        storage=SKIP if topic.resource_type == "dev" else None,
    )


def _readable(text: str) -> str:
    """A text that is not too long and that UTF-8 can carry: what others say is repeated in it."""
    cut = text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"
    return cut.encode(errors="replace").decode()
