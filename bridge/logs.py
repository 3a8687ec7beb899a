"""The log: readable text on a terminal, else one JSON object a line. It masks secrets and bounds its own volume."""

import logging
import re
import sys
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final, Literal, TextIO

import structlog
from pydantic import SecretStr
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from bridge.log_level import Level
from bridge.terminal import shows_colours

Format = Literal["auto", "console", "json"]

LEVELS: Final[dict[Level, int]] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}

_RANKS: Final[Mapping[str, int]] = {
    **{str(level): rank for level, rank in LEVELS.items()},
    "exception": logging.ERROR,
    "critical": logging.CRITICAL,
}
"""The levels by the methods of a logger."""

MOST_LINES_A_MINUTE: Final = 300
"""The most lines in a minute. The levels `debug` and `trace` have no such limit."""

LONGEST_LINE: Final = 2_000
"""The length, in characters, to which a value in a line is cut. A traceback is not cut."""

ERRORS_KEPT: Final = 20
"""The number of warnings and errors that are kept for diagnostics."""

_NOT_FOR_A_TERMINAL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Line ends and terminal control characters, which are escaped: text from outside must stay on its line."""

_SECRET_NAMES: Final = ("token", "password", "authorization", "secret")
_MASK: Final = "***"


class Secrets:
    """The secrets in use, which the log masks in every text."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, secret: str | SecretStr | None) -> None:
        """Mask a secret from now on. One of fewer than 6 characters is not masked, since that would hide other text."""
        text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        if text and len(text) >= 6:
            self._known.add(text)

    def mask(self, value: object) -> object:
        """Return a value in which every known secret is masked."""
        if isinstance(value, str):
            for secret in self._known:
                value = value.replace(secret, _MASK)
            return value
        if isinstance(value, dict):
            return {name: _MASK if _is_secret(name) else self.mask(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask(item) for item in value]
        return value if isinstance(value, int | float | None) else self.mask(str(value))

    def __call__(self, _: WrappedLogger, __: str, event: EventDict) -> EventDict:
        """Mask the secrets in an event, as a structlog processor. `SecretStr` is the first line of defence."""
        for name, value in event.items():
            event[name] = _MASK if _is_secret(name) and value else self.mask(value)
        return event


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and any(word in name.lower() for word in _SECRET_NAMES)


class RecentErrors:
    """The last warnings and errors, for diagnostics (`cmd.app.get_diag`, the status page)."""

    def __init__(self) -> None:
        self.lines: deque[str] = deque(maxlen=ERRORS_KEPT)

    def __call__(self, _: WrappedLogger, method: str, event: EventDict) -> EventDict:
        """Keep a warning or an error, as a structlog processor."""
        if method in {"warning", "error", "critical", "exception"}:
            details = " ".join(f"{k}={v}" for k, v in event.items() if k not in _NO_DETAIL)
            self.lines.append(f"{event.get('timestamp', '')} {event.get('event', '')} {details}".strip())
        return event


_NO_DETAIL: Final = frozenset({"timestamp", "event", "level", "exc_info", "exception"})


class Flood:
    """Limits the number of lines in a minute, and counts those that are left out.

    Args:
        monotonic: returns monotonic seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._minute = -1
        self._lines = 0
        self._left_out = 0

    def holds_back(self) -> bool:
        """Count a line. Return True if it must be left out."""
        minute = int(self._monotonic() // 60)
        if minute != self._minute:
            self._minute, self._lines = minute, 0
        self._lines += 1
        if self._lines <= MOST_LINES_A_MINUTE:
            return False
        self._left_out += 1
        return True

    def left_out(self) -> int:
        """Return the number of lines left out since the last call."""
        left_out, self._left_out = self._left_out, 0
        return left_out


class Log:
    """The log of one service.

    Args:
        level: the lowest level that is written.
        format_: `console`, `json`, or `auto`: readable on a terminal, else JSON.
        stream: the output; None for stderr.
        monotonic: returns monotonic seconds, for the limit of lines.

    Attributes:
        level: the lowest level that is written. It can be changed at any time.
        secrets: the secrets that are masked.
        errors: the last warnings and errors.
        logger: the structlog logger for all parts of the bridge.
    """

    def __init__(
        self,
        level: Level = "info",
        format_: Format = "auto",
        stream: TextIO | None = None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.level: Level = level
        self.secrets = Secrets()
        self.errors = RecentErrors()
        self._flood = Flood(monotonic)
        stream = stream if stream is not None else sys.stderr
        self._render: Processor
        if format_ == "console" or (format_ == "auto" and stream.isatty()):
            self._render = structlog.dev.ConsoleRenderer(colors=shows_colours(stream))
        else:
            self._render = structlog.processors.JSONRenderer(ensure_ascii=False)
        self.logger: FilteringBoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(stream),
            processors=[
                self._filter,
                structlog.processors.add_log_level,
                _timestamp,
                structlog.processors.format_exc_info,
                self.secrets,
                _cut,
                self.errors,
                self._render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )

    def _filter(self, _: WrappedLogger, method: str, event: EventDict) -> EventDict:
        if _RANKS.get(method, logging.INFO) < LEVELS[self.level]:
            raise structlog.DropEvent
        if LEVELS[self.level] > logging.DEBUG and self._flood.holds_back():
            raise structlog.DropEvent
        left_out = self._flood.left_out()
        if left_out:
            event["lines_left_out"] = left_out
        return event


def _cut(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Cut long values and escape control characters, after the secrets were masked."""
    for name, value in event.items():
        if isinstance(value, str) and name != "exception":
            short = f"{value[:LONGEST_LINE]}…" if len(value) > LONGEST_LINE else value
            event[name] = _NOT_FOR_A_TERMINAL.sub(lambda found: found[0].encode("unicode_escape").decode(), short)
    return event


def _timestamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event["timestamp"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return event


class Once:
    """Tells whether a key occurs for the first time, for lines that are logged once. It keeps the last `size` keys."""

    def __init__(self, size: int = 1000) -> None:
        self._said: OrderedDict[object, None] = OrderedDict()
        self._size = size

    def first(self, key: object) -> bool:
        """Return True the first time that a key occurs, or the first time after it was forgotten."""
        if key in self._said:
            return False
        self._said[key] = None
        if len(self._said) > self._size:
            self._said.popitem(last=False)
        return True

    def forget(self, kind: object) -> None:
        """Forget a key, and every tuple that begins with it, so that its next occurrence is a first one."""
        for key in [key for key in self._said if key == kind or (isinstance(key, tuple) and key[:1] == (kind,))]:
            del self._said[key]
