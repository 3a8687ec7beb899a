"""A fault of the bridge in the reports of one thing, which keeps no other thing from being reported (contract 8)."""

from collections.abc import Iterable, Iterator
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.fimp.report import Report

REPORT_FAILED: Final = "a report of a thing cannot be made; all other things are reported"


def until_one_fails(reports: Iterable[Report], thing: str, log: FilteringBoundLogger) -> Iterator[Report]:
    """Yield reports until the next one cannot be made, which is logged. This raises nothing.

    Args:
        reports: the reports of a thing, each made when it is read.
        thing: its address.
        log: the logger.
    """
    try:
        yield from reports
    except Exception:
        log.exception(REPORT_FAILED, thing=thing)
