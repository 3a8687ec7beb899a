"""When something is due with nothing happening: a heap, so that nothing is scanned. Pure."""

import heapq
from collections.abc import Iterator


class Deadlines:
    """One deadline for each subject: the earliest that was set. Times are on the monotonic clock, s."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._when: dict[str, float] = {}

    def set(self, subject: str, when: float) -> None:
        """Something of a subject is due at a time, or before."""
        known = self._when.get(subject)
        if known is None or when < known:
            self._when[subject] = when
            heapq.heappush(self._heap, (when, subject))

    def reached(self, now: float) -> Iterator[str]:
        """The subjects whose deadline has come; each has none from then on."""
        while self._heap and self._heap[0][0] <= now:
            when, subject = heapq.heappop(self._heap)
            if self._when.get(subject) == when:  # else an earlier one was set, and has come
                del self._when[subject]
                yield subject
