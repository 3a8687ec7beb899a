"""Parsing of each kind of value: accepted forms, and impossible values."""

from datetime import time
from typing import Any

import pytest

from bridge.bluecurrent import values
from bridge.bluecurrent.values import PLAIN, UNREADABLE, Odd
from bridge.chargepoint.charge_point_settings import Setting
from bridge.chargepoint.cloud_fields import (
    CURRENT,
    ENERGY,
    FLAG,
    GRID_CURRENT,
    MONEY,
    NAMES,
    TIME_OF_DAY,
    VOLTAGE,
    WEEKDAYS,
)
from bridge.chargepoint.status import VEHICLE, Vehicle

ODD = object()


def read(convert: values.Convert, value: object) -> object:
    """The value, `ODD`, or the valid part of a partly odd value in a list."""
    try:
        return convert(value)
    except UNREADABLE as error:
        rest = error.rest if isinstance(error, Odd) else None
        return ODD if rest is None else [rest]


@pytest.mark.parametrize(
    ("kind", "value", "meant"),
    [
        (CURRENT, 16, 16.0),
        (CURRENT, "  5.97", 5.97),
        (CURRENT, "", None),
        (CURRENT, -0.05, 0.0),
        (CURRENT, -1, 0.0),
        (CURRENT, -1.01, ODD),
        (CURRENT, 200, 200.0),
        (CURRENT, 16_000, ODD),  # mA
        (CURRENT, float("nan"), ODD),
        (CURRENT, float("inf"), ODD),
        (CURRENT, float("-inf"), ODD),
        (CURRENT, "nan", ODD),
        (CURRENT, "much", ODD),
        (CURRENT, "1_6", ODD),
        (CURRENT, True, ODD),
        (CURRENT, [], ODD),
        (CURRENT, 10**400, ODD),
        (VOLTAGE, 500, 500.0),
        (VOLTAGE, 500.1, ODD),
        (VOLTAGE, -0.1, ODD),
        (ENERGY, -0.1, ODD),
        (MONEY, -12.5, -12.5),
        (MONEY, 1e300, ODD),
        (GRID_CURRENT, -30, -30.0),
    ],
)
def test_quantities_are_read_within_their_bounds(kind: Any, value: object, meant: object) -> None:
    found = read(values.quantity(kind), value)
    assert found == meant
    assert isinstance(found, float) or found in (None, ODD)


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, True), (False, False), (1, True), (0, False), (1.0, True), ("1", True), ("0", False), ("TRUE", True),
        (" false ", False), ("yes", True), ("no", False), ("", None), ({"value": True, "permission": "read"}, True),
        ({}, None), (2, ODD), ("maybe", ODD), ([], ODD), ({"value": []}, ODD), (float("nan"), ODD),
    ],
)  # fmt: skip
def test_flags_are_read_from_numbers_and_words(value: object, meant: object) -> None:
    assert read(PLAIN[type(FLAG)], value) is meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ([1, 5], (1, 5)),
        ([0, 1, 2, 3, 4, 5, 6], (1, 2, 3, 4, 5, 6, 7)),  # 0 is Sunday
        ("0,1,2", (1, 2, 7)),
        ("[1,2,3]", (1, 2, 3)),
        (["1", 2.0, "3"], (1, 2, 3)),
        ("MO,TU, su", (1, 2, 7)),
        (["Monday", "sunday"], (1, 7)),
        ([7, 0, 1, 1], (1, 7)),
        (3, (3,)),
        ([], ()),
        ("", ()),
        ("[]", ()),
        ([1, "x", 9, None], [(1,)]),
        ([True, 2], [(2,)]),
        (["x"], ODD),
        ("8", ODD),
        ({"mo": True}, ODD),
    ],
)
def test_days_of_the_week_are_read(value: object, meant: object) -> None:
    assert read(PLAIN[type(WEEKDAYS)], value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("23:00", time(23)), ("7:05", time(7, 5)), ("07:05:59", time(7, 5)), (" 07:05 ", time(7, 5)), ("", None),
        ("24:00", time(0)), ("24:00:00", time(0)), ("24:01", ODD), ("25:00", ODD), ("7", ODD), (7, ODD),
        ("12:60", ODD), ([], ODD),
    ],
)  # fmt: skip
def test_times_of_day_are_read(value: object, meant: object) -> None:
    assert read(PLAIN[type(TIME_OF_DAY)], value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        ("20221110 11:41:32", "2022-11-10T11:41:32+01:00"),
        ("20220710 11:41:32", "2022-07-10T11:41:32+02:00"),
        ("20221110 11:41:32+00:00", "2022-11-10T12:41:32+01:00"),
        ("20221110 11:41:32+0100", "2022-11-10T11:41:32+01:00"),
        ("2022-11-10T11:41:32", "2022-11-10T11:41:32+01:00"),
        ("2022-11-10T11:41:32Z", "2022-11-10T12:41:32+01:00"),
        ("00010101 00:00:00", None),
        ("00010101 00:00:00+01:00", None),
        ("19991231 23:59:59", None),
        ("20000101 00:00:00", "2000-01-01T00:00:00+01:00"),
        ("21010101 00:00:00", None),
        ("99991231 23:59:59", None),
        ("20221310 11:41:32", None),
        ("yesterday", None),
    ],
)
def test_moments_are_read_as_times_in_amsterdam(value: str, meant: str | None) -> None:
    try:
        moment = values.read_moment(value)
    except UNREADABLE:
        assert meant is None
    else:
        assert moment is not None
        assert moment.isoformat() == meant


@pytest.mark.parametrize("value", ["", "  "])
def test_a_blank_is_no_moment(value: str) -> None:
    assert values.read_moment(value) is None


@pytest.mark.parametrize("value", [5, 20221110, [], {}, True])
def test_a_value_that_is_no_text_is_no_moment(value: object) -> None:
    with pytest.raises(UNREADABLE):
        values.read_moment(value)


@pytest.mark.parametrize(
    ("value", "meant"),
    [(["A", "B"], ("A", "B")), ("A, B", ("A", "B")), ("A", ("A",)), ([1, "A"], ("1", "A")), (["A", {}], [("A",)])],
)
def test_names_are_read_from_lists_and_texts(value: object, meant: object) -> None:
    assert read(PLAIN[type(NAMES)], value) == meant


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (True, Setting(True)),
        ({"value": True}, Setting(True)),
        ({"value": "1", "permission": "read"}, Setting(True, "read")),
        ({"value": False, "permission": "admin"}, Setting(False, "read")),  # an unknown permission counts as read-only
        ({"value": False, "permission": []}, Setting(False, "read")),
        ({"value": True, "permission": "WRITE"}, Setting(True, "write")),
        ({"value": True, "permission": " Write "}, Setting(True, "write")),
        ({"value": True, "permission": "None"}, Setting(True, "none")),
        ({"permission": "none"}, Setting(None, "none")),
        ({"value": "maybe", "permission": "none"}, [Setting(None, "none")]),
        ({"value": [], "permission": "write"}, [Setting(None)]),
        ("maybe", ODD),
        ([], ODD),
    ],
)
def test_settings_are_read(value: object, meant: object) -> None:
    assert read(values.setting(values.read_flag), value) == meant


def test_words_are_read_in_any_letter_case() -> None:
    convert = values.word(VEHICLE)
    assert convert("C") == convert(" c ") == convert("Charging") == Vehicle.READY
    with pytest.raises(Odd, match="'XYZ' is not known"):
        convert("XYZ")
    with pytest.raises(Odd, match=f"'{'y' * 40}' is not known"):
        convert("y" * 1000)


def test_long_names_are_cut() -> None:
    assert len(values.read_text("x" * 100_000)) == values.LONGEST_TEXT
