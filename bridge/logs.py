"""The log: readable on a terminal, one JSON object a line elsewhere; never a secret; nothing twice."""

import logging
import sys
from collections import OrderedDict, deque
from collections.abc import MutableMapping
from datetime import datetime
from typing import Any, Final, Literal, TextIO

import structlog
from pydantic import SecretStr

from bridge.settings import Level

Format = Literal["auto", "console", "json"]

LEVELS: Final[dict[Level, int]] = {
    "trace": logging.DEBUG,
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
    "fatal": logging.CRITICAL,
}

_SECRET_NAMES: Final = ("token", "password", "authorization", "secret")
_MASK: Final = "***"


def level_named(name: str) -> Level | None:
    """The level of a name in any letter case; `warn`, as hubs also write it, is `warning`. None: there is none."""
    plain = name.strip().lower()
    return next((level for level in LEVELS if level == ("warning" if plain == "warn" else plain)), None)


class Secrets:
    """The secrets in use, so that none of them reaches the log in whatever words it stands."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def add(self, secret: str | SecretStr | None) -> None:
        """Never let this one through. Very short ones are left alone: they would mask half the log."""
        text = secret.get_secret_value() if isinstance(secret, SecretStr) else secret
        if text and len(text) >= 6:
            self._known.add(text)

    def mask(self, value: Any) -> Any:
        """`value` with every known secret in it replaced."""
        if isinstance(value, str):
            for secret in self._known:
                value = value.replace(secret, _MASK)
            return value
        if isinstance(value, dict):
            return {name: _MASK if _is_secret(name) else self.mask(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return [self.mask(item) for item in value]
        return value if isinstance(value, int | float | None) else self.mask(str(value))

    def __call__(self, _: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor: the second line of defence, behind `SecretStr`."""
        for name, value in event.items():
            event[name] = _MASK if _is_secret(name) and value else self.mask(value)
        return event


def _is_secret(name: object) -> bool:
    return isinstance(name, str) and any(word in name.lower() for word in _SECRET_NAMES)


class RecentErrors:
    """The last warnings and errors, for diagnostics (`cmd.app.get_diag`, the status page)."""

    def __init__(self, size: int = 20) -> None:
        self.lines: deque[str] = deque(maxlen=size)

    def __call__(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """A structlog processor that keeps and passes on."""
        if method in {"warning", "error", "critical", "exception"}:
            details = " ".join(f"{k}={v}" for k, v in event.items() if k not in _NO_DETAIL)
            self.lines.append(f"{event.get('timestamp', '')} {event.get('event', '')} {details}".strip())
        return event


_NO_DETAIL: Final = frozenset({"timestamp", "event", "level", "exc_info", "exception"})


class Log:
    """The log of one service: where it goes, how much, and what must not be in it."""

    def __init__(self, level: Level = "info", format_: Format = "auto", stream: TextIO | None = None) -> None:
        self.level: Level = level
        self.secrets = Secrets()
        self.errors = RecentErrors()
        stream = stream if stream is not None else sys.stderr
        self._render: Any
        if format_ == "console" or (format_ == "auto" and stream.isatty()):
            self._render = structlog.dev.ConsoleRenderer(colors=stream.isatty())
        else:
            self._render = structlog.processors.JSONRenderer(ensure_ascii=False)
        self.logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
            structlog.PrintLogger(stream),
            processors=[
                self._filter,
                structlog.processors.add_log_level,
                _timestamp,
                structlog.processors.format_exc_info,
                self.secrets,
                self.errors,
                self._render,
            ],
            wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        )

    def _filter(self, _: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        rank = {"exception": logging.ERROR, "critical": logging.CRITICAL}.get(method)
        if (rank if rank is not None else LEVELS.get(method, logging.INFO)) < LEVELS[self.level]:  # type: ignore[call-overload]
            raise structlog.DropEvent
        return event


def _timestamp(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = datetime.now().astimezone().isoformat(timespec="milliseconds")
    return event


class Once:
    """Says whether something is said for the first time; forgets the oldest of many."""

    def __init__(self, size: int = 1000) -> None:
        self._said: OrderedDict[object, None] = OrderedDict()
        self._size = size

    def first(self, key: object) -> bool:
        """True the first time that `key` comes, and again when it has been forgotten."""
        if key in self._said:
            return False
        self._said[key] = None
        if len(self._said) > self._size:
            self._said.popitem(last=False)
        return True

    def forget(self, kind: object) -> None:
        """The next time that `kind`, or a tuple that begins with it, comes will be a first time."""
        for key in [key for key in self._said if key == kind or (isinstance(key, tuple) and key[:1] == (kind,))]:
            del self._said[key]
