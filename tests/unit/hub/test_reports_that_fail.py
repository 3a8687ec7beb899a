"""A fault of the bridge in making the reports of one thing."""

import pytest

from bridge.fimp.report import Report
from bridge.hub.line import Item
from tests.unit.hub.reporter_rig import ReporterRig, report


def test_a_thing_whose_reports_cannot_be_made_stops_no_other_and_is_tried_again() -> None:
    rig = ReporterRig("A", "B", acknowledged_before=["A", "B"])
    rig.connect()
    rig.publish_all()
    rig.broken.add("A")
    rig.set("A", "evt.x", 1)
    rig.state("A", "passed")
    rig.set("B", "evt.x", 2)
    rig.reporter.answer("A", Item(report("evt.y", 3, "A"), "answer", corid="c"))
    said = rig.publish_all()
    assert ("B", "evt.x", 2) in said
    assert ("A", "evt.y", 3) in said
    assert rig.reporter.is_settled
    assert {(line["level"], line["thing"]) for line in rig.log_lines()} == {("error", "A")}
    rig.broken.clear()
    rig.set("A", "evt.x", 4)
    assert ("A", "evt.x", 4) in rig.publish_all()


def test_an_answer_to_a_thing_whose_reports_cannot_be_made_is_published() -> None:
    """The comparison that the answer waits for fails in the middle."""
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.values.update({("A", "evt.w"): 1, ("A", "evt.x"): 2})
    rig.connect()
    first = rig.take()
    rig.broken.add("A")
    rig.reporter.answer("A", Item(report("evt.y", 3, "A"), "answer", corid="c"))
    rig.reporter.acknowledged(first)
    assert ("A", "evt.y", 3) in rig.publish_all()
    assert rig.reporter.answers_waiting == 0
    assert rig.reporter.is_settled


def test_a_thing_that_cannot_be_described_stops_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = ReporterRig("A", "B")
    described = rig.presence

    def presence(subject: str) -> Report | None:
        if subject == "A":
            raise KeyError(subject)
        return described(subject)

    monkeypatch.setattr(rig, "presence", presence)
    rig.connect()
    rig.set("B", "evt.x", 2)
    rig.reporter.answer("A", Item(report("evt.y", 3, "A"), "answer", corid="c"))
    said = rig.publish_all()
    assert ("A", "evt.y", 3) in said
    assert ("B", "evt.x", 2) in said
    assert rig.reporter.is_settled
