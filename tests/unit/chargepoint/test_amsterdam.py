"""The cloud's local time around both clock changes."""

from datetime import UTC, datetime

import pytest

from bridge.chargepoint.amsterdam import from_wall_clock, in_amsterdam, in_order, last_midnight, next_limit_reset


@pytest.mark.parametrize(
    ("wall", "moment"),
    [
        ("2026-01-31T07:30:00", "2026-01-31T07:30:00+01:00"),
        ("2026-07-31T07:30:00", "2026-07-31T07:30:00+02:00"),
        ("2026-03-29T01:59:59", "2026-03-29T01:59:59+01:00"),
        ("2026-03-29T02:30:00", "2026-03-29T03:30:00+02:00"),  # the hour that is skipped
        ("2026-03-29T03:00:00", "2026-03-29T03:00:00+02:00"),
        ("2026-10-25T02:30:00", "2026-10-25T02:30:00+02:00"),  # the hour that repeats: the first time
        ("2026-10-25T03:00:00", "2026-10-25T03:00:00+01:00"),
    ],
)
def test_a_wall_clock_time_is_read_as_a_time_in_amsterdam(wall: str, moment: str) -> None:
    assert from_wall_clock(datetime.fromisoformat(wall)).isoformat() == moment


def test_the_second_time_is_taken_only_where_the_first_would_run_backwards() -> None:
    first = from_wall_clock(datetime(2026, 10, 25, 2, 10))
    assert in_order(first, None) == first
    assert in_order(first, datetime(2026, 10, 25, 0, 0, tzinfo=UTC)) == first
    later = in_order(first, datetime(2026, 10, 25, 0, 50, tzinfo=UTC))
    assert later.isoformat() == "2026-10-25T02:10:00+01:00"
    # If no reading fits, the text is taken as it is.
    plain = from_wall_clock(datetime(2026, 11, 1, 12, 0))
    assert in_order(plain, datetime(2026, 11, 2, tzinfo=UTC)) == plain


@pytest.mark.parametrize(
    ("now", "reset"),
    [
        ("2026-11-20T12:00:00+00:00", "2026-11-21T00:00:30+01:00"),
        ("2026-11-20T23:30:00+00:00", "2026-11-22T00:00:30+01:00"),  # already the 21st in Amsterdam
        ("2026-11-20T23:00:10+00:00", "2026-11-21T00:00:30+01:00"),  # already the 21st, and lifted in a moment
        ("2026-11-20T23:00:30+00:00", "2026-11-22T00:00:30+01:00"),
        ("2026-10-24T23:00:00+02:00", "2026-10-25T00:00:30+02:00"),
        ("2026-10-25T12:00:00+01:00", "2026-10-26T00:00:30+01:00"),
    ],
)
def test_the_request_limit_ends_after_midnight_in_amsterdam(now: str, reset: str) -> None:
    assert next_limit_reset(datetime.fromisoformat(now)).isoformat() == reset


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-11-20T12:00:00+00:00", "2026-11-20T00:00:00+01:00"),
        ("2026-11-20T23:30:00+00:00", "2026-11-21T00:00:00+01:00"),
        ("2026-11-21T00:00:00+01:00", "2026-11-21T00:00:00+01:00"),
        ("2026-03-29T12:00:00+02:00", "2026-03-29T00:00:00+01:00"),  # the clocks have gone forward since
        ("2026-10-25T12:00:00+01:00", "2026-10-25T00:00:00+02:00"),  # and back
    ],
)
def test_the_present_day_began_at_midnight_in_amsterdam(now: str, midnight: str) -> None:
    assert last_midnight(datetime.fromisoformat(now)).isoformat() == midnight


def test_a_moment_is_shown_in_amsterdam_time() -> None:
    assert in_amsterdam(datetime(2026, 7, 1, 10, tzinfo=UTC)).isoformat() == "2026-07-01T12:00:00+02:00"
