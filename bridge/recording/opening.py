"""Finding the lines that a full recording keeps: the answers of the last opening. This module is pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from bridge.recording.lines import Event, Received, Sent

_ANSWERS: Final[Mapping[str, str]] = {
    "HELLO": "HELLO",
    "GET_CHARGE_POINTS": "CHARGE_POINTS",
    "GET_CHARGE_CARDS": "CHARGE_CARDS",
    "GET_CH_STATUS": "CH_STATUS",
    "GET_CH_SETTINGS": "CH_SETTINGS",
    "GET_GRID_STATUS": "GRID_STATUS",
    "LIST_OVERRIDE_CURRENT": "LIST_OVERRIDE_CURRENT",
}
"""The requests of an opening, and the object that answers each."""

_FRAME: Final = ("HELLO", "GET_CHARGE_POINTS")
"""The requests of an opening that a replay always needs."""

Question = tuple[str, JsonValue]
"""A command, and the charge point that it is for."""


@dataclass(slots=True)
class Questions:
    """The requests on a connection that have no answer yet, oldest first."""

    _asked: dict[Question, int] = field(default_factory=dict)

    def ask(self, frame: Mapping[str, JsonValue], number: int = 0) -> None:
        """Record a frame that was sent, and the number of its line. HELLO discards all earlier requests."""
        command = frame.get("command")
        if command == "HELLO":
            self._asked.clear()
        if isinstance(command, str) and command in _ANSWERS:
            self._asked[command, frame.get("evse_id")] = number

    def answer(self, frame: Mapping[str, JsonValue]) -> tuple[Question, int] | None:
        """Return and remove the request that a frame answers, with the number of its line; None if there is none."""
        data = frame.get("data")
        inner = data.get("evse_id") if isinstance(data, dict) else None
        name, evse_id = frame.get("object") or frame.get("command"), frame.get("evse_id") or inner
        for question in self._asked:
            command, about = question
            if _ANSWERS[command] == name and (evse_id in (None, about) or about is None):
                return question, self._asked.pop(question)
        return None


@dataclass(slots=True)
class _Answer:
    opening: int
    sent: int
    received: int


@dataclass(slots=True)
class OpeningAnswers:
    """The last answer to each request of an opening, by the numbers of its lines.

    A later opening does not repeat all requests. So answers of several openings can be kept, each opening with its
    HELLO and its list of charge points.
    """

    _opening: int = 0
    _questions: Questions = field(default_factory=Questions)
    _answers: dict[Question, _Answer] = field(default_factory=dict)
    _frames: dict[int, list[int]] = field(default_factory=dict)

    def note(self, number: int, event: Event) -> None:
        """Record a line.

        Args:
            number: the number of the line.
            event: its event.
        """
        match event:
            case Sent(dict() as frame):
                if frame.get("command") == "HELLO":
                    self._begin()
                self._questions.ask(frame, number)
            case Received(dict() as frame):
                self._received(number, frame)
            case _:
                pass

    def lines(self) -> Iterator[int]:
        """Yield the numbers of the lines to keep, in no particular order."""
        openings = {answer.opening for answer in self._answers.values()}
        for opening in openings:
            yield from self._frames.get(opening, ())
        for answer in self._answers.values():
            yield from (answer.sent, answer.received)

    def _begin(self) -> None:
        self._opening += 1
        living = {answer.opening for answer in self._answers.values()}
        self._frames = {opening: lines for opening, lines in self._frames.items() if opening in living}

    def _received(self, number: int, frame: Mapping[str, JsonValue]) -> None:
        answered = self._questions.answer(frame)
        if answered is None:
            return
        question, sent = answered
        self._answers[question] = _Answer(self._opening, sent, number)
        if question[0] in _FRAME:
            self._frames.setdefault(self._opening, []).extend((sent, number))
