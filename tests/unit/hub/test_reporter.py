"""The order of publications, for every behaviour of the broker."""

import io
import json
from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin
from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.hub.line import Dirty, Publication, Renewal
from bridge.hub.reporter import Reporter
from bridge.hub.subjects import ADAPTER, NETWORK, Subjects
from bridge.hub.suspects import STRIKES
from bridge.logs import Log
from tests.clock import FakeClock

EVENTS = Topic("evt", "ad", "bluecurrent", "1")
Said = tuple[str, str, JsonValue]
"""The subject, the interface and the value of a message."""


class Hall:
    """The current reports, set by a test, and a reporter that publishes them."""

    def __init__(self, *things: str, acknowledged_before: Iterable[str] = ()) -> None:
        self.things = list(things)
        self.values: dict[tuple[str, str], JsonValue] = {}
        self.gone: set[str] = set()
        self.before = list(acknowledged_before)
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

    def reports(self, subject: str, *, settings_changed: bool) -> list[Report]:
        if subject not in self.things and subject not in (ADAPTER, NETWORK):
            return []
        found = [(type_, value) for (owner, type_), value in self.values.items() if owner == subject]
        return [report(type_, value, subject) for type_, value in found if settings_changed or type_ != "evt.slow"]

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


def report(type_: str, value: JsonValue, subject: str = "", about: str = "") -> Report:
    """A report of a subject."""
    topic = Topic("evt", "dev", "bluecurrent", "1", "chargepoint", subject) if subject else EVENTS
    return Report(topic, "chargepoint", type_, "string", value, about=about)


def said_by(publication: Publication) -> Said:
    """The content of a message."""
    body = json.loads(publication.payload)
    return publication.report.about or publication.report.topic.service_address, body["type"], body["val"]


def test_a_change_is_told_once() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.set("A", "evt.x", 1)
    assert hall.publish_all() == [("A", "evt.x", 1)]
    hall.reporter.mark("A")
    assert hall.publish_all() == []
    hall.set("A", "evt.x", 2)
    assert hall.publish_all() == [("A", "evt.x", 2)]


def test_a_new_thing_is_included_before_anything_is_told_of_it() -> None:
    hall = Hall("A")
    hall.values["A", "evt.x"] = 1
    hall.connect()
    first, *rest = hall.publish_all()
    assert (first[1], rest) == ("evt.thing.inclusion_report", [("A", "evt.x", 1)])
    assert hall.told_log == [("evt.thing.inclusion_report", "A")]


def test_a_report_is_told_when_it_is_acknowledged_not_before() -> None:
    hall = Hall("A")
    hall.values["A", "evt.x"] = 1
    hall.connect()
    hall.take_all()
    assert hall.told_log == []
    hall.reporter.lost()
    hall.connect()
    assert [type_ for _, type_, _ in hall.publish_all()] == ["evt.thing.inclusion_report", "evt.x"]


def test_a_broker_that_comes_back_is_told_everything_but_the_inclusions() -> None:
    hall = Hall("A", "B", acknowledged_before=["A", "B"])
    for thing in ("A", "B"):
        hall.values[thing, "evt.x"] = thing
    hall.connect()
    first = hall.publish_all()
    hall.reporter.lost()
    hall.connect()
    assert hall.publish_all() == first == [("A", "evt.x", "A"), ("B", "evt.x", "B")]


def test_states_are_passed_on_in_order_and_measurements_merge() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    for number in range(5):
        hall.values["A", "evt.power"] = number
        hall.state("A", f"s{number}")
    said = hall.publish_all()
    assert [value for _, type_, value in said if type_ == "evt.state.report"] == ["s0", "s1", "s2", "s3", "s4"]
    assert [value for _, type_, value in said if type_ == "evt.power"] == [4]


def test_an_error_that_a_change_brings_is_told_once_however_often_the_broker_goes() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.faults = ["ERR_NOT_SUPPORTED"]
    hall.state("A", "s0")  # while the broker is away
    hall.connect()
    assert [value for _, type_, value in hall.publish_all() if type_ == "evt.error.report"] == ["ERR_NOT_SUPPORTED"]
    hall.reporter.lost()
    hall.connect()
    hall.state("A", "s1")
    assert [type_ for _, type_, _ in hall.publish_all()] == ["evt.state.report"]


def test_while_the_broker_is_away_states_merge() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.state("A", "s0")
    hall.state("A", "s1")
    hall.connect()
    assert hall.publish_all() == [("A", "evt.state.report", "s1")]
    hall.state("A", "s2")
    hall.reporter.take()
    hall.state("A", "s3")
    hall.reporter.lost()
    hall.state("A", "s4")
    hall.connect()
    assert hall.publish_all() == [("A", "evt.state.report", "s4")]


def test_a_new_description_goes_before_the_state_that_needs_it() -> None:
    hall = Hall("A")
    hall.values["A", "evt.state.report"] = "s0"
    hall.connect()
    hall.state("A", "s1")
    assert [type_ for _, type_, _ in hall.publish_all()] == ["evt.thing.inclusion_report", "evt.state.report"]


def test_an_answer_counts_as_told_and_goes_first() -> None:
    hall = Hall(*(f"T{number}" for number in range(50)))
    hall.before = hall.things
    hall.connect()
    for thing in hall.things:
        hall.set(thing, "evt.x", 1)
    hall.reporter.answer("T40", report("evt.x", 1, "T40"), corid="c")
    said = hall.publish_all()
    assert said[0] == ("T40", "evt.x", 1)
    assert said.count(("T40", "evt.x", 1)) == 1


def test_answers_survive_a_loss_in_their_order_and_are_counted() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    for number in range(3):
        hall.reporter.answer("A", report("evt.y", number, "A"), corid=f"c{number}")
    hall.take_all()
    hall.reporter.lost()
    assert hall.reporter.answers_waiting == 3
    hall.connect()
    assert [value for _, _, value in hall.publish_all()] == [0, 1, 2]
    assert hall.reporter.answers_waiting == 0


async def test_a_thing_that_the_will_does_not_name_waits_for_a_renewal_that_serves_all() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.publish_all()
    hall.things += ["B", "C"]
    for thing in ("B", "C"):
        hall.set(thing, "evt.x", 1)
    hall.set("A", "evt.x", 1)
    assert hall.publish_all() == [("A", "evt.x", 1)]
    await hall.reporter.wait_for_work()  # the renewal is due
    assert isinstance(hall.reporter.take(), Renewal)
    hall.reporter.lost()
    hall.connect(renewed=True)
    assert [subject for subject, type_, _ in hall.publish_all() if "inclusion" in type_] == ["B", "C"]
    assert hall.reporter.is_settled


async def test_a_thing_that_goes_is_excluded_and_the_will_made_anew() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.values["A", "evt.x"] = 1
    hall.connect()
    hall.publish_all()
    hall.things.remove("A")
    hall.gone.add("A")
    hall.reporter.mark("A")
    assert hall.publish_all() == [("A", "evt.thing.exclusion_report", {"address": "A"})]
    await hall.reporter.wait_for_work()
    assert isinstance(hall.reporter.take(), Renewal)
    hall.reporter.lost()
    hall.connect(renewed=True)
    assert hall.publish_all() == []
    hall.things.append("A")  # it comes back, so everything is reported again
    hall.reporter.connected(["A"], renewed=True)
    hall.reporter.mark("A")
    assert [type_ for _, type_, _ in hall.publish_all()] == ["evt.thing.inclusion_report", "evt.x"]


def test_what_has_an_interval_is_told_again_when_it_is_over() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.set("A", "evt.meter.report", 5)
    hall.set("A", "evt.x", 5)
    hall.publish_all()
    hall.clock.move(29 * 60)
    hall.reporter.tick()
    assert hall.publish_all() == []
    hall.clock.move(60)
    hall.reporter.tick()
    assert hall.publish_all() == [("A", "evt.meter.report", 5)]


def test_what_time_changes_is_told_when_its_time_comes() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.changes["A"] = 60.0
    hall.set("A", "evt.x", 1)
    hall.publish_all()
    hall.values["A", "evt.x"] = 2
    hall.clock.move(59)
    hall.reporter.tick()
    assert hall.publish_all() == []
    hall.clock.move(1)
    hall.reporter.tick()
    assert hall.publish_all() == [("A", "evt.x", 2)]


def close_until_dropped(hall: Hall, poison: str) -> tuple[list[Said], int]:
    """A broker that closes the connection at a poisonous message; returns the accepted messages and the closes."""
    said, closes = list[Said](), 0
    for _ in range(20):
        hall.connect()
        died = False
        while not died and (taken := hall.take_all()):
            if any(poison in publication.payload.decode() for publication in taken):
                for publication in taken:
                    if poison in publication.payload.decode():
                        break
                    said.append(said_by(publication))
                    hall.reporter.acknowledged(publication)
                hall.reporter.lost()
                closes, died = closes + 1, True
            else:
                for publication in taken:
                    said.append(said_by(publication))
                    hall.reporter.acknowledged(publication)
        if not died:
            return said, closes
    raise AssertionError("it never came to rest")


@pytest.mark.parametrize("others", [0, 5])
def test_a_message_that_closes_the_connection_is_dropped_and_named(others: int) -> None:
    hall = Hall("A", "B", acknowledged_before=["A", "B"])
    hall.values["A", "evt.big"] = "poison"
    hall.values["A", "evt.after"] = 1
    for number in range(others):
        hall.values["B", f"evt.x{number}"] = number
    said, closes = close_until_dropped(hall, "poison")
    assert closes <= STRIKES + 1
    assert ("A", "evt.after", 1) in said
    assert {("B", f"evt.x{number}", number) for number in range(others)} <= set(said)
    (line,) = [line for line in hall.log_lines() if "dropped" in line["event"]]
    assert (line["type"], line["size"] > 0) == ("evt.big", True)
    hall.reporter.mark("A")
    assert hall.publish_all() == []  # not tried again while its content is the same
    hall.set("A", "evt.big", "harmless")
    assert hall.publish_all() == [("A", "evt.big", "harmless")]


def test_a_poisonous_answer_is_dropped_and_the_next_is_published() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.reporter.answer("A", report("evt.y", "poison", "A"), corid="c1")
    hall.reporter.answer("A", report("evt.y", "fine", "A"), corid="c2")
    said, _ = close_until_dropped(hall, "poison")
    assert said[-1] == ("A", "evt.y", "fine")
    assert hall.reporter.answers_waiting == 0


def test_what_cannot_be_written_is_dropped_and_stops_nobody() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.set("A", "evt.odd", "\ud83d")
    hall.set("A", "evt.x", 1)
    assert hall.publish_all() == [("A", "evt.x", 1)]
    assert [line["type"] for line in hall.log_lines()] == ["evt.odd"]
    hall.set("A", "evt.x", 2)
    hall.publish_all()
    assert len(hall.log_lines()) == 1


def test_what_the_library_refuses_is_dropped() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.set("A", "evt.x", 1)
    hall.reporter.unsendable(hall.take(), "no such topic")
    assert hall.publish_all() == []
    assert hall.reporter.is_settled


def test_the_goodbye_comes_last_after_the_answers() -> None:
    hall = Hall("A", acknowledged_before=["A"])
    hall.connect()
    hall.set("A", "evt.x", 1)
    hall.reporter.answer("A", report("evt.y", 1, "A"), corid="c")
    hall.reporter.stop()
    assert [type_ for _, type_, _ in hall.publish_all()] == ["evt.y", "evt.goodbye"]
    assert hall.reporter.is_settled


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.sampled_from("AB"), st.integers(0, 3)),
        st.tuples(st.just("state"), st.sampled_from("AB"), st.integers(0, 3)),
        st.tuples(st.sampled_from(["take", "acknowledge", "lose", "connect", "renew", "answer"])),
    ),
    max_size=60,
)


@settings(max_examples=300)
@given(STEPS)
def test_whatever_happens_the_hub_ends_with_what_is_so(steps: list[tuple[Any, ...]]) -> None:
    hall = Hall("A", "B")
    connected, flying, hub, answers = False, list[Publication](), dict[tuple[str, str], JsonValue](), 0

    def heard(publication: Publication) -> None:
        subject, type_, value = said_by(publication)
        assert type_ == "evt.thing.inclusion_report" or (subject, "evt.thing.inclusion_report") in hub
        hub[subject, type_] = value
        hall.reporter.acknowledged(publication)

    for name, *details in steps:
        match name:
            case "set":
                hall.set(details[0], "evt.x", details[1])
            case "state":
                hall.state(details[0], f"s{details[1]}")
            case "answer" if ("A", "evt.thing.inclusion_report") in hub:
                hall.reporter.answer("A", report("evt.y", answers, "A"), corid="c")
                answers += 1
            case "take" if connected and (publication := hall.reporter.take()) is not None:
                assert isinstance(publication, Publication)
                flying.append(publication)
            case "acknowledge" if flying:
                heard(flying.pop(0))
            case "lose" | "renew" if connected and (name == "lose" or not flying):
                hall.reporter.lost()
                connected = name == "renew"
                flying.clear()
                if connected:
                    hall.connect(renewed=True)
            case "connect" if not connected:
                hall.connect()
                connected = True
            case _:
                pass
    if not connected:
        hall.connect()
    while flying or (flying := hall.take_all()):
        heard(flying.pop(0))
    for (subject, type_), value in hall.values.items():
        assert hub[subject, type_] == value
    assert hall.reporter.answers_waiting == 0
    assert hall.reporter.is_settled
    assert hall.reporter.dropped == 0
