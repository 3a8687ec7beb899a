"""A replay gives the messages of the recorded run, also from a redacted recording."""

import asyncio
import json
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from bridge.commandline.cli import app
from bridge.commandline.replay import Replay
from bridge.recording.lines import RecordedLine, Recording, Remembered, Stopped
from tests.recordings.lives import RecordedLife, redacted

Message = tuple[str, str, Any, dict[str, Any]]


class Heard:
    """The output of a replay."""

    def __init__(self, recording: Recording) -> None:
        self.raw: list[dict[str, Any]] = []
        self.missed: list[str] = []
        asyncio.run(Replay(recording, self._hear, self._miss).run())

    def _hear(self, topic: str, payload: bytes) -> None:
        message = json.loads(payload)
        assert message["topic"] == topic
        self.raw.append(message)

    def _miss(self, when: datetime, words: str) -> None:
        self.missed.append(words)

    def values(self, type_: str, address: str = "BCU102728") -> list[Any]:
        """The values of an interface."""
        return [m["val"] for m in self.raw if m["type"] == type_ and m["topic"].endswith(f"ad:{address}")]

    def at(self, type_: str, value: Any) -> str:
        """The time of the first message with a value."""
        return next(str(m["ctime"]) for m in self.raw if (m["type"], m["val"]) == (type_, value))


def test_a_replayed_session_has_the_times_of_the_recording() -> None:
    life = RecordedLife()
    life.open()
    life.wait(30)
    life.plug()
    life.start()
    life.wait(60)
    life.stop()
    life.unplug()
    heard = Heard(life.recording)
    assert heard.values("evt.state.report") == [
        "disconnected",
        "ready_to_charge",
        "charging",
        "finished",
        "disconnected",
    ]
    assert heard.at("evt.state.report", "charging") == "2026-11-20T07:30:00.000+01:00"
    assert heard.at("evt.state.report", "finished") == "2026-11-20T08:30:00.000+01:00"
    energies = heard.values("evt.current_session.report")
    assert energies == sorted(energies)
    assert energies[-1] > 8
    last = [m for m in heard.raw if m["type"] == "evt.current_session.report"][-1]
    assert last["props"]["started_at"] == "2026-11-20T07:30:00.000+01:00"
    assert last["props"]["finished_at"] == "2026-11-20T08:30:00.000+01:00"
    included = {m["val"]["address"] for m in heard.raw if m["type"] == "evt.thing.inclusion_report"}
    assert included == {"BCU102728", "BCU100186", "GRIDBCU102728"}
    assert heard.missed == []


def test_a_meter_is_repeated_at_its_interval_and_a_lost_link_reported_after_the_grace() -> None:
    life = RecordedLife()
    life.open()
    life.wait(95)
    life.lose()
    life.wait(5)
    life.open()
    life.wait(1)
    heard = Heard(life.recording)
    assert heard.values("evt.state.report") == ["disconnected", "unknown", "disconnected"]
    assert heard.at("evt.state.report", "unknown") == "2026-11-20T08:36:00.000+01:00"
    assert len(heard.values("evt.meter.report")) == 2 * 4  # each half hour, and nothing has changed after the loss


def test_lines_that_are_not_understood_are_named() -> None:
    life = RecordedLife()
    life.open()
    life.garbage()
    life.push(activity="dancing")
    life.comes(["no", "object"])
    heard = Heard(life.recording)
    assert heard.missed == [
        "a frame of 12 characters that is not JSON",
        "NEWS is not known",
        "CH_STATUS: activity 'dancing' is not known",
        "a frame that cannot be parsed: not an object",
    ]


def test_recorded_outcomes_of_commands_change_the_state() -> None:
    life = RecordedLife()
    life.open()
    life.plug()
    life.note(Remembered("BCU102728", {"start_accepted": life.now.isoformat()}, {}))
    life.note(Remembered("NOBODY", {"start_accepted": life.now.isoformat()}, {}))
    life.note(Remembered("BCU102728", {"start_accepted": "once"}, {}))
    life.wait(2)
    life.push()
    heard = Heard(life.recording)
    assert heard.values("evt.state.report") == ["disconnected", "ready_to_charge", "requesting", "ready_to_charge"]
    assert heard.missed == ["the state of BCU102728 that is recorded here cannot be read by this version"]


def test_a_recorded_stop_publishes_the_goodbye() -> None:
    life = RecordedLife()
    life.open()
    life.note(Stopped())
    heard = Heard(life.recording)
    assert heard.raw[-1]["type"] == "evt.network.all_nodes_report"
    assert {node["status"] for node in heard.raw[-1]["val"]} == {"DOWN"}


# --- redaction ---

NAMES = {"product_name", "alias"}
OF_CARDS = {"plug_and_charge_card", "session_card"}


def without_names(value: Any) -> Any:
    """A value without the fields in which there are names."""
    if isinstance(value, dict):
        if value.get("parameter_id") in OF_CARDS:
            return {"parameter_id": value["parameter_id"]}
        return {name: without_names(entry) for name, entry in value.items() if name not in NAMES}
    return [without_names(entry) for entry in value] if isinstance(value, list) else value


def comparable(heard: Heard) -> list[Message]:
    """The messages without names, cards, `uid` and `ctime`."""
    return [(m["topic"], m["type"], without_names(m["val"]), m["props"]) for m in heard.raw]


steps = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["plug", "unplug", "start", "stop", "push", "push_settings"]), st.integers(0, 1)),
        st.tuples(st.just("wait"), st.sampled_from([0.2, 3, 31])),
        st.sampled_from([("lose",), ("open",), ("garbage",)]),
    ),
    max_size=12,
)


@settings(max_examples=25)
@given(steps=steps, state_set=st.sampled_from(["standard", "extended"]), name=st.text(), odd=st.booleans())
def test_a_redacted_recording_gives_the_same_as_the_plain_one(
    steps: list[tuple[Any, ...]], state_set: str, name: str, odd: bool
) -> None:
    life = RecordedLife(state_set=state_set)
    life.point().name = name
    if odd:
        life.account.cards[0]["uid"] = 7
        life.point().default_card = {"uid": None, "id": 5}
    life.open()
    for step, *arguments in steps:
        getattr(life, step)(*arguments)
    plain, hidden = Heard(life.recording), Heard(redacted(life.recording))
    assert comparable(hidden) == comparable(plain)
    assert [words for words in hidden.missed if "redacted" not in words] == plain.missed
    said = json.dumps([hidden.raw, hidden.missed])
    for secret in ("046C8CCA8C1D90", "owner@example.org", "simulated-api-token", "House card", "Carport", "The Owner"):
        assert secret not in said


def test_answers_in_another_order_are_matched() -> None:
    life = RecordedLife()
    life.open()
    turned = life.recording
    asked, lists = turned.lines[:6], turned.lines[6:]
    pairs = [lists[index : index + 2] for index in range(0, len(lists), 2)]
    other = tuple(line for pair in reversed(pairs) for line in pair)
    heard = Heard(Recording(turned.head, asked + other))
    assert heard.values("evt.meter_ext.report", "GRIDBCU102728") == [{"i1": 1.4, "i2": 0.6, "i3": 2.1}]
    # Reports that the replay makes after the last answer were made at once in the recorded run.
    all_nodes = [message for message in heard.raw if message["type"] == "evt.network.all_nodes_report"]
    assert [message["ctime"] for message in all_nodes] == ["2026-11-20T07:00:00.000+01:00"]


def test_the_same_recording_gives_the_same_messages() -> None:
    life = RecordedLife()
    life.open()
    life.plug(1)
    life.start(1)
    life.wait(90)
    recording = life.recording
    assert comparable(Heard(recording)) == comparable(Heard(recording))
    lines = tuple(RecordedLine(line.at, line.after, line.event) for line in recording.lines)
    assert comparable(Heard(Recording(recording.head, lines))) == comparable(Heard(recording))


def test_a_recording_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    plain = Path(__file__).parents[2] / "recordings" / "demo.jsonl"
    marked = tmp_path / "marked.jsonl"
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes())
    results = [CliRunner().invoke(app, ["replay", str(path)]) for path in (plain, marked)]
    assert results[0].exit_code == 0
    assert results[1].stdout == results[0].stdout
