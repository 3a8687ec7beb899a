"""The commands of a service, and one command while it is handled."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from bridge.errors import InvalidValue
from bridge.fimp.message import Message
from bridge.fimp.report import Report
from bridge.fimp.values import ValueType, fits, is_bool, is_int, is_string
from bridge.immutable import immutable

Handler = Callable[["Call"], Awaitable[Sequence[Report]]]
"""Carries out a command and returns the reports that answer it. A `BridgeError` becomes an error report."""


@dataclass(frozen=True, slots=True)
class Command:
    """The handling of one interface of a service.

    Attributes:
        value_types: the accepted values of `val_t`. With `null` alone, any `val` and `val_t` are accepted.
        run: carries out the command.
        again: for a command that acts (starts, stops, sets, unlocks, reboots, deletes, logs in): returns the answer to
            a repeated `uid`. Such a command is refused if it is too old, is acted on once, and waits for other commands
            on the same charge point. None for a request for a report.
    """

    value_types: tuple[ValueType, ...]
    run: Handler
    again: Handler | None = None


@immutable(frozen=True, slots=True)
class Call:
    """A command while it is carried out.

    Attributes:
        message: the received message.
        address: the service address, or the resource address on adapter topics.
    """

    message: Message
    address: str

    def check(self, command: Command) -> None:
        """Check that `val_t` is one that the command accepts, and that `val` has that type.

        Raises:
            InvalidValue: one of the two does not hold.
        """
        if command.value_types == ("null",):
            return
        message = self.message
        if message.value_type not in command.value_types:
            expected = " or ".join(command.value_types)
            raise InvalidValue(f"{message.type} takes val_t {expected}, not {message.value_type}.")
        if "null" in command.value_types and message.value in (None, "", []):
            return  # senders write a missing value in several ways
        if not fits(message.value_type, message.value):
            raise InvalidValue(f"{message.type}: val is not of the type {message.value_type} that val_t says.")

    @property
    def bool_value(self) -> bool:
        """The value of a command that takes a `bool`. Raises `InvalidValue` for any other type."""
        value = self.message.value
        if not is_bool(value):
            raise InvalidValue(f"{self.message.type} takes true or false.")
        return value

    @property
    def int_value(self) -> int:
        """The value of a command that takes an `int`. Raises `InvalidValue` for any other type."""
        value = self.message.value
        if not is_int(value):
            raise InvalidValue(f"{self.message.type} takes a whole number.")
        return value

    @property
    def string_value(self) -> str:
        """The value of a command that takes a `string`. Raises `InvalidValue` for any other type."""
        value = self.message.value
        if not is_string(value):
            raise InvalidValue(f"{self.message.type} takes text.")
        return value
