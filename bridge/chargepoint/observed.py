"""What a charge point shows of itself over time: what it can deliver, and on which phases."""

from dataclasses import dataclass, replace
from typing import Final

from bridge.chargepoint.status import MINIMUM_CURRENT_A, Status

CARRIES_A: Final = 1.0
"""A phase with less than this carries nothing: a vehicle charges with 6 A and more, and meters have noise."""

PHASE_MODES: Final = {
    # FIMP's names, for a grid with neutral; two phases have none.
    (True, False, False): "NL1",
    (False, True, False): "NL2",
    (False, False, True): "NL3",
    (True, True, True): "NL1L2L3",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What has been learned of one socket; None is not known yet.

    Attributes:
        max_current: the highest `max_usage` seen without an override of ours, A.
        phases: 1 or 3: how many have had a voltage.
        phase_mode: from the phases that carried current, last seen while charging.
        phase_modes: all of those seen.
    """

    max_current: int | None = None
    phases: int | None = None
    phase_mode: str | None = None
    phase_modes: tuple[str, ...] = ()


def learn(observed: Observed, status: Status, *, overridden: bool) -> Observed:
    """What is known after a push.

    Args:
        observed: before it.
        status: the whole status after it.
        overridden: an override of ours limits the charge point, or may.
    """
    if not overridden and status.max_usage is not None and status.max_usage >= MINIMUM_CURRENT_A:
        observed = replace(observed, max_current=max(int(status.max_usage), observed.max_current or 0))
    live = sum(voltage is not None and voltage > 0 for voltage in status.voltages)
    if live:
        observed = replace(observed, phases=max(3 if live > 1 else 1, observed.phases or 0))
    return _with_phase_mode(observed, status)


def _with_phase_mode(observed: Observed, status: Status) -> Observed:
    first, second, third = (current is not None and current >= CARRIES_A for current in status.currents)
    mode = PHASE_MODES.get((first, second, third))
    if mode is None:
        return observed
    modes = observed.phase_modes if mode in observed.phase_modes else tuple(sorted((*observed.phase_modes, mode)))
    return replace(observed, phase_mode=mode, phase_modes=modes)
