"""How parameters are set: what is asked of the cloud, and what is kept here (contract 5, "parameters")."""

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
    """One method for each way in which parameters are set.

    Each returns once the cloud's verdict, or the status that shows its effect, is in. Each raises a `BridgeError` if
    the cloud did not do it.

    Args:
        cloud: the link.
        availability: blocks charge points, and makes them available again.
        fleet: the twins, and the account's cards.
        store: what the cloud does not keep, or not yet.
        schedules: the user's own limits of the current.
        follow_up: how long after a verdict the CH_STATUS that shows its effect is waited for, s.
    """

    def __init__(
        self,
        *,
        cloud: Link,
        availability: Availability,
        fleet: Fleet,
        store: ParameterStore,
        schedules: UserSchedules,
        follow_up: float,
    ) -> None:
        self._cloud = cloud
        self._fleet = fleet
        self._store = store
        self._availability = availability
        self._schedules = schedules
        self._follow_up = follow_up

    # --- switches ---

    async def plug_and_charge(self, twin: Twin, value: bool) -> None:
        """SET_PLUG_AND_CHARGE."""
        confirmed = await self._cloud.ask(requests.set_plug_and_charge(twin.evse_id, value=value))
        setting = with_value(self._settings(twin).plug_and_charge, value if confirmed is None else confirmed)
        self._confirmed(twin, ChargePointSettings(plug_and_charge=setting), "plug_and_charge")

    async def linked_cards_only(self, twin: Twin, value: bool) -> None:
        """SET_PUBLIC_CHARGING, whose value is the opposite."""
        confirmed = await self._cloud.ask(requests.set_public_charging(twin.evse_id, value=not value))
        setting = with_value(self._settings(twin).public_charging, not value if confirmed is None else confirmed)
        self._confirmed(twin, ChargePointSettings(public_charging=setting), "public_charging")

    async def available(self, twin: Twin, value: bool) -> None:
        """SET_OPERATIVE or SET_INOPERATIVE; a block ends the sessions.

        Often only a CH_STATUS shows that it is done, and that comes on a change: what is so already needs no request.
        """
        if all(is_available(socket.status) is value for socket in self._fleet.sockets(twin.evse_id)):
            self._cloud.check()
            return
        await self._availability.set(twin.evse_id, available=value)
        await self._fleet.wait_until(twin.address, lambda after: is_available(after.status) is value, self._follow_up)

    async def delayed_charging(self, twin: Twin, value: bool) -> None:
        """SET_DELAYED_CHARGING."""
        await self._switch("delayed", twin, on=value)

    async def price_based_charging(self, twin: Twin, value: bool) -> None:
        """SET_PRICE_BASED_CHARGING."""
        await self._switch("price_based", twin, on=value)

    async def _switch(self, profile: Profile, twin: Twin, *, on: bool) -> None:
        await switch(profile, twin, on=on, cloud=self._cloud, fleet=self._fleet)

    # --- cards ---

    async def plug_and_charge_card(self, twin: Twin, uid: str) -> None:
        """SET_PLUG_AND_CHARGE_CHARGE_CARD."""
        await self._cloud.ask(requests.set_plug_and_charge_card(twin.evse_id, uid))
        known = next((card for card in self._fleet.cards if card.uid == uid), None)
        card = known or Card(NO_CARD if uid == APP_CARD else uid)
        self._confirmed(twin, ChargePointSettings(plug_and_charge_card=card), "plug_and_charge_card")

    async def session_card(self, twin: Twin, uid: str) -> None:
        """Kept here; empty for none."""
        self._store.put(twin.evse_id, {"session_card": uid})

    # --- the window of delayed charging ---

    async def delayed_days(self, twin: Twin, days: tuple[int, ...]) -> None:
        """SAVE_SCHEDULE_DELAYED_CHARGING, once days, start and end are all known; until then it is kept here."""
        window = replace(delayed_window(self._store, twin), days=days)
        await self._delayed_window(twin, window, {"delayed_charging_days": DAYS.write(days)})

    async def delayed_start(self, twin: Twin, start: time) -> None:
        """Set its part of the window of delayed charging; it is sent as `delayed_days` is."""
        window = replace(delayed_window(self._store, twin), start=start)
        await self._delayed_window(twin, window, {"delayed_charging_start": CLOCK_TIME.write(start)})

    async def delayed_end(self, twin: Twin, end: time) -> None:
        """Set its part of the window of delayed charging; it is sent as `delayed_days` is."""
        window = replace(delayed_window(self._store, twin), end=end)
        await self._delayed_window(twin, window, {"delayed_charging_end": CLOCK_TIME.write(end)})

    async def _delayed_window(self, twin: Twin, window: DelayedWindow, changed: Mapping[str, JsonValue]) -> None:
        if window.days is None or window.start is None or window.end is None:
            self._store.put(twin.evse_id, changed)
            return
        days = tuple(sorted(window.days))
        await self._cloud.ask(requests.save_delayed_schedule(twin.evse_id, days, window.start, window.end))
        self._store.put(twin.evse_id, dict.fromkeys(DELAYED_WINDOW))
        told = ChargePointSettings(delayed_days=days, delayed_start=window.start, delayed_end=window.end)
        self._confirmed(twin, told, "delayed_days", "delayed_start", "delayed_end")

    # --- the user's own limit of the current ---

    async def limit_current(self, twin: Twin, current: int) -> None:
        """POST_SET_OVERRIDE_CURRENT once all parts are known, POST_EDIT_ where it is there, POST_CLEAR_ for 0."""
        await self._schedules.set_current(twin, current)

    async def limit_days(self, twin: Twin, days: tuple[int, ...]) -> None:
        """Set its part of the user's own schedule; it is sent as `limit_current` is."""
        await self._schedules.set_days(twin, days)

    async def limit_start(self, twin: Twin, start: time) -> None:
        """Set its part of the user's own schedule; it is sent as `limit_current` is."""
        await self._schedules.set_start(twin, start)

    async def limit_end(self, twin: Twin, end: time) -> None:
        """Set its part of the user's own schedule; it is sent as `limit_current` is."""
        await self._schedules.set_end(twin, end)

    # --- price-based charging ---

    async def departure(self, twin: Twin, departure: time) -> None:
        """PATCH_PRICE_BASED_CHARGING_SETTINGS, which the next three setters send too."""
        await self._cloud.ask(requests.patch_price_based_settings(twin.evse_id, departure=departure))
        self._confirmed(twin, ChargePointSettings(departure=departure), "departure")

    async def battery_percentage(self, twin: Twin, value: int) -> None:
        """The cloud does not report it, so the last value set is kept here."""
        await self._cloud.ask(requests.patch_price_based_settings(twin.evse_id, battery_percentage=value))
        self._store.put(twin.evse_id, {"current_battery_percentage": value})

    async def minimum_percentage(self, twin: Twin, value: int) -> None:
        """Set its part of the price-based settings. The cloud does not report it; the last value is kept here."""
        await self._cloud.ask(requests.patch_price_based_settings(twin.evse_id, minimum_percentage=value))
        self._store.put(twin.evse_id, {"minimum_percentage": value})

    async def battery_size(self, twin: Twin, kwh: int) -> None:
        """Set its part of the price-based settings. The cloud does not report it; the last value is kept here."""
        await self._cloud.ask(requests.patch_price_based_settings(twin.evse_id, battery_size_kwh=kwh))
        self._store.put(twin.evse_id, {"battery_size_kwh": kwh})

    # --- what the cloud has confirmed ---

    def _settings(self, twin: Twin) -> ChargePointSettings:
        """The settings as they are now, after the wait for the verdict."""
        return (self._fleet.twin(twin.address) or twin).settings

    def _confirmed(self, twin: Twin, settings: ChargePointSettings, *names: str) -> None:
        """The cloud has confirmed these settings; a push may tell the same again."""
        self._fleet.described(twin.evse_id, Update(settings, frozenset(names)))


def is_available(status: Status | None) -> bool | None:
    """Whether a charge point may charge; None where its activity does not tell."""
    activity = status.activity if status is not None else None
    return None if activity in (None, Activity.OFFLINE) else activity is not Activity.UNAVAILABLE
