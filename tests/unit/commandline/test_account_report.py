"""The table of `account`."""

from dataclasses import replace

import pytest
from pydantic import JsonValue

from bridge.commandline.account_report import (
    AccountReport,
    CardEntry,
    ChargePointEntry,
    GridEntry,
    OwnerEntry,
    SustainabilityEntry,
    table,
)

FULL = AccountReport(
    owner=OwnerEntry("Sam", "sam", "sam@example.org", "2020-01-01"),
    cards=[CardEntry("04AB", "NL-1", "Car", True, "01-JAN-20", None, None)],
    charge_points=[ChargePointEntry("BCU102728", "Driveway", "U:MOVE16")],
    grids=[GridEntry("GRID-1", ["BCU102728"], 25.0, 20.0, "Street 1, 1234AB Town, NL")],
    sustainability=SustainabilityEntry(3, 12.5),
    contracts=[{"contract_id": "BCU1", "subscription_type": "BASIS"}],
    transactions=[
        {"started_at": "2026-11-18T07:12:00", "chargepoint_id": "BCU102728", "kwh": 12.345, "total_costs": 4.5,
         "currency": "EUR"},
    ],
    missing={},
)  # fmt: skip


def test_the_report_has_every_part_of_the_account() -> None:
    assert list(table(FULL)) == [
        "Owner           Sam  sam  since 2020-01-01",
        "Card            NL-1  Car  valid  made 01-JAN-20",
        "Charge point    BCU102728  Driveway  U:MOVE16",
        "Grid            GRID-1  25 A  behind it: BCU102728  Street 1, 1234AB Town, NL",
        "Sustainability  3 trees, 12.5 kg CO2",
        "Contract        BCU1  BASIS",
        "Transaction     2026-11-18T07:12:00  BCU102728  12.35 kWh  4.50 EUR",
    ]


def test_every_known_field_of_the_owner_is_shown() -> None:
    owner = OwnerEntry("Sam", "sam", "sam@example.org", None, tel="+31 6 1234", should_reset_password=True)
    assert list(table(replace(NOTHING, owner=owner))) == [
        "Owner           Sam  sam  +31 6 1234",
        "                Blue Current wants a new password",
    ]


@pytest.mark.parametrize("blank", [None, "", "n/a", True, [], {}])
def test_a_missing_figure_is_a_question_mark(blank: JsonValue) -> None:
    one = {"started_at": None, "chargepoint_id": "", "kwh": blank, "total_costs": blank, "currency": None}
    (line, hint) = list(table(replace(NOTHING, transactions=[one])))
    assert line == "Transaction     ?  ?  ? kWh  ? EUR"
    assert hint == "? marks a value that Blue Current did not give."


def test_a_transaction_without_fields_is_shown() -> None:
    assert next(iter(table(replace(NOTHING, transactions=[{}])))) == "Transaction     ?  ?  ? kWh  ? EUR"


def test_a_grid_and_sustainability_without_values_are_shown() -> None:
    report = replace(
        NOTHING,
        grids=[GridEntry("GRID-1", ["BCU1", "BCU2"], None, None, None)],
        sustainability=SustainabilityEntry(None, None),
    )
    assert list(table(report))[:2] == [
        "Grid            GRID-1  ? A  behind it: BCU1, BCU2",
        "Sustainability  ? trees, ? kg CO2",
    ]


NOTHING = AccountReport(None, None, None, None, None, None, None, {})


def test_missing_parts_are_named() -> None:
    report = replace(NOTHING, missing={"transactions": "Blue Current cannot be reached: no\nanswer."})
    assert list(table(report)) == ["Missing: transactions. Blue Current cannot be reached: no answer."]


def test_a_name_is_on_one_line() -> None:
    report = replace(NOTHING, charge_points=[ChargePointEntry("BCU1", "Drive\r\nway\u202e\x1b[31m", "M")])
    assert list(table(report)) == ["Charge point    BCU1  Drive  way[31m  M"]
