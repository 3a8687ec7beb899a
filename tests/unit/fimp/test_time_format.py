"""Times, by table."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from bridge.fimp.time_format import format_time, parse_time

CET = timezone(timedelta(hours=1))


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31T07:30:00.12+01:00",
        "2026-01-31T07:30:00.120+01:00",
        "2026-01-31T07:30:00.120000000+01:00",
        "2026-01-31T07:30:00.12+0100",
        "2026-01-31 07:30:00.12 +0100",
        "2026-01-31 07:30:00.12 +01:00",
        "2026-01-31T06:30:00.12Z",
        "2026-01-31 06:30:00.12 Z",
    ],
)
def test_a_time_is_read_in_every_form_of_the_contract(text: str) -> None:
    assert parse_time(text) == datetime(2026, 1, 31, 7, 30, 0, 120_000, tzinfo=CET)


def test_a_time_without_a_fraction_is_read() -> None:
    assert parse_time("2026-01-31T07:30:00Z") == datetime(2026, 1, 31, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-01-31",
        "2026-01-31T07:30:00",
        "2026-01-31 07:30:00+01:00",
        "2026-01-31T07:30:00 +01:00",
        "2026-02-31T07:30:00Z",
        "2026-01-31T25:30:00Z",
        "2026-01-31T07:30:60Z",
        "0000-01-31T07:30:00Z",
        "2026-01-31T07:30:00.Z",
        "٢٠٢٦-01-31T07:30:00Z",
    ],
)
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_time(text)


def test_a_time_is_written_with_milliseconds_and_offset() -> None:
    assert format_time(datetime(2026, 1, 31, 7, 30, tzinfo=CET)) == "2026-01-31T07:30:00.000+01:00"
