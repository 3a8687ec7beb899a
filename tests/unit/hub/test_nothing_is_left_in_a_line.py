"""Whatever closes the connection, and however often: every answer is published, and no line goes deaf."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.hub.line import Publication
from tests.unit.hub.reporter_rig import RandomBroker, ReporterRig, report, said_by

THINGS = "ABC"
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("answer"), st.sampled_from(THINGS)),
        st.tuples(st.just("set"), st.sampled_from(THINGS)),
        st.tuples(st.sampled_from(["take", "acknowledge"])),
        st.tuples(st.just("close"), st.integers(1, 4)),
    ),
    max_size=40,
)


def ask(rig: ReporterRig, thing: str, number: int) -> None:
    """A command is to be answered with a number."""
    rig.answer(thing, report("evt.y", number, thing), "c")


def test_a_message_that_goes_last_stays_in_its_line_while_another_must_go_alone() -> None:
    """Two connections are closed, the second with one message in flight; then there is a further answer to its thing."""
    rig = ReporterRig(*THINGS, acknowledged_before=THINGS)
    ask(rig, "A", 1)
    ask(rig, "B", 2)
    rig.connect()
    assert len(rig.take_all()) == 2
    rig.reporter.lost()
    rig.connect()
    (alone,) = rig.take_all()
    assert said_by(alone)[0] == "A"
    rig.reporter.lost()
    rig.connect()
    ask(rig, "C", 3)
    other = rig.take()
    ask(rig, "A", 4)
    assert rig.reporter.take() is None
    rig.reporter.acknowledged(other)
    ask(rig, "A", 5)
    assert {said_by(other)[2], *(value for *_, value in rig.publish_all())} == {1, 2, 3, 4, 5}
    assert rig.reporter.is_settled


@settings(max_examples=500)
@given(STEPS)
def test_every_answer_is_published(steps: list[tuple[Any, ...]]) -> None:
    rig = ReporterRig(*THINGS, acknowledged_before=THINGS)
    hub, answered, asked = dict[tuple[str, str], JsonValue](), list[JsonValue](), 0

    def heard(publication: Publication) -> None:
        subject, type_, value = said_by(publication)
        hub[subject, type_] = value
        if type_ == "evt.y":
            answered.append(value)

    broker = RandomBroker(rig, heard)
    for number, (name, *details) in enumerate(steps):
        match name:
            case "set":
                rig.set(details[0], "evt.x", number)
            case "answer":
                ask(rig, details[0], asked)
                asked += 1
            case "close":
                for step in ("connect", *["take"] * details[0], "lose", "connect"):
                    broker.step(step)
            case _:
                broker.step(name)
    broker.finish()
    assert rig.reporter.answers_waiting == 0
    assert rig.reporter.is_settled
    if not rig.reporter.dropped:  # else one was alone in flight at several closes in a row
        assert set(map(str, answered)) == set(map(str, range(asked)))
        assert hub | {(thing, "evt.x"): value for (thing, _), value in rig.values.items()} == hub
    for thing in THINGS:
        ask(rig, thing, -1)
        rig.set(thing, "evt.x", -1)
    assert {(thing, type_, -1) for thing in THINGS for type_ in ("evt.x", "evt.y")} <= set(rig.publish_all())
