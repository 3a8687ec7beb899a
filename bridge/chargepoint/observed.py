"""The properties of a charge point that its statuses reveal over time: its highest current and its phases."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from bridge.chargepoint.status import CARRIES_A, MINIMUM_CURRENT_A, Status
from bridge.immutable import immutable

MODE_CARRIES_A: Final = 1.0
"""A phase with less current does not take part in charging: vehicles charge with 6 A or more, and meters have noise."""

LIVE_V: Final = 100.0
"""A phase with less voltage is not connected: unconnected wires beside live ones show some volts."""

ALL_PHASES: Final = (1, 2, 3)

USUAL_CURRENT_A: Final = 32
"""The highest current, A, that nearly all charge points deliver on a phase."""

PHASE_MODES: Final = {
    # FIMP's names for a grid with neutral. FIMP has none for two phases.
    (True, False, False): "NL1",
    (False, True, False): "NL2",
    (False, False, True): "NL3",
    (True, True, True): "NL1L2L3",
}


@immutable(frozen=True, slots=True, kw_only=True)
class Observed:
    """The observed properties of one socket. None is not known yet.

    Attributes:
        max_current: the highest `max_usage` seen without an override of the bridge, A.
        phases: 3 once a second phase was seen with current or voltage. Before that it is not known, since a car may use
            only one.
        seen_phases: the phases that were seen with current or voltage, counted from 1.
        highest_current: the highest current that was drawn or offered, A, rounded up; None up to `USUAL_CURRENT_A`.
        phase_mode: the FIMP phase mode of the last charging: the phases that carried current.
        phase_modes: all phase modes seen.
        metered_phases: the phases whose current was ever told, counted from 1.
    """

    max_current: int | None = None
    phases: int | None = None
    seen_phases: tuple[int, ...] = ()
    highest_current: int | None = None
    phase_mode: str | None = None
    phase_modes: tuple[str, ...] = ()
    metered_phases: tuple[int, ...] = ()

    @property
    def possible_current(self) -> int:
        """The current, A, that the plausibility check of readings assumes the charge point can deliver on a phase."""
        return max(self.highest_current or 0, self.max_current or 0, USUAL_CURRENT_A)


def learn(observed: Observed, status: Status, *, overridden: bool) -> Observed:
    """Return the observed properties after a push.

    Args:
        observed: the properties before the push.
        status: the whole status after the push.
        overridden: an override of the bridge limits the charge point, or may limit it.
    """
    usage = status.max_usage
    if not overridden and usage is not None and usage >= MINIMUM_CURRENT_A and int(usage) > (observed.max_current or 0):
        observed = replace(observed, max_current=int(usage))
    return _with_phase_mode(_with_highest_current(_with_phases(observed, status), status), status)


def metered(observed: Observed, currents: Sequence[float | None]) -> Observed:
    """Return the observed properties after a push that told these currents on phases 1 to 3; None: not told."""
    if observed.metered_phases == ALL_PHASES:
        return observed
    told = {phase for phase, current in enumerate(currents, 1) if current is not None}
    known = tuple(sorted(told | set(observed.metered_phases)))
    return replace(observed, metered_phases=known) if known != observed.metered_phases else observed


def _with_phases(observed: Observed, status: Status) -> Observed:
    if observed.seen_phases == ALL_PHASES:
        return observed
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
    if any(status.currents[phase - 1] is None for phase in observed.metered_phases):
        return observed
    first, second, third = (current is not None and current >= MODE_CARRIES_A for current in status.currents)
    mode = PHASE_MODES.get((first, second, third))
    if mode is None or (mode == observed.phase_mode and mode in observed.phase_modes):
        return observed
    modes = observed.phase_modes if mode in observed.phase_modes else tuple(sorted((*observed.phase_modes, mode)))
    return replace(observed, phase_mode=mode, phase_modes=modes)
