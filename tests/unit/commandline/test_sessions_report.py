"""The table of sessions, as a person reads it."""

from datetime import UTC, datetime

from bridge.chargepoint.records import SessionRecord
from bridge.commandline.sessions_report import Ledger, table


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
        "~ the cloud gave no times: from when until when the bridge saw it",
        "",
        "Month    Charge point  Sessions    kWh",
        "2026-01  Drive way            1  1.500",
        "2026-01  all                  1  1.500",
        "All      Drive way            1  1.500",
        "All      all                  1  1.500",
        "Drive way had delivered 3.000 kWh before sessions were kept; that is in its meter and in no month.",
    ]
