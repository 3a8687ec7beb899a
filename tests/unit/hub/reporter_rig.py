"""A reporter whose reports a test sets, and whose messages it takes and acknowledges."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

from pydantic import JsonValue

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.errors import BridgeError
from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.hub.line import Dirty, Item, Publication
from bridge.hub.reporter import Reporter
from bridge.hub.subjects import ADAPTER, NETWORK, Subjects
from bridge.logs import Log
from tests.clock import FakeClock

EVENTS = Topic("evt", "ad", "bluecurrent", "1")

Said = tuple[str, str, JsonValue]
"""The subject, the interface and the value of a message."""


class ReporterRig:
    """The current reports, set by a test, and a reporter that publishes them."""

    def __init__(self, *things: str, acknowledged_before: Iterable[str] = ()) -> None:
        self.things = list(things)
        self.values: dict[tuple[str, str], JsonValue] = {}
        self.gone: set[str] = set()
        self.down: set[str] = set()
        self.broken: set[str] = set()
        self.before = list(acknowledged_before)
        self.made: list[str] = []
        self.told_log: list[tuple[str, str]] = []
        self.changes: dict[str, float] = {}
        self.faults: list[str] = []
        self.awaits_all_nodes = False
        self.clock = FakeClock()
        self.stream = io.StringIO()
        self.reporter = Reporter(
            subjects=cast("Subjects", self),
            clock=self.clock,
            uid=uuid4,
            src="bluecurrent",
            log=Log("debug", "json", self.stream).logger,
        )

    # --- methods that the reporter uses ---

    def names(self) -> list[str]:
        return [*self.things, *self.gone, ADAPTER, NETWORK]

    def presence(self, subject: str) -> Report | None:
        if subject in self.things:
            return report("evt.thing.inclusion_report", {"address": subject}, about=subject)
        return (
            report("evt.thing.exclusion_report", {"address": subject}, about=subject) if subject in self.gone else None
        )

    def reports(self, subject: str, *, settings_changed: bool) -> Iterator[Report]:
        if subject not in self.things and subject not in (ADAPTER, NETWORK):
            return
        found = [(type_, value) for (owner, type_), value in self.values.items() if owner == subject]
        for type_, value in found:
            if settings_changed or type_ != "evt.slow":
                self.made.append(type_)
                if subject in self.broken:
                    raise KeyError(subject)
                yield report(type_, value, subject)

    def is_down(self, subject: str) -> bool:
        return subject in self.down

    def passed_states(self, before: ChargePoint | None, after: ChargePoint | None, now: datetime) -> list[Report]:
        del before, now
        assert after is not None
        return [report("evt.state.report", self.values[after.evse_id, "evt.state.report"], after.evse_id)]

    def errors(self, before: ChargePoint | None, after: ChargePoint | None) -> list[Report]:
        del before
        assert after is not None
        faults, self.faults = self.faults, []
        return [report("evt.error.report", fault, after.evse_id) for fault in faults]

    def next_change_in(self, subject: str, now: datetime) -> float | None:
        del now
        return self.changes.get(subject)

    def acknowledged_before(self) -> list[Report]:
        return [report("evt.thing.inclusion_report", {"address": one}, about=one) for one in self.before]

    def acknowledged(self, what: Report) -> None:
        self.told_log.append((what.type, what.about))
        self.gone.discard(what.about)

    def goodbye(self) -> list[Report]:
        return [report("evt.goodbye", None)]

    # --- methods for tests ---

    def state(self, thing: str, value: str) -> None:
        """Change the state of a charge point."""
        self.values[thing, "evt.state.report"] = value
        point = ChargePoint(thing, (Twin(evse_id=thing),))
        self.reporter.charge_point_changed(point, point)

    def set(self, thing: str, type_: str, value: JsonValue) -> None:
        """Change a report."""
        self.values[thing, type_] = value
        self.reporter.mark(thing, Dirty.ALL)

    def answer(self, subject: str, what: Report, corid: str, *, error: Report | None = None) -> None:
        """Answer a command with a report, or with an error if that cannot be published."""

        def because(reason: BridgeError) -> Report:
            assert error is not None
            return replace(error, properties={**error.properties, "msg": str(reason)})

        self.reporter.answer(subject, Item(what, "answer", corid=corid, error=because if error is not None else None))

    def connect(self, *, renewed: bool = False) -> None:
        """Connect, with a will that names every thing."""
        self.reporter.connected(self.things, renewed=renewed)

    def take(self) -> Publication:
        """The next message."""
        publication = self.reporter.take()
        assert isinstance(publication, Publication), publication
        return publication

    def take_all(self) -> list[Publication]:
        """Everything that can be in flight."""
        taken = []
        while (publication := self.reporter.take()) is not None:
            assert isinstance(publication, Publication)
            taken.append(publication)
        return taken

    def publish_all(self) -> list[Said]:
        """Publish until nothing is left; returns the messages."""
        said = []
        while taken := self.take_all():
            for publication in taken:
                said.append(said_by(publication))
                self.reporter.acknowledged(publication)
        return said

    def log_lines(self) -> list[dict[str, Any]]:
        """The log so far."""
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


class RandomBroker:
    """A broker that a random sequence of steps connects, loses, and lets acknowledge.

    Args:
        rig: the reporter.
        heard: called with each message before it is acknowledged.
    """

    def __init__(self, rig: ReporterRig, heard: Callable[[Publication], None]) -> None:
        self.connected = False
        self._rig = rig
        self._heard = heard
        self._in_flight: list[Publication] = []

    def step(self, name: str) -> None:
        """Do one of `take`, `acknowledge`, `lose`, `renew` and `connect`, if it is possible now."""
        match name:
            case "take" if self.connected and (publication := self._rig.reporter.take()) is not None:
                assert isinstance(publication, Publication)
                self._in_flight.append(publication)
            case "acknowledge" if self._in_flight:
                self._acknowledge_first()
            case "lose" | "renew" if self.connected and (name == "lose" or not self._in_flight):
                self._rig.reporter.lost()
                self.connected = name == "renew"
                self._in_flight.clear()
                if self.connected:
                    self._rig.connect(renewed=True)
            case "connect" if not self.connected:
                self._rig.connect()
                self.connected = True
            case _:
                pass

    def finish(self) -> None:
        """Connect, and acknowledge until nothing is left."""
        self.step("connect")
        while self._in_flight or self._take_all():
            self._acknowledge_first()

    def _take_all(self) -> list[Publication]:
        self._in_flight = self._rig.take_all()
        return self._in_flight

    def _acknowledge_first(self) -> None:
        publication = self._in_flight.pop(0)
        self._heard(publication)
        self._rig.reporter.acknowledged(publication)


def report(type_: str, value: JsonValue, subject: str = "", about: str = "") -> Report:
    """A report of a subject."""
    topic = Topic("evt", "dev", "bluecurrent", "1", "chargepoint", subject) if subject else EVENTS
    return Report(topic, "chargepoint", type_, "string", value, about=about)


def said_by(publication: Publication) -> Said:
    """The content of a message."""
    body = json.loads(publication.payload)
    return publication.report.about or publication.report.topic.service_address, body["type"], body["val"]
