"""What a charge point shows of itself over time: what it can deliver, and on which phases."""

import math
from dataclasses import dataclass, replace
from typing import Final

from bridge.chargepoint.status import CARRIES_A, MINIMUM_CURRENT_A, Status

MODE_CARRIES_A: Final = 1.0
"""A phase with less than this takes no part in charging: a vehicle charges with 6 A and more, and meters have noise."""

LIVE_V: Final = 100.0
"""A phase with less than this is not connected: wires beside live ones show some volts."""

USUAL_CURRENT_A: Final = 32
"""The most that nearly all charge points deliver on a phase."""

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
        phases: 3 once a second phase was seen, carrying current or at voltage. Before that it is not known, since a car
            may use only one.
        seen_phases: the phases that were seen so, counted from 1.
        highest_current: the highest current that was seen, drawn or offered, where it is above `USUAL_CURRENT_A`; A,
            rounded up.
        phase_mode: from the phases that carried current, last seen while charging.
        phase_modes: all of those seen.
    """

    max_current: int | None = None
    phases: int | None = None
    seen_phases: tuple[int, ...] = ()
    highest_current: int | None = None
    phase_mode: str | None = None
    phase_modes: tuple[str, ...] = ()

    @property
    def possible_current(self) -> int:
        """What the charge point may deliver on a phase, as the check of readings takes it; A."""
        return max(self.highest_current or 0, self.max_current or 0, USUAL_CURRENT_A)


def learn(observed: Observed, status: Status, *, overridden: bool) -> Observed:
    """What is known after a push.

    Args:
        observed: before it.
        status: the whole status after it.
        overridden: an override of ours limits the charge point, or may.
    """
    usage = status.max_usage
    if not overridden and usage is not None and usage >= MINIMUM_CURRENT_A and int(usage) > (observed.max_current or 0):
        observed = replace(observed, max_current=int(usage))
    return _with_phase_mode(_with_highest_current(_with_phases(observed, status), status), status)


def _with_phases(observed: Observed, status: Status) -> Observed:
    now = {
        phase
        for phase, (current, voltage) in enumerate(zip(status.currents, status.voltages, strict=True), 1)
        if (current or 0.0) >= CARRIES_A or (voltage or 0.0) >= LIVE_V
    }
    seen = tuple(sorted(now | set(observed.seen_phases)))
    if seen == observed.seen_phases:
        return observed
    return replace(observed, seen_phases=seen, phases=3 if len(seen) > 1 else observed.phases)


def _with_highest_current(observed: Observed, status: Status) -> Observed:
    seen = [current for current in (status.max_usage, *status.currents) if current is not None]
    highest = math.ceil(max(seen, default=0.0))
    if highest <= (observed.highest_current or USUAL_CURRENT_A):
        return observed
    return replace(observed, highest_current=highest)


def _with_phase_mode(observed: Observed, status: Status) -> Observed:
    first, second, third = (current is not None and current >= MODE_CARRIES_A for current in status.currents)
    mode = PHASE_MODES.get((first, second, third))
    if mode is None or (mode == observed.phase_mode and mode in observed.phase_modes):
        return observed
    modes = observed.phase_modes if mode in observed.phase_modes else tuple(sorted((*observed.phase_modes, mode)))
    return replace(observed, phase_mode=mode, phase_modes=modes)
