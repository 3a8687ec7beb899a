"""The state and power of every socket, updated at each change, for the summary of the account."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Final

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.power import total
from bridge.chargepoint.state import State
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.deadlines import Deadlines
from bridge.immutable import immutable
from bridge.web.build_view import Rules, flowing
from bridge.web.view import FaultView, SummaryView

MOST_NAMED: Final = 12
"""The number of sockets with a fault, and of charge points left out, that are named."""


@immutable(frozen=True, slots=True)
class _Entry:
    twin: Twin
    state: State
    power: float | None
    lacks_power: bool  # it can be seen and has a meter, and its power is not known
    changes_at: datetime | None  # when its state may change without an event


class Tally:
    """The state and power of every socket, by address. The work per change does not depend on the account's size."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._states: Counter[State] = Counter()  # of the entries
        self._lacking_power = 0  # entries
        self._deadlines = Deadlines[datetime]()  # when the state of a socket may change without an event
        self._left_out: set[str] = set()

    def changed(
        self, before: ChargePoint | None, after: ChargePoint | None, now: datetime, rules: Rules, *, left_out: bool
    ) -> None:
        """Follow a change of a charge point.

        Args:
            before: the charge point before the change; None: it is new.
            after: the charge point after the change; None: it has left the account.
            now: the time of the change.
            rules: the settings that the state depends on.
            left_out: its evse_id cannot be part of a topic.
        """
        for twin in before.sockets if before is not None else ():
            if after is None or after.socket(twin.address) is None:
                self._set(twin.address, None)
                self._deadlines.move(twin.address, None)
                self._left_out.discard(twin.evse_id)
        for twin in after.sockets if after is not None else ():
            self._put(twin, now, rules)
            if left_out:
                self._left_out.add(twin.evse_id)

    def _put(self, twin: Twin, now: datetime, rules: Rules) -> None:
        before, changes_at = self._entries.get(twin.address), twin.next_change(now, rules.grace)
        if (
            before is not None
            and before.changes_at is changes_at is None
            and before.twin.state_inputs == twin.state_inputs
        ):
            state = before.state
        else:
            state = twin.state(now, grace=rules.grace, state_set="extended")
        seen = twin.status is not None and twin.visible(now, rules.grace)
        power = total(flowing(twin, rules.nominal_voltage)) if seen else None
        offline = twin.status is not None and twin.status.activity is Activity.OFFLINE
        lacks_power = power is None and seen and not offline and bool(twin.observed.metered_phases)
        self._set(twin.address, _Entry(twin, state, power, lacks_power, changes_at))
        self._deadlines.move(twin.address, changes_at)

    def _set(self, address: str, after: _Entry | None) -> None:
        before = self._entries.pop(address, None)
        if before is not None:
            self._states[before.state] -= 1
            self._lacking_power -= before.lacks_power
        if after is not None:
            self._entries[address] = after
            self._states[after.state] += 1
            self._lacking_power += after.lacks_power

    def judge_all(self, now: datetime, rules: Rules) -> None:
        """Compute all states anew, since the rules have changed or the clock has jumped."""
        twins = [entry.twin for entry in self._entries.values()]
        self._entries.clear()
        self._states.clear()
        self._lacking_power = 0
        self._deadlines = Deadlines()
        for twin in twins:
            self._put(twin, now, rules)

    def summary(
        self,
        now: datetime,
        rules: Rules,
        evse_ids: Sequence[str],
        size: int,
        *,
        without_address: Collection[str] = (),
        grids_left_out: Collection[str] = (),
    ) -> SummaryView:
        """Return the summary of all charge points.

        Args:
            now: the time.
            rules: the settings that the state depends on.
            evse_ids: the charge points, in the order of the pages.
            size: the number of charge points on a page.
            without_address: the charge points and sockets whose address is another thing's.
            grids_left_out: the grid connections that the hub does not get.
        """
        for address in list(self._deadlines.reached(now)):
            self._put(self._entries[address].twin, now, rules)
        entries, states = self._entries.values(), self._states
        powers = [entry.power for entry in entries if entry.power is not None]
        faults: list[FaultView] = []
        if states[State.ERROR]:
            pages = {evse_id: number // size + 1 for number, evse_id in enumerate(evse_ids)}
            broken = sorted(entry.twin.address for entry in entries if entry.state is State.ERROR)
            for address in broken[:MOST_NAMED]:
                twin = self._entries[address].twin
                faults.append(FaultView(address, twin.settings.name or twin.evse_id, pages.get(twin.evse_id, 1)))
        return SummaryView(
            charge_points=len(evse_ids),
            states={state: states[state] for state in State if states[state]},
            power=sum(powers) if powers and not self._lacking_power else None,
            faults=tuple(faults),
            left_out=tuple(sorted({*self._left_out, *without_address})[:MOST_NAMED]),
            grids_left_out=tuple(sorted(grids_left_out)[:MOST_NAMED]),
        )
