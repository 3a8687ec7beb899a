"""Counting the requests to the cloud, which allows a certain number a day (design page 3, "Connection")."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from bridge.chargepoint.amsterdam import in_amsterdam


@dataclass(slots=True)
class RequestCounts:
    """The number of requests by command.

    Attributes:
        total: the requests since the start of the bridge.
    """

    total: Counter[str] = field(default_factory=Counter)
    _today: Counter[str] = field(default_factory=Counter)
    _day: date | None = None

    def add(self, command: str, now: datetime) -> None:
        """Count a request that was sent."""
        day = in_amsterdam(now).date()
        if day != self._day:
            self._day = day
            self._today = Counter()
        self._today[command] += 1
        self.total[command] += 1

    def today(self, now: datetime) -> Mapping[str, int]:
        """Return the requests since midnight in Amsterdam, when the cloud's own count restarts."""
        return self._today if in_amsterdam(now).date() == self._day else {}
