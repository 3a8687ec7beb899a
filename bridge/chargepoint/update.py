"""Partial news: a value, and which of its fields the news was about."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


@dataclass(frozen=True, slots=True)
class Update(Generic[T]):
    """What one frame says of a `T`.

    Attributes:
        values: the fields that it gave; the others stand at their defaults and mean nothing.
        present: the names of the fields that it gave. One that is given as None has become unknown.
    """

    values: T
    present: frozenset[str]

    def onto(self, before: T) -> T:
        """`before` with the given fields changed; a field that was missing stays as it was."""
        return replace(before, **{name: getattr(self.values, name) for name in self.present})
