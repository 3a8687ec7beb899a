"""A row of the table of parameters."""

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
    """One parameter.

    Attributes:
        id: what FIMP calls it.
        name: what a person reads.
        kind: the type of its value.
        value: its value; None is unknown.
        permission: what this account may do with it; `none` where the charge point has no such thing either.
        set: how it is set, with the setters, the socket and the new value; None: it can be read only.
        options: the values that are allowed, each with what a person reads; empty for any.
        least: the least value of an `int`.
        most: the most.
        unit: of its value.
        default: what a new charge point has, if that is known.
        description: what a person may want to know beside.
        from_status: its value comes with a CH_STATUS; no other parameter can change with one.
    """

    id: str
    name: str
    kind: ParameterKind[T]
    value: Callable[[Sources], T | None]
    permission: Callable[[Sources], Permission]
    set: Callable[[ParameterSetters, Twin, T], Awaitable[None]] | None = None
    options: Callable[[Sources], Options] = lambda sources: ()  # noqa: ARG005
    least: int | None = None
    most: int | None = None
    unit: Callable[[Sources], str] = lambda sources: ""  # noqa: ARG005
    default: JsonValue = None
    description: str = ""
    from_status: bool = False

    def is_there(self, sources: Sources) -> bool:
        """Whether the charge point has it and the account may see it."""
        return self.permission(sources) != "none"

    def is_writable(self, sources: Sources) -> bool:
        """Whether this account may set it."""
        return self.set is not None and self.permission(sources) == "write"

    def json_value(self, sources: Sources) -> JsonValue:
        """Its value as FIMP writes it; None is unknown."""
        value = self.value(sources)
        return self.kind.write(value) if value is not None else None

    async def apply(self, value: JsonValue, twin: Twin, sources: Sources, setters: ParameterSetters) -> None:
        """Set it.

        Raises:
            NotSupported: it can be read only.
            InvalidValue: it may not be set to this value.
            BridgeError: the cloud did not do it.
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
