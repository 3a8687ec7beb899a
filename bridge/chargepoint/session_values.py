"""What a status shows of the session that it belongs to, other than its start and its counters."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.session import Memory, Session
from bridge.chargepoint.status import Activity, Status, Vehicle

ENDING_WINDOW: Final = timedelta(minutes=10)
"""How long after a stop, unlock, reboot or block by the bridge the end of a session is attributed to it."""


def with_peak(session: Session, power: float | None) -> Session:
    """Return the session with its highest power, W."""
    if power is None or (session.peak_power is not None and power <= session.peak_power):
        return session
    return replace(session, peak_power=power)


def note_drawing(session: Session, status: Status) -> Session:
    """Note whether the session has drawn energy or current, and whether a vehicle was connected."""
    under_current = status.vehicle is not None and status.vehicle.ready and status.draws
    drawn = session.drawn or session.energy > 0 or (session.open and under_current)
    vehicle_seen = session.vehicle_seen or (status.vehicle is not None and status.vehicle.connected)
    if (drawn, vehicle_seen) == (session.drawn, session.vehicle_seen):
        return session
    return replace(session, drawn=drawn, vehicle_seen=vehicle_seen)


def note_vehicle_left(memory: Memory, status: Status) -> Memory:
    """Note that the vehicle of the latest session has been unplugged."""
    session = memory.session
    if session is None or session.vehicle_left or status.vehicle is not Vehicle.NONE:
        return memory
    if session.open and not session.vehicle_seen:
        return memory  # the session was started before the vehicle was plugged in
    return replace(memory, session=replace(session, vehicle_left=True))


def note_our_ending(memory: Memory, status: Status, now: datetime) -> Memory:
    """Attribute the end of a session to the bridge if the session stops being active soon after a stop of the bridge.

    The end itself can show later, for example after the charge point was offline. A block that takes effect while no
    session is open ends none that begins after it.
    """
    session, sent = memory.session, memory.ending
    if sent is None:
        return memory
    if session is None or not session.open:
        return replace(memory, ending=None) if status.activity is Activity.UNAVAILABLE else memory
    if now - sent > ENDING_WINDOW:
        return memory
    return replace(memory, session=replace(session, ended_by_us=True))


def with_stop(session: Session, status: Status) -> Session:
    """Return the session with its end, if the cloud gives one for it."""
    stop, start = status.stopped_at, session.started_at
    fresh = stop is not None and stop != session.stale_stop and (start is None or stop >= start)
    return replace(session, finished_at=stop) if fresh else session
