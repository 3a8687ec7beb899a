"""Deadlines by name."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.deadlines import Deadlines


def test_a_deadline_is_reached_once_in_the_order_of_time() -> None:
    deadlines = Deadlines[float]()
    for name, when in (("b", 2.0), ("a", 1.0), ("c", 3.0)):
        deadlines.move(name, when)
    assert list(deadlines.reached(0.9)) == []
    assert list(deadlines.reached(2.0)) == ["a", "b"]
    assert list(deadlines.reached(9.0)) == ["c"]
    assert list(deadlines.reached(9.0)) == []


def test_a_deadline_that_was_moved_or_removed_is_not_reached_at_its_old_time() -> None:
    deadlines = Deadlines[float]()
    deadlines.move("moved", 1.0)
    deadlines.move("moved", 5.0)
    deadlines.move("removed", 1.0)
    deadlines.move("removed", None)
    assert list(deadlines.reached(4.0)) == []
    assert list(deadlines.reached(5.0)) == ["moved"]


def test_a_deadline_is_only_brought_forward() -> None:
    deadlines = Deadlines[float]()
    deadlines.bring_forward("a", 5.0)
    deadlines.bring_forward("a", 7.0)
    deadlines.bring_forward("a", None)
    assert deadlines.of("a") == 5.0
    deadlines.bring_forward("a", 3.0)
    assert list(deadlines.reached(4.0)) == ["a"]


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=20), st.integers(0, 9))
def test_exactly_the_names_whose_present_deadline_has_passed_are_reached(
    moves: list[tuple[str, int | None]], now: int
) -> None:
    deadlines, present = Deadlines[float](), dict[str, int | None]()
    for name, when in moves:
        deadlines.move(name, when)
        present[name] = when
    due = [name for name, when in present.items() if when is not None and when <= now]
    reached = list(deadlines.reached(now))
    assert sorted(reached) == sorted(due)
