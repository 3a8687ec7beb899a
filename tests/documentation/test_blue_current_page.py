"""docs/blue-current.md has every field that the code reads, with its meaning, unit and place."""

import re
from typing import TYPE_CHECKING

import pytest

from bridge.bluecurrent.bodies import AccountBody, Sustainability
from bridge.chargepoint.averages import Averages, GridAverages
from bridge.chargepoint.charge_point_settings import Card, ChargePointSettings, Location, Tariff
from bridge.chargepoint.cloud_fields import CloudField, cloud_fields
from bridge.chargepoint.grid import Grid
from bridge.chargepoint.schedules import Schedule
from bridge.chargepoint.status import Status
from tests.documentation.pages import PAGES, ROOT, code_words, rows

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

PAGE = ROOT / "docs" / "blue-current.md"
TABLES: "dict[str, list[type[DataclassInstance]]]" = {
    "field of CH_STATUS": [Status],
    "field of CHARGE_POINTS and CH_SETTINGS": [ChargePointSettings],
    "field of a card": [Card],
    "field of a tariff": [Tariff],
    "field of a location": [Location],
    "field of GRID_STATUS and GRID_CURRENT": [Grid],
    "computed field": [Averages, GridAverages],
    "field of a schedule": [Schedule],
    "field of ACCOUNT": [AccountBody],
    "field of SUSTAINABILITY_STATUS": [Sustainability],
}


def written(one: CloudField[object]) -> list[str]:
    """The first cells of a field's row."""
    names = " or ".join(f"`{name}`" for name in (one.name, *one.also))
    if one.opposite:
        names += f", or its opposite `{one.opposite}`"
    return [names, one.meaning, one.kind.measured_in()]


@pytest.mark.parametrize("heading", TABLES)
def test_every_field_has_its_row(heading: str) -> None:
    told = [one for cls in TABLES[heading] for one in cloud_fields(cls).values()]
    assert [row[:3] for row in rows(PAGE, heading)] == [written(one) for one in told]


@pytest.mark.parametrize("heading", TABLES)
def test_the_use_of_every_field_is_documented(heading: str) -> None:
    known = set().union(*(code_words(page) for page in PAGES if page != PAGE))
    for field, *_, place in rows(PAGE, heading):
        assert place, field
        assert set(re.findall("`([^`]+)`", place)) <= known, field
