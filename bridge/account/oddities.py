"""A log line for the meter readings that were ignored as impossible, once for each socket."""

from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.logs import Once


class OddityLog:
    """Logs the first meter reading of each socket that was ignored as impossible.

    Args:
        log: gets the warnings.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._once = Once()

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Log the readings that a change of a charge point ignored."""
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
                    "an impossible meter reading is ignored; it counts once later readings confirm it",
                    what=oddity,
                    address=after.address,
                )
