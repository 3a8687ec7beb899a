"""One deadline for each name, kept in a heap so that no tick scans all names. Pure."""

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T", float, datetime)


class Deadlines(Generic[T]):
    """The deadlines of names such as addresses, in monotonic seconds or as times of day."""

    def __init__(self) -> None:
        self._heap: list[tuple[T, str]] = []
        self._when: dict[str, T] = {}

    def of(self, name: str) -> T | None:
        """Return the deadline of a name; None if it has none."""
        return self._when.get(name)

    def move(self, name: str, when: T | None) -> None:
        """Set the deadline of a name in place of the present one. None removes it."""
        if when is None:
            self._when.pop(name, None)
        elif when != self._when.get(name):
            self._when[name] = when
            heapq.heappush(self._heap, (when, name))

    def bring_forward(self, name: str, when: T | None) -> None:
        """Set the deadline of a name, unless it has an earlier one. None changes nothing."""
        known = self._when.get(name)
        if when is not None and (known is None or when < known):
            self.move(name, when)

    def reached(self, now: T) -> Iterator[str]:
        """Remove and yield the names whose deadline has passed."""
        while self._heap and self._heap[0][0] <= now:
            when, name = heapq.heappop(self._heap)
            if self._when.get(name) == when:  # else another deadline has replaced this one
                del self._when[name]
                yield name
