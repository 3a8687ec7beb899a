"""Recent commands, and counts of command outcomes and reconnects since the service started."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.bluecurrent.protocol import LinkStatus
from bridge.hub.broker import BrokerStatus
from bridge.hub.router import Handled

KEPT: Final = 12
"""The number of commands shown."""

DONE: Final = "OK"
"""The outcome of a command that succeeded; of others it is the error code."""


class Journal:
    """The latest commands, and counts since the start."""

    def __init__(self) -> None:
        self._commands: deque[Handled] = deque(maxlen=KEPT)
        self._outcomes: Counter[str] = Counter()
        self._link_ups = 0
        self._broker_ups = 0

    def handled(self, command: Handled) -> None:
        """Record an acting command that was answered."""
        self._commands.appendleft(command)
        self._outcomes[command.code or DONE] += 1

    def link_changed(self, status: LinkStatus) -> None:
        """Record a change of the link to the cloud."""
        self._link_ups += status.up

    def broker_changed(self, status: BrokerStatus) -> None:
        """Record a change of the connection to the broker."""
        self._broker_ups += status.up

    @property
    def commands(self) -> Sequence[Handled]:
        """The latest commands, newest first."""
        return tuple(self._commands)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """The number of commands for each outcome."""
        return dict(self._outcomes)

    @property
    def link_reconnects(self) -> int:
        """The number of times the link came up again."""
        return max(0, self._link_ups - 1)

    @property
    def broker_reconnects(self) -> int:
        """The number of times the connection to the broker came up again."""
        return max(0, self._broker_ups - 1)
