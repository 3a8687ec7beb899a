"""Whether a start that the cloud gives is that of the session that is known, or of a later one (contract 4). Pure."""

from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.session import Session
from bridge.chargepoint.status import Status

ONE_START: Final = timedelta(minutes=1)
"""How far two values for the start of one session may differ, and the cloud's clock from that of the bridge."""


def moved(session: Session, status: Status, blind_since: datetime | None) -> bool:
    """Whether the start in a status belongs to a later session than the known one.

    Args:
        session: the known session.
        status: the status after a push.
        blind_since: since when the socket had not been seen before the push; None if it had been.
    """
    start, own = status.started_at, session.started_at
    if start is None:
        return False
    if own is not None:  # an earlier start is an old push, whose session has been counted
        return start > own + ONE_START or (start > own and _ended_before(session, start, status))
    if session.stale_start is not None and start <= session.stale_start + ONE_START:
        return False
    # The cloud gave no start for this session. A first start can be its own, sent late, or that of the next one.
    return start > _last_sight(session, blind_since)


def later(session: Session, start: datetime | None) -> bool:
    """Whether a start, which came with a lower reading, is later than that of the known session."""
    return start is not None and start > (session.started_at or session.seen_from + ONE_START)


def _ended_before(session: Session, start: datetime, status: Status) -> bool:
    """Whether the cloud has given an end of the session that is not after a later start.

    Such a start cannot be a corrected one of the same session, however close the two are. An end that was given before
    the session seemed to continue counts too.
    """
    own, told = session.started_at, status.stopped_at if status.stopped_at != session.stale_stop else None
    before = session.at_end.finished_at if session.at_end is not None else None
    return own is not None and any(
        end is not None and own <= end <= start for end in (session.finished_at, before, told)
    )


def _last_sight(session: Session, blind_since: datetime | None) -> datetime:
    """Return when a session without a start was last seen. Its own start cannot be later."""
    return blind_since or session.seen_to or session.last_end or session.seen_from + ONE_START
