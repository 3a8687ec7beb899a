"""The service `parameters`: reads and sets the parameters of a charge point, one at a time (contract 5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.parameter_setters import ParameterSetters
from bridge.account.parameter_store import ParameterStore
from bridge.account.parameter_values import DAYS, Sources
from bridge.account.parameters import BY_ID, FROM_STATUS, TABLE, AnyParameter
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import InvalidState, InvalidValue
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.message import aggregate
from bridge.fimp.report import Report
from bridge.runtime_settings import RuntimeSettings

NAME: Final = "parameters"


class ParametersService:
    """The `parameters` service of a socket. All sockets of a charge point share its parameters.

    Args:
        fleet: holds the twins and the account's cards.
        store: keeps values that the cloud does not keep, or not yet.
        setters: set parameters in the cloud.
        capabilities: say whether the cloud supports schedules that limit the current.
        runtime: gives the grace.
        addresses: builds the topics.
        clock: the source of time.
    """

    name = NAME

    def __init__(
        self,
        *,
        fleet: Fleet,
        store: ParameterStore,
        setters: ParameterSetters,
        capabilities: Capabilities,
        runtime: RuntimeSettings,
        addresses: Addresses,
        clock: Clock,
    ) -> None:
        self._fleet = fleet
        self._store = store
        self._setters = setters
        self._capabilities = capabilities
        self._runtime = runtime
        self._addresses = addresses
        self._clock = clock
        self.commands: Mapping[str, Command] = {
            "cmd.sup_params.get_report": Command(("null",), self._get_supported),
            "cmd.param.get_report": Command(("string",), self._get),
            "cmd.param.set": Command(("object",), self._set, again=self._get_again),
        }

    # --- reports ---

    def describe(self, twin: Twin) -> ServiceDescription:
        """Return the description of the service, without the parameters, which `evt.sup_params.report` lists."""
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
        """Return a report for each parameter that this charge point has and whose value is known."""
        if twin.status is None:
            return []
        sources = self._sources(twin, now)
        return [
            self._report(twin, parameter, value)
            for parameter in (TABLE if settings_changed else FROM_STATUS)
            if parameter.is_there(sources) and (value := parameter.json_value(sources)) is not None
        ]

    def _report(self, twin: Twin, parameter: AnyParameter, value: JsonValue) -> Report:
        topic = self._addresses.event(NAME, twin.address)
        content: JsonValue = {"parameter_id": parameter.id, "value_type": parameter.kind.name, "value": value}
        return Report(topic, NAME, "evt.param.report", "object", content, storage=aggregate(parameter.id))

    def _sources(self, twin: Twin, now: datetime) -> Sources:
        return Sources(
            twin,
            self._fleet.cards,
            self._store,
            visible=twin.visible(now, self._runtime.grace),
            overrides_known=self._capabilities.overrides_known,
        )

    # --- queries ---

    async def _get_supported(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        sources = self._sources(twin, self._clock.now())
        entries: list[JsonValue] = [_entry(one, sources) for one in TABLE if one.is_there(sources)]
        topic = self._addresses.event(NAME, twin.address)
        return [Report(topic, NAME, "evt.sup_params.report", "object", entries)]

    async def _get(self, call: Call) -> Sequence[Report]:
        return [self._known_report(call, call.string_value)]

    async def _get_again(self, call: Call) -> Sequence[Report]:
        parameter_id, _, _ = _wish(call)
        return [self._known_report(call, parameter_id)]

    def _known_report(self, call: Call, parameter_id: str) -> Report:
        twin = self._fleet.expect(call.address)
        sources = self._sources(twin, self._clock.now())
        parameter = _find(parameter_id, sources)
        value = parameter.json_value(sources)
        if value is None:
            raise InvalidState(
                f"The value of {parameter.id} is not known: Blue Current has not told it, and nobody has set it here."
            )
        return self._report(twin, parameter, value)

    # --- actions ---

    async def _set(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        parameter_id, value_type, value = _wish(call)
        sources = self._sources(twin, self._clock.now())
        parameter = _find(parameter_id, sources)
        if value_type not in (None, "", parameter.kind.name):
            raise InvalidValue(f"{parameter.id} takes value_type {parameter.kind.name}, not {value_type}.")
        await parameter.apply(value, twin, sources, self._setters)
        return [self._known_report(call, parameter_id)]


def _wish(call: Call) -> tuple[str, JsonValue, JsonValue]:
    """Return the parameter id, the value type and the value in a command."""
    wish = call.message.value
    parameter_id = wish.get("parameter_id") if isinstance(wish, dict) else None
    if not isinstance(wish, dict) or "value" not in wish or not isinstance(parameter_id, str):
        raise InvalidValue("cmd.param.set takes an object with parameter_id, value_type and value.")
    return parameter_id, wish.get("value_type"), wish["value"]


def _find(parameter_id: str, sources: Sources) -> AnyParameter:
    parameter = BY_ID.get(parameter_id)
    if parameter is None or not parameter.is_there(sources):
        there = ", ".join(one.id for one in TABLE if one.is_there(sources))
        raise InvalidValue(f"There is no parameter {parameter_id!r}. Choose one of: {there}.")
    return parameter


def _entry(parameter: AnyParameter, sources: Sources) -> JsonValue:
    """Return the entry of a parameter in `evt.sup_params.report` (fimp-api, "Parameters")."""
    unit = parameter.unit(sources)
    options = parameter.options(sources) or parameter.kind.options
    entry: dict[str, JsonValue] = {
        "parameter_id": parameter.id,
        "name": f"{parameter.name}, {unit}" if unit else parameter.name,
        "description": parameter.description,
        "value_type": parameter.kind.name,
        "widget_type": "multiselect" if parameter.kind is DAYS else "select" if options else "input",
        "default_value": parameter.default,
        "read_only": not parameter.is_writable(sources),
    }
    if options:
        entry["options"] = [{"value": value, "label": label} for value, label in options]
    if parameter.least is not None and parameter.most is not None:
        entry["min"], entry["max"] = parameter.least, parameter.most
    return entry
