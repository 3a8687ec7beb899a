"""A reporter that stops: it publishes answers and the goodbye, whatever changes meanwhile."""

import pytest

from bridge.hub.line import Dirty
from tests.unit.hub.reporter_rig import ReporterRig, report


@pytest.mark.parametrize("dirty", [Dirty.STATUS, Dirty.ALL])
@pytest.mark.parametrize("answered_first", [True, False])
def test_a_change_while_it_stops_does_not_keep_it_busy(dirty: Dirty, answered_first: bool) -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.x", 1)
    rig.publish_all()
    rig.reporter.stop()
    if answered_first:
        rig.answer("A", report("evt.y", 1, "A"), "c")
    rig.values["A", "evt.x"] = 2
    rig.reporter.mark("A", dirty)  # the link goes down when the service stops
    if not answered_first:
        rig.answer("A", report("evt.y", 1, "A"), "c")
    assert sorted(type_ for _, type_, _ in rig.publish_all()) == ["evt.goodbye", "evt.y"]
    assert rig.reporter.is_settled


def test_a_connection_that_breaks_while_it_stops_does_not_keep_it_busy() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.connect()
    rig.set("A", "evt.x", 1)
    rig.take_all()
    rig.answer("A", report("evt.y", 1, "A"), "c")
    rig.reporter.stop()
    rig.reporter.lost()
    rig.connect()
    assert [type_ for _, type_, _ in rig.publish_all()][-1] == "evt.goodbye"
