"""The back-off."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.backoff import backoff


@given(st.integers(0, 10_000), st.floats(0, 1))
def test_the_wait_is_between_one_second_and_five_minutes(attempt: int, jitter: float) -> None:
    assert 1.0 <= backoff(attempt, jitter) <= 300.0


def test_the_wait_grows() -> None:
    assert [backoff(attempt, 0.0) for attempt in range(10)] == [1, 2, 4, 8, 16, 32, 64, 128, 150, 150]
    assert backoff(0, 1.0) == 2.0
    assert backoff(20, 1.0) == 300.0


def test_the_wait_stops_growing_at_the_given_maximum() -> None:
    assert [backoff(attempt, 1.0, most=30.0) for attempt in range(6)] == [2, 4, 8, 16, 30, 30]
