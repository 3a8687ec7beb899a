"""The requests made of the cloud, which allows a number a day that is not published, against what a start needs."""

from collections.abc import Mapping

from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.bluecurrent.link import Link


class RequestBudget:
    """How many requests were made, and how many a start needs.

    Args:
        link: counts them.
        fleet: the charge points, about which a start asks.
        exclusions: the charge points about which nothing is asked.
    """

    def __init__(self, link: Link, fleet: Fleet, exclusions: Exclusions) -> None:
        self._link = link
        self._fleet = fleet
        self._exclusions = exclusions

    @property
    def today(self) -> Mapping[str, int]:
        """The requests made since midnight in Amsterdam, or since the start if that was later, by their command."""
        return self._link.requests_today_by_kind

    @property
    def total(self) -> int:
        """The requests made since the start."""
        return self._link.requests_total

    @property
    def per_start(self) -> int:
        """The requests that a start makes: two to log in, three for the account, three for each charge point."""
        return 5 + 3 * self._asked_about()

    @property
    def per_reconnect(self) -> int:
        """The requests that a new connection makes: HELLO, the list, and one for each charge point."""
        return 2 + self._asked_about()

    def _asked_about(self) -> int:
        return sum(evse_id not in self._exclusions for evse_id in self._fleet.evse_ids())
