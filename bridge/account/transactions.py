"""Corrects the recorded sessions with the account's transactions, which show what the bridge did not see.

Transactions are read once a day, and some minutes after an outage in which a session ended or was missed. A restart is
an outage, and so is an error, behind which no session is seen to end. After the very first start there is nothing to
correct. If a read fails, the sessions stay as they were seen. Transactions from before the charge point was known are
ignored; counting them would make its lifetime energy jump by years.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import reduce
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.account.fleet import Fleet
from bridge.bluecurrent.app_api import AppApi
from bridge.chargepoint.amsterdam import AMSTERDAM
from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.records import corrected
from bridge.chargepoint.session import Memory
from bridge.chargepoint.transaction_matching import SETTLED_AFTER, Place, Transaction, settle
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.logs import Once
from bridge.storage.recorder import Recorder
from bridge.storage.storage import Storage
from bridge.tasks import BackgroundTasks

DAILY: Final = timedelta(days=1)
AFTER_OUTAGE: Final = SETTLED_AFTER + timedelta(minutes=5)
"""How long after an outage transactions are read. By then a session that ended in it, or right after it, is settled."""

AGAIN: Final = timedelta(days=14)
"""How far before the last session with a transaction the read begins, since its figures may have been preliminary."""


class Transactions:
    """Reads transactions and corrects the recorded sessions with them.

    Args:
        app_api: reads the transactions.
        fleet: the twins, whose memory is corrected.
        storage: the recorded sessions.
        recorder: writes the corrected sessions.
        clock: the source of time.
        tasks: runs the reads in the background.
        log: gets a line for each failed read, and for sessions that were found.
    """

    def __init__(
        self,
        *,
        app_api: AppApi,
        fleet: Fleet,
        storage: Storage,
        recorder: Recorder,
        clock: Clock,
        tasks: BackgroundTasks,
        log: FilteringBoundLogger,
    ) -> None:
        self._app_api = app_api
        self._fleet = fleet
        self._storage = storage
        self._recorder = recorder
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._once = Once()
        self._restarted = bool(storage.known_since())
        self._next_daily: datetime | None = None
        self._after_outage: datetime | None = None
        self._reading = False

    # --- when ---

    def looked(self) -> None:
        """Schedule the first read, after the first refresh of the account."""
        if self._next_daily is None:
            self._next_daily = self._clock.now() + DAILY
            if self._restarted:
                self._after_outage = self._clock.now() + AFTER_OUTAGE

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Schedule a read when a socket shows its sessions again: one may have ended or been missed meanwhile."""
        if before is None or after is None:
            return
        for twin in after.sockets:
            was = before.socket(twin.address)
            if was is not None and not was.shows_sessions and twin.shows_sessions:
                self._shown_again(was.memory, twin.memory)

    def _shown_again(self, before: Memory, after: Memory) -> None:
        was, now = before.session, after.session
        if now is not None and (was is None or was.number != now.number or (was.open and not now.open)):
            self._after_outage = self._clock.now() + AFTER_OUTAGE

    def tick(self) -> None:
        """Read the transactions if a read is due."""
        now = self._clock.now()
        due = [when for when in (self._next_daily, self._after_outage) if when is not None and when <= now]
        if self._next_daily is None or not due or self._reading or not self._app_api.ready:
            return
        if self._next_daily <= now:
            self._next_daily = now + DAILY
        if self._after_outage is not None and self._after_outage <= now:
            self._after_outage = None
        self._reading = True
        self._tasks.start(self._fill())

    # --- what ---

    async def _fill(self) -> None:
        try:
            for evse_id in self._fleet.evse_ids():
                await self._fill_one(evse_id)
        except BridgeError as error:
            if self._once.first(str(error)):
                self._log.info(
                    "the account's transactions could not be read; the sessions stay as the bridge has seen them",
                    reason=str(error),
                )
        finally:
            self._reading = False

    async def _fill_one(self, evse_id: str) -> None:
        known_since = self._storage.known_since().get(evse_id, self._clock.now())
        since = self._unsettled_since(evse_id, known_since).astimezone(AMSTERDAM).date()
        transactions = [self._with_uid(one) for one in await self._app_api.transactions(evse_id, since)]
        self._recorder.write()  # the storage must be as new as the twins
        for twin in self._fleet.sockets(evse_id):
            self._settle(twin, known_since, transactions)

    def _unsettled_since(self, evse_id: str, known_since: datetime) -> datetime:
        booked = [one.started_at for one in self._storage.sessions() if one.evse_id == evse_id and one.transaction]
        # One day more: it is not known whether a date selects transactions by their start or by their end.
        return max([known_since, *(when - AGAIN for when in booked)]) - timedelta(days=1)

    def _with_uid(self, transaction: Transaction) -> Transaction:
        """Return the transaction with the card's uid, which sessions record, in place of its number, if it is known."""
        uids = {card.number: card.uid for card in self._fleet.cards if card.number}
        return replace(transaction, card=uids.get(transaction.card or "", transaction.card))

    def _settle(self, twin: Twin, known_since: datetime, transactions: Sequence[Transaction]) -> None:
        place = Place(
            evse_id=twin.evse_id,
            socket=twin.socket,
            address=twin.address,
            known_since=known_since,
            in_sight=twin.shows_sessions,
        )
        kept = self._storage.sessions(address=twin.address)
        records = {record.number: record for record in kept if record.evse_id == twin.evse_id}
        changed = settle(place, records.values(), transactions, self._clock.now())
        if not changed:
            return

        def correct(memory: Memory) -> Memory:
            return reduce(lambda so_far, record: corrected(so_far, record, records.get(record.number)), changed, memory)

        self._recorder.note(changed)
        self._fleet.remember(twin.address, correct)
        self._recorder.write()
        missed = [record for record in changed if record.number not in records]
        if missed:
            self._log.info(
                "sessions that the bridge had missed were added from the account's transactions",
                address=twin.address,
                sessions=len(missed),
                energy_kwh=round(sum(record.energy for record in missed), 3),
            )
