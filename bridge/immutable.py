"""Frozen dataclasses that cost little to make.

At run time `dataclass(frozen=True)` assigns each field by a call of `object.__setattr__`. That is most of the cost of a
new value, and a frame of the cloud makes about forty of them. The decorator here freezes a class for mypy, which
refuses assignments to its fields; at run time the class is a plain dataclass with the same equality and hash. It is
for values that are made for each frame or message. All others use `dataclasses.dataclass`.
"""

from typing import TYPE_CHECKING

__all__ = ("immutable",)

if TYPE_CHECKING:
    from dataclasses import dataclass as immutable
else:
    from dataclasses import dataclass

    def immutable(*, frozen, eq=True, **options):
        """Make a dataclass that mypy takes for a frozen one. The arguments are those of `dataclass`."""
        if not frozen:
            raise TypeError("use dataclasses.dataclass for a class that is not frozen")
        return dataclass(eq=eq, unsafe_hash=eq, **options)
