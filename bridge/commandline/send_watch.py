"""`bluecurrent-fimp send` and `watch`: send commands to the service and print its messages, through the broker.

Both use a random client id and a clean session, so that they never push the service off its connection.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import aiomqtt
import typer

from bridge.commandline.message_line import is_error_of, line
from bridge.errors import Malformed
from bridge.fimp.message import Message
from bridge.hub.order import Order, compose
from bridge.hub.visitor import visitor
from bridge.settings import Settings

MORE_S: Final = 0.3
"""The time to wait for further answers after one."""


def properties_of(texts: Sequence[str]) -> dict[str, str]:
    """Read properties from texts such as `charging_mode=slow`.

    Raises:
        typer.BadParameter: a text has no name, or no value.
    """
    for text in texts:
        if not text.partition("=")[0] or "=" not in text:
            words = f"{text!r} is not a name and a value, such as charging_mode=slow."
            raise typer.BadParameter(words, param_hint="--prop")
    return dict(text.split("=", 1) for text in texts)


async def send(settings: Settings, command: Order, timeout: float, now: Callable[[], datetime]) -> list[Message]:
    """Send a command and collect its answers.

    Returns:
        The answers; empty if none came in time.

    Raises:
        BrokerProblem: the broker cannot be reached.
        ValueError: the value is not of the given type.
    """
    topic, reply, message = compose(settings, command, now())
    async with visitor(settings.mqtt) as client:
        await client.subscribe(reply.path, qos=1)
        await client.publish(topic.path, message.to_bytes(), qos=1)
        return await _gather(client, message.uid, timeout)


async def _gather(client: aiomqtt.Client, uid: str, timeout: float) -> list[Message]:
    answers: list[Message] = []
    try:
        async with asyncio.timeout(timeout) as limit:
            async for arrival in client.messages:
                try:
                    answer = Message.parse(bytes(arrival.payload))
                except Malformed:
                    continue
                if answer.corid == uid:
                    answers.append(answer)
                    limit.reschedule(asyncio.get_running_loop().time() + MORE_S)
    except TimeoutError:
        pass
    return answers


async def watch(
    settings: Settings,
    say: Callable[[str], None],
    now: Callable[[], datetime],
    names: dict[str, str] | None = None,
    *,
    details: bool = False,
) -> None:
    """Print the messages of this bridge until cancelled: its commands, events, and errors sent to a `resp_to`.

    Raises:
        BrokerProblem: the broker cannot be reached.
    """
    before = f"{settings.mqtt.topic_prefix}/" if settings.mqtt.topic_prefix else ""
    own = f"rn:{settings.fimp.resource_name}/ad:{settings.fimp.resource_address}"
    async with visitor(settings.mqtt) as client:
        for rest in (f"rt:ad/{own}", f"rt:dev/{own}/#", "rt:discovery"):
            await client.subscribe(f"{before}+/+/{rest}", qos=1)
        # An error goes to the `resp_to` of its command alone, while a report always goes to the event topic too.
        await client.subscribe(f"{before}+/mt:rsp/#", qos=1)
        async for arrival in client.messages:
            topic, payload = str(arrival.topic), bytes(arrival.payload)
            if "/mt:rsp/" in topic and not is_error_of(topic, payload, settings.fimp.resource_name):
                continue
            said = line(topic, payload, now(), names, details=details)
            if said is not None:
                say(said)
