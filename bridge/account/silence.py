"""Detecting that the cloud has stopped pushing changes on a connection that is up (page 3, "A dead push stream")."""

from datetime import timedelta
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.account.fleet import Fleet
from bridge.bluecurrent import requests
from bridge.bluecurrent.frames import Frame, Statuses
from bridge.bluecurrent.link import Link
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.tasks import BackgroundTasks

SILENCE_CHARGING: Final = timedelta(minutes=10)
SILENCE_IDLE: Final = timedelta(days=1)
"""How long the cloud may push nothing before the link is probed. While a car charges, pushes come several a minute."""

WATCH_EVERY_S: Final = 2.0
"""How often the silence of the charge points is measured."""


class SilenceWatch:
    """Probes the link after too long a silence: one status is requested. If it is new, the link connects anew.

    While a car charges, only the statuses of its charge point count. Other frames, such as GRID_CURRENT, do not prove
    that statuses are pushed.

    Args:
        link: the link to Blue Current.
        fleet: the twins of the charge points.
        clock: the source of time.
        tasks: runs the probe in the background.
        log: gets a line for each reconnect.
    """

    def __init__(
        self, *, link: Link, fleet: Fleet, clock: Clock, tasks: BackgroundTasks, log: FilteringBoundLogger
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._clock = clock
        self._tasks = tasks
        self._log = log
        self._probing = False
        self._next_look = 0.0
        self._status_at: dict[str, float] = {}  # when each charge point sent its last status, on the monotonic clock

    def frame_received(self, frame: Frame) -> None:
        """Note which charge points of the account have sent a status."""
        if isinstance(frame.body, Statuses) and not frame.error:
            for status in frame.body.sockets:
                if self._fleet.charge_point(status.evse_id) is not None:
                    self._status_at[status.evse_id] = self._clock.monotonic()

    def tick(self) -> None:
        """Start a probe if the silence is too long."""
        now = self._clock.monotonic()
        if self._probing or not self._link.status.up or now < self._next_look:
            return
        self._next_look = now + WATCH_EVERY_S
        silent = self._silent_while_charging(now)
        if silent is None and now - self._link.last_frame_at >= SILENCE_IDLE.total_seconds():
            silent = next(iter(self._fleet.twins()), None)
        if silent is not None:
            self._probing = True
            self._tasks.start(self._probe(silent))

    def _silent_while_charging(self, now: float) -> Twin | None:
        """Return a socket with a session whose charge point has sent no status for too long; None if there is none."""
        for twin in self._fleet.twins():
            if twin.memory.session_open:
                heard_at = self._status_at.setdefault(twin.evse_id, now)
                if now - heard_at >= SILENCE_CHARGING.total_seconds():
                    return twin
        return None

    async def _probe(self, before: Twin) -> None:
        reason = "the status that was requested shows a change that was not pushed"
        try:
            await self._link.ask(requests.get_status(before.evse_id))
        except BridgeError as error:
            reason = str(error)
        else:
            after = self._fleet.twin(before.address)
            if after is not None and after.status == before.status:
                return  # nothing has changed, so no push was missed
        finally:
            self._probing = False
        self._log.warning(
            "Blue Current has stopped sending changes; the bridge connects again",
            evse_id=before.evse_id,
            reason=reason,
        )
        self._link.reconnect()
