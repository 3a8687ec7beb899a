"""The sessions of the last days, for the sockets on the pages that are open."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from bridge.chargepoint.amsterdam import last_midnight
from bridge.chargepoint.records import SessionRecord
from bridge.web.build_view import DAYS

KEPT_FOR: Final = timedelta(minutes=1)
"""The shortest time between two reads for one socket. Its latest session comes from memory."""

ReadSessions = Callable[[Sequence[str], datetime], Sequence[SessionRecord]]
"""Reads the sessions of some addresses that began at or after a time."""


class RecentSessions:
    """Reads sessions from the database, and keeps those of an open page for a minute.

    Args:
        read: reads the sessions.
    """

    def __init__(self, read: ReadSessions) -> None:
        self._read = read
        self._kept: dict[str, tuple[datetime, Sequence[SessionRecord]]] = {}

    def of(self, addresses: Sequence[str], now: datetime, *, keep: bool) -> Mapping[str, Sequence[SessionRecord]]:
        """Return the sessions by address.

        Args:
            addresses: the service addresses of the sockets.
            now: the time.
            keep: keep the result for `KEPT_FOR`, since it will be requested again soon.
        """
        self._kept = {
            address: (read_at, records)
            for address, (read_at, records) in self._kept.items()
            if timedelta() <= now - read_at < KEPT_FOR
        }
        found: dict[str, list[SessionRecord]] = {address: [] for address in addresses if address not in self._kept}
        if found:
            for record in self._read(list(found), last_midnight(now) - timedelta(days=DAYS)):
                found[record.address].append(record)
        if keep:
            self._kept |= {address: (now, records) for address, records in found.items()}
        return {address: found[address] if address in found else self._kept[address][1] for address in addresses}
