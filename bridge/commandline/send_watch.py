"""`bluecurrent-fimp send` and `watch`: send commands to the service and print its messages, through the broker.

Both use a random client id and a clean session, so that they never push the service off its connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

import aiomqtt
import typer
from pydantic import JsonValue
from pydantic_core import from_json

from bridge.commandline.message_line import line
from bridge.errors import Malformed
from bridge.fimp.message import Message
from bridge.fimp.topic import Topic, is_level
from bridge.fimp.values import ValueType, fits
from bridge.hub.connection import explain, visitor_access
from bridge.settings import MqttSettings, Settings

ADAPTER: Final = "adapter"
SERVICES: Final = {
    "meter": "meter_elec",
    "meter_ext": "meter_elec",
    "param": "parameters",
    "sup_params": "parameters",
    "thing.reboot": "dev_sys",
}
"""The service for each attribute of a command. Other commands of a charge point go to `chargepoint`."""

REPORT_S: Final = 10.0
"""The time to wait for an answer that the bridge gives without the cloud."""

MORE_S: Final = 0.3
"""The time to wait for further answers after one."""


class BrokerProblem(Exception):
    """The broker cannot be reached. The text names the setting to correct."""


@asynccontextmanager
async def visitor(settings: MqttSettings) -> AsyncIterator[aiomqtt.Client]:
    """Connect with a random client id and a clean session.

    Raises:
        BrokerProblem: the broker cannot be reached, or refuses.
    """
    try:
        async with aiomqtt.Client(**visitor_access(settings)) as client:
            yield client
    except (aiomqtt.MqttError, OSError) as error:
        raise BrokerProblem(explain(error, settings.where)) from error


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


@dataclass(frozen=True, slots=True)
class Order:
    """A command to send.

    Attributes:
        address: a charge point, or `adapter`.
        type: the interface; `cmd.` may be left out.
        value: the value as text; None for none.
        value_type: wire name `val_t`; None to guess it from the value.
        properties: wire name `props`.
        service: the service; None to guess it from the command.
    """

    address: str
    type: str
    value: str | None = None
    value_type: str | None = None
    properties: dict[str, str] | None = None
    service: str | None = None

    def topic(self, settings: Settings) -> Topic:
        """The topic of the command.

        Raises:
            ValueError: the address or the service cannot be part of a topic.
        """
        for part in (self.address, self.service):
            if part is not None and not is_level(part):
                raise ValueError(f"{part!r} cannot be part of a topic, so no thing and no service has this name.")
        name, address = settings.fimp.resource_name, settings.fimp.resource_address
        prefix = settings.mqtt.topic_prefix
        if self.address == ADAPTER:
            return Topic("cmd", "ad", name, address, prefix=prefix)
        attribute = self.interface.removeprefix("cmd.").rpartition(".")[0]
        service = self.service or SERVICES.get(self.interface.removeprefix("cmd.")) or SERVICES.get(attribute)
        return Topic("cmd", "dev", name, address, service or "chargepoint", self.address, prefix=prefix)

    @property
    def interface(self) -> str:
        """The full name of the interface."""
        return self.type if self.type.startswith("cmd.") else f"cmd.{self.type}"

    def patience(self, settings: Settings) -> float:
        """How long to wait for the answer, s. A report costs no request, so that it does not wait for the cloud."""
        return REPORT_S if ".get_" in self.interface else settings.cloud.command_timeout + 5

    def typed_value(self) -> tuple[str, JsonValue]:
        """The value with its type, given or guessed.

        Raises:
            ValueError: it is not of the given type.
        """
        if self.value is None:
            return self.value_type or "null", None
        if self.value_type == "string":
            return "string", self.value
        try:
            value: JsonValue = from_json(self.value)
        except ValueError:
            value = self.value
        guesses: tuple[ValueType, ...] = ("bool", "int", "float", "null", "str_array", "int_array", "object", "string")
        types: tuple[str, ...] = guesses if self.value_type is None else (self.value_type,)
        for value_type in types:
            if fits(value_type, value):
                return value_type, value
        raise ValueError(f"{self.value!r} is not a value of type {self.value_type}")


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


def compose(settings: Settings, command: Order, now: datetime) -> tuple[Topic, Topic, Message]:
    """The topic of a command, the topic for its answer, and its message.

    Raises:
        ValueError: the value is not of the given type.
    """
    topic = command.topic(settings)
    value_type, value = command.typed_value()
    reply = Topic("rsp", "app", "bluecurrent-cli", uuid4().hex[:12], prefix=settings.mqtt.topic_prefix)
    message = Message(
        service=topic.service or topic.resource_name,
        type=command.interface,
        value_type=value_type,
        value=value,
        properties=command.properties or {},
        resp_to=str(reply),
        uid=str(uuid4()),
        ctime=now,
        src="bluecurrent-cli",
        topic=str(topic),
    )
    return topic, reply, message


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
    """Print the messages of this bridge until cancelled.

    Raises:
        BrokerProblem: the broker cannot be reached.
    """
    before = f"{settings.mqtt.topic_prefix}/" if settings.mqtt.topic_prefix else ""
    own = f"rn:{settings.fimp.resource_name}/ad:{settings.fimp.resource_address}"
    async with visitor(settings.mqtt) as client:
        for rest in (f"rt:ad/{own}", f"rt:dev/{own}/#", "rt:discovery"):
            await client.subscribe(f"{before}+/+/{rest}", qos=1)
        async for arrival in client.messages:
            said = line(str(arrival.topic), bytes(arrival.payload), now(), names, details=details)
            if said is not None:
                say(said)
