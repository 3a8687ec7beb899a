"""Reports and errors for the hub, before they get a time, an id and a correlation."""

import gzip
from collections.abc import Mapping
from dataclasses import field, replace
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
from bridge.immutable import immutable

ReportKey = tuple[str, str, str]
"""The key of a report: topic, interface, and sub-value or thing. A report replaces an earlier one with the same key."""


@immutable(frozen=True, slots=True)
class Report:
    """One event on the event topic of the service that sends it.

    Attributes:
        topic: the event topic.
        service: `serv` on the wire.
        type: the interface, such as `evt.state.report`.
        value_type: `val_t` on the wire.
        value: `val` on the wire, of that type.
        properties: `props` on the wire; all values are text.
        storage: how the hub's database stores it; None for the default, the last value of the attribute.
        about: the address of the thing that a report of the adapter is about. It is not sent.
    """

    topic: Topic
    service: str
    type: str
    value_type: ValueType
    value: JsonValue
    properties: Mapping[str, str] = field(default_factory=dict)
    storage: StoragePolicy | None = None
    about: str = ""
    key: ReportKey = field(init=False, repr=False, compare=False)
    """The key that a later report must have to replace this one.

    The inclusion and the exclusion report of a thing have the same key, since each replaces the other.
    """
    _fingerprint: object = field(default=None, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Make the key once, since it is read many times."""
        sub_value = self.storage.sub_value if self.storage is not None else None
        key = self.topic.path, _PRESENCE.get(self.type, self.type), sub_value or self.about
        object.__setattr__(self, "key", key)

    @property
    def fingerprint(self) -> object:
        """A small value that is equal for two reports with the same key exactly if their content is equal."""
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
        """Return the payload for the broker: JSON in UTF-8, gzipped if the topic is of type `j1c1` (design page 4).

        Args:
            uid: the id of the message; every message needs a new one.
            now: the time of sending, written with milliseconds.
            src: the sender, which is the resource name.
            corid: the `uid` of the command that it answers; None if it answers none.
            topic: the topic to send it on; None for the event topic.

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
"""Distinguish the fingerprints of the two interfaces that share a key."""

LONGEST_WORDS: Final = 1000
"""The length, in characters, to which the text of an error report is cut. A broker may refuse a longer message."""

_PRESENCE: Final = {"evt.thing.inclusion_report": "presence", "evt.thing.exclusion_report": "presence"}


def error_report(
    error: BridgeError, *, topic: Topic, service: str, src: str, command_topic: str, command: Message | None
) -> Report:
    """Make the error report that answers a command (contract 7).

    Args:
        error: the error.
        topic: the event topic to send it on.
        service: `serv` on the wire.
        src: the address, or the resource name, that the error is about.
        command_topic: the topic of the command.
        command: the command; None if it could not be parsed.
    """
    cause = {
        "cmd_topic": _readable(command_topic),
        "cmd_service": command.service if command is not None else "",
        "cmd_type": command.type if command is not None else "",
    }
    report = event_of_error(error, topic=topic, service=service, src=src)
    return replace(report, properties={**report.properties, **cause})


def event_of_error(error: BridgeError, *, topic: Topic, service: str, src: str) -> Report:
    """Make the error report that answers no command. It has no `cmd_` properties (contract 3)."""
    return Report(
        topic=topic,
        service=service,
        type="evt.error.report",
        value_type="string",
        value=error.code,
        properties={"msg": _readable(str(error)) or error.code, "src": src},
        # On device topics the hub must not store an error as the last value of an attribute.
        storage=SKIP if topic.resource_type == "dev" else None,
    )


def _readable(text: str) -> str:
    """Return a text cut to `LONGEST_WORDS` and without surrogates. It may quote text from outside."""
    cut = text if len(text) <= LONGEST_WORDS else f"{text[: LONGEST_WORDS - 1]}…"
    return cut.encode(errors="replace").decode()
