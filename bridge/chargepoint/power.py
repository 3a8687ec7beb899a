"""Power from currents and voltages: volts times amps, phase by phase."""

from typing import Final

from bridge.chargepoint.status import Status

NOMINAL_VOLTAGE_V: Final = 230.0
"""Used where nobody has set another."""


def phase_power(current: float | None, voltage: float | None, nominal_voltage: float) -> float | None:
    """The power on one phase, W; None where the current is not known.

    Voltages are 0 when idle; where current flows all the same, the nominal voltage stands in.
    """
    if current is None:
        return None
    return current * (voltage or nominal_voltage) if current else 0.0


def powers(status: Status, nominal_voltage: float) -> tuple[float | None, float | None, float | None]:
    """The power on phases 1 to 3, W."""
    one, two, three = (
        phase_power(current, voltage, nominal_voltage)
        for current, voltage in zip(status.currents, status.voltages, strict=True)
    )
    return one, two, three


def total_power(status: Status, nominal_voltage: float) -> float | None:
    """The sum over the phases that are known, W; None where none is."""
    known = [power for power in powers(status, nominal_voltage) if power is not None]
    return sum(known) if known else None
