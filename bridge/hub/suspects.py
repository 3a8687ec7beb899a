"""Finds the message that makes a broker close the connection (contract 3, "What the hub is told"). Pure.

After a close, every message that was in flight is a suspect. Suspects are sent one at a time, each in its turn. Those
that were alone in flight at a close come after everything else, answers first. A message that was alone in flight at
`STRIKES` closes, without an acknowledgement between them, is given up until its value changes.
"""

from collections.abc import Collection
from typing import Final

from bridge.fimp.report import Report, ReportKey
from bridge.hub.line import Publication

STRIKES: Final = 3
"""The number of closes in a row, each with a message alone in flight, after which that message is given up."""

SURELY_TAKEN_BYTES: Final = 1024
"""The size of a message up to which no broker is expected to refuse it, so that another reason is likely."""

TOO_LARGE: Final = "the broker closes the connection at it, perhaps because it exceeds the broker's maximum packet size"
"""Why a message is given up, for the log and for the client."""


class Suspects:
    """The messages that were in flight when the connection was closed, and those that were given up."""

    def __init__(self) -> None:
        self._suspected: set[object] = set()
        self._closes: dict[object, int] = {}  # by message, with it alone in flight and since it was last acknowledged
        self._given_up: dict[ReportKey, tuple[object, int]] = {}  # the fingerprint and the size

    def __bool__(self) -> bool:
        return bool(self._suspected)

    def __contains__(self, publication: object) -> bool:
        if not self._suspected or not isinstance(publication, Publication):
            return False
        return publication.identity in self._suspected

    def was_alone(self, publication: Publication) -> bool:
        """Whether a message was the only one in flight at a close, so that it is probably the culprit."""
        return publication.identity in self._closes

    def among(self, in_flight: Collection[Publication]) -> bool:
        """Whether a suspect is among these messages."""
        return bool(self._suspected) and any(publication in self for publication in in_flight)

    def closed(self, in_flight: Collection[Publication]) -> Publication | None:
        """Record a close with these messages in flight. Return the message to give up, if there is one."""
        self._suspected |= {publication.identity for publication in in_flight}
        if len(in_flight) != 1:
            return None
        (publication,) = in_flight
        closes = self._closes.get(publication.identity, 0) + 1
        self._closes[publication.identity] = closes
        return publication if closes >= STRIKES else None

    def acquit(self, publication: Publication) -> None:
        """Clear a message: the broker has acknowledged it."""
        if self._suspected:
            self._suspected.discard(publication.identity)
            self._closes.pop(publication.identity, None)

    def give_up(self, publication: Publication) -> None:
        """Do not publish this message again until its content changes."""
        self._suspected.discard(publication.identity)
        self._closes.pop(publication.identity, None)
        if publication.item is None or publication.item.counts_as_sent:
            self._given_up[publication.report.key] = publication.report.fingerprint, len(publication.payload)

    def gave_up(self, report: Report, *, larger_than: int = -1) -> bool:
        """Whether a report with this key and content was given up, in a message of more bytes than `larger_than`."""
        fingerprint, size = self._given_up.get(report.key, (None, 0)) if self._given_up else (None, 0)
        return size > larger_than and fingerprint == report.fingerprint

    def sent(self, report: Report) -> None:
        """Allow every content under this report's key again, since a new one was sent."""
        if self._given_up:
            self._given_up.pop(report.key, None)

    def forget(self) -> None:
        """Clear all suspects: everything was acknowledged."""
        self._suspected.clear()
        self._closes.clear()
