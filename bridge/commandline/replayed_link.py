"""A link whose frames come from a recording, and the clock that goes with it."""

import asyncio
import heapq
import json
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import TYPE_CHECKING, cast

from bridge.bluecurrent.correlation import Ended, Waiting
from bridge.bluecurrent.frames import BadFrame, Frame, parse_frame
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.protocol import LinkState, login_answer
from bridge.chargepoint.amsterdam import next_limit_reset
from bridge.errors import CloudError, Disconnected, LoginLapsed, RequestLimit
from bridge.recording.lines import Lost
from bridge.recording.opening import Question
from bridge.tasks import end

if TYPE_CHECKING:
    from bridge.bluecurrent.login import CloudSocket


class ReplayClock:
    """A clock that shows the times of a recording. `sleep` returns when the clock was moved far enough.

    Args:
        start: the time at the beginning of the recording.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """Return the time of day, with the recording's offset."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the recording began."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock was moved by this many seconds."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), future))
        await future

    def move(self, elapsed: float, now: datetime | None = None) -> bool:
        """Move the clock. Return whether a sleeper wakes.

        Args:
            elapsed: the seconds since the beginning. The clock never goes back.
            now: the wall time, if the recording gives it; otherwise it moves by the same seconds.
        """
        elapsed = max(elapsed, self._elapsed)
        self._now = now or self._now + timedelta(seconds=elapsed - self._elapsed)
        self._elapsed = elapsed
        woken = False
        while self._sleepers and self._sleepers[0][0] <= elapsed:
            future = heapq.heappop(self._sleepers)[2]
            if not future.done():
                future.set_result(None)
                woken = True
        return woken


class _Nowhere:
    """Replaces the websocket: frames that are sent go nowhere, since the recording has the answers.

    Args:
        asked: called with each frame that is sent.
    """

    def __init__(self, asked: Callable[[str], None]) -> None:
        self._asked = asked

    async def send(self, text: str) -> None:
        """Pass a frame to `asked` instead of sending it."""
        asyncio.get_running_loop().call_soon(self._asked, text)


class ReplayedLink(Link):
    """A link that connects and disconnects as recorded, and answers requests with the recorded answers."""

    def set_up(self, opened: Callable[[], Awaitable[None]]) -> None:
        """Set the first requests of a new connection."""
        self._opened = opened
        self._opening: asyncio.Task[None] | None = None
        self._early: dict[Question, str] = {}
        self._ends_something = False

    def logs_in(self) -> None:
        """Record that the service sent a login."""
        self._change(LinkState.CONNECTING, self.status.error)

    async def opens(self) -> None:
        """Open a new connection: the recorded service sent HELLO."""
        if self._socket is not None:
            await self.loses(Disconnected("The bridge connects to Blue Current again."))
        self.logs_in()
        self._early.clear()
        self._socket = cast("CloudSocket", _Nowhere(self._asked))
        self._opening = asyncio.ensure_future(self._open(self._opened))
        self._opening.add_done_callback(lambda opening: opening.cancelled() or opening.exception())

    async def hears(self, text: str, question: Question | None = None) -> None:
        """Receive a recorded frame.

        Args:
            text: the frame.
            question: the request that it answered when it was recorded. Another version of the bridge may send requests
                in another order, so an answer that comes before its request is kept for it.
        """
        if self._socket is not None:
            self._ends_something = False
            with suppress(CloudError):  # the loss that follows is in the recording, too
                self.take(text)
            if question is not None and not self._ends_something:
                self._early[question] = text
            return
        try:
            answer = login_answer(parse_frame(text), self._clock.now())
        except BadFrame:
            return
        if isinstance(answer, CloudError):
            await self.loses(answer)

    async def loses(self, error: CloudError) -> None:
        """End the connection, or let the attempt fail, with the recorded error."""
        self._socket = None
        if self._opening is not None:
            await end(self._opening)
            self._opening = None
        self._settle(self._protocol.close(error))
        self._lost(error)

    def _asked(self, text: str) -> None:
        """Answer a request from the kept answers, if its answer came before it."""
        request = json.loads(text)
        early = self._early.pop((request["command"], request.get("evse_id")), None)
        if early is not None:
            self._settle(self._protocol.receive(early, self._clock.monotonic(), self._clock.now()).ended)

    def _settle(self, ended: Iterable[Ended]) -> None:
        one = tuple(ended)
        self._ends_something = self._ends_something or bool(one)
        super()._settle(one)

    async def _answered(self, _: Waiting, answer: asyncio.Future[Frame], timeout: float) -> None:
        """Wait for the answer by the recording's clock."""
        sleeping: asyncio.Task[None] = asyncio.ensure_future(self._clock.sleep(timeout))
        try:
            either: list[asyncio.Future[Frame] | asyncio.Task[None]] = [answer, sleeping]
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(sleeping)
        if not answer.done():
            raise TimeoutError


def cause(lost: Lost, now: datetime) -> CloudError:
    """Return the error of a recorded loss of the connection."""
    match lost.code:
        case "ERR_REQUEST_LIMIT":
            return RequestLimit(next_limit_reset(now))
        case "ERR_UNAUTHORIZED":
            return LoginLapsed(lost.reason)
        case _:
            return Disconnected(lost.reason)
