"""How long to wait after a failure."""

from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 300.0


def backoff(attempt: int, jitter: float, most: float = MOST_S) -> float:
    """Seconds to wait after a failure: from 1 s doubling to 5 min, spread so that not all come back at once.

    Args:
        attempt: how many tries in a row have failed before this one; 0 for the first.
        jitter: a random number from 0 to 1.
        most: the longest wait, s.
    """
    longest = min(most, FIRST_S * 2.0 ** min(attempt + 1, 16))
    return longest * (0.5 + 0.5 * jitter)
