"""A command, as services take it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidValue
from bridge.fimp.message import Message
from bridge.fimp.report import Report
from bridge.fimp.values import ValueType, fits, is_bool, is_int, is_string

Handler = Callable[["Call"], Awaitable[Sequence[Report]]]
"""Carries a command out and gives the reports that answer it; a `BridgeError` is answered as an error report."""


@dataclass(frozen=True, slots=True)
class Command:
    """What a service does with one interface.

    Attributes:
        value_types: the `val_t` that it takes; with `null` alone, any `val` and `val_t`.
        run: carries it out.
        again: for a command that acts (starts, stops, sets, unlocks, reboots, deletes, logs in): the reports that
            answer it when it has been acted on before. Such a command is refused when too old, acted on once, and
            waits for others on the same charge point. None for one that only asks.
    """

    value_types: tuple[ValueType, ...]
    run: Handler
    again: Handler | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """A command that is being carried out.

    Attributes:
        message: what came.
        address: the service address, or the resource address on adapter topics.
    """

    message: Message
    address: str

    def check(self, command: Command) -> None:
        """Compare what came with what the command takes.

        Raises:
            InvalidValue: they do not agree.
        """
        if command.value_types == ("null",):
            return
        message = self.message
        if message.value_type not in command.value_types:
            expected = " or ".join(command.value_types)
            raise InvalidValue(f"{message.type} takes val_t {expected}, not {message.value_type}.")
        if "null" in command.value_types and message.value in (None, "", []):
            return  # no value, however the sender writes that
        if not fits(message.value_type, message.value):
            raise InvalidValue(f"{message.type}: val is not of the type {message.value_type} that val_t says.")

    @property
    def bool_value(self) -> bool:
        """The value of a command that takes a `bool`."""
        value = self.message.value
        if not is_bool(value):
            raise InvalidValue(f"{self.message.type} takes true or false.")
        return value

    @property
    def int_value(self) -> int:
        """The value of a command that takes an `int`."""
        value = self.message.value
        if not is_int(value):
            raise InvalidValue(f"{self.message.type} takes a whole number.")
        return value

    @property
    def string_value(self) -> str:
        """The value of a command that takes a `string`."""
        value = self.message.value
        if not is_string(value):
            raise InvalidValue(f"{self.message.type} takes text.")
        return value
