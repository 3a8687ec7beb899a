"""Curves and bars."""

from datetime import date, timedelta

from bridge.web.drawing import BARS_HEIGHT, HEIGHT, WIDTH, draw_bars, draw_curve
from bridge.web.history import Point
from bridge.web.view import DayView
from tests.showroom import NOW


def points(*powers: tuple[float | None, float | None, float | None]) -> list[Point]:
    begin = NOW - timedelta(minutes=len(powers))
    return [Point(begin + timedelta(minutes=index), *power) for index, power in enumerate(powers)]


def test_nothing_known_is_nothing_drawn() -> None:
    assert draw_curve([], NOW).layers == ()
    assert draw_curve(points((None, None, None), (None, None, None)), NOW).layers == ()


def test_the_phases_stand_on_each_other() -> None:
    curve = draw_curve(points(*[(1000.0, 1000.0, 2000.0)] * 20), NOW)
    assert curve.full_kw == 6
    tops = {layer.phase: layer.line.split("L")[0] for layer in curve.layers}
    heights = {phase: HEIGHT - float(top.split()[1]) for phase, top in tops.items()}
    assert list(heights) == [3, 2, 1]  # the highest first, so that it does not hide the others
    assert heights == {3: HEIGHT * 4 / 6, 2: HEIGHT * 2 / 6, 1: HEIGHT / 6}


def test_a_phase_that_carries_nothing_is_not_drawn() -> None:
    assert [layer.phase for layer in draw_curve(points(*[(2300.0, 0.0, 0.0)] * 5), NOW).layers] == [1]


def test_a_gap_stays_a_gap() -> None:
    known = (1000.0, None, None)
    curve = draw_curve(points(known, known, known, (None, None, None), known, known), NOW)
    assert curve.layers[0].line.count("M") == 2


def test_a_machine_that_slept_leaves_a_gap() -> None:
    before = [Point(NOW - timedelta(minutes=minute), 1000.0, 0.0, 0.0) for minute in (60, 59, 58, 57)]
    after = [Point(NOW - timedelta(minutes=minute), 1000.0, 0.0, 0.0) for minute in (2, 1, 0)]
    assert draw_curve([*before, *after], NOW).layers[0].line.count("M") == 2


def test_a_curve_stays_as_it_is_until_the_next_step() -> None:
    flowing = points(*[(1000.0, 0.0, 0.0)] * 5)
    curves = {draw_curve([*flowing, Point(now, 900.0, 0.0, 0.0)], now) for now in (NOW, NOW + timedelta(seconds=9))}
    assert len(curves) == 1
    assert draw_curve([*flowing, Point(NOW, 800.0, 0.0, 0.0)], NOW) not in curves


def test_a_curve_ends_now_and_a_short_one_does_not_fill_the_width() -> None:
    curve = draw_curve(points(*[(1000.0, 0.0, 0.0)] * 5), NOW)
    assert curve.end == NOW
    assert curve.end - curve.begin == timedelta(minutes=10)
    corners = curve.layers[0].line.removeprefix("M").split("L")
    assert corners[0].split()[0] == f"{WIDTH / 2:g}"
    assert corners[-1].split()[0] == f"{WIDTH}"


def test_the_highest_bar_fills_the_height_and_little_can_be_seen() -> None:
    first = date(2026, 11, 1)
    days = [DayView(first + timedelta(days=index), energy, None, 1) for index, energy in enumerate((0.0, 0.01, 20, 40))]
    bars = draw_bars(days)
    assert [bar.height for bar in bars] == [0.0, 2.0, BARS_HEIGHT / 2, BARS_HEIGHT]
    assert [bar.today for bar in bars] == [False, False, False, True]
    assert draw_bars([DayView(first, 0.0, None, 0)])[0].height == 0
