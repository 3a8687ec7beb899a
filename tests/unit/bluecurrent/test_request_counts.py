"""How many requests were made."""

from datetime import datetime

from bridge.bluecurrent.request_counts import RequestCounts


def test_the_count_of_the_day_is_reset_at_midnight_in_amsterdam_and_the_total_is_not() -> None:
    counts = RequestCounts()
    evening, night = (datetime.fromisoformat(f"2026-11-20T{clock}+00:00") for clock in ("22:59:59", "23:00:00"))
    assert counts.today(evening) == {}
    for command in ("HELLO", "GET_CH_STATUS", "GET_CH_STATUS"):
        counts.add(command, evening)
    assert counts.today(evening) == {"HELLO": 1, "GET_CH_STATUS": 2}
    assert counts.today(night) == {}
    counts.add("HELLO", night)
    assert counts.today(night) == {"HELLO": 1}
    assert counts.total == {"HELLO": 2, "GET_CH_STATUS": 2}
