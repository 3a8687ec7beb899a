"""The verdict on a command changes only what is told of the session for which the command was sent."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bridge.chargepoint import limits, session
from bridge.chargepoint.charge_point_settings import ChargePointSettings, Setting
from bridge.chargepoint.limits import SessionLimit, Wish
from bridge.chargepoint.update import Update
from tests.unit.chargepoint.socket_story import Story, story

# --- commands: what the bridge notes when it sends one, and on its verdict ---

Act = Callable[[Story, int], object]
"""A change of the story; the number is `Memory.opened` when the command was sent."""


@dataclass(frozen=True)
class Command:
    """A command.

    Attributes:
        sent: what the bridge notes when it is sent.
        verdict: what it notes on the verdict.
        begins: 1 if it is for the next session when none is on; else 0.
    """

    sent: Act
    verdict: Act
    begins: int = 0


def _nothing(s: Story, opened: int) -> object:
    return s, opened


def _ending_sent(s: Story, opened: int) -> object:
    return s.remember(session.ending_sent, s.now), opened


def _limit_sent(s: Story, opened: int) -> object:
    number = s.latest.number if s.memory.session_open else limits.next_session(s.memory)
    until = None if s.memory.session_open else s.now + timedelta(minutes=2)
    limit = SessionLimit(6, number, slow=True, until=until)
    s.twin = s.twin.limited(lambda before: limits.with_request(before, Wish(session=limit))).at(s.now)
    return opened


def _limit_agreed(s: Story, opened: int) -> object:
    s.twin = s.twin.limited(lambda before: limits.agreed(before, counts=True)).at(s.now)
    return opened


def _of_session(change: Any) -> Act:
    return lambda s, opened: s.verdict(change, opened=opened)


def _of_start(change: Any) -> Act:
    return lambda s, opened: s.verdict(partial(change, card="HUB"), s.now, opened=opened)


COMMANDS = {
    "unlock": Command(_ending_sent, _of_session(session.cable_unlocked)),
    "unlock, refused": Command(_ending_sent, lambda s, _: s.remember(session.ending_refused)),
    "stop": Command(_ending_sent, lambda s, _: s.remember(session.stop_accepted)),
    "stop without a verdict": Command(_ending_sent, _nothing),
    "override of a profile": Command(_nothing, _of_session(session.profile_lifted)),
    "start": Command(_nothing, _of_start(session.start_accepted), begins=1),
    "start without a verdict": Command(_nothing, _of_start(session.start_without_verdict), begins=1),
    "limit of mode slow": Command(_limit_sent, _limit_agreed, begins=1),
}


def told(s: Story) -> tuple[object, ...]:
    """The number of the latest session, and everything about it that a command can have changed."""
    twin, memory = s.twin, s.memory
    return (
        memory.session.number if memory.session is not None else 0,
        (s.state, twin.cable_locked, twin.offered_current, twin.charging_mode, memory.done),
        (memory.session, memory.may_be_starting(s.now), twin.limits.wanted.session),
    )


# --- examples ---


def test_a_late_unlock_leaves_the_cable_of_the_next_session_locked() -> None:
    """Found by the fault rig, seed 328: a card starts a session between an unlock and its verdict."""
    s = story().push("available", "B")
    opened = s.memory.opened
    s.remember(session.ending_sent, s.now).push("charging", "C", energy=0.1)
    assert s.verdict(session.cable_unlocked, opened=opened).twin.cable_locked


def test_a_late_unlock_leaves_the_cable_of_a_continued_session_locked() -> None:
    s = story().push("charging", "C", energy=1.0)
    opened = s.memory.opened
    s.remember(session.ending_sent, s.now).push("available", "B").push("charging", "C", energy=1.0)
    assert s.verdict(session.cable_unlocked, opened=opened).twin.cable_locked


def test_a_session_that_began_after_an_unlock_was_not_ended_by_it() -> None:
    s = story().push("available", "B")
    s.remember(session.ending_sent, s.now).push("charging", "C", energy=0.1).push("available", "B")
    assert s.state == "finished"


def test_a_session_that_began_after_a_stopped_one_was_not_ended_by_that_stop() -> None:
    s = story().push("charging", "C", energy=4.0)
    s.remember(session.ending_sent, s.now).push("available", "B", energy=4.0)
    s.push("charging", "C", energy=0.1).push("available", "B")
    assert s.state == "finished"


def test_a_reboot_ends_the_session_before_it_and_not_the_one_after_it() -> None:
    s = story().push("charging", "C", energy=4.0)
    s.remember(session.ending_sent, s.now).push("offline", "C").push("charging", "C", energy=0.1).push("available", "B")
    assert s.latest.number == 2
    assert s.state == "finished"


def test_a_stop_is_for_the_session_that_is_shown_after_it() -> None:
    s = story().push("available", "B")
    s.verdict(session.start_accepted, s.now)
    s.remember(session.ending_sent, s.now).push("charging", "C", energy=0.1).push("available", "B")
    assert s.state == "ready_to_charge"


def test_a_stop_may_be_for_a_session_that_began_out_of_sight() -> None:
    s = story().push("available", "B").lose_link()
    s.remember(session.ending_sent, s.now).push("charging", "C", energy=0.1).push("available", "B")
    assert s.state == "ready_to_charge"


@pytest.mark.parametrize("change", [session.start_accepted, session.start_without_verdict])
def test_a_start_whose_session_is_over_before_its_verdict_is_not_waited_for(change: Any) -> None:
    s = story().push("available", "B")
    opened = s.memory.opened
    s.push("charging", "C", energy=0.1).push("available", "B").verdict(change, s.now, "HUB", opened=opened)
    assert s.state == "finished"
    assert not s.memory.may_be_starting(s.now)
    assert s.latest.card == "HUB"


def test_a_session_started_by_a_card_is_not_that_of_an_earlier_start() -> None:
    s = story().push("available", "B")
    opened = s.memory.opened
    s.push("charging", "C", energy=0.1).push("available", "B").push("charging", "C", energy=0.05)
    assert s.verdict(session.start_accepted, s.now, "HUB", opened=opened).latest.card is None


# --- the first status of a session can still look like the last session (design page 3, "Pushes and data") ---

NINE, TEN = (story().now - timedelta(hours=hours) for hours in (3, 2))


def _looks_like_the_last_session() -> Story:
    """A session without energy is over, and the first status of the next one still carries its start."""
    s = story().push("charging", "B", energy=0.0, started_at=NINE).push("available", "B", energy=0.0)
    assert s.memory.opened == 1
    return s.verdict(session.start_accepted, s.now, "HUB").push("charging", "C", energy=0.0, started_at=NINE)


def test_the_card_of_a_start_is_that_of_the_session_whose_first_status_looks_like_the_last_one() -> None:
    s = _looks_like_the_last_session()
    assert s.latest.card is None
    assert s.push("charging", "C", energy=0.1, started_at=TEN).latest.card == "HUB"
    assert s.latest.number == 2


def test_a_card_of_an_earlier_start_does_not_stick() -> None:
    s = _looks_like_the_last_session().push("available", "B")
    s.push("charging", "C", energy=0.0, started_at=NINE).push("charging", "C", energy=0.1, started_at=TEN)
    assert s.latest.card is None


@pytest.mark.parametrize("opened", [None, 1])
def test_a_verdict_that_comes_while_a_session_looks_like_the_last_one_is_for_the_new_one(opened: int | None) -> None:
    s = _looks_like_the_last_session()
    s.verdict(session.profile_lifted, opened=opened).verdict(session.cable_unlocked, opened=opened)
    s.push("charging", "C", energy=0.1, started_at=TEN)
    assert (s.latest.profile_lifted, not s.twin.cable_locked) == ((True, True) if opened is None else (False, False))


# --- whatever happens ---


@dataclass(frozen=True)
class Push:
    """A push, and what is so at the charge point.

    Attributes:
        after: seconds since the push before.
        values: its fields.
        session: the number of the session that is on, or of the last one; 0 before the first.
        on: the session is on.
    """

    after: float
    values: dict[str, Any]
    session: int
    on: bool


SECONDS = st.sampled_from([1.0, 5.0, 20.0, 61.0, 700.0])


@st.composite
def lives(draw: st.DrawFn) -> Sequence[Push]:
    """Sessions one after the other, each seen to begin and to end, so that none is taken for another.

    Either the cloud gives times, and then the first push of a session can carry the start of the one before; or the
    vehicle leaves between two sessions.
    """
    pushes: list[Push] = []
    gives_times = draw(st.booleans())
    for number in range(1, draw(st.integers(3, 5))):
        idle = draw(st.lists(st.sampled_from("AB"), max_size=2)) if gives_times else ["A"]
        pushes += [Push(draw(SECONDS), {"activity": "available", "vehicle": one}, number - 1, on=False) for one in idle]
        energies = draw(st.lists(st.sampled_from([0.0, 0.5, 2.0]), min_size=2, max_size=4).map(sorted))
        stale = gives_times and number > 1 and draw(st.booleans())
        for place, energy in enumerate(energies):
            start = NINE + timedelta(minutes=number - 1 if stale and place == 0 else number) * 10
            values = {"activity": "charging", "vehicle": draw(st.sampled_from("BC")), "energy": energy}
            pushes.append(Push(draw(SECONDS), values | ({"started_at": start} if gives_times else {}), number, on=True))
        for end in draw(st.sampled_from([["available"], ["error", "available"], ["unavailable", "available"]])):
            values = {"activity": end, "vehicle": "B", "energy": energies[-1]}
            pushes.append(Push(draw(SECONDS), values, number, on=False))
    return pushes


def play(life: Sequence[Push], command: Command | None, sent: int, verdict: int) -> list[tuple[object, ...]]:
    """Play a life with a command that is sent before one push and answered before another: what is told after each."""
    s, opened, after = story(), 0, []
    price_based = ChargePointSettings(price_based_charging=Setting(value=True), smart_charging=True)
    s.twin = s.twin.described(Update(price_based, frozenset({"price_based_charging", "smart_charging"})))
    for number, push in enumerate(life):
        if number == sent:
            opened = s.memory.opened
            if command is not None:
                command.sent(s, opened)
        if number == verdict and command is not None:
            command.verdict(s, opened)
        after.append(told(s.say(after=push.after, **push.values)))
    return after


@pytest.mark.parametrize("name", COMMANDS)
@settings(max_examples=60)
@given(life=lives(), data=st.data())
def test_no_verdict_changes_what_is_told_of_a_later_session(
    name: str, life: Sequence[Push], data: st.DataObject
) -> None:
    sent = data.draw(st.integers(1, len(life) - 1), "sent before")
    verdict = data.draw(st.integers(sent, len(life)), "verdict before")
    before = life[sent - 1]
    assume(not (name.startswith("start") and before.on))  # no start is sent in a session
    own = before.session + (COMMANDS[name].begins if not before.on else 0)
    with_it, without = play(life, COMMANDS[name], sent, verdict), play(life, None, sent, verdict)
    for push, (_, *after), (number, *plain) in zip(life[sent:], with_it[sent:], without[sent:], strict=True):
        if push.session > own and number == push.session:  # else it still looks like the last session
            assert after == plain
