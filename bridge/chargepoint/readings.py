"""The energy counter of a socket: which readings are plausible, and what they add to a session.

A charge point counts the energy of its session in `actual_kwh`. A single reading can be a glitch: a zero, an absurd
value, or the value of an earlier second. Some counters continue from the previous session instead of restarting at 0
(contract 4, "Readings that cannot be").
"""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.session import Session, Suspect
from bridge.immutable import immutable

PHASES: Final = 3
HIGHEST_VOLTAGE_V: Final = 250.0
TIME_FACTOR: Final = 2.0
"""How many times longer than measured the time between two readings may be, since pushes are delayed."""

RISE_ON_TOP_KWH: Final = 50.0
"""How much a reading may rise above what the charge point could have delivered."""

FIRST_READING_KWH: Final = 200.0
"""The most that a first reading may add. It is not known since when it has been counted."""

START_ON_TOP_KWH: Final = 1.0
"""How much a first reading must exceed what the charge point could have delivered for the counter to continue."""

LATER_READINGS: Final = 2
"""How many later readings confirm one that was ignored."""

NOISE_KWH: Final = 0.1
NOISE_SHARE: Final = 0.1
"""A fall of at most this much, or this share of the last reading, is noise."""


@immutable(frozen=True, slots=True)
class Reading:
    """One reading of the counter.

    Attributes:
        energy: the value of the counter, kWh.
        at: when it arrived.
        highest_current: the highest current that the charge point may deliver on a phase, A.
    """

    energy: float
    at: datetime
    highest_current: float

    def possible_since(self, when: datetime) -> float:
        """Return the energy that the charge point could have delivered since then, kWh."""
        hours = max(self.at - when, timedelta()).total_seconds() / 3600
        return PHASES * HIGHEST_VOLTAGE_V * self.highest_current / 1000 * hours * TIME_FACTOR


def fell(session: Session, reading: Reading | None) -> bool:
    """Whether the counter fell by more than rounding explains."""
    before = session.reading
    if reading is None or before is None or session.awaits_reading:
        return False
    return before - reading.energy > min(NOISE_KWH, before * NOISE_SHARE)


def fell_for_good(session: Session, reading: Reading | None) -> bool:
    """Whether this reading is the last one needed to confirm a fall within a session."""
    suspect = session.suspect
    return (
        suspect is not None
        and reading is not None
        and fell(session, reading)
        and _follows_fall(session, suspect, reading)
        and suspect.later + 1 >= LATER_READINGS
    )


def counted(session: Session, reading: Reading | None, *, active: bool) -> Session:
    """Return the session after a reading of its counter.

    Args:
        session: the session that the reading belongs to.
        reading: the reading; None if the push has none.
        active: the session is open.
    """
    if reading is None:
        return session
    energy = reading.energy
    if energy == session.reading:
        if session.awaits_reading:
            return session if session.counts_on else replace(session, counts_on=True)
        return replace(session, read_at=reading.at, suspect=None)
    before = session.reading
    if before is not None and _is_lower(session, before, energy):
        return _with_lower_reading(session, before, reading, active=active)
    count = _count(session, reading)
    rise = count.energy - session.energy
    if rise > _most(session, reading) and not _follows_rise(session.suspect, reading):
        return replace(session, suspect=_next_suspect(session.suspect, reading))
    return replace(
        session,
        energy=count.energy,
        carried=count.carried,
        stale_reading=count.stale,
        counts_on=session.counts_on and count.stale is not None,
        reading=energy,
        read_at=reading.at,
        suspect=None,
    )


def _is_lower(session: Session, before: float, energy: float) -> bool:
    """Whether a reading is lower than the last one of the same counter, so that the energy stays as it is."""
    if session.awaits_reading or energy >= before:
        return False
    # A counter that seemed to continue from the previous session can still restart, once the session has a start.
    begins = session.stale_reading is not None and energy < session.stale_reading and session.started_at is not None
    return not begins


@immutable(frozen=True, slots=True)
class _Count:
    """The effect of a reading.

    Attributes:
        energy: the energy of the session, kWh.
        carried: the energy that was counted before the counter restarted within the session, kWh.
        stale: the counter at the end of the previous session, if it continues from there, kWh.
    """

    energy: float
    carried: float
    stale: float | None


def _count(session: Session, reading: Reading) -> _Count:
    """Return the effect of a reading that is higher than the last one, or is the session's first."""
    stale, energy = session.stale_reading, reading.energy
    if stale is not None and energy > stale and _continues(session, reading):
        return _Count(max(session.energy, session.carried + energy - stale), session.carried, stale)
    carried = session.energy if stale is not None else session.carried
    return _Count(max(session.energy, carried + energy), carried, None)


def _continues(session: Session, reading: Reading) -> bool:
    """Whether the counter continues from the previous session instead of restarting at 0."""
    if not session.awaits_reading:
        return True  # an earlier reading was already taken as its continuation
    if session.counts_on and session.started_at is None:
        return True  # it stood at the end of the previous session, and no start contradicts that
    since = session.started_at or session.seen_before
    return since is not None and reading.energy > reading.possible_since(since) + START_ON_TOP_KWH


def _most(session: Session, reading: Reading) -> float:
    """Return the most that a reading may add, kWh."""
    if session.read_at is None:
        return FIRST_READING_KWH
    return reading.possible_since(session.read_at) + RISE_ON_TOP_KWH


def _follows_rise(suspect: Suspect | None, reading: Reading) -> bool:
    """Whether this reading is the last one needed to confirm a rise that seemed impossible."""
    return suspect is not None and _stays_up(suspect, reading) and suspect.later + 1 >= LATER_READINGS


def _stays_up(suspect: Suspect, reading: Reading) -> bool:
    most = reading.possible_since(suspect.at) + RISE_ON_TOP_KWH
    return 0 <= reading.energy - suspect.energy <= most


def _next_suspect(suspect: Suspect | None, reading: Reading) -> Suspect:
    if suspect is not None and _stays_up(suspect, reading):
        return replace(suspect, later=suspect.later + 1)
    return Suspect(reading.energy, reading.at)


def _with_lower_reading(session: Session, before: float, reading: Reading, *, active: bool) -> Session:
    """Return the session after a lower reading: the energy stays, and the reading may be the first of a fall."""
    suspect = session.suspect
    if not active or not fell(session, reading):
        return replace(session, read_at=reading.at, suspect=None)
    if suspect is not None and _follows_fall(session, suspect, reading):
        return replace(session, suspect=replace(suspect, later=suspect.later + 1))
    beyond_noise = before - reading.energy > max(NOISE_KWH, before * NOISE_SHARE)
    return replace(session, suspect=Suspect(reading.energy, reading.at) if beyond_noise else None)


def _follows_fall(session: Session, suspect: Suspect, reading: Reading) -> bool:
    """Whether a reading is below the last one that counted, and plausible after the one that fell."""
    if session.reading is None or suspect.energy >= session.reading:
        return False
    most = suspect.energy + reading.possible_since(suspect.at) + START_ON_TOP_KWH
    return reading.energy < session.reading and reading.energy <= most


def with_cost(session: Session, cost: float | None, currency: str) -> Session:
    """Return the session with the newest cost, which may be lower than the last one, and below zero.

    Args:
        session: the session.
        cost: `total_cost` in the push; None if it has none.
        currency: the ISO code of its currency, such as `EUR`.
    """
    stale = session.stale_cost
    if cost is None or cost == stale or (stale is not None and session.awaits_reading):
        return session  # no new cost, or still that of the previous session
    if stale is not None and session.stale_reading is not None and cost > stale:
        return replace(session, cost=cost - stale, currency=currency)  # the cost continues like the counter
    if (cost, currency, None) == (session.cost, session.currency, stale):
        return session
    return replace(session, cost=cost, currency=currency, stale_cost=None)


def left_out(before: Session | None, after: Session | None) -> str | None:
    """Describe the reading that a push ignored as impossible, for the log; None if there is none.

    Args:
        before: the latest session before the push.
        after: the latest session after the push.
    """
    suspect = after.suspect if after is not None else None
    if after is None or suspect is None or suspect.later or (before is not None and before.suspect == suspect):
        return None
    if after.reading is not None and suspect.energy < after.reading:
        return f"the energy fell from {after.reading:g} to {suspect.energy:g} kWh within a session"
    return f"{suspect.energy:g} kWh cannot have been delivered in the time"
