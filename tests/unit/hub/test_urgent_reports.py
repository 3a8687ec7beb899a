"""After a broker outage the states and sessions of all things go out before everything else."""

from bridge.hub.line import Publication
from bridge.hub.suspects import STRIKES
from tests.unit.hub.reporter_rig import ReporterRig

URGENT = ("evt.state.report", "evt.current_session.report", "evt.network.node_report")
OTHERS = ("evt.meter.report", "evt.param.report", "evt.cable_lock.report")
THINGS = ("A", "B", "C")


def rig_with_values() -> ReporterRig:
    """Three things, each with urgent and other reports, the others first."""
    rig = ReporterRig(*THINGS, acknowledged_before=THINGS)
    for thing in THINGS:
        for type_ in (*OTHERS, *URGENT):
            rig.values[thing, type_] = f"{thing} {type_}"
    return rig


def test_what_is_urgent_of_all_things_goes_before_the_rest_of_any() -> None:
    rig = rig_with_values()
    rig.connect()
    rig.publish_all()
    rig.reporter.lost()
    rig.connect()
    said = [(thing, type_) for thing, type_, _ in rig.publish_all()]
    urgent = len(THINGS) * len(URGENT)
    assert {type_ for _, type_ in said[:urgent]} == set(URGENT)
    assert {type_ for _, type_ in said[urgent:]} == set(OTHERS)
    assert sorted(said) == sorted((thing, type_) for thing in THINGS for type_ in (*URGENT, *OTHERS))


def test_what_was_in_flight_goes_alone_and_in_its_turn() -> None:
    rig = rig_with_values()
    rig.connect()
    first, second, *_ = rig.take_all()  # in flight when the broker goes away
    rig.reporter.lost()
    rig.connect()
    said = []
    while taken := rig.take_all():
        if any(one.identity in (first.identity, second.identity) for one in taken):
            assert len(taken) == 1
        for one in taken:
            said.append((one.line.subject, one.report.type))
            rig.reporter.acknowledged(one)
    assert {type_ for _, type_ in said[: len(THINGS) * len(URGENT)]} == set(URGENT)


def test_a_message_that_closed_the_connection_comes_after_everything_else() -> None:
    rig = rig_with_values()
    rig.connect()
    culprit = rig.take()
    for _ in range(STRIKES):
        rig.reporter.lost()
        rig.connect()
        said = []
        while (one := rig.reporter.take()) is not None:
            assert isinstance(one, Publication)
            said.append(one)
            if one.identity != culprit.identity:
                rig.reporter.acknowledged(one)
    assert culprit.identity not in [one.identity for one in said]  # given up
    (line,) = rig.log_lines()
    assert line["type"] == culprit.report.type


def test_a_thing_with_nothing_urgent_loses_nothing() -> None:
    rig = rig_with_values()
    for type_ in URGENT:
        del rig.values["B", type_]
    rig.connect()
    said = [(thing, type_) for thing, type_, _ in rig.publish_all()]
    assert [type_ for thing, type_ in said if thing == "B"] == [*OTHERS]
    assert {thing for thing, _ in said[: 2 * len(URGENT)]} == {"A", "C"}


def test_an_answer_does_not_wait_for_the_urgent_reports() -> None:
    rig = rig_with_values()
    rig.connect()
    rig.take()
    (answer,) = (one for one in rig.reports("C", settings_changed=True) if one.type == "evt.meter.report")
    rig.answer("C", answer, "7")
    assert rig.publish_all()[0][:2] == ("C", "evt.meter.report")


def test_later_changes_are_told_at_once() -> None:
    rig = rig_with_values()
    rig.connect()
    rig.publish_all()
    rig.set("A", "evt.meter.report", "new")
    rig.state("A", "charging")
    assert [type_ for _, type_, _ in rig.publish_all()] == ["evt.state.report", "evt.meter.report"]
