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
def test_its_address_has_letters_and_digits_only(grid_id: str, address: str) -> None:
    assert grid_address(grid_id) == address


def test_it_keeps_what_is_not_told_anew_and_its_name() -> None:
    twin = GridTwin(grid=Grid(id="GRID-1")).pushed(told(current_1=1.0, current_2=2.0)).pushed(told(current_2=None))
    assert twin.grid == Grid(id="GRID-1", current_1=1.0, current_2=None)
    assert twin.seen


@pytest.mark.parametrize(("away", "kept"), [(59, True), (60, False), (3600, False)])
def test_what_was_known_before_a_long_break_is_of_no_use_after_it(away: int, kept: bool) -> None:
    twin = GridTwin(grid=Grid(id="GRID-1")).pushed(told(current_1=1.0)).link_lost(NOW)
    back = NOW + timedelta(seconds=away)
    assert twin.visible(back, GRACE) is kept
    found = twin.link_lost(back).link_found(back, GRACE)
    assert (found.grid.current_1 == 1.0, found.link_down_since, found.address) == (kept, None, "GRID1")
