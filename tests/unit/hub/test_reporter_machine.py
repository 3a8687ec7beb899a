"""The reporter under random changes, losses and acknowledgements."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import JsonValue

from bridge.hub.line import Publication
from tests.unit.hub.reporter_rig import RandomBroker, ReporterRig, report, said_by

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
def test_after_any_sequence_the_hub_has_the_current_reports(steps: list[tuple[Any, ...]]) -> None:
    rig = ReporterRig("A", "B")
    hub, answers = dict[tuple[str, str], JsonValue](), 0

    def heard(publication: Publication) -> None:
        subject, type_, value = said_by(publication)
        assert type_ == "evt.thing.inclusion_report" or (subject, "evt.thing.inclusion_report") in hub
        hub[subject, type_] = value

    broker = RandomBroker(rig, heard)
    for name, *details in steps:
        match name:
            case "set":
                rig.set(details[0], "evt.x", details[1])
            case "state":
                rig.state(details[0], f"s{details[1]}")
            case "answer":
                if ("A", "evt.thing.inclusion_report") in hub:
                    rig.answer("A", report("evt.y", answers, "A"), "c")
                    answers += 1
            case _:
                broker.step(name)
    broker.finish()
    for (subject, type_), value in rig.values.items():
        assert hub[subject, type_] == value
    assert rig.reporter.answers_waiting == 0
    assert rig.reporter.is_settled
    assert rig.reporter.dropped == 0
