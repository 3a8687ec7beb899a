"""The table of sessions, as a person reads it, and money as a program does."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest

from bridge.chargepoint.records import SessionRecord
from bridge.commandline.sessions_report import Ledger, table, to_csv, to_json


def test_a_name_with_line_ends_and_marks_of_direction_is_on_one_line() -> None:
    began, ended = datetime(2026, 1, 1, 8, tzinfo=UTC), datetime(2026, 1, 1, 9, tzinfo=UTC)
    record = SessionRecord(
        address="BCU1", number=1, evse_id="BCU1", socket=None, started_at=began, ended_at=ended, energy=1.5,
        card="card\u202e\n1",
    )  # fmt: skip
    lines = list(table(Ledger([record], {"BCU1": "Drive\nway\u202e"}, {"BCU1": 3.0})))
    assert lines == [
        "Start              End    Charge point    kWh  Average kW  Card",
        "~2026-01-01 09:00  10:00  Drive way     1.500         1.5  card 1",
        "~ the cloud gave no times for this session; the times are those when the bridge saw it",
        "",
        "Month    Charge point  Sessions    kWh",
        "2026-01  Drive way            1  1.500",
        "2026-01  all                  1  1.500",
        "All      Drive way            1  1.500",
        "All      all                  1  1.500",
        "Drive way had delivered 3.000 kWh before sessions were kept. Its meter counts them; no month does.",
    ]


def priced(*costs: tuple[float | None, str]) -> Ledger:
    """Sessions that cost this, one after the other."""
    began = datetime(2026, 1, 1, 8, tzinfo=UTC)
    records = [
        SessionRecord(
            address="BCU1", number=number, evse_id="BCU1", started_at=began, ended_at=began + timedelta(hours=1),
            times_given=True, energy=1.5, cost=cost, currency=currency,
        )
        for number, (cost, currency) in enumerate(costs, 1)
    ]  # fmt: skip
    return Ledger(records, {}, {})


@pytest.mark.parametrize(
    ("ledger", "head", "cells", "total"),
    [
        (priced((1.25, "EUR"), (-0.5, "EUR")), "EUR", ["1.25", "-0.50"], "0.75"),
        (priced((12.0, "SEK"), (None, "EUR")), "SEK", ["12.00", ""], "12.00+"),
        (priced((12.0, "SEK"), (1.25, "EUR")), "Cost", ["12.00 SEK", "1.25 EUR"], "1.25 EUR + 12.00 SEK"),
    ],
)
def test_the_table_shows_the_currency(ledger: Ledger, head: str, cells: list[str], total: str) -> None:
    lines = list(table(ledger))
    assert f"    kWh  {head:>{max(len(cell) for cell in [head, *cells])}}" in lines[0]
    for line, cell in zip(lines[1:], cells, strict=False):
        assert line.partition("1.500")[2].strip().startswith(cell)
        assert cell or line.partition("1.500")[2].strip() == "1.5"
    assert [line for line in lines if line.startswith("All")][-1].endswith(f"3.000  {total}")


def test_csv_and_json_have_the_currency() -> None:
    ledger = priced((12.0, "SEK"), (1.25, "EUR"), (None, "EUR"))
    rows = list(csv.DictReader(io.StringIO(to_csv(ledger), newline="")))
    assert [(row["cost"], row["currency"], row["cost_eur"]) for row in rows] == [
        ("12.0", "SEK", ""), ("1.25", "EUR", "1.25"), ("", "", ""),
    ]  # fmt: skip
    total = list(csv.DictReader(io.StringIO(to_csv(ledger, only_totals=True), newline="")))[-1]
    assert (total["cost_eur"], total["costs"], total["sessions_without_cost"]) == ("1.25", "1.25 EUR + 12.00 SEK", "1")
    content = to_json(ledger)
    assert isinstance(content["totals"], list)
    assert isinstance(content["totals"][-1], dict)
    assert content["totals"][-1]["costs"] == {"EUR": 1.25, "SEK": 12.0}
