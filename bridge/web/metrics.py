"""`/metrics`: the view as Prometheus metrics. A test compares the names with those in `docs/http.md`.

Values are in base units, as Prometheus recommends: seconds, watts, joules, amperes, volts. A kWh is 3,600,000 joules.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from bridge.bluecurrent.protocol import LinkState
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.state import State
from bridge.web.view import ChargePointView, SocketView, View

PREFIX: Final = "bluecurrent_"
JOULES_PER_KWH: Final = 3_600_000

MetricKind = Literal["gauge", "counter"]
Samples = Iterable[tuple[tuple[str, ...], float]]
"""Label values → value."""


@dataclass(frozen=True, slots=True)
class Family:
    """One metric.

    Attributes:
        name: without the prefix; a counter includes `_total`.
        labels: the names of the labels.
        help: one sentence for the user.
        read: returns the values of a view.
    """

    name: str
    kind: MetricKind
    labels: tuple[str, ...]
    help: str
    read: Callable[[View], Samples]

    @property
    def full_name(self) -> str:
        """The name with the prefix."""
        return PREFIX + self.name

    def metric(self, view: View) -> Metric:
        """Return the metric with its values."""
        make = CounterMetricFamily if self.kind == "counter" else GaugeMetricFamily
        metric = make(self.full_name, self.help, labels=self.labels)
        for labels, value in self.read(view):
            metric.add_metric(labels, value)
        return metric


def _sockets(view: View) -> Iterator[tuple[ChargePointView, SocketView]]:
    for point in view.charge_points:
        for socket in point.sockets:
            yield point, socket


def _of_socket(read: Callable[[SocketView], float | None]) -> Callable[[View], Samples]:
    """A value for each socket. An unknown value is left out."""

    def values(view: View) -> Samples:
        for _, socket in _sockets(view):
            value = read(socket)
            if value is not None:
                yield (socket.address,), value

    return values


def _of_phases(read: Callable[[SocketView], Sequence[float | None]]) -> Callable[[View], Samples]:
    def values(view: View) -> Samples:
        for _, socket in _sockets(view):
            for phase, value in enumerate(read(socket), 1):
                if value is not None:
                    yield (socket.address, str(phase)), value

    return values


def _states(view: View) -> Samples:
    for _, socket in _sockets(view):
        for state in State:
            yield (socket.address, state.value), float(socket.state is state)


def _limits(view: View) -> Samples:
    for _, socket in _sockets(view):
        limits = {
            "offered": socket.offered,
            "charge_point": socket.highest,
            "standing": socket.limits.standing,
            "session": socket.limits.session,
        }
        for name, value in limits.items():
            if value is not None:
                yield (socket.address, name), value


def _grids(view: View) -> Samples:
    for grid in view.grids:
        for phase, current in enumerate(grid.currents, 1):
            if current is not None:
                yield (grid.address, str(phase)), current


def _joules(kwh: float | None) -> float | None:
    return kwh * JOULES_PER_KWH if kwh is not None else None


def _costs(view: View) -> Iterator[tuple[tuple[str, str], float]]:
    for _, socket in _sockets(view):
        if socket.session is not None and socket.session.cost is not None:
            yield (socket.address, socket.session.currency), socket.session.cost


_SOCKET: Final = ("charge_point",)
_PHASE: Final = ("charge_point", "phase")

FAMILIES: Final = (
    Family(
        "build_info", "gauge", ("version",), "The version of the bridge; always 1.", lambda view: [((view.version,), 1)]
    ),
    Family(
        "start_time_seconds",
        "gauge",
        (),
        "When the bridge started, in Unix time.",
        lambda view: [((), view.started_at.timestamp())],
    ),
    Family(
        "link_up",
        "gauge",
        (),
        "1 while the link to Blue Current is up, else 0.",
        lambda view: [((), float(view.link.state is LinkState.UP))],
    ),
    Family(
        "link_reconnects_total",
        "counter",
        (),
        "How often the link to Blue Current came up again.",
        lambda view: [((), view.link.reconnects)],
    ),
    Family(
        "broker_up",
        "gauge",
        (),
        "1 while the connection to the MQTT broker is up, else 0.",
        lambda view: [((), float(view.broker.up))],
    ),
    Family(
        "broker_reconnects_total",
        "counter",
        (),
        "How often the connection to the MQTT broker came up again.",
        lambda view: [((), view.broker.reconnects)],
    ),
    Family(
        "outbox_messages",
        "gauge",
        (),
        "How many messages wait for the MQTT broker.",
        lambda view: [((), view.broker.waiting)],
    ),
    Family(
        "outbox_dropped_total",
        "counter",
        (),
        "How many messages could not be published and were dropped.",
        lambda view: [((), view.broker.dropped)],
    ),
    Family(
        "requests_total",
        "counter",
        (),
        "Requests made to Blue Current.",
        lambda view: [((), view.requests.total)],
    ),
    Family(
        "requests_today",
        "gauge",
        (),
        "Requests made to Blue Current since midnight in Amsterdam, or since the start if that was later.",
        lambda view: [((), view.requests.today)],
    ),
    Family(
        "requests_by_command_today",
        "gauge",
        ("command",),
        "Requests made to Blue Current today, by their command.",
        lambda view: [((command,), count) for command, count in view.requests.by_kind.items()],
    ),
    Family(
        "requests_per_start",
        "gauge",
        (),
        "How many requests a start of the bridge makes.",
        lambda view: [((), view.requests.per_start)],
    ),
    Family(
        "requests_per_reconnect",
        "gauge",
        (),
        "How many requests a new connection to Blue Current makes.",
        lambda view: [((), view.requests.per_reconnect)],
    ),
    Family(
        "commands_total",
        "counter",
        ("outcome",),
        "Commands that act, by outcome: OK, or the code of the error that answered them.",
        lambda view: [((outcome,), count) for outcome, count in view.outcomes.items()],
    ),
    Family(
        "charge_point_info",
        "gauge",
        ("charge_point", "evse_id", "name", "model"),
        "What a charge point is called, and its model; always 1.",
        lambda view: [
            ((socket.address, point.evse_id, point.name, point.model), 1) for point, socket in _sockets(view)
        ],
    ),
    Family(
        "charge_point_state",
        "gauge",
        ("charge_point", "state"),
        "1 for the state that a charge point is in, 0 for all others; the states of the extended set.",
        _states,
    ),
    Family(
        "vehicle_connected",
        "gauge",
        _SOCKET,
        "1 while a vehicle is connected, else 0.",
        _of_socket(lambda socket: float(socket.vehicle) if socket.vehicle is not None else None),
    ),
    Family("power_watts", "gauge", _SOCKET, "The power that a charge point delivers.", _of_socket(lambda s: s.power)),
    Family(
        "phase_current_amperes",
        "gauge",
        _PHASE,
        "The current on one phase.",
        _of_phases(lambda socket: [phase.current for phase in socket.phases]),
    ),
    Family(
        "phase_voltage_volts",
        "gauge",
        _PHASE,
        "The voltage on one phase; 0 while idle.",
        _of_phases(lambda socket: [phase.voltage for phase in socket.phases]),
    ),
    Family(
        "limit_amperes",
        "gauge",
        ("charge_point", "limit"),
        "A limit on each phase: offered to the vehicle now, of the charge_point itself, standing or session as set.",
        _limits,
    ),
    Family(
        "energy_joules_total",
        "counter",
        _SOCKET,
        "The energy of all sessions; survives restarts.",
        _of_socket(lambda socket: _joules(socket.lifetime)),
    ),
    Family(
        "session_energy_joules",
        "gauge",
        _SOCKET,
        "The energy of the latest session.",
        _of_socket(lambda socket: _joules(socket.session.energy) if socket.session is not None else None),
    ),
    Family(
        "session_cost_euros",
        "gauge",
        _SOCKET,
        "The cost of the latest session, where it is in euros.",
        lambda view: [((address,), cost) for (address, currency), cost in _costs(view) if currency == EURO],
    ),
    Family(
        "session_cost",
        "gauge",
        ("charge_point", "currency"),
        "The cost of the latest session, in the tariff's currency.",
        _costs,
    ),
    Family(
        "session_active",
        "gauge",
        _SOCKET,
        "1 while a session is on, else 0.",
        _of_socket(lambda socket: float(socket.session is not None and socket.session.open)),
    ),
    Family(
        "grid_current_amperes",
        "gauge",
        ("grid", "phase"),
        "The current on one phase of a grid connection; below zero while the building feeds in.",
        _grids,
    ),
)


class _ViewCollector(Collector):
    def __init__(self, view: View) -> None:
        self._view = view

    def collect(self) -> Iterator[Metric]:
        for family in FAMILIES:
            yield family.metric(self._view)

    def describe(self) -> Iterator[Metric]:
        return iter(())  # the registry must not collect the values once more to learn the names


class Metrics:
    """The metrics as Prometheus reads them."""

    def __init__(self) -> None:
        self._process = ProcessCollector(registry=None)

    def text(self, view: View, accept: str) -> tuple[bytes, str]:
        """Return the answer to a scrape.

        Args:
            view: the whole account.
            accept: the `Accept` header, which chooses the format.

        Returns:
            The text and its content type.
        """
        registry = CollectorRegistry()
        registry.register(_ViewCollector(view))
        registry.register(self._process)
        encode, content_type = choose_encoder(accept)
        return encode(registry), content_type
