"""The wait between attempts after a failure."""

from typing import Final

FIRST_S: Final = 1.0
MOST_S: Final = 300.0


def backoff(attempt: int, jitter: float, most: float = MOST_S) -> float:
    """Return the wait after a failure, s: doubling from 1 s to 5 min, with jitter so that clients spread out.

    Args:
        attempt: the number of attempts in a row that failed before this one.
        jitter: a random number from 0 to 1.
        most: the longest wait, s.
    """
    longest = min(most, FIRST_S * 2.0 ** min(attempt + 1, 16))
    return longest * (0.5 + 0.5 * jitter)
