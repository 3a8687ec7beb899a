"""Logs the readings that were left out as impossible, once for each socket."""

from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.logs import Once


class OddityLog:
    """Listens to the changes of charge points.

    Args:
        log: where they are named.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._once = Once()

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """A charge point has changed."""
        if before is None or after is None:
            return
        for twin in after.sockets:
            was = before.socket(twin.address)
            if was is not None:
                self._twin_changed(was, twin)

    def _twin_changed(self, before: Twin, after: Twin) -> None:
        for oddity in after.oddities_since(before):
            if self._once.first(after.address):
                self._log.warning(
                    "a meter reading cannot be; such readings are left out until later ones confirm them",
                    what=oddity,
                    address=after.address,
                )
