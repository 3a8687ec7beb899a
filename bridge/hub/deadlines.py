"""One deadline per subject, kept in a heap so that no tick scans all subjects. Pure."""

import heapq
from collections.abc import Iterator


class Deadlines:
    """The earliest deadline that was set for each subject. All times are seconds on the monotonic clock."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._when: dict[str, float] = {}

    def set(self, subject: str, when: float | None) -> None:
        """Set the deadline of a subject, unless an earlier one is set already. None sets none."""
        known = self._when.get(subject)
        if when is not None and (known is None or when < known):
            self._when[subject] = when
            heapq.heappush(self._heap, (when, subject))

    def reached(self, now: float) -> Iterator[str]:
        """Remove and yield the subjects whose deadline has passed."""
        while self._heap and self._heap[0][0] <= now:
            when, subject = heapq.heappop(self._heap)
            if self._when.get(subject) == when:  # otherwise an earlier deadline replaced this one and has passed
                del self._when[subject]
                yield subject
