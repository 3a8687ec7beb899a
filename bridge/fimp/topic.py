"""Reading and writing FIMP topics (fimp-api, "Topic Format").

A topic on the broker looks like this:

[PREFIX/]pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:BCU102728
"""

import re
from dataclasses import field, replace
from functools import lru_cache
from typing import Final, Literal, cast, get_args

from bridge.errors import InvalidValue
from bridge.immutable import immutable

PayloadType = Literal["j1", "j1c1"]
MessageType = Literal["cmd", "evt", "rsp"]
ResourceType = Literal["dev", "ad", "app", "cloud", "loc", "discovery"]

_PAYLOAD_TYPES: Final = get_args(PayloadType)
_MESSAGE_TYPES: Final = get_args(MessageType)

# Forbidden are the separators and wildcards of MQTT and FIMP, and control characters, surrogates and noncharacters. A
# broker may close the connection for any of the latter (MQTT 3.1.1, 1.5.3), and mosquitto does.
_LAST_TWO: Final = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_NONCHARACTERS: Final = f"\ufdd0-\ufdef{_LAST_TWO}"
_PART: Final = re.compile(rf"[^/+#:\s\x00-\x1f\x7f-\x9f\ud800-\udfff{_NONCHARACTERS}]+")

LONGEST_PART: Final = 255
"""The most characters of the value of one part. A topic of such parts stays well below the limit of MQTT."""

MOST_LEVELS: Final = 32
"""The most levels of a topic with its global prefix. Brokers close the connection at a limit; mosquitto's is 200."""


SHOWN: Final = 200
"""How many characters of an invalid topic an error quotes."""


def is_level(text: str) -> bool:
    """Whether a text can be the value of one part of a topic."""
    return len(text) <= LONGEST_PART and _has_no_forbidden_character(text)


@lru_cache(maxsize=4096)
def _has_no_forbidden_character(text: str) -> bool:
    return _PART.fullmatch(text) is not None


class InvalidTopic(InvalidValue):
    """The text is not a FIMP topic."""


@immutable(frozen=True, slots=True)
class Topic:
    """The parts of one FIMP topic.

    Attributes:
        message_type: `cmd`, `evt` or `rsp`.
        resource_type: the kind of the resource, which decides which of the following parts the topic has.
        resource_name: `rn`; empty for `discovery` only.
        resource_address: the first `ad`; empty for `discovery` only.
        service: `sv`. Commands have it for `dev` and `loc` and no other type; elsewhere it is optional.
        service_address: the second `ad`, which goes with the service.
        payload_type: `j1` (JSON) or `j1c1` (the same JSON, gzipped).
        prefix: the global prefix without the slash after it. It is not part of the topic in messages.
        path: the topic on the broker, with the global prefix.
    """

    message_type: MessageType
    resource_type: ResourceType
    resource_name: str = ""
    resource_address: str = ""
    service: str = ""
    service_address: str = ""
    payload_type: PayloadType = "j1"
    prefix: str = ""
    path: str = field(init=False, repr=False, compare=False)
    _text: str = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Compute the text once, since topics are cached and every report writes one."""
        head = f"pt:{self.payload_type}/mt:{self.message_type}/rt:{self.resource_type}"
        values = (self.resource_name, self.resource_address, self.service, self.service_address)
        names = _WITH_SERVICE if self.service else _PARTS_AFTER[self.resource_type][:2]
        text = "/".join([head, *(f"{name}:{value}" for name, value in zip(names, values, strict=False))])
        object.__setattr__(self, "_text", text)
        object.__setattr__(self, "path", f"{self.prefix}/{text}" if self.prefix else text)

    @classmethod
    def parse(cls, text: str) -> "Topic":
        """Parse a topic.

        Raises:
            InvalidTopic: it has a wildcard or an unknown type, or a part is missing or too many.
        """
        parts = text.split("/", MOST_LEVELS)
        if len(parts) > MOST_LEVELS:
            raise InvalidTopic(f"{text[:SHOWN]!r}… is not a FIMP topic: it has more than {MOST_LEVELS} levels.")
        shown = repr(text[:SHOWN])
        first = next((i for i, part in enumerate(parts) if part.startswith("pt:")), None)
        if first is None:
            raise InvalidTopic(f"{shown} is not a FIMP topic: it has no part pt:.")
        prefix, fields = parts[:first], parts[first:]
        if not all(map(is_level, prefix)):
            raise InvalidTopic(f"{shown} is not a FIMP topic: its prefix is not a plain name.")
        values = [part.partition(":")[2] for part in fields]
        names = [part.partition(":")[0] for part in fields]
        if not all(map(is_level, values)):
            raise InvalidTopic(f"{shown} is not a FIMP topic: a part is empty, too long or has a forbidden character.")
        expected = names[:3] == ["pt", "mt", "rt"] and names[3:] in _parts_after(values[1], values[2])
        if not (expected and values[0] in _PAYLOAD_TYPES and values[1] in _MESSAGE_TYPES):
            raise InvalidTopic(f"{shown} is not a FIMP topic: see the parts it should have in fimp-api.")
        rest = [*values[3:], "", "", "", ""]
        return cls(
            payload_type=cast("PayloadType", values[0]),
            message_type=cast("MessageType", values[1]),
            resource_type=cast("ResourceType", values[2]),
            resource_name=rest[0],
            resource_address=rest[1],
            service=rest[2],
            service_address=rest[3],
            prefix="/".join(prefix),
        )

    def __str__(self) -> str:
        """Return the topic in the form of messages, without the global prefix."""
        return self._text

    def as_event(self) -> "Topic":
        """Return the event topic that matches this command topic. Events are never gzipped."""
        return replace(self, message_type="evt", payload_type="j1")


_AFTER_RT: Final = ["rn", "ad"]
_WITH_SERVICE: Final = [*_AFTER_RT, "sv", "ad"]
_PARTS_AFTER: Final[dict[str, list[str]]] = {
    "dev": _WITH_SERVICE,
    "loc": _WITH_SERVICE,
    "ad": _AFTER_RT,
    "app": _AFTER_RT,
    "cloud": _AFTER_RT,
    "discovery": [],
}


def _parts_after(message_type: str, resource_type: str) -> list[list[str]]:
    """Return the lists of parts that a topic may have after its `rt`: none if there is no such resource type."""
    parts = _PARTS_AFTER.get(resource_type)
    if parts is None:
        return []
    return [parts] if message_type == "cmd" or not parts else [_AFTER_RT, _WITH_SERVICE]
