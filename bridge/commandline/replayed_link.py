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
    """Shows the times of a recording. Whoever sleeps wakes when it has been moved far enough.

    Args:
        start: the time at the beginning.
    """

    def __init__(self, start: datetime) -> None:
        self._now = start
        self._elapsed = 0.0
        self._numbers = count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """The time of day, with the recording's offset."""
        return self._now

    def monotonic(self) -> float:
        """Seconds since the recording began."""
        return self._elapsed

    async def sleep(self, seconds: float) -> None:
        """Wait until the clock has been moved by that much."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._elapsed + seconds, next(self._numbers), future))
        await future

    def move(self, elapsed: float, now: datetime | None = None) -> bool:
        """Let it be so many seconds after the beginning; True where somebody wakes.

        Args:
            elapsed: the seconds. It never goes back.
            now: the time of day, where it is known; else it moves as the seconds do.
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
    """In the place of a socket: what is sent is in the recording already.

    Args:
        asked: hears what is sent.
    """

    def __init__(self, asked: Callable[[str], None]) -> None:
        self._asked = asked

    async def send(self, text: str) -> None:
        """Send it nowhere."""
        asyncio.get_running_loop().call_soon(self._asked, text)


class ReplayedLink(Link):
    """The link, opened and lost when the recording says so, with the recording's answers to what is asked."""

    def set_up(self, opened: Callable[[], Awaitable[None]]) -> None:
        """Say what is asked first on a new connection."""
        self._opened = opened
        self._opening: asyncio.Task[None] | None = None
        self._early: dict[Question, str] = {}
        self._ends_something = False

    def logs_in(self) -> None:
        """A login was sent."""
        self._change(LinkState.CONNECTING, self.status.error)

    async def opens(self) -> None:
        """HELLO was sent: there is a new connection."""
        if self._socket is not None:
            await self.loses(Disconnected("The connection to Blue Current is made anew."))
        self.logs_in()
        self._early.clear()
        self._socket = cast("CloudSocket", _Nowhere(self._asked))
        self._opening = asyncio.ensure_future(self._open(self._opened))
        self._opening.add_done_callback(lambda opening: opening.cancelled() or opening.exception())

    async def hears(self, text: str, question: Question | None = None) -> None:
        """A text came.

        Args:
            text: what came.
            question: what it answered when it was recorded. A bridge of another version asks in another order: an
                answer that comes before its question waits for it.
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
        """The connection ended, or could not be had."""
        self._socket = None
        if self._opening is not None:
            await end(self._opening)
            self._opening = None
        self._settle(self._protocol.close(error))
        self._lost(error)

    def _asked(self, text: str) -> None:
        """Something was asked: perhaps the answer has come already, and been taken as news."""
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
    """The error behind a loss that was recorded."""
    match lost.code:
        case "ERR_REQUEST_LIMIT":
            return RequestLimit(next_limit_reset(now))
        case "ERR_UNAUTHORIZED":
            return LoginLapsed(lost.reason)
        case _:
            return Disconnected(lost.reason)
