"""A grid connection."""

from datetime import UTC, datetime, timedelta

import pytest

from bridge.chargepoint.grid import Grid, GridTwin, grid_address
from bridge.chargepoint.update import Update

NOW = datetime(2026, 11, 20, tzinfo=UTC)
GRACE = timedelta(seconds=60)


def told(**currents: float | None) -> Update[Grid]:
    """The update by a GRID_CURRENT."""
    return Update(Grid(**currents), frozenset(currents))  # type: ignore[arg-type] # only currents are given here


@pytest.mark.parametrize(
    ("grid_id", "address"), [("GRID-BCU102728", "GRIDBCU102728"), ("grid 7/é", "grid7"), ("--", "")]
)
def test_the_address_of_a_grid_has_letters_and_digits_only(grid_id: str, address: str) -> None:
    assert grid_address(grid_id) == address


def test_a_push_changes_only_the_fields_that_it_names() -> None:
    twin = GridTwin(grid=Grid(id="GRID-1")).pushed(told(current_1=1.0, current_2=2.0)).pushed(told(current_2=None))
    assert twin.grid == Grid(id="GRID-1", current_1=1.0, current_2=None)
    assert twin.seen


@pytest.mark.parametrize(("away", "kept"), [(59, True), (60, False), (3600, False)])
def test_values_from_before_a_long_break_are_unknown_after_it(away: int, kept: bool) -> None:
    twin = GridTwin(grid=Grid(id="GRID-1")).pushed(told(current_1=1.0)).link_lost(NOW)
    back = NOW + timedelta(seconds=away)
    assert twin.visible(back, GRACE) is kept
    found = twin.link_lost(back).link_found(back, GRACE)
    assert (found.grid.current_1 == 1.0, found.link_down_since, found.address) == (kept, None, "GRID1")
