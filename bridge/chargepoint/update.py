"""Partial updates: new values for some of the fields of a dataclass."""

from dataclasses import replace
from typing import TYPE_CHECKING, Generic, TypeVar

from bridge.immutable import immutable

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@immutable(frozen=True, slots=True)
class Update(Generic[T]):
    """The values that one frame carries for a `T`.

    Attributes:
        values: the values of the fields in `present`. The others are at their defaults, and have no meaning.
        present: the names of the fields that the frame carries. One with the value None has become unknown.
    """

    values: T
    present: frozenset[str]

    def onto(self, before: T) -> T:
        """Return `before` with the carried fields changed. The other fields keep their values."""
        return replace(before, **{name: getattr(self.values, name) for name in self.present})
