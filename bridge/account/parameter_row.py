"""One row of the table of parameters (contract 5, "parameters")."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from pydantic import JsonValue

from bridge.account.parameter_setters import ParameterSetters
from bridge.account.parameter_values import Options, ParameterKind, Sources
from bridge.chargepoint.charge_point_settings import Permission
from bridge.chargepoint.twin import Twin
from bridge.errors import InvalidValue, NotSupported

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter(Generic[T]):
    """One parameter of a charge point: where its value comes from, and how it is set.

    Attributes:
        id: the `parameter_id` in FIMP.
        name: the label for people.
        kind: the type of the value.
        value: returns the value; None if it is unknown.
        permission: returns what this account may do with the parameter; `none` also where the charge point has none.
        set: sets the parameter, given the setters, the socket and the new value; None if it is read-only.
        options: returns the allowed values, each with its label; empty if every value of the kind is allowed.
        least: the lowest value of an `int`.
        most: the highest value of an `int`.
        unit: returns the unit of the value; empty if it has none.
        default: the value of a new charge point, if that is known.
        description: a sentence for people that adds to the label.
        from_status: the value comes from CH_STATUS. No other parameter can change with a CH_STATUS.
    """

    id: str
    name: str
    kind: ParameterKind[T]
    value: Callable[[Sources], T | None]
    permission: Callable[[Sources], Permission]
    set: Callable[[ParameterSetters, Twin, T], Awaitable[None]] | None = None
    options: Callable[[Sources], Options] = lambda _: ()
    least: int | None = None
    most: int | None = None
    unit: Callable[[Sources], str] = lambda _: ""
    default: JsonValue = None
    description: str = ""
    from_status: bool = False

    def is_there(self, sources: Sources) -> bool:
        """Whether the charge point has the parameter and the account may read it."""
        return self.permission(sources) != "none"

    def is_writable(self, sources: Sources) -> bool:
        """Whether this account may set the parameter."""
        return self.set is not None and self.permission(sources) == "write"

    def json_value(self, sources: Sources) -> JsonValue:
        """Return the value in its FIMP form; None if it is unknown."""
        value = self.value(sources)
        return self.kind.write(value) if value is not None else None

    async def apply(self, value: JsonValue, twin: Twin, sources: Sources, setters: ParameterSetters) -> None:
        """Set the parameter.

        Args:
            value: the new value in its FIMP form.
            twin: a socket of the charge point.
            sources: the present values, which decide what is allowed.
            setters: make the requests.

        Raises:
            NotSupported: the parameter is read-only.
            InvalidValue: the value is of another type, out of range, or none of the options.
            BridgeError: the cloud cannot be reached, or did not carry out the request.
        """
        if self.set is None or not self.is_writable(sources):
            raise NotSupported(f"{self.id} can be read only.")
        await self.set(setters, twin, self._checked(value, sources))

    def _checked(self, value: JsonValue, sources: Sources) -> T:
        known = self.kind.read(value)
        if known is None:
            raise InvalidValue(f"{self.id} takes {self.kind.wanted}.")
        options = [option for option, _ in self.options(sources)]
        if options and value not in options:
            raise InvalidValue(f"{self.id} takes one of: {', '.join(repr(option) for option in options)}.")
        if isinstance(known, int) and not (
            (self.least is None or known >= self.least) and (self.most is None or known <= self.most)
        ):
            raise InvalidValue(f"{self.id} takes a whole number from {self.least} to {self.most}.")
        return known
