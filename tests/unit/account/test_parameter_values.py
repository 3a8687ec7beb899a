"""The kinds of values, by table and by property."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.account.parameter_values import BOOL, CLOCK_TIME, DAYS, INT, TEXT

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("07:30", time(7, 30)), ("00:00", time(0)), ("23:59", time(23, 59)), ("24:00", None), ("7:30", None),
        ("07:60", None), ("0730", None), ("07:30 ", None), (" 7:30", None), ("\u0660\u0667:\u0663\u0660", None), ("07:30\n", None), ("", None), (730, None), (None, None),
    ],
)  # fmt: skip
def test_only_hours_and_minutes_are_a_time_of_day(text: JsonValue, expected: time | None) -> None:
    assert CLOCK_TIME.read(text) == expected


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([1], (1,)), ([7, 1], (7, 1)), ([1, 2, 3, 4, 5, 6, 7], (1, 2, 3, 4, 5, 6, 7)), ([], None), ([0], None),
        ([8], None), ([1, 1], None), ([True], None), (["1"], None), ([1.0], None), ([None], None), (1, None),
        ("1", None), ({"1": 1}, None), (None, None),
    ],
)  # fmt: skip
def test_only_different_numbers_of_weekdays_are_days(days: JsonValue, expected: tuple[int, ...] | None) -> None:
    assert DAYS.read(days) == expected


@given(JSON)
def test_a_value_that_was_read_is_written_the_same(value: JsonValue) -> None:
    for kind in (BOOL, INT, TEXT, CLOCK_TIME, DAYS):
        read = kind.read(value)
        if read is not None:
            assert kind.write(read) == value  # type: ignore[arg-type] # the kind's own value
