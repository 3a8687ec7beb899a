"""The power of the last hours."""

from datetime import UTC, datetime, timedelta

from bridge.web.history import History, Point

START = datetime(2026, 11, 20, 12, tzinfo=UTC)


def second(number: float) -> datetime:
    return START + timedelta(seconds=number)


def test_a_point_is_the_average_of_its_ten_seconds() -> None:
    history = History()
    grown = [history.add(second(number), (100.0 * number, None, 0.0)) for number in range(11)]
    assert grown == [False] * 10 + [True]
    assert history.points(100) == (Point(START, 450.0, None, 0.0),)


def test_unknown_stays_unknown() -> None:
    history = History()
    for number in range(11):
        history.add(second(number), (None, None, None))
    (point,) = history.points(100)
    assert point.total is None


def test_only_the_last_hours_are_kept() -> None:
    history = History(step=timedelta(seconds=1), kept=timedelta(seconds=5))
    for number in range(20):
        history.add(second(number), (float(number), 0.0, 0.0))
    assert [point.power_1 for point in history.points(100)] == [14.0, 15.0, 16.0, 17.0, 18.0]


def test_many_points_are_merged_and_none_is_lost() -> None:
    history = History(step=timedelta(seconds=1))
    for number in range(1001):
        history.add(second(number), (float(number), None, None))
    points = history.points(100)
    assert len(points) == 100
    assert points[0] == Point(START, 4.5, None, None)
    assert sum(point.power_1 or 0 for point in points) * 10 == sum(range(1000))


def test_what_was_drawn_stays_as_it_is_while_points_come_and_go() -> None:
    history = History(step=timedelta(seconds=1), kept=timedelta(seconds=1000))
    for number in range(1501):
        history.add(second(number), (float(number % 7), None, None))
    before = history.points(100)
    history.add(second(1501), (5.0, None, None))
    after = history.points(100)
    assert before[1:-1] == after[1 : len(before) - 1]
    assert history.points(100) is after


def test_a_clock_that_is_put_back_begins_a_new_point() -> None:
    history = History()
    history.add(second(5), (1.0, None, None))
    assert history.add(second(-3600), (3.0, None, None))
    assert not history.add(second(-3599), (5.0, None, None))
    history.add(second(-3589), (0.0, None, None))
    assert [point.power_1 for point in history.points(10)] == [1.0, 4.0]
