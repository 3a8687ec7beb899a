"""When each read of the account was answered, so that a reconnect repeats only those that are due."""

from typing import Final

from bridge.bluecurrent.requests import Request
from bridge.clock import Clock
from bridge.errors import BridgeError, NotSupported, Rejected

VALID_S: Final = 24 * 3600.0
"""How long an answer stays valid over reconnects (design page 3, "What the public clients get wrong")."""

NO_GRID_VALID_S: Final = 3600.0
"""How long a refused GET_GRID_STATUS counts as an answer. A charge point without a grid connection always gets one."""


class ReadTimes:
    """Knows which reads are due, by a clock that nobody sets.

    Args:
        clock: the source of time.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._valid_until: dict[tuple[str, str | None], float] = {}

    def is_due(self, request: Request[object]) -> bool:
        """Whether the request was never answered, or its answer is no longer valid."""
        until = self._valid_until.get((request.command, request.evse_id))
        return until is None or self._clock.monotonic() > until

    def note(self, request: Request[object], failure: BridgeError | None) -> None:
        """Note the outcome of a request. A failure leaves it due, except that of a charge point without a grid."""
        no_grid = request.command == "GET_GRID_STATUS" and isinstance(failure, Rejected | NotSupported)
        if failure is None or no_grid:
            valid_s = NO_GRID_VALID_S if no_grid else VALID_S
            self._valid_until[request.command, request.evse_id] = self._clock.monotonic() + valid_s
