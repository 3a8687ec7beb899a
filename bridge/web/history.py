"""The power of the last hours, kept in memory: a small array for each socket."""

from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from math import isnan, nan
from typing import Final

from bridge.chargepoint.power import total
from bridge.immutable import immutable

STEP_S: Final = 10
"""The time that a point of a new curve covers, s."""

KEPT_S: Final = 6 * 3600
"""The age at which points are dropped, s."""

MOST_POINTS: Final = 180
"""At this number of points each pair is merged into one, which covers twice the time."""

PHASES: Final = 3
_NEVER: Final = -1.0

Watts = float | None
PhasePowers = tuple[Watts, Watts, Watts]
"""The power on phases 1 to 3, W; None is unknown."""

UNKNOWN: Final[PhasePowers] = (None, None, None)


@immutable(frozen=True, slots=True)
class Point:
    """The average over one step.

    Attributes:
        at: when the step began.
        power_1, power_2, power_3: power of each phase, W; None where it was unknown.
    """

    at: datetime
    power_1: Watts
    power_2: Watts
    power_3: Watts

    @property
    def powers(self) -> PhasePowers:
        """Phases 1 to 3, W."""
        return self.power_1, self.power_2, self.power_3

    @property
    def total(self) -> Watts:
        """The sum over the phases, W; None if it is unknown."""
        return total(self.powers)


class History:
    """The power of one socket over the last hours.

    `flows` records each change of the power. Averages are computed at the next change or read, so nothing runs between
    changes. Steps are aligned to the clock, so a new point does not change the points before it.

    Args:
        step: the time that a point covers at first, s.
        kept: the age at which points are dropped, s.
        most: the number of points at which pairs of points are merged.
    """

    __slots__ = ("_at", "_first", "_kept", "_most", "_powers", "_step", "_sums", "_until", "_watts")

    def __init__(self, step: int = STEP_S, kept: int = KEPT_S, most: int = MOST_POINTS) -> None:
        self._step = step
        self._kept = kept
        self._most = most
        self._watts = array("f")  # three for each finished step; NaN is unknown
        self._first = 0  # the number of the first finished step, counted from 1970
        self._at = _NEVER  # up to when the averages are computed, Unix time
        self._sums = array("d", [0.0] * 2 * PHASES)  # of the open step: watt-seconds, then known seconds
        self._powers: PhasePowers = UNKNOWN
        self._until: float | None = None

    def flows(self, at: datetime, powers: PhasePowers, until: datetime | None = None) -> None:
        """Record a change of the power.

        Args:
            at: the time of the change.
            powers: the power on each phase from then on.
            until: when the power becomes unknown without an event; None: it does not.
        """
        self._advance(at.timestamp())
        self._powers = powers
        self._until = until.timestamp() if until is not None else None

    def points(self, now: datetime) -> tuple[Point, ...]:
        """Return the finished points, oldest first."""
        self._advance(now.timestamp())
        return tuple(self._read())

    def _read(self) -> Iterator[Point]:
        step, watts = self._step, self._watts
        for index in range(0, len(watts), PHASES):
            at = datetime.fromtimestamp((self._first + index // PHASES) * step, UTC)
            one, two, three = (None if isnan(power) else power for power in watts[index : index + PHASES])
            yield Point(at, one, two, three)

    def _advance(self, now: float) -> None:
        if self._at == _NEVER:
            self._at = now
        elif now < self._at:
            self._go_back(now)
        elif now - self._at > self._kept:
            self._clear(now - self._kept)
        while self._at < now:
            end = min(now, (self._at // self._step + 1) * self._step)
            known = self._until is None or self._at < self._until
            if known and self._until is not None:
                end = min(end, self._until)
            if known:
                self._add(end - self._at)
            self._at = end
            if end % self._step == 0:
                self._finish_step()

    def _add(self, seconds: float) -> None:
        for phase, power in enumerate(self._powers):
            if power is not None:
                self._sums[phase] += power * seconds
                self._sums[PHASES + phase] += seconds

    def _finish_step(self) -> None:
        """Add a point for the open step, which ends now."""
        if not self._watts:
            self._first = int(self._at) // self._step - 1
        self._watts.extend(_mean(self._sums[phase], self._sums[PHASES + phase]) for phase in range(PHASES))
        self._sums = array("d", [0.0] * 2 * PHASES)
        while len(self._watts) // PHASES * self._step > self._kept:
            del self._watts[:PHASES]
            self._first += 1
        if len(self._watts) // PHASES >= self._most:
            self._thin()

    def _thin(self) -> None:
        """Merge each pair of points into one that covers twice the time."""
        watts, first = self._watts, self._first
        if (first + len(watts) // PHASES) % 2:  # the last point is the first half of the step that is open from now on
            for phase, power in enumerate(watts[-PHASES:]):
                if not isnan(power):
                    self._sums[phase], self._sums[PHASES + phase] = power * self._step, self._step
            del watts[-PHASES:]
        if first % 2:  # the first point is the second half of a step of which the first was dropped
            watts[:0] = array("f", [nan] * PHASES)
        thinned = array("f")
        for index in range(0, len(watts), 2 * PHASES):
            for phase in range(PHASES):
                known = [power for power in watts[index + phase : index + 2 * PHASES : PHASES] if not isnan(power)]
                thinned.append(_mean(sum(known), len(known)))
        self._watts, self._first, self._step = thinned, first // 2, 2 * self._step

    def _go_back(self, now: float) -> None:
        """Drop the points after `now`: the clock was set back, and they would be recorded again."""
        left = max(0, int(now) // self._step - self._first)
        if left < len(self._watts) // PHASES:
            del self._watts[left * PHASES :]
            self._sums = array("d", [0.0] * 2 * PHASES)
        self._at = now

    def _clear(self, at: float) -> None:
        """Drop all points: they are older than the span that is shown."""
        self._watts = array("f")
        self._sums = array("d", [0.0] * 2 * PHASES)
        self._at = at


def _mean(total: float, count: float) -> float:
    return total / count if count else nan
