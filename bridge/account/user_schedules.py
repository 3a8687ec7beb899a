"""The user's own schedule that limits the current, set by the parameters `limit_...` (contract 5, "parameters").

The cloud keeps one schedule for each charge point. `bridge.account.overrides` handles the bridge's own limits. A
schedule that is made here belongs to the user, like one that was made in Blue Current's app.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import time
from functools import partial
from typing import Final, TypeVar

from bridge.account.fleet import Fleet
from bridge.account.override_requests import OverrideRequests
from bridge.account.overrides import NOT_COUNTING
from bridge.account.parameter_store import ParameterStore
from bridge.account.parameter_values import LIMIT_SCHEDULE, LimitSchedule, cloud_limit, kept_limit
from bridge.bluecurrent import requests
from bridge.bluecurrent.requests import Request
from bridge.chargepoint import limits
from bridge.chargepoint.limits import NOTHING, Limits
from bridge.chargepoint.schedules import ALL_DAYS, DAY_ENDS, DAY_STARTS, Schedule
from bridge.chargepoint.status import MINIMUM_CURRENT_A
from bridge.chargepoint.twin import Twin
from bridge.errors import BridgeError, Disconnected, InvalidState, InvalidValue, NotSupported, VerdictTimeout

T = TypeVar("T")

OURS_HOLDS: Final = (
    "A limit that was set from the hub holds for this charge point, and Blue Current keeps one for each. Set the "
    "maximum current to the most, or wait for the end of the session, then set the schedule again."
)
NO_NUMBER: Final = "Blue Current gives this schedule no number, so it cannot be changed from here. Use its app."


class UserSchedules:
    """Makes, edits and clears the user's own schedules.

    Each method raises `InvalidState` while a limit of the bridge's own holds or smart charging is off, and another
    `BridgeError` if the cloud cannot be reached or did not carry out the request. The caller holds the charge point's
    lock.

    Args:
        fleet: the twins, which carry the schedules that exist in the cloud.
        override_requests: reads the list of schedules, and makes the requests that change it.
        store: keeps the parts of a schedule that is not complete yet.
    """

    def __init__(self, *, fleet: Fleet, override_requests: OverrideRequests, store: ParameterStore) -> None:
        self._fleet = fleet
        self._override_requests = override_requests
        self._store = store

    async def set_current(self, twin: Twin, current: int) -> None:
        """Set the limit of the schedule, A; 0 clears the schedule.

        Raises:
            InvalidValue: the limit is above 0 and below 6 A.
        """
        if current == 0:
            await self._clear(twin)
        elif current < MINIMUM_CURRENT_A:
            raise InvalidValue(f"A limit is {MINIMUM_CURRENT_A} A or more; 0 is none.")
        else:
            await self._set(twin, LimitSchedule(current=current))

    async def set_days(self, twin: Twin, days: tuple[int, ...]) -> None:
        """Set the days on which the window begins."""
        await self._set(twin, LimitSchedule(days=tuple(sorted(days))))

    async def set_start(self, twin: Twin, start: time) -> None:
        """Set the time at which the window begins, Amsterdam time."""
        await self._set(twin, LimitSchedule(start=start))

    async def set_end(self, twin: Twin, end: time) -> None:
        """Set the time at which the window ends; it is on the day after if it is not later than the start."""
        await self._set(twin, LimitSchedule(end=end))

    # --- step by step ---

    async def _set(self, twin: Twin, changed: LimitSchedule) -> None:
        """Keep a part until all parts are known; then make the schedule, or edit the existing one."""
        _refuse(twin)
        kept, known = kept_limit(self._store, twin.evse_id), twin.schedule
        if changed.over(cloud_limit(known)).over(kept).complete:
            twin = await self._look(twin)
            there = cloud_limit(twin.schedule)
            # The user has seen the kept parts, unless a schedule was known and shown instead.
            wish = changed.over(there).over(kept) if known is not None else changed.over(kept).over(there)
            if wish.complete:
                await self._write(twin, wish)
                self._store.put(twin.evse_id, dict.fromkeys(LIMIT_SCHEDULE))
                return
        self._store.put(twin.evse_id, changed.to_keep())

    async def _write(self, twin: Twin, wish: LimitSchedule) -> None:
        there = twin.limits.theirs
        schedule = _content(twin.evse_id, there, wish)
        if there is None:
            made = await self._ask(twin, requests.make_schedule(schedule))
            self._note(schedule, replace(schedule, schedule_id=made.schedule_id if made is not None else None))
            if made is None:
                with suppress(BridgeError):
                    await self._override_requests.read_list()  # the answer did not carry the number
        elif there.schedule_id is None:
            raise NotSupported(NO_NUMBER)
        else:
            await self._ask(twin, requests.edit_schedule(schedule))
            self._note(schedule, schedule)

    async def _clear(self, twin: Twin) -> None:
        """Remove the schedule. Its window is kept, so that setting a current alone makes it again."""
        _refuse(twin)
        twin = await self._look(twin)
        there = twin.limits.theirs
        window = replace(cloud_limit(there).over(kept_limit(self._store, twin.evse_id)), current=None)
        if there is not None:
            if there.schedule_id is None:
                raise NotSupported(NO_NUMBER)
            await self._ask(twin, requests.clear_override(there.schedule_id))
            self._note(there, None)
        self._store.put(twin.evse_id, {**dict.fromkeys(LIMIT_SCHEDULE), **window.to_keep()})

    async def _look(self, twin: Twin) -> Twin:
        """Return the twin after the list of schedules was read, since one may have been made or removed in the app."""
        await self._override_requests.read_list()
        twin = self._fleet.expect(twin.address)
        _refuse(twin)
        return twin

    async def _ask(self, twin: Twin, request: Request[T]) -> T:
        try:
            return await self._override_requests.ask(twin, request)
        except (VerdictTimeout, Disconnected):
            self._change(twin.evse_id, limits.not_listed)
            self._override_requests.doubt_list()
            with suppress(BridgeError):
                await self._override_requests.read_list()
            raise

    def _note(self, before: Schedule, after: Schedule | None) -> None:
        """Record a schedule that was made, edited or (`after` is None) cleared."""
        for evse_id in before.charge_points:
            self._change(evse_id, partial(limits.with_theirs, schedule=after))

    def _change(self, evse_id: str, change: Callable[[Limits], Limits]) -> None:
        for socket in self._fleet.sockets(evse_id):
            self._fleet.limit(socket.address, change)


def _refuse(twin: Twin) -> None:
    if not twin.overrides_count:
        raise InvalidState(NOT_COUNTING)
    if twin.limits.overridden or twin.limits.wanted != NOTHING:
        raise InvalidState(OURS_HOLDS)


def _content(evse_id: str, there: Schedule | None, wish: LimitSchedule) -> Schedule:
    """Return the schedule to send: the existing one, if any, with the parts of the wish."""
    days, start, end = wish.days or ALL_DAYS, wish.start or DAY_STARTS, wish.end or DAY_ENDS
    if there is not None and there.end_days and (there.days, there.start, there.end) == (days, start, end):
        end_days = there.end_days
    else:
        end_days = days if end > start else tuple(sorted(day % 7 + 1 for day in days))
    number, points = (there.schedule_id, there.charge_points) if there is not None else (None, ())
    return Schedule(number, points or (evse_id,), wish.current, days, start, end, end_days)
