"""Names what of a push was left out because it cannot be: once in the log for each socket."""

from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.twin import Twin
from bridge.logs import Once


class OddityLog:
    """Hears of every change of a socket.

    Args:
        log: where to say what was left out.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._once = Once()

    def twin_changed(self, before: Twin | None, after: Twin | None) -> None:
        """A socket's twin has changed."""
        if before is None or after is None:
            return
        for oddity in after.oddities_since(before):
            if self._once.first(after.address):
                self._log.warning(
                    "a meter reading cannot be; such readings are left out until later ones confirm them",
                    what=oddity,
                    address=after.address,
                )
