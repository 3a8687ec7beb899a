"""A hub never hears an older state of a thing after a newer one."""

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.hub.line import Publication
from tests.unit.hub.reporter_rig import RandomBroker, ReporterRig, report, said_by

STATE = "evt.state.report"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["state", "set", "answer"]), st.sampled_from("AB")),
        st.tuples(st.sampled_from(["take", "take", "acknowledge", "lose", "connect"]), st.just("")),
    ),
    max_size=60,
)


def test_a_state_that_waits_to_be_compared_does_not_follow_a_newer_one() -> None:
    """The broker is back: a report of the thing is in flight, its state waits, and it changes meanwhile."""
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.values["A", "evt.current_session.report"] = 1
    rig.values["A", STATE] = "old"
    rig.connect()
    first = rig.take()
    rig.state("A", "new")
    rig.reporter.acknowledged(first)
    said = [said_by(first), *rig.publish_all()]
    assert [value for _, type_, value in said if type_ == STATE] == ["old", "new"]


def test_a_state_that_waits_to_be_compared_does_not_follow_the_answer_that_has_a_newer_one() -> None:
    rig = ReporterRig("A", acknowledged_before=["A"])
    rig.values["A", "evt.current_session.report"] = 1
    rig.values["A", STATE] = "old"
    rig.connect()
    first = rig.take()
    rig.values["A", STATE] = "new"
    rig.answer("A", report(STATE, "new", "A"), "c")
    rig.reporter.acknowledged(first)
    assert [value for _, type_, value in rig.publish_all() if type_ == STATE] == ["old", "new"]


@settings(max_examples=300)
@given(STEPS)
def test_states_are_heard_in_their_order(steps: list[tuple[Any, ...]]) -> None:
    rig = ReporterRig("A", "B", acknowledged_before=["A", "B"])
    heard: dict[str, list[int]] = {"A": [], "B": []}
    for thing in "AB":
        rig.values[thing, "evt.current_session.report"] = 0
        rig.values[thing, STATE] = 0

    def hear(publication: Publication) -> None:
        subject, type_, value = said_by(publication)
        if type_ == STATE and isinstance(value, int):
            heard[subject].append(value)

    broker = RandomBroker(rig, hear)
    for number, (name, thing) in enumerate(steps, 1):
        match name:
            case "state":
                rig.state(thing, number)  # type: ignore[arg-type] # a number can be compared
            case "set":
                rig.set(thing, "evt.current_session.report", number)
            case "answer":
                if broker.connected:
                    rig.answer(thing, report(STATE, rig.values[thing, STATE], thing), "c")
            case _:
                broker.step(name)
    broker.finish()
    for thing, states in heard.items():
        assert all(one <= next_one for one, next_one in pairwise(states)), states
        assert states[-1] == rig.values[thing, STATE]
