"""The cost of a session, and its currency."""

import pytest

from bridge.chargepoint.charge_point_settings import ChargePointSettings, Tariff
from bridge.chargepoint.records import record_of
from bridge.chargepoint.update import Update
from tests.unit.chargepoint.socket_story import Story, readings, story


def priced(currency: str | None) -> Story:
    """A socket with a tariff."""
    s = story()
    tariff = Tariff(currency=currency) if currency is not None else None
    s.twin = s.twin.described(Update(ChargePointSettings(tariff=tariff), frozenset({"tariff"})))
    return s


def test_the_newest_cost_counts() -> None:
    s = story()
    for cost in (0.5, 1.25, 1.0, -0.3, 0.0):
        s.push("charging", "C", energy=1.0, total_cost=cost)
        assert s.latest.cost == cost
    s.say(energy=1.1)
    assert s.latest.cost == 0.0


def test_a_cost_cleared_after_the_end_is_kept() -> None:
    s = readings(5.0).push("available", "B", energy=5.0, total_cost=1.25).push("available", "B", energy=0, total_cost=0)
    assert s.latest.cost == 1.25


@pytest.mark.parametrize(
    ("told", "currency"), [(None, "EUR"), ("", "EUR"), ("EUR", "EUR"), ("SEK", "SEK"), (" nok ", "NOK")]
)
def test_the_currency_of_a_cost_is_that_of_the_tariff(told: str | None, currency: str) -> None:
    s = priced(told).push("charging", "C", energy=1.0, total_cost=12.0)
    record = record_of(s.twin, s.latest)
    assert (record.cost, record.currency) == (12.0, currency)
    changed = s.twin.described(Update(ChargePointSettings(tariff=Tariff(currency="DKK")), frozenset({"tariff"})))
    assert record_of(changed, s.latest).currency == currency  # of an earlier cost
