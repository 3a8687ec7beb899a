"""Power from currents and voltages: volts times amps, summed over the phases."""

from collections.abc import Sequence
from typing import Final

from bridge.chargepoint.status import Status

NOMINAL_VOLTAGE_V: Final = 230.0
"""The default of the setting `charging.nominal_voltage`."""


def phase_power(current: float | None, voltage: float | None, nominal_voltage: float) -> float | None:
    """Return the power on one phase, W; None if the current is not known.

    If the voltage is 0 or unknown while current flows, the nominal voltage is used.
    """
    if current is None:
        return None
    return current * (voltage or nominal_voltage) if current else 0.0


def powers(status: Status, nominal_voltage: float) -> tuple[float | None, float | None, float | None]:
    """Return the power on phases 1 to 3, W."""
    return (
        phase_power(status.current_1, status.voltage_1, nominal_voltage),
        phase_power(status.current_2, status.voltage_2, nominal_voltage),
        phase_power(status.current_3, status.voltage_3, nominal_voltage),
    )


def total_power(status: Status, nominal_voltage: float) -> float | None:
    """Return the sum over the phases with a known current, W; None if there is none."""
    return total(powers(status, nominal_voltage))


def total(powers: Sequence[float | None]) -> float | None:
    """Return the sum over the phases whose power is known, W; None if it is known for none."""
    known = [power for power in powers if power is not None]
    return sum(known) if known else None
