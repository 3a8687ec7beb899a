"""When a report is due: a pure function of what was said before, what is to say now, and the time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from bridge.fimp.report import Report


@dataclass(frozen=True, slots=True)
class Policy:
    """When a report is sent by itself: on change, and perhaps at least every so often."""

    at_least_every: timedelta | None = None


ON_CHANGE: Final = Policy()

POLICIES: Final[Mapping[str, Policy]] = {
    # As the hub's own framework does.
    "evt.current_session.report": Policy(at_least_every=timedelta(minutes=30)),
}
"""The policy of each interface that has another than `ON_CHANGE`."""


@dataclass(frozen=True, slots=True)
class Said:
    """A report, and when it was sent."""

    report: Report
    at: datetime


def due(said: Said | None, report: Report, now: datetime) -> bool:
    """Whether `report` is to be sent now, if `said` was the last of its kind."""
    if said is None or said.report != report:
        return True
    every = POLICIES.get(report.type, ON_CHANGE).at_least_every
    return every is not None and now - said.at >= every


class Reporter:
    """Remembers what was said last of each attribute."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str, str], Said] = {}

    def due(self, reports: Iterable[Report], now: datetime) -> list[Report]:
        """Those of `reports` that are to be sent now."""
        return [report for report in reports if due(self._said.get(report.key), report, now)]

    def said(self, report: Report, now: datetime) -> None:
        """It has been sent."""
        self._said[report.key] = Said(report, now)

    def forget(self) -> None:
        """Everything is to be said again."""
        self._said.clear()

    def forget_thing(self, address: str) -> None:
        """Everything about one thing, with all its sockets, is to be said again; until then nothing of it is due."""
        self._said = {
            key: said
            for key, said in self._said.items()
            if said.report.topic.service_address.partition("_")[0] != address
        }

    def next_due(self) -> datetime | None:
        """When the first of the reports with an interval is due again."""
        times = (
            said.at + every
            for key, said in self._said.items()
            if (every := POLICIES.get(key[1], ON_CHANGE).at_least_every) is not None
        )
        return min(times, default=None)
