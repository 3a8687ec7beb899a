"""Value types, by table."""

import pytest
from pydantic import JsonValue

from bridge.fimp.values import fits


@pytest.mark.parametrize(
    ("value_type", "good", "bad"),
    [
        ("string", ["", "x"], [1, None, []]),
        ("int", [0, -3, 10**12], [1.0, 10.5, "10", True, None]),
        ("float", [3, 3.5, -1], ["3", True, float("inf"), float("nan"), None]),
        ("bool", [True, False], [1, 0, "true", None]),
        ("null", [None], [0, "", False]),
        ("str_array", [[], ["a"]], ["a", [1], None]),
        ("int_array", [[], [1, 2]], [[1.5], [True], ["1"]]),
        ("float_array", [[1, 2.5]], [["x"]]),
        ("str_map", [{}, {"a": "b"}], [{"a": 1}, []]),
        ("int_map", [{"a": 1}], [{"a": 1.5}]),
        ("float_map", [{"a": 1.5, "b": 2}], [{"a": "x"}]),
        ("bool_map", [{"a": True}], [{"a": 1}]),
        ("object", [{}, {"a": [1]}, [{}]], ["x", 1, None]),
        ("bin", ["U28=", ""], ["?", 5]),
        ("no such type", [], ["x", 1, None]),
    ],
)
def test_a_value_fits_only_its_type(value_type: str, good: list[JsonValue], bad: list[JsonValue]) -> None:
    assert [value for value in good if not fits(value_type, value)] == []
    assert [value for value in bad if fits(value_type, value)] == []
