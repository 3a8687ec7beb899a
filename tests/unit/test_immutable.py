"""Values of the hot paths: frozen for mypy, plain dataclasses at run time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.immutable import immutable


@immutable(frozen=True, slots=True)
class Point:
    x: int
    y: int = 0


@immutable(frozen=True, slots=True, eq=False)
class Thing:
    x: int


def test_values_are_equal_and_hashed_by_their_fields() -> None:
    assert Point(1) == Point(1, 0) != Point(2)
    assert len({Point(1), Point(1, 0), Point(2)}) == 2
    assert replace(Point(1), y=2) == Point(1, 2)


def test_without_eq_each_value_is_its_own() -> None:
    one = Thing(1)
    assert one != Thing(1)
    assert len({one, one, Thing(1)}) == 2


def test_a_class_that_is_not_frozen_is_refused() -> None:
    loose: Callable[..., object] = immutable
    with pytest.raises(TypeError, match=r"dataclasses\.dataclass"):
        loose(frozen=False)


def test_an_assignment_is_refused_by_mypy() -> None:
    point = Point(1)
    point.x = 2  # type: ignore[misc] # mypy reports an unused ignore if it ever allows this
    assert point.x == 2
