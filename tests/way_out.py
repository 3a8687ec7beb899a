"""What may leave the bridge: FIMP by the schema in `fimp.schema.json`, on topics that MQTT can carry.

The schema is written from the specification (contract 3 to 7, page 4) and not from the code, so that the two can
disagree.
"""

import gzip
import json
import math
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import jsonschema_rs

SCHEMA = Path(__file__).with_name("fimp.schema.json")
LONGEST_TOPIC = 65_535
"""Bytes (MQTT 3.1.1, 1.5.3)."""

MOST_LEVELS = 200
"""Of a topic; mosquitto closes the connection at more."""

LARGEST_MESSAGE = 4 * 1024 * 1024
"""Bytes. Only reports about a thousand things come near it."""


@cache
def validator() -> jsonschema_rs.Draft202012Validator:
    """The compiled schema."""
    schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
    jsonschema_rs.meta.validate(schema)
    return jsonschema_rs.Draft202012Validator(schema)


def faults(path: str, payload: bytes) -> list[str]:
    """All violations in a message; empty for a valid one.

    Args:
        path: the topic as the broker knows it, with the global prefix.
        payload: what is published there.
    """
    return [*topic_faults(path), *payload_faults(path, payload)]


def topic_faults(path: str) -> Iterator[str]:
    """The violations in a topic name (MQTT 3.1.1, 1.5.3 and 4.7)."""
    try:
        size = len(path.encode())
    except UnicodeEncodeError:
        yield f"topic {path!r} has a lone surrogate"
        return
    if not 0 < size <= LONGEST_TOPIC:
        yield f"topic of {size} bytes"
    if "+" in path or "#" in path:
        yield f"topic {path!r} has a wildcard"
    if path.count("/") >= MOST_LEVELS:
        yield f"topic of {path.count('/') + 1} levels"
    bad = [letter for letter in path if _is_disallowed(ord(letter))]
    if bad:
        yield f"topic {path!r} has {bad!r}, for which a broker may close the connection"


def _is_disallowed(code: int) -> bool:
    """Control characters and those that Unicode will never assign."""
    return code < 0x20 or 0x7F <= code < 0xA0 or 0xFDD0 <= code <= 0xFDEF or code & 0xFFFE == 0xFFFE


def payload_faults(path: str, payload: bytes) -> Iterator[str]:
    """The violations in a message."""
    if len(payload) > LARGEST_MESSAGE:
        yield f"message of {len(payload)} bytes"
    text = gzip.decompress(payload) if "pt:j1c1/" in path else payload
    try:
        message = json.loads(text, parse_constant=_no_number)
    except ValueError as error:
        yield f"no JSON: {error}"
        return
    for fault in validator().iter_errors(message):
        where = "/".join(str(part) for part in fault.instance_path)
        yield f"{message.get('type')}: {where}: {fault.message[:300]}"
    if not all(map(math.isfinite, _numbers(message))):
        yield f"{message.get('type')}: a number that is not finite"
    topic = message.get("topic", "") if isinstance(message, dict) else ""
    if path != topic and not path.endswith(f"/{topic}"):
        yield f"it says topic {topic!r} and goes to {path!r}"


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from _numbers(item)
    elif isinstance(value, float):
        yield value
