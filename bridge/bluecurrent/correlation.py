"""Which request an answer belongs to. Pure: the link holds the futures.

Design page 3: "an answer belongs to the waiting request with that `flow_id`, else to the oldest one waiting for that
object and `evse_id`". An answer with a `flow_id` that is not ours is somebody else's, or comes too late: it belongs to
none, since giving it to a younger request would be a verdict on the wrong thing.
"""

from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from bridge.bluecurrent.frames import Error, Frame
from bridge.bluecurrent.requests import Request
from bridge.errors import CloudError, Forbidden, NotSupported, Rejected, UnknownRequest, VerdictTimeout

FORBIDDEN: Final = "forbidden"

K = TypeVar("K")


@dataclass(eq=False, slots=True)
class Waiting(Generic[K]):
    """A request that waits for its answer.

    Attributes:
        request: what was asked.
        flow_id: what it carried.
        ticket: the caller's own handle.
        received: the cloud has said that it passed the request on.
    """

    request: Request[Any]
    flow_id: str | None
    ticket: K
    received: bool = False


@dataclass(slots=True)
class Correlation(Generic[K]):
    """The requests that wait, oldest first."""

    waiting: list[Waiting[K]] = field(default_factory=list)

    def add(self, request: Request[Any], flow_id: str | None, ticket: K) -> Waiting[K]:
        """Register a request, before it is sent."""
        entry = Waiting(request, flow_id, ticket)
        self.waiting.append(entry)
        return entry

    def remove(self, entry: Waiting[K]) -> None:
        """Forget a request, answered or not."""
        self.waiting = [other for other in self.waiting if other is not entry]

    def find(self, frame: Frame) -> Waiting[K] | None:
        """The request that a frame answers, or None. An ERROR without a `flow_id` of ours is `unnamed_error`'s."""
        if frame.flow_id is not None:
            return next((entry for entry in self.waiting if entry.flow_id == frame.flow_id), None)
        if isinstance(frame.body, Error):
            return None
        return next((entry for entry in self.waiting if _answers(frame, entry)), None)

    def unnamed_error(self) -> Waiting[K] | None:
        """The request that an ERROR without a `flow_id` belongs to: the only one with no answer at all yet."""
        unanswered = [entry for entry in self.waiting if not entry.received]
        return unanswered[0] if len(unanswered) == 1 else None


def _answers(frame: Frame, entry: Waiting[Any]) -> bool:
    request = entry.request
    named = frame.object in request.answers or (frame.object == f"RECEIVED_{request.command}" and not entry.received)
    return named and (frame.evse_id is None or request.evse_id is None or frame.evse_id == request.evse_id)


def is_receipt(frame: Frame, request: Request[Any]) -> bool:
    """Whether a frame says only that the cloud has passed the request on."""
    return frame.object == f"RECEIVED_{request.command}"


def refusal(frame: Frame) -> CloudError | None:
    """The error that an answer carries, or None: the cloud's in RECEIVED_, the charge point's in STATUS_."""
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
    """What an ERROR means for the request it belongs to (page 3, "Errors"; 1 and 42 are the link's business)."""
    if error.number == 0:
        return UnknownRequest("Blue Current does not know this request, so this charge point cannot do it from here.")
    words = error.message or {2: "not authorised", 9: "unknown error"}.get(error.number or -1, "no reason given")
    return Forbidden(words) if error.number == 2 or words.casefold() == FORBIDDEN else Rejected(words)
