"""The power history."""

import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from bridge.web.history import KEPT_S, MOST_POINTS, UNKNOWN, History, PhasePowers, Point

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def watts(power: float) -> PhasePowers:
    return power, None, 0.0


def test_a_point_is_the_average_over_the_time_of_its_ten_seconds() -> None:
    history = History()
    history.flows(second(0), watts(100))
    history.flows(second(4), watts(200))
    assert history.points(second(9)) == ()
    assert history.points(second(10)) == (Point(START, 160.0, None, 0.0),)


def test_points_are_finished_only_when_they_are_read() -> None:
    history = History()
    history.flows(second(3), watts(100))
    points = history.points(second(35))
    assert [point.at for point in points] == [second(0), second(10), second(20)]
    assert {point.power_1 for point in points} == {100.0}


def test_unknown_stays_unknown_and_an_average_is_over_what_is_known() -> None:
    history = History()
    history.flows(second(0), UNKNOWN)
    history.flows(second(15), watts(300))
    nothing, half = history.points(second(20))
    assert nothing.total is None
    assert half == Point(second(10), 300.0, None, 0.0)


def test_values_that_hold_until_a_moment_are_unknown_after_it() -> None:
    """While the link is down, the last power counts until the grace is over."""
    history = History()
    history.flows(second(0), watts(100), until=second(15))
    assert [point.power_1 for point in history.points(second(30))] == [100.0, 100.0, None]


def test_only_the_last_hours_are_kept() -> None:
    history = History(step=1, kept=5)
    for number in range(20):
        history.flows(second(number), watts(number))
    assert [point.power_1 for point in history.points(second(19))] == [14.0, 15.0, 16.0, 17.0, 18.0]


def test_a_full_curve_is_thinned_and_nothing_is_lost() -> None:
    history = History(step=1, kept=10_000, most=100)
    for number in range(1001):
        history.flows(second(number), watts(number))
    points = history.points(second(1000))
    assert 50 <= len(points) <= 100
    assert points[0].at == START
    (step,) = {after.at - before.at for before, after in pairwise(points)}
    covered = len(points) * step.total_seconds()
    assert 1000 - covered < step.total_seconds()
    assert sum(point.power_1 or 0 for point in points) * step.total_seconds() == sum(range(int(covered)))


@given(begin=st.integers(0, 500), thinned_at=st.integers(2, 9), seconds=st.integers(0, 200))
def test_thinning_keeps_the_average_wherever_it_begins(begin: int, thinned_at: int, seconds: int) -> None:
    thin, whole = History(step=1, most=thinned_at), History(step=1, most=1000)
    for number in range(begin, begin + seconds + 1):
        for history in (thin, whole):
            history.flows(second(number), watts(number))
    now = second(begin + seconds)
    fine = {point.at: point.power_1 or 0.0 for point in whole.points(now)}
    for point in thin.points(now)[1:]:  # of the first, a part can be from before the curve began
        step = thin._step
        covered = [fine[at] for at in (point.at + timedelta(seconds=part) for part in range(step)) if at in fine]
        assert point.power_1 is not None
        assert abs(point.power_1 - sum(covered) / len(covered)) < 0.01


def test_drawn_points_do_not_change_while_others_come_and_go() -> None:
    history = History(step=1, kept=90, most=100)
    for number in range(1501):
        history.flows(second(number), watts(number % 7))
    before = history.points(second(1500))
    after = history.points(second(1501))
    assert before[1:] == after[:-1]


def test_a_clock_that_is_put_back_drops_what_would_come_twice() -> None:
    history = History()
    history.flows(second(0), watts(1))
    assert len(history.points(second(60))) == 6
    history.flows(second(30), watts(5))
    assert [point.power_1 for point in history.points(second(50))] == [1.0, 1.0, 1.0, 5.0, 5.0]
    history.flows(second(-3600), watts(7))
    assert [point.power_1 for point in history.points(second(-3590))] == [7.0]


def test_a_day_without_a_change_is_a_full_curve() -> None:
    history = History()
    history.flows(second(0), watts(100))
    points = history.points(second(24 * 3600))
    assert {point.power_1 for point in points} == {100.0}
    assert MOST_POINTS / 2 <= len(points) <= MOST_POINTS
    assert timedelta(seconds=KEPT_S) - (second(24 * 3600) - points[0].at) < timedelta(minutes=3)


def test_hours_with_a_change_each_second_are_small() -> None:
    history = History()
    for number in range(12 * 3600):
        history.flows(second(number), (float(number % 11), 1.5, 2.5))
    parts = [getattr(history, name) for name in History.__slots__]
    assert sum(sys.getsizeof(part) for part in [history, *parts]) < 4000
