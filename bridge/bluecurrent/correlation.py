"""Matching frames to the requests that they answer (design page 3, "Errors" and "Requests").

This module is pure: it does no I/O and reads no clock. An answer belongs to the request with its `flow_id`, else to the
oldest request that waits for that object and charge point. An answer with an unknown `flow_id` is late or was meant for
another client. It belongs to no request, since a later request would take it for its own verdict.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

from bridge.bluecurrent.frames import Error, Frame, OverridesBody, Result
from bridge.bluecurrent.requests import Request
from bridge.errors import BridgeError, CloudError, Forbidden, NotSupported, Rejected, UnknownRequest, VerdictTimeout

FORBIDDEN: Final = "forbidden"
RECEIVED: Final = "RECEIVED_"
CHARGE_POINT: Final = re.compile(r"charge ?point:\s*([^\s,;]+)", re.IGNORECASE)
"""How the text of a refusal names its charge point: `no active session for chargepoint: BCU102728`."""


@dataclass(eq=False, slots=True)
class Waiting:
    """A request without an answer, or one that a push has confirmed and whose `STATUS_` is still expected.

    Attributes:
        request: the request.
        flow_id: its `flow_id`; None for HELLO.
        received: RECEIVED_ has arrived, so the cloud has passed the request on.
        shown: a frame that shows the effect, but may have been in flight when the request was sent.
        effect_counts: a frame that arrives now was sent after the request.
        late_until: the time until which the `STATUS_` of a request that its effect has ended is accepted (monotonic,
            s); None if the request has not ended.
    """

    request: Request[object]
    flow_id: str | None
    received: bool = False
    shown: Frame | None = None
    effect_counts: bool = False
    late_until: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether the request has ended, and only its `STATUS_` may still arrive."""
        return self.late_until is not None


@dataclass(frozen=True, slots=True)
class Ended:
    """A request has ended, with the frame that answers it or with an error."""

    waiting: Waiting
    answer: Frame | BridgeError


@dataclass(slots=True)
class Correlation:
    """The requests without an answer, oldest first.

    Attributes:
        late_for: how long the `STATUS_` of a request that its effect has ended is still accepted, s.
    """

    late_for: float
    _entries: list[Waiting] = field(default_factory=list)

    @property
    def waiting(self) -> Sequence[Waiting]:
        """The requests that have not ended."""
        return [entry for entry in self._entries if not entry.is_late]

    def add(self, request: Request[object], flow_id: str | None) -> Waiting:
        """Register a request. This must precede the send, since the answer can arrive before `send` returns."""
        entry = Waiting(request, flow_id)
        self._entries.append(entry)
        return entry

    def give_up(self, entry: Waiting) -> None:
        """Forget a request that has no answer. This has no effect on one that its effect has ended."""
        if not entry.is_late:
            self._remove(entry)

    def fail_all(self, error: BridgeError, after_receipt: BridgeError) -> Sequence[Ended]:
        """End every request with an error.

        Args:
            error: for the requests that the cloud has not passed on.
            after_receipt: for those that it has passed on, whose outcome is unknown.
        """
        ended = [Ended(entry, after_receipt if entry.received else error) for entry in self.waiting]
        self._entries.clear()
        return ended

    def take(self, frame: Frame, now: float) -> Sequence[Ended]:
        """Match a frame to the request that it answers, and to those whose effect it shows.

        Args:
            frame: the frame. An ERROR that concerns all requests must not be passed.
            now: monotonic time, s.

        Returns:
            The requests that the frame ends.
        """
        if not self._entries:
            return ()
        self._entries = [entry for entry in self._entries if entry.late_until is None or now < entry.late_until]
        entry = self.find(frame)
        ended = self._answer(entry, frame) if entry is not None else []
        return ended if frame.error else [*ended, *self._effects(frame, now)]

    def arrived(self, entry: Waiting, now: float) -> Sequence[Ended]:
        """Note that every frame that was in flight when the request was sent has arrived, so effects count from now."""
        entry.effect_counts = True
        if entry.shown is None or entry not in self._entries:
            return []
        return [self._end_by_effect(entry, entry.shown, now)]

    # --- answers ---

    def find(self, frame: Frame) -> Waiting | None:
        """Return the request that a frame answers; None if there is none."""
        if frame.flow_id is not None:
            named = next((entry for entry in self._entries if entry.flow_id == frame.flow_id), None)
            return named if named is not None and _can_answer(frame, named.request) else None
        charge_point = self._charge_point(frame)
        if isinstance(frame.body, Error):
            return self._in_error(charge_point)
        candidates = [entry for entry in self._entries if _answers(frame, entry, charge_point)]
        return next((entry for entry in candidates if _confirms(frame, entry.request)), next(iter(candidates), None))

    def _charge_point(self, frame: Frame) -> str | None:
        """Return the charge point that a frame names in its field `evse_id`, or else in the text of its refusal."""
        words = frame.body.message if isinstance(frame.body, Error) else frame.error
        if frame.evse_id is not None or not words:
            return frame.evse_id
        asked_about = (entry.request.evse_id for entry in self._entries)
        named = _first_named(words, (evse_id for evse_id in asked_about if evse_id is not None))
        if named is not None:
            return named
        other = CHARGE_POINT.search(words)
        return other[1] if other is not None else None

    def _in_error(self, charge_point: str | None) -> Waiting | None:
        """Return the request that an ERROR without `flow_id` is about: the only one without any answer yet.

        If the ERROR names a charge point, only requests for it are considered.
        """
        about = [entry for entry in self.waiting if charge_point is None or entry.request.evse_id == charge_point]
        unanswered = [entry for entry in about if not entry.received]
        if charge_point is not None and not unanswered:
            unanswered = about
        return unanswered[0] if len(unanswered) == 1 else None

    def _answer(self, entry: Waiting, frame: Frame) -> list[Ended]:
        error = named_error(frame.body) if isinstance(frame.body, Error) else refusal(frame)
        if error is None and is_receipt(frame):
            entry.received = entry.effect_counts = True
            return []
        self._remove(entry)
        return [] if entry.is_late else [Ended(entry, error if error is not None else frame)]

    # --- effects ---

    def _effects(self, frame: Frame, now: float) -> Sequence[Ended]:
        return [self._end_by_effect(entry, frame, now) for entry in self.waiting if self._shows_effect(entry, frame)]

    def _shows_effect(self, entry: Waiting, frame: Frame) -> bool:
        """Whether a frame proves the effect of a request: it shows it, and was sent after the request.

        A frame that was in flight when the request was sent can look like the effect. Frames arrive in order, so one
        after RECEIVED_, or after a frame that showed the opposite, was sent later. Any other frame is kept in `shown`
        until `arrived` is called.
        """
        shows = entry.request.shown_by(frame) if entry.request.shown_by is not None else None
        if shows is None:
            return False
        if not shows:
            entry.effect_counts, entry.shown = True, None
            return False
        entry.shown = frame
        return entry.effect_counts

    def _end_by_effect(self, entry: Waiting, frame: Frame, now: float) -> Ended:
        entry.shown, entry.late_until = None, now + self.late_for
        return Ended(entry, frame)

    def _remove(self, entry: Waiting) -> None:
        self._entries = [other for other in self._entries if other is not entry]


def _can_answer(frame: Frame, request: Request[object]) -> bool:
    """Whether a frame with the request's `flow_id` can be its answer. A status is never a verdict."""
    return not request.acts or frame.object in request.answers or isinstance(frame.body, Error | Result | OverridesBody)


def _answers(frame: Frame, entry: Waiting, charge_point: str | None) -> bool:
    request = entry.request
    expected = frame.object in request.answers or (
        frame.object == f"{RECEIVED}{request.command}" and not entry.received
    )
    return (
        expected
        and (request.evse_id is None or charge_point in (None, request.evse_id))
        and (request.evse_id is None or frame.concerns(request.evse_id))
        and _same_socket(frame, request)
        and (request.fits is None or request.fits(frame))
    )


def _same_socket(frame: Frame, request: Request[object]) -> bool:
    named = frame.body.socket if isinstance(frame.body, Result) else None
    return named is None or request.parameters.get("socket_id") in (None, named)


def _confirms(frame: Frame, request: Request[object]) -> bool:
    """Whether a verdict names the value in the request. A verdict or a request without a value counts as the same."""
    confirmed, sent = frame.body.value if isinstance(frame.body, Result) else None, request.parameters.get("value")
    return confirmed is None or not isinstance(sent, bool) or confirmed is sent


def _first_named(words: str, evse_ids: Iterable[str]) -> str | None:
    for evse_id in evse_ids:
        if re.search(rf"(?<![\w-]){re.escape(evse_id)}(?![\w-])", words, re.IGNORECASE):
            return evse_id
    return None


# --- the meaning of an answer ---


def is_receipt(frame: Frame) -> bool:
    """Whether a frame is RECEIVED_: the cloud has passed the request on, and the verdict is still to come."""
    return frame.object.startswith(RECEIVED)


def refusal(frame: Frame) -> CloudError | None:
    """Return the error in an answer, from the cloud in RECEIVED_ or from the charge point in STATUS_; else None."""
    if frame.error.upper() == "TIMEOUT":
        return VerdictTimeout(
            "The charge point did not answer Blue Current in time. Whether it did what was asked is not known: "
            "look at its state before you try again."
        )
    if frame.error:
        return Forbidden(frame.error) if frame.error.casefold() == FORBIDDEN else Rejected(frame.error)
    if frame.success is False:
        return Rejected("no reason given")
    return None


def named_error(error: Error) -> CloudError | NotSupported:
    """Return the error that an ERROR means for its request. Numbers 1 and 42 concern all requests, not one."""
    if error.number == 0:
        return UnknownRequest("Blue Current does not know this request, so this charge point cannot do it from here.")
    words = error.message or {2: "not authorised", 9: "unknown error"}.get(error.number or -1, "no reason given")
    return Forbidden(words) if error.number == 2 or words.casefold() == FORBIDDEN else Rejected(words)
