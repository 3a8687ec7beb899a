"""A command to the service from another client of the broker: its topic, its value and its message."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from pydantic import JsonValue
from pydantic_core import from_json

from bridge.fimp.addresses import DISCOVERY
from bridge.fimp.message import Message
from bridge.fimp.topic import Topic, is_level
from bridge.fimp.values import ValueType, fits
from bridge.settings import Settings

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
        """Return the topic of the command.

        Raises:
            ValueError: the address or the service cannot be part of a topic.
        """
        for part in (self.address, self.service):
            if part is not None and not is_level(part):
                raise ValueError(f"{part!r} cannot be part of a topic, so no thing and no service has this name.")
        name, address = settings.fimp.resource_name, settings.fimp.resource_address
        prefix = settings.mqtt.topic_prefix
        if self.interface.startswith("cmd.discovery."):
            return Topic("cmd", "discovery", prefix=prefix)
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
        """Return how long to wait for the answer, s. A report costs no request, so it does not wait for the cloud."""
        return REPORT_S if ".get_" in self.interface else settings.cloud.command_timeout + 5

    def typed_value(self) -> tuple[str, JsonValue]:
        """Return the value with its type, given or guessed.

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


def compose(settings: Settings, command: Order, now: datetime) -> tuple[Topic, Topic, Message]:
    """Return the topic of a command, the topic for its answer, and its message.

    Raises:
        ValueError: the value is not of the given type.
    """
    topic = command.topic(settings)
    value_type, value = command.typed_value()
    reply = Topic("rsp", "app", "bluecurrent-cli", uuid4().hex[:12], prefix=settings.mqtt.topic_prefix)
    message = Message(
        service=topic.service or topic.resource_name or DISCOVERY,
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
