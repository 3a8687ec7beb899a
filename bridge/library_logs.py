"""Log records of libraries, in the log of the service. Without this they go to stderr as text that is no JSON."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from structlog.typing import FilteringBoundLogger

REPORTED_ELSEWHERE: Final = (
    ("mqtt", "failed to receive on socket"),
    ("asyncio", "socket.send() raised exception"),
)
"""Loggers and the beginnings of their messages about a connection that was lost, which the bridge itself reports."""


class _ToTheLog(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        reported = any(record.name == name and text.startswith(beginning) for name, beginning in REPORTED_ELSEWHERE)
        level = logging.DEBUG if reported else record.levelno
        self._log.log(level, text, library=record.name, exc_info=record.exc_info)


@contextmanager
def library_logs_included(log: FilteringBoundLogger) -> Iterator[None]:
    """Write the warnings and errors of libraries to a log.

    One that says only that a connection was lost has the level `debug`: the bridge reports the loss in its own words.
    """
    root, handler = logging.getLogger(), _ToTheLog(log)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
