"""The number of requests made to the cloud, and the number that a start needs.

The cloud limits the requests of a day. The limit is not published (design page 3, "Connection").
"""

from collections.abc import Mapping

from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.bluecurrent.request_counts import RequestCounts
from bridge.clock import Clock


class RequestBudget:
    """Gives the requests that were made, and how many a start and a reconnect make.

    Args:
        counts: the requests that were made.
        fleet: the charge points of the account.
        exclusions: the excluded charge points, for which no requests are made.
        clock: the source of time.
    """

    def __init__(self, counts: RequestCounts, fleet: Fleet, exclusions: Exclusions, clock: Clock) -> None:
        self._counts = counts
        self._fleet = fleet
        self._exclusions = exclusions
        self._clock = clock

    @property
    def today(self) -> Mapping[str, int]:
        """The number of requests since midnight in Amsterdam, or since the start if that was later, by command."""
        return self._counts.today(self._clock.now())

    @property
    def total(self) -> int:
        """The number of requests since the start."""
        return self._counts.total.total()

    @property
    def per_start(self) -> int:
        """The requests of a start: two for the login, three for the account, three for each charge point."""
        return 5 + 3 * self._asked_about()

    @property
    def per_reconnect(self) -> int:
        """The requests of a reconnect: HELLO, the list of charge points, and one for each of them."""
        return 2 + self._asked_about()

    def _asked_about(self) -> int:
        return len(self._fleet.points) - self._exclusions.count_among(self._fleet.points)
