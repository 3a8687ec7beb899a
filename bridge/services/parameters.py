"""The service `parameters`: how a charge point is set (contract 5). Which parameters there are: `parameter_table`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue

from bridge.account.charging import ask_for_an_end
from bridge.account.fleet import Fleet
from bridge.account.parameter_store import ParameterStore
from bridge.account.profiles import switch
from bridge.bluecurrent import requests
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.charge_point_settings import APP_CARD, NO_CARD, Card, ChargePointSettings, with_value
from bridge.chargepoint.twin import Twin
from bridge.chargepoint.update import Update
from bridge.clock import Clock
from bridge.errors import InvalidState, InvalidValue, NotSupported
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.message import aggregate
from bridge.fimp.report import Report
from bridge.services.parameter_table import BY_ID, FROM_STATUS, TABLE, Context, Parameter, as_clock_time

NAME: Final = "parameters"

SCHEDULE: Final = ("delayed_charging_days", "delayed_charging_start", "delayed_charging_end")
PATCHES: Final = {
    "current_battery_percentage": "battery_percentage",
    "minimum_percentage": "minimum_percentage",
    "battery_size_kwh": "battery_size_kwh",
}


class ParametersService:
    """See the module.

    Args:
        cloud: the link.
        fleet: the twins, and the account's cards.
        store: what is kept here.
        addresses: the topics.
        clock: tells the time.
        follow_up: how long after a verdict the CH_STATUS that shows its effect is waited for, s.
    """

    name = NAME

    def __init__(
        self,
        *,
        cloud: Link,
        fleet: Fleet,
        store: ParameterStore,
        addresses: Addresses,
        clock: Clock,
        follow_up: float,
    ) -> None:
        self._cloud = cloud
        self._fleet = fleet
        self._store = store
        self._addresses = addresses
        self._clock = clock
        self._follow_up = follow_up
        self.commands: Mapping[str, Command] = {
            "cmd.sup_params.get_report": Command(("null",), self._get_supported),
            "cmd.param.get_report": Command(("string",), self._get),
            "cmd.param.set": Command(("object",), self._set, again=self._get_again),
        }
        self._setters: Mapping[str, Callable[[Twin, Any], Awaitable[None]]] = {
            "plug_and_charge": self._set_plug_and_charge,
            "linked_charge_cards_only": self._set_linked_cards_only,
            "available": self._set_available,
            "delayed_charging": self._set_delayed,
            "price_based_charging": self._set_price_based,
            "expected_departure_time": self._set_departure,
            "plug_and_charge_card": self._set_card,
        }

    # --- what it is, and what it says ---

    def describe(self, twin: Twin) -> ServiceDescription:
        """The same for every socket; which parameters there are, `evt.sup_params.report` tells."""
        interfaces = [
            Interface("in", "cmd.sup_params.get_report", "null"),
            Interface("out", "evt.sup_params.report", "object"),
            Interface("in", "cmd.param.get_report", "string"),
            Interface("in", "cmd.param.set", "object"),
            Interface("out", "evt.param.report", "object"),
            Interface("out", "evt.error.report", "string"),
        ]
        return ServiceDescription(
            NAME, self._addresses.in_description(NAME, twin.address), group_of(twin.socket), interfaces
        )

    def reports(self, twin: Twin, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """Every parameter that this charge point has and whose value is known."""
        del now
        if twin.status is None:
            return []
        context = self._context(twin)
        return [
            self._report(twin, parameter, value)
            for parameter in (TABLE if settings_changed else FROM_STATUS)
            if parameter.there(context) and (value := parameter.value(context)) is not None
        ]

    def _report(self, twin: Twin, parameter: Parameter, value: JsonValue) -> Report:
        topic = self._addresses.event(NAME, twin.address)
        content: JsonValue = {"parameter_id": parameter.id, "value_type": parameter.kind, "value": value}
        return Report(topic, NAME, "evt.param.report", "object", content, storage=aggregate(parameter.id))

    def _context(self, twin: Twin) -> Context:
        return Context(twin, self._fleet.cards, self._store)

    # --- what it is asked ---

    async def _get_supported(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        context = self._context(twin)
        entries: list[JsonValue] = [one.describe(context) for one in TABLE if one.there(context)]
        topic = self._addresses.event(NAME, twin.address)
        return [Report(topic, NAME, "evt.sup_params.report", "object", entries)]

    async def _get(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        parameter = self._find(call.string_value, self._context(twin))
        return [self._known_report(twin, parameter)]

    async def _get_again(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        parameter, _ = self._read(call, twin)
        return [self._known_report(twin, parameter)]

    def _known_report(self, twin: Twin, parameter: Parameter) -> Report:
        value = parameter.value(self._context(twin))
        if value is None:
            raise InvalidState(f"The value of {parameter.id} is not known right now. Try again in a while.")
        return self._report(twin, parameter, value)

    def _find(self, parameter_id: str, context: Context) -> Parameter:
        parameter = BY_ID.get(parameter_id)
        if parameter is None or not parameter.there(context):
            there = ", ".join(one.id for one in TABLE if one.there(context))
            raise InvalidValue(f"There is no parameter {parameter_id!r} here; there is: {there}.")
        return parameter

    # --- what it sets ---

    def _read(self, call: Call, twin: Twin) -> tuple[Parameter, JsonValue]:
        wish = call.message.value
        if not isinstance(wish, dict) or "value" not in wish or not isinstance(wish.get("parameter_id"), str):
            raise InvalidValue("cmd.param.set takes an object with parameter_id, value_type and value.")
        parameter = self._find(str(wish["parameter_id"]), self._context(twin))
        if wish.get("value_type", parameter.kind) != parameter.kind:
            raise InvalidValue(f"{parameter.id} takes value_type {parameter.kind}, not {wish['value_type']}.")
        return parameter, wish["value"]

    async def _set(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        parameter, value = self._read(call, twin)
        context = self._context(twin)
        if not parameter.writable(context):
            raise NotSupported(f"{parameter.id} can be read only.")
        parameter.check(value, context)
        if parameter.id == "session_card":
            self._store.put(twin.evse_id, parameter.id, value)
        elif parameter.id in SCHEDULE:
            await self._set_schedule(twin, parameter, value)
        elif parameter.id in PATCHES:
            await self._set_battery(twin, parameter, value)
        else:
            self._cloud.check()
            await self._setters[parameter.id](twin, value)
        return [self._known_report(self._fleet.expect(call.address), parameter)]

    def _told(self, twin: Twin, **values: Any) -> None:
        """The cloud has confirmed new settings; a push may tell the same again."""
        self._fleet.described(twin.evse_id, Update(ChargePointSettings(**values), frozenset(values)))

    async def _set_plug_and_charge(self, twin: Twin, value: bool) -> None:
        confirmed = await self._cloud.ask(requests.set_plug_and_charge(twin.evse_id, value=value))
        self._told(
            twin, plug_and_charge=with_value(twin.settings.plug_and_charge, value if confirmed is None else confirmed)
        )

    async def _set_linked_cards_only(self, twin: Twin, value: bool) -> None:
        confirmed = await self._cloud.ask(requests.set_public_charging(twin.evse_id, value=not value))
        public = not value if confirmed is None else confirmed
        self._told(twin, public_charging=with_value(twin.settings.public_charging, public))

    async def _set_available(self, twin: Twin, value: bool) -> None:
        request = requests.set_operative(twin.evse_id, operative=value)
        if value:
            await self._cloud.ask(request)
        else:
            sockets = [socket.address for socket in self._fleet.sockets(twin.evse_id)]
            await ask_for_an_end(request, sockets, cloud=self._cloud, fleet=self._fleet, clock=self._clock)
        await self._fleet.wait_until(
            twin.address, lambda after: BY_ID["available"].value(self._context(after)) is value, self._follow_up
        )

    async def _set_delayed(self, twin: Twin, value: bool) -> None:
        await switch("delayed", twin, on=value, cloud=self._cloud, fleet=self._fleet)

    async def _set_price_based(self, twin: Twin, value: bool) -> None:
        await switch("price_based", twin, on=value, cloud=self._cloud, fleet=self._fleet)

    async def _set_schedule(self, twin: Twin, parameter: Parameter, value: JsonValue) -> None:
        """Days, start and end go to the cloud together, once all three are known; until then each is kept."""
        context = self._context(twin)
        values = {name: BY_ID[name].value(context) for name in SCHEDULE} | {parameter.id: value}
        days, start, end = (values[name] for name in SCHEDULE)
        if not (isinstance(days, list) and isinstance(start, str) and isinstance(end, str)):
            self._store.put(twin.evse_id, parameter.id, value)
            return
        begin, finish = as_clock_time(start), as_clock_time(end)
        if begin is None or finish is None:
            raise InvalidValue("The schedule needs a start and an end such as 23:00.")
        numbers = sorted(day for day in days if isinstance(day, int))
        self._cloud.check()
        await self._cloud.ask(requests.save_delayed_schedule(twin.evse_id, numbers, begin, finish))
        for name in SCHEDULE:
            self._store.put(twin.evse_id, name, None)
        self._told(twin, delayed_days=tuple(numbers), delayed_start=begin, delayed_end=finish)

    async def _set_departure(self, twin: Twin, value: str) -> None:
        departure = as_clock_time(value)
        await self._cloud.ask(requests.patch_price_based_settings(twin.evse_id, departure=departure))
        self._told(twin, departure=departure)

    async def _set_battery(self, twin: Twin, parameter: Parameter, value: JsonValue) -> None:
        wish: Request[bool | None] = requests.patch_price_based_settings(
            twin.evse_id,
            **{PATCHES[parameter.id]: value},  # type: ignore[arg-type] # checked: a whole number
        )
        self._cloud.check()
        await self._cloud.ask(wish)
        self._store.put(twin.evse_id, parameter.id, value)

    async def _set_card(self, twin: Twin, value: str) -> None:
        await self._cloud.ask(requests.set_plug_and_charge_card(twin.evse_id, value))
        known = next((card for card in self._fleet.cards if card.uid == value), None)
        self._told(twin, plug_and_charge_card=known or Card(NO_CARD if value == APP_CARD else value))
