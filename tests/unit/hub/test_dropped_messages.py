"""Messages that close the connection or cannot be sent: they are dropped and logged, and the others are published."""

import pytest

from bridge.hub.suspects import STRIKES
from tests.unit.hub.reporter_rig import ReporterRig, Said, report, said_by


def close_until_dropped(rig: ReporterRig, poison: str) -> tuple[list[Said], int]:
    """A broker that closes the connection at a poisonous message; returns the accepted messages and the closes."""
    said, closes = list[Said](), 0
    for _ in range(20):
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


def test_an_answer_that_closes_the_connection_is_dropped_and_the_next_is_published() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.reporter.answer("A", report("evt.y", "poison", "A"), corid="c1")
    rig.reporter.answer("A", report("evt.y", "fine", "A"), corid="c2")
    said, _ = close_until_dropped(rig, "poison")
    assert said[-1] == ("A", "evt.y", "fine")
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
