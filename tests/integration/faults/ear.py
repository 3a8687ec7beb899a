"""The hub's side of the rig: hears what the bridge says, and remembers the last word on everything."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final
from uuid import uuid4

import aiomqtt

from bridge.errors import Malformed
from bridge.fimp.message import Message
from bridge.fimp.topic import InvalidTopic, Topic
from tests.hub_command import hub_command

FENCE: Final = "tests/fault-fence"


class Ear:
    """Hears everything on the broker.

    Args:
        client: a connection to the broker that no fault touches.

    Attributes:
        last: (type, address, sub value) → the last report.
        answers: `uid` of a command → types of the messages that answer it, with their errors, in order.
        heard: how often each type was heard.
        listeners: who hears of an answer: the `uid` of the command.
    """

    def __init__(self, client: aiomqtt.Client) -> None:
        self.client = client
        self.last: dict[tuple[str, str, str], Message] = {}
        self.answers: dict[str, list[tuple[str, object]]] = {}
        self.heard: Counter[str] = Counter()
        self.history: list[tuple[str, str, object]] = []
        self.listeners: list[Callable[[str], None]] = []
        self._fences: set[str] = set()

    async def listen(self) -> None:
        """Hear, until cancelled."""
        async for arrival in self.client.messages:
            path = str(arrival.topic)
            if path.startswith(FENCE):
                self._fences.add(path)
                continue
            with contextlib.suppress(Malformed, InvalidTopic):  # a corrupted line can leave half a message
                topic = Topic.parse(path)
                if topic.message_type != "cmd":
                    self._take(topic, Message.parse(bytes(arrival.payload), topic.payload_type))

    def _take(self, topic: Topic, message: Message) -> None:
        address = topic.service_address or topic.resource_address
        self.heard[message.type] += 1
        values = message.value
        if message.type == "evt.network.node_report" and isinstance(values, dict):
            address = str(values.get("address"))
        sub: str = str(message.properties.get("unit", ""))
        if message.type == "evt.param.report" and isinstance(values, dict):
            sub = str(values.get("parameter_id"))
        self.history.append((message.type, address, message.value))
        if message.type != "evt.error.report":
            self.last[message.type, address, sub] = message
        if message.corid:
            self.answers.setdefault(message.corid, []).append((message.type, message.value))
            for listener in self.listeners:
                listener(message.corid)

    def value(self, type_: str, address: str, sub: str = "") -> Any:
        """The last value that was reported; None where none was."""
        message = self.last.get((type_, address, sub))
        return message.value if message is not None else None

    async def fence(self) -> None:
        """Wait until everything that the broker has taken so far has been heard here."""
        topic = f"{FENCE}/{uuid4()}"
        await self.client.publish(topic, b"", qos=1)
        async with asyncio.timeout(15):
            while topic not in self._fences:  # noqa: ASYNC110 - a moment
                await asyncio.sleep(0.002)
        self._fences.discard(topic)

    async def say(self, topic: str, type_: str, now: datetime, *, uid: str, **fields: Any) -> None:
        """Send a command; returns when the broker has taken it."""
        service = topic.partition("/sv:")[2].partition("/")[0] or "bluecurrent"
        body = hub_command(uid, now, serv=service, type=type_, **fields)
        await self.client.publish(topic, json.dumps(body), qos=1, timeout=20)
