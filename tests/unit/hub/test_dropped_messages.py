"""Messages that close the connection or cannot be sent: they are dropped and logged, and the others are published."""

import json

import pytest

from bridge.hub.suspects import STRIKES, SURELY_TAKEN_BYTES
from tests.unit.hub.reporter_rig import ReporterRig, Said, report, said_by

ERROR = report("evt.error.report", "ERR_INVALID_STATE", "A")


def close_until_dropped(rig: ReporterRig, poison: str, patience: int = 20) -> tuple[list[Said], int]:
    """A broker that closes the connection at a poisonous message; returns the accepted messages and the closes."""
    said, closes = list[Said](), 0
    for _ in range(patience):
        rig.connect()
        died = False
        while not died and (taken := rig.take_all()):
            if any(poison in publication.payload.decode() for publication in taken):
                for publication in taken:
                    if poison in publication.payload.decode():
                        break
                    said.append(said_by(publication))
                    rig.reporter.acknowledged(publication)
                rig.reporter.lost()
                closes, died = closes + 1, True
            else:
                for publication in taken:
                    said.append(said_by(publication))
                    rig.reporter.acknowledged(publication)
        if not died:
            return said, closes
    raise AssertionError("it never came to rest")


@pytest.mark.parametrize("others", [0, 5])
def test_a_message_that_closes_the_connection_is_dropped_and_logged(others: int) -> None:
    rig = ReporterRig("A", "B", acknowledged_before=["A", "B"])
    rig.values["A", "evt.big"] = "poison"
    rig.values["A", "evt.after"] = 1
    for number in range(others):
        rig.values["B", f"evt.x{number}"] = number
    said, closes = close_until_dropped(rig, "poison")
    assert closes <= STRIKES + 1
    assert ("A", "evt.after", 1) in said
    assert {("B", f"evt.x{number}", number) for number in range(others)} <= set(said)
    (line,) = [line for line in rig.log_lines() if "dropped" in line["event"]]
    assert (line["type"], line["size"] > 0) == ("evt.big", True)
    rig.reporter.mark("A")
    assert rig.publish_all() == []  # not tried again while its content is the same
    rig.set("A", "evt.big", "harmless")
    assert rig.publish_all() == [("A", "evt.big", "harmless")]


@pytest.mark.parametrize("number", [2, 3, 7])
def test_several_messages_that_close_the_connection_are_each_dropped(number: int) -> None:
    things = [f"T{index}" for index in range(number)]
    rig = ReporterRig(*things, acknowledged_before=things)
    for thing in things:
        rig.values[thing, "evt.big"] = "poison"
        rig.values[thing, "evt.after"] = thing
    said, closes = close_until_dropped(rig, "poison", patience=50)
    assert closes <= STRIKES * number + 1
    assert {one for one in said if one[1] == "evt.after"} == {(thing, "evt.after", thing) for thing in things}
    assert len(rig.log_lines()) == number
    for thing in things:
        rig.set(thing, "evt.after", 1)  # no line is stuck
    assert rig.publish_all() == [(thing, "evt.after", 1) for thing in things]


def test_an_answer_that_closes_the_connection_is_found_before_other_such_messages() -> None:
    things = [f"T{index}" for index in range(20)]
    rig = ReporterRig(*things, acknowledged_before=things)
    for thing in things:
        rig.values[thing, "evt.big"] = "poison"
    for _ in range(1 + len(things)):  # all at once, then each alone
        rig.connect()
        rig.take_all()
        rig.reporter.lost()
    rig.answer("T7", report("evt.y", "poison", "T7"), "c1", error=ERROR)
    for _ in range(STRIKES):
        rig.connect()
        (taken,) = rig.take_all()
        assert taken.report.type == "evt.y"
        rig.reporter.lost()
    rig.connect()
    (taken,) = rig.take_all()
    assert (taken.report.type, taken.item is not None and taken.item.corid) == ("evt.error.report", "c1")


def test_an_answer_that_closes_the_connection_is_dropped_and_the_next_is_published() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.answer("A", report("evt.y", "poison", "A"), "c1")
    rig.answer("A", report("evt.y", "fine", "A"), "c2")
    said, _ = close_until_dropped(rig, "poison")
    assert said[-1] == ("A", "evt.y", "fine")
    assert rig.reporter.answers_waiting == 0


def test_an_answer_that_is_dropped_is_replaced_by_an_error() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    poison = f"poison{'x' * SURELY_TAKEN_BYTES}"
    rig.answer("A", report("evt.y", poison, "A"), "c1", error=ERROR)
    said, closes = close_until_dropped(rig, "poison")
    assert (said, closes) == ([("A", "evt.error.report", "ERR_INVALID_STATE")], STRIKES)
    assert rig.reporter.answers_waiting == 0
    assert rig.reporter.is_settled
    rig.answer("A", report("evt.y", poison, "A"), "c2", error=ERROR)  # asked again: the broker is not tried again
    (again,) = rig.take_all()
    body = json.loads(again.payload)
    assert (body["type"], body["corid"]) == ("evt.error.report", "c2")
    assert "evt.y" in body["props"]["msg"]
    assert len(rig.log_lines()) == 1
    rig.reporter.acknowledged(again)
    rig.answer("A", report("evt.y", "harmless", "A"), "c3", error=ERROR)
    assert rig.publish_all() == [("A", "evt.y", "harmless")]
    assert rig.reporter.answers_waiting == 0


def test_a_small_answer_that_was_dropped_is_tried_again() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.answer("A", report("evt.y", "poison", "A"), "c1", error=ERROR)
    close_until_dropped(rig, "poison")
    rig.answer("A", report("evt.y", "poison", "A"), "c2", error=ERROR)  # the line was bad, and not the message
    assert rig.publish_all() == [("A", "evt.y", "poison")]


def test_an_answer_that_cannot_be_encoded_is_replaced_by_an_error() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.answer("A", report("evt.y", "\ud83d", "A"), "c1", error=ERROR)
    assert rig.publish_all() == [("A", "evt.error.report", "ERR_INVALID_STATE")]
    assert rig.reporter.answers_waiting == 0


def test_an_error_that_is_dropped_is_not_replaced() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.answer("A", report("evt.y", "poison", "A"), "c1", error=ERROR)
    for _ in range(2 * STRIKES):
        rig.connect()
        assert len(rig.take_all()) == 1
        rig.reporter.lost()
    rig.connect()
    assert rig.take_all() == []
    assert rig.reporter.answers_waiting == 0


def test_a_report_that_cannot_be_encoded_is_dropped_alone() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.odd", "\ud83d")
    rig.set("A", "evt.x", 1)
    assert rig.publish_all() == [("A", "evt.x", 1)]
    assert [line["type"] for line in rig.log_lines()] == ["evt.odd"]
    rig.set("A", "evt.x", 2)
    rig.publish_all()
    assert len(rig.log_lines()) == 1


def test_a_message_that_the_library_refuses_is_dropped() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.x", 1)
    rig.reporter.unsendable(rig.take(), "no such topic")
    assert rig.publish_all() == []
    assert rig.reporter.is_settled
