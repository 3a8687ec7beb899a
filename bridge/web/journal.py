"""What has happened since the service started, as far as it is worth showing: commands, and links that came back."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Final

from bridge.bluecurrent.link import LinkStatus
from bridge.hub.broker import BrokerStatus
from bridge.hub.router import Handled

KEPT: Final = 12
"""How many commands are shown."""

DONE: Final = "OK"
"""The outcome of a command that was carried out; of others it is the error's code."""


class Journal:
    """The last commands, and counts of everything."""

    def __init__(self) -> None:
        self._commands: deque[Handled] = deque(maxlen=KEPT)
        self._outcomes: Counter[str] = Counter()
        self._link_ups = 0
        self._broker_ups = 0

    def handled(self, command: Handled) -> None:
        """A command that acts was answered."""
        self._commands.appendleft(command)
        self._outcomes[command.code or DONE] += 1

    def link_changed(self, status: LinkStatus) -> None:
        """The link to the cloud came up, or did not."""
        self._link_ups += status.up

    def broker_changed(self, status: BrokerStatus) -> None:
        """The connection to the broker came up, or went down."""
        self._broker_ups += status.up

    @property
    def commands(self) -> Sequence[Handled]:
        """The last ones, the newest first."""
        return tuple(self._commands)

    @property
    def outcomes(self) -> Mapping[str, int]:
        """How many commands had each outcome."""
        return dict(self._outcomes)

    @property
    def link_reconnects(self) -> int:
        """How often the link came up again after the first time."""
        return max(0, self._link_ups - 1)

    @property
    def broker_reconnects(self) -> int:
        """How often the connection to the broker came up again after the first time."""
        return max(0, self._broker_ups - 1)
