"""The simulated car's curve."""

from hypothesis import given
from hypothesis import strategies as st

from bridge.simulator.car import MINIMUM_A, Car


def test_a_car_charges_at_full_current_then_tapers_then_stops() -> None:
    car = Car(capacity_kwh=50, charge_kwh=40, phases=3, most_a=16)
    currents = [car.draw(32, 60)[0] for _ in range(400)]
    assert currents[0] == 16
    tapering = [current for current in currents if MINIMUM_A < current < 16]
    assert tapering == sorted(tapering, reverse=True)
    assert len(tapering) > 10
    assert currents[-1] == 0
    assert car.full


@given(st.floats(0, 32), st.floats(0, 3600), st.floats(0, 60))
def test_a_car_takes_no_more_than_the_offered_current_and_its_capacity(
    offered: float, seconds: float, charge: float
) -> None:
    car = Car(capacity_kwh=60, charge_kwh=charge)
    current, energy = car.draw(offered, seconds)
    assert current <= offered
    assert energy >= 0
    assert car.charge_kwh <= 60 + 1e-9
    if offered < MINIMUM_A:
        assert (current, energy) == (0, 0)
