"""Log lines for what the cloud sent and the bridge ignores: impossible meter readings, and addresses used twice."""

from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.account.address_book import SOCKETS, Claim
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.logs import Once

LONGEST_NAME: Final = 100
"""The number of characters of a name in the log."""


class OddityLog:
    """Logs the first meter reading of each socket that was ignored as impossible, and what has no address of its own.

    Args:
        log: gets the warnings.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._once = Once()

    def left_out(self, claim: Claim) -> None:
        """Log a charge point, a socket or a grid connection that is left out."""
        name = claim.name[:LONGEST_NAME]
        if claim.kind == SOCKETS:
            self._log.warning(
                "a charge point is left out: its address is another thing's; the others are served", evse_id=name
            )
        else:
            self._log.warning(
                "a grid connection is left out: its address is empty or another thing's; the others are served",
                grid=name,
            )

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
