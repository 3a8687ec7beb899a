"""docs/reliability.md shows the run that is kept, and every test that it names exists."""

import re

import pytest

from tests.documentation.reliability import MEASURED, PAGE, PROVEN, Row, Run, filled


@pytest.mark.parametrize("row", [*MEASURED, *PROVEN], ids=lambda row: row.name)
def test_the_test_of_a_promise_exists(row: Row) -> None:
    text = row.path.read_text(encoding="utf-8")
    if "::" in row.test:
        assert re.search(rf"^(async )?def {row.name}\(", text, re.MULTILINE)


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.name)
def test_what_is_measured_has_a_figure(row: Row) -> None:
    assert Run.read().figures[row.name]
    assert "note(" in row.path.read_text(encoding="utf-8")


def test_the_page_is_of_the_run_that_is_kept() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == filled(page, Run.read())
