"""Power from currents and voltages: volts times amps, summed over the phases."""

from collections.abc import Collection, Sequence
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


def total_power(status: Status, nominal_voltage: float, metered: Collection[int] = ()) -> float | None:
    """Return the sum over the phases, W; None if the power on a metered phase is not known.

    Args:
        status: the last values.
        nominal_voltage: the voltage to assume while there is current and no voltage, V.
        metered: the phases whose current was ever told. Any other phase without a current does not exist, except the
            first.
    """
    return total(powers(status, nominal_voltage), metered)


def total(powers: Sequence[float | None], metered: Collection[int] = ()) -> float | None:
    """Return the sum over the phases, W; None if it is not known on the first phase or on a metered one."""
    if any(power is None and (phase == 1 or phase in metered) for phase, power in enumerate(powers, 1)):
        return None
    return sum(power for power in powers if power is not None)
