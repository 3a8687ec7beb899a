"""The service `meter_elec`: power, voltages, currents and lifetime energy (contract 5)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from bridge.account.fleet import Fleet
from bridge.chargepoint.grid import GridTwin
from bridge.chargepoint.power import powers, total
from bridge.chargepoint.status import Activity
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import InvalidState, InvalidValue, UnknownAddress
from bridge.fimp.addresses import Addresses, group_of
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface, ServiceDescription
from bridge.fimp.message import SPLIT, aggregate
from bridge.fimp.report import Report
from bridge.runtime_settings import RuntimeSettings

NAME: Final = "meter_elec"
UNITS: Final = {"W": "p_import", "kWh": "e_import"}
"""The units of `evt.meter.report`, and the extended value that each unit reports."""

EXTENDED: Final = ("p_import", "p1", "p2", "p3", "e_import", "u1", "u2", "u3", "i1", "i2", "i3")
GRID_EXTENDED: Final = ("i1", "i2", "i3")

_EXTENDED_INTERFACES: Final = (
    Interface("in", "cmd.meter_ext.get_report", "str_array"),
    Interface("out", "evt.meter_ext.report", "float_map"),
    Interface("out", "evt.error.report", "string"),
)


class MeterElecService:
    """The meter of a socket: power, lifetime energy, voltages and currents.

    Args:
        fleet: the twins.
        runtime: the nominal voltage, and the grace.
        addresses: builds the topics.
        clock: the source of time.
    """

    name = NAME

    def __init__(self, *, fleet: Fleet, runtime: RuntimeSettings, addresses: Addresses, clock: Clock) -> None:
        self._fleet = fleet
        self._runtime = runtime
        self._addresses = addresses
        self._clock = clock
        self.commands: Mapping[str, Command] = {
            "cmd.meter.get_report": Command(("string", "null"), self._get_meter),
            "cmd.meter_ext.get_report": Command(("str_array", "null"), self._get_extended),
        }

    def describe(self, twin: Twin) -> ServiceDescription:
        """Return the description of the service, the same for every socket."""
        interfaces = [
            Interface("in", "cmd.meter.get_report", "string"),
            Interface("out", "evt.meter.report", "float"),
            *_EXTENDED_INTERFACES,
        ]
        properties: dict[str, JsonValue] = {"sup_units": list(UNITS), "sup_extended_vals": list(EXTENDED)}
        address = self._addresses.in_description(NAME, twin.address)
        return ServiceDescription(NAME, address, group_of(twin.socket), interfaces, properties)

    def reports(self, twin: Twin, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """Return the reports of all values that are known."""
        del settings_changed
        values = self._values(twin, now)
        reports = [
            self._unit_report(twin, unit, values[name]) for unit, name in UNITS.items() if values.get(name) is not None
        ]
        # While the socket cannot be seen, only the counter is known, and the unit report of kWh carries it.
        return [*reports, _extended_report(self._addresses, twin.address, values)] if len(values) > 1 else reports

    def _values(self, twin: Twin, now: datetime) -> dict[str, float]:
        """Return the known values by their names in `EXTENDED`, in that order; empty before the first status."""
        status = twin.status
        if status is None:
            return {}
        energy = round(twin.memory.lifetime_energy, 3)
        if not twin.visible(now, self._runtime.grace) or status.activity is Activity.OFFLINE:
            return {"e_import": energy}
        nominal_voltage = self._runtime.values.nominal_voltage
        phases = powers(status, nominal_voltage)
        power = map(_rounded, (total(phases, twin.observed.metered_phases), *phases))
        values = zip(EXTENDED, (*power, energy, *status.voltages, *status.currents), strict=True)
        return {name: value for name, value in values if value is not None}

    def _unit_report(self, twin: Twin, unit: str, value: float) -> Report:
        topic = self._addresses.event(NAME, twin.address)
        return Report(topic, NAME, "evt.meter.report", "float", value, {"unit": unit}, aggregate(unit))

    async def _get_meter(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        wanted = call.message.value
        if wanted not in (None, "", *UNITS):
            raise InvalidValue(f"There is no unit {wanted!r}. Choose one of: {', '.join(UNITS)}.")
        now = self._clock.now()
        reports = [
            report
            for report in self.reports(twin, now)
            if report.type == "evt.meter.report" and wanted in (None, "", report.properties["unit"])
        ]
        if not reports:
            raise InvalidState("This value is not known now. Try again once the charge point has reported its status.")
        return reports

    async def _get_extended(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.expect(call.address)
        return [_pick(self._addresses, twin.address, call, EXTENDED, self._values(twin, self._clock.now()))]


class GridMeterService:
    """The meter of a grid connection: currents only.

    Args:
        fleet: the twins.
        runtime: the grace.
        addresses: builds the topics.
        clock: the source of time.
    """

    name = NAME

    def __init__(self, *, fleet: Fleet, runtime: RuntimeSettings, addresses: Addresses, clock: Clock) -> None:
        self._fleet = fleet
        self._runtime = runtime
        self._addresses = addresses
        self._clock = clock
        self.commands: Mapping[str, Command] = {
            "cmd.meter_ext.get_report": Command(("str_array", "null"), self._get_extended),
        }

    def describe(self, twin: GridTwin) -> ServiceDescription:
        """Return the description of the service, the same for every grid connection."""
        properties: dict[str, JsonValue] = {"sup_units": [], "sup_extended_vals": list(GRID_EXTENDED)}
        address = self._addresses.in_description(NAME, twin.address)
        return ServiceDescription(NAME, address, "ch_0", _EXTENDED_INTERFACES, properties)

    def reports(self, twin: GridTwin, now: datetime, *, settings_changed: bool = True) -> Sequence[Report]:
        """Return the currents that are known."""
        del settings_changed
        values = self._values(twin, now)
        return [_extended_report(self._addresses, twin.address, values)] if values else []

    def _values(self, twin: GridTwin, now: datetime) -> dict[str, float]:
        if not twin.visible(now, self._runtime.grace):
            return {}
        grid = twin.grid
        currents = zip(GRID_EXTENDED, (grid.current_1, grid.current_2, grid.current_3), strict=True)
        return {name: current for name, current in currents if current is not None}

    async def _get_extended(self, call: Call) -> Sequence[Report]:
        twin = self._fleet.grids.at(call.address)
        if twin is None:
            raise UnknownAddress(f"The grid connection {call.address} has left the account.")
        return [_pick(self._addresses, twin.address, call, GRID_EXTENDED, self._values(twin, self._clock.now()))]


def _extended_report(addresses: Addresses, address: str, values: Mapping[str, float]) -> Report:
    topic = addresses.event(NAME, address)
    return Report(topic, NAME, "evt.meter_ext.report", "float_map", dict(values), storage=SPLIT)


def _pick(
    addresses: Addresses, address: str, call: Call, supported: Sequence[str], values: Mapping[str, float]
) -> Report:
    """Return the report of the values that a command asks for; of all of them if it names none."""
    wanted = call.message.value
    names = [str(name) for name in wanted] if isinstance(wanted, list) and wanted else list(supported)
    unknown = [name for name in names if name not in supported]
    if unknown:
        raise InvalidValue(f"There is no value {', '.join(unknown)}. Choose from: {', '.join(supported)}.")
    known = {name: values[name] for name in names if name in values}
    if not known:
        raise InvalidState("None of these values is known now. Try again in a while.")
    return _extended_report(addresses, address, known)


def _rounded(watts: float | None) -> float | None:
    return round(watts, 1) if watts is not None else None
