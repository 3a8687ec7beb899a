"""Setting parameters: the requests to the cloud, and the values that the bridge keeps (contract 5, "parameters")."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import time

from pydantic import JsonValue

from bridge.account.availability import Availability
from bridge.account.fleet import Fleet
from bridge.account.parameter_store import ParameterStore
from bridge.account.parameter_values import CLOCK_TIME, DAYS, DELAYED_WINDOW, DelayedWindow, delayed_window
from bridge.account.profiles import Profile, switch
from bridge.account.user_schedules import UserSchedules
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint.charge_point_settings import APP_CARD, NO_CARD, Card, ChargePointSettings, with_value
from bridge.chargepoint.status import Activity, Status
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update


class ParameterSetters:
    """One method for each parameter that can be set.

    Each returns after the cloud's verdict or the status that shows its effect, whichever comes first. Each raises a
    `BridgeError` if the cloud cannot be reached or did not carry out the request.

    Args:
        link: the link to Blue Current.
        availability: blocks charge points, and makes them available again.
        fleet: the twins, and the account's cards.
        store: the values that the cloud does not keep, or not yet.
        schedules: the user's own schedules that limit the current.
        follow_up: how long to wait after a verdict for the CH_STATUS that shows its effect, s.
    """

    def __init__(
        self,
        *,
        link: Link,
        availability: Availability,
        fleet: Fleet,
        store: ParameterStore,
        schedules: UserSchedules,
        follow_up: float,
    ) -> None:
        self._link = link
        self._fleet = fleet
        self._store = store
        self._availability = availability
        self._schedules = schedules
        self._follow_up = follow_up

    # --- switches ---

    async def plug_and_charge(self, twin: Twin, value: bool) -> None:
        """Set `free_charging` by SET_PLUG_AND_CHARGE."""
        confirmed = await self._link.ask(requests.set_plug_and_charge(twin.evse_id, value=value))
        setting = with_value(self._settings(twin).plug_and_charge, value if confirmed is None else confirmed)
        self._confirmed(twin, ChargePointSettings(plug_and_charge=setting), "plug_and_charge")

    async def linked_cards_only(self, twin: Twin, value: bool) -> None:
        """Set `linked_charge_cards_only` by SET_PUBLIC_CHARGING, whose value is the opposite."""
        confirmed = await self._link.ask(requests.set_public_charging(twin.evse_id, value=not value))
        setting = with_value(self._settings(twin).public_charging, not value if confirmed is None else confirmed)
        self._confirmed(twin, ChargePointSettings(public_charging=setting), "public_charging")

    async def available(self, twin: Twin, value: bool) -> None:
        """Set `available` by SET_OPERATIVE or SET_INOPERATIVE. A block ends the sessions.

        The cloud often sends no verdict, only the CH_STATUS of the change. Without a change none comes. So no request
        is made for a charge point that already has the value.
        """
        if all(is_available(socket.status) is value for socket in self._fleet.sockets(twin.evse_id)):
            self._link.check()
            return
        await self._availability.set(twin.evse_id, available=value)
        await self._fleet.wait_until(twin.address, lambda after: is_available(after.status) is value, self._follow_up)

    async def delayed_charging(self, twin: Twin, value: bool) -> None:
        """Set `delayed_charging` by SET_DELAYED_CHARGING."""
        await self._switch("delayed", twin, on=value)

    async def price_based_charging(self, twin: Twin, value: bool) -> None:
        """Set `price_based_charging` by SET_PRICE_BASED_CHARGING."""
        await self._switch("price_based", twin, on=value)

    async def _switch(self, profile: Profile, twin: Twin, *, on: bool) -> None:
        await switch(profile, twin, on=on, link=self._link, fleet=self._fleet)

    # --- cards ---

    async def plug_and_charge_card(self, twin: Twin, uid: str) -> None:
        """Set `plug_and_charge_card` by SET_PLUG_AND_CHARGE_CHARGE_CARD; `BCU-APP` stands for no card."""
        await self._link.ask(requests.set_plug_and_charge_card(twin.evse_id, uid))
        known = next((card for card in self._fleet.cards if card.uid == uid), None)
        card = known or Card(NO_CARD if uid == APP_CARD else uid)
        self._confirmed(twin, ChargePointSettings(plug_and_charge_card=card), "plug_and_charge_card")

    async def session_card(self, twin: Twin, uid: str) -> None:
        """Set `session_card`, which the bridge keeps; empty for none."""
        self._store.put(twin.evse_id, {"session_card": uid})

    # --- the window of delayed charging ---

    async def delayed_days(self, twin: Twin, days: tuple[int, ...]) -> None:
        """Set `delayed_charging_days`, 1 Monday to 7 Sunday.

        SAVE_SCHEDULE_DELAYED_CHARGING needs days, start and end. Until all three are known the bridge keeps the parts.
        """
        window = replace(delayed_window(self._store, twin), days=days)
        await self._delayed_window(twin, window, {"delayed_charging_days": DAYS.write(days)})

    async def delayed_start(self, twin: Twin, start: time) -> None:
        """Set `delayed_charging_start`, sent in the same way as `delayed_days`."""
        window = replace(delayed_window(self._store, twin), start=start)
        await self._delayed_window(twin, window, {"delayed_charging_start": CLOCK_TIME.write(start)})

    async def delayed_end(self, twin: Twin, end: time) -> None:
        """Set `delayed_charging_end`, sent in the same way as `delayed_days`."""
        window = replace(delayed_window(self._store, twin), end=end)
        await self._delayed_window(twin, window, {"delayed_charging_end": CLOCK_TIME.write(end)})

    async def _delayed_window(self, twin: Twin, window: DelayedWindow, changed: Mapping[str, JsonValue]) -> None:
        if window.days is None or window.start is None or window.end is None:
            self._store.put(twin.evse_id, changed)
            return
        days = tuple(sorted(window.days))
        await self._link.ask(requests.save_delayed_schedule(twin.evse_id, days, window.start, window.end))
        self._store.put(twin.evse_id, dict.fromkeys(DELAYED_WINDOW))
        settings = ChargePointSettings(delayed_days=days, delayed_start=window.start, delayed_end=window.end)
        self._confirmed(twin, settings, "delayed_days", "delayed_start", "delayed_end")

    # --- the user's own schedule that limits the current ---

    async def limit_current(self, twin: Twin, current: int) -> None:
        """Set `limit_current`, A; 0 clears the schedule (`UserSchedules.set_current`)."""
        await self._schedules.set_current(twin, current)

    async def limit_days(self, twin: Twin, days: tuple[int, ...]) -> None:
        """Set `limit_days`, 1 Monday to 7 Sunday."""
        await self._schedules.set_days(twin, days)

    async def limit_start(self, twin: Twin, start: time) -> None:
        """Set `limit_start`."""
        await self._schedules.set_start(twin, start)

    async def limit_end(self, twin: Twin, end: time) -> None:
        """Set `limit_end`."""
        await self._schedules.set_end(twin, end)

    # --- price-based charging ---

    async def departure(self, twin: Twin, departure: time) -> None:
        """Set `expected_departure_time` by PATCH_PRICE_BASED_CHARGING_SETTINGS."""
        await self._link.ask(requests.patch_price_based_settings(twin.evse_id, departure=departure))
        self._confirmed(twin, ChargePointSettings(departure=departure), "departure")

    async def battery_percentage(self, twin: Twin, value: int) -> None:
        """Set `current_battery_percentage` in the same way. The cloud does not report it, so the bridge keeps it."""
        await self._link.ask(requests.patch_price_based_settings(twin.evse_id, battery_percentage=value))
        self._store.put(twin.evse_id, {"current_battery_percentage": value})

    async def minimum_percentage(self, twin: Twin, value: int) -> None:
        """Set `minimum_percentage` in the same way. The cloud does not report it, so the bridge keeps it."""
        await self._link.ask(requests.patch_price_based_settings(twin.evse_id, minimum_percentage=value))
        self._store.put(twin.evse_id, {"minimum_percentage": value})

    async def battery_size(self, twin: Twin, kwh: int) -> None:
        """Set `battery_size_kwh` in the same way. The cloud does not report it, so the bridge keeps it."""
        await self._link.ask(requests.patch_price_based_settings(twin.evse_id, battery_size_kwh=kwh))
        self._store.put(twin.evse_id, {"battery_size_kwh": kwh})

    # --- confirmed settings ---

    def _settings(self, twin: Twin) -> ChargePointSettings:
        """Return the settings after the wait for the verdict, during which a push can have changed them."""
        return (self._fleet.twin(twin.address) or twin).settings

    def _confirmed(self, twin: Twin, settings: ChargePointSettings, *names: str) -> None:
        """Apply settings that the cloud has confirmed, without waiting for the push that repeats them."""
        self._fleet.described(twin.evse_id, Update(settings, frozenset(names)))


def is_available(status: Status | None) -> bool | None:
    """Whether a charge point may charge; None if its activity does not show that."""
    activity = status.activity if status is not None else None
    return None if activity in (None, Activity.OFFLINE) else activity is not Activity.UNAVAILABLE
