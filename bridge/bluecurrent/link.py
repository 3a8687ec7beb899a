"""The link: the one websocket to the cloud, kept open, and the requests that run over it.

What a frame or a loss means is `CloudProtocol`'s business. Here are the socket, the futures and the waiting.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Final, NoReturn, TypeVar
from uuid import uuid4

from structlog.typing import FilteringBoundLogger

from bridge.bluecurrent.correlation import Ended, Waiting
from bridge.bluecurrent.frames import Frame
from bridge.bluecurrent.login import CloudSocket, connection, validate
from bridge.bluecurrent.protocol import (
    NO_TOKEN,
    CloudProtocol,
    Connect,
    LinkState,
    LinkStatus,
    WaitFor,
    WaitForToken,
)
from bridge.bluecurrent.request_counts import RequestCounts
from bridge.bluecurrent.requests import Request, UnreadableAnswer, hello
from bridge.bluecurrent.tap import Tap
from bridge.clock import Clock
from bridge.errors import BridgeError, CloudError, Disconnected, Rejected, RequestLimit, Unauthorized, VerdictTimeout
from bridge.logs import Once
from bridge.tasks import end

T = TypeVar("T")

SLICE_S: Final = 0.001
"""For how long frames are read in a row before others get their turn, s."""

READ_TIMEOUT_S: Final = 20.0
"""How long a request that only reads may take."""

IN_FLIGHT_S: Final = 1.0
"""How long a frame may be on its way. One that came sooner after a request may be older than the request."""

LOOK_AT_CLOCK_S: Final = 15.0
"""How often a wait looks at the bridge's clock: the loop's own stands still while the machine sleeps."""


class Link:
    """The link to one account.

    Args:
        url: the cloud's websocket.
        clock: tells the time and waits.
        jitter: gives a random number from 0 to 1.
        log: where to say what happens.
        command_timeout: how long a verdict may take, s.
        tap: sees everything that passes, such as a recorder of it.

    Attributes:
        frame_listeners: take every frame, at once and without waiting, after the requests that it answers. What one
            raises is logged and ends nothing.
        status_listeners: take the link's status whenever it has changed, in the same way.
        status: where the link stands.
        counts: the requests that were made.
        last_frame_at: when something came last (monotonic, s).
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
        command_timeout: float,
        tap: Tap | None = None,
    ) -> None:
        self._url = url
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._command_timeout = command_timeout
        self._tap = tap or Tap()
        self._protocol = CloudProtocol(command_timeout)
        self._interrupt = asyncio.Event()
        self._socket: CloudSocket | None = None
        self._answers: dict[Waiting, asyncio.Future[Frame]] = {}
        self._alone = asyncio.Lock()
        self._once = Once()
        self.frame_listeners: tuple[Callable[[Frame], None], ...] = ()
        self.status_listeners: tuple[Callable[[LinkStatus], None], ...] = ()
        self.counts = RequestCounts()
        self.status = LinkStatus(LinkState.WAITING, clock.now(), NO_TOKEN)
        self.last_frame_at: float = clock.monotonic()

    # --- for whoever owns the link ---

    def set_token(self, api_token: str | None) -> None:
        """Use this API token from now on; a connection made with another one is closed."""
        if self._protocol.set_token(api_token):
            self._interrupt.set()

    @property
    def request_token(self) -> str | None:
        """The token for requests, once logged in; also good for the app's side of the cloud."""
        return self._protocol.request_token

    def reconnect(self) -> None:
        """Close the connection and make a new one."""
        self._protocol.renew()
        self._interrupt.set()

    async def run(self, opened: Callable[[], Awaitable[None]]) -> NoReturn:
        """Keep the link open for ever.

        Args:
            opened: asks what must be asked first on a new connection, which is up once that is answered.
        """
        while True:
            self._interrupt.clear()
            match self._protocol.next_step(self._clock.monotonic(), self._clock.now()):
                case WaitForToken(reason):
                    self._wait_for_token(reason)
                    await self._interrupt.wait()
                case WaitFor(seconds):
                    await self._sleep(seconds)
                case Connect(log_in):
                    self._change(LinkState.CONNECTING, self.status.error)
                    await self._stay_connected(opened, log_in=log_in)

    async def _stay_connected(self, opened: Callable[[], Awaitable[None]], *, log_in: bool) -> None:
        try:
            await self._connect(opened, log_in=log_in)
        except BridgeError as error:
            self._lost(error)
        except Exception as error:
            self._log.exception("the link to Blue Current failed in an unexpected way; it is made anew")
            self._lost(Disconnected(f"A fault of the bridge: {error!r}."))

    def _wait_for_token(self, reason: Unauthorized) -> None:
        if reason is NO_TOKEN:
            self._change(LinkState.WAITING, reason, told=True)
            self._log.warning("waiting for a Blue Current token", what_to_do=str(reason))
        else:
            self._log.error("Blue Current refused the token", reason=str(reason))

    def _lost(self, error: BridgeError) -> None:
        now = self._clock.monotonic()
        self._settle(self._protocol.lost(error, now, self._clock.now(), self._jitter()))
        if self._protocol.superseded:
            if self._protocol.api_token is not None:
                self._change(LinkState.CONNECTING, error)
            return
        self._change(LinkState.DOWN, error)
        refused = isinstance(error, Unauthorized) and not error.retryable
        if not refused and self._once.first(("down", str(error))):
            next_try = round(self._protocol.retry_in(now), 1)
            self._log.warning("link to Blue Current is down", reason=str(error), next_try_s=next_try)

    async def _sleep(self, seconds: float) -> None:
        """Wait so long, or until there is another token."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        interrupted = asyncio.ensure_future(self._interrupt.wait())
        try:
            await asyncio.wait({sleeping, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(sleeping, interrupted)

    def _change(self, state: LinkState, error: BridgeError | None, *, told: bool = False) -> None:
        if (state, error) == (self.status.state, self.status.error) and not told:
            return
        since = self.status.since if state is self.status.state else self._clock.now()
        self.status = LinkStatus(state, since, error)
        for listener in self.status_listeners:
            try:
                listener(self.status)
            except Exception:
                self._log.exception("a change of the link could not be handled", state=state.value)

    # --- one connection ---

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """Connect once, for as long as the block lasts: for a look at the account beside the service.

        Raises:
            BridgeError: the connection cannot be had.
        """
        opened = asyncio.Event()

        async def note() -> None:
            opened.set()

        self._interrupt.clear()
        step = self._protocol.next_step(self._clock.monotonic(), self._clock.now())
        if isinstance(step, WaitForToken):
            raise step.reason
        connecting = asyncio.ensure_future(self._connect(note, log_in=step == Connect(log_in=True)))
        waiting = asyncio.ensure_future(opened.wait())
        try:
            await asyncio.wait({connecting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
            await asyncio.sleep(0)  # for the status to become UP
            yield
        finally:
            await end(connecting, waiting)

    async def _connect(self, opened: Callable[[], Awaitable[None]], *, log_in: bool) -> None:
        """Connect, and stay until the connection is lost or another one is wanted.

        Raises:
            BridgeError: why it ended.
        """
        if log_in:
            api_token = self._protocol.api_token or ""
            token = await validate(self._url, api_token, clock=self._clock, tap=self._tap, counts=self.counts)
            self._protocol.logged_in(token)
            if self._interrupt.is_set():
                raise Disconnected("The login to Blue Current is made anew.")
        async with connection(self._url, self._clock, self._tap) as socket:
            self._socket = socket
            tasks = [asyncio.ensure_future(self._read(socket)), asyncio.ensure_future(self._interrupt.wait())]
            opening = asyncio.ensure_future(self._open(opened))
            try:
                done, _ = await asyncio.wait([*tasks, opening], return_when=asyncio.FIRST_COMPLETED)
                if done == {opening}:
                    opening.result()
                    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                raise Disconnected("The connection to Blue Current is made anew.")
            except CloudError as error:
                self._settle(self._protocol.close(error))
                raise
            finally:
                self._socket = None
                await end(*tasks, opening)
                self._settle(self._protocol.close())

    async def _open(self, opened: Callable[[], Awaitable[None]]) -> None:
        await self._ask(hello())
        await opened()
        self._once.forget("down")
        self._protocol.opened(self._clock.monotonic())
        self._change(LinkState.UP, None)
        self._log.info("link to Blue Current is up")

    async def _read(self, socket: CloudSocket) -> NoReturn:
        began = time.perf_counter()
        while True:
            self.take(await socket.receive())
            # Frames that came together are received without waiting. What follows from them must get its turn.
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()

    def take(self, text: str | bytes) -> None:
        """Take one text from the cloud.

        Raises:
            CloudError: the connection is of no use after it.
        """
        self.last_frame_at = self._clock.monotonic()
        heard = self._protocol.receive(text, self.last_frame_at, self._clock.now())
        frame = heard.frame
        if frame is None:
            if self._once.first("bad frame"):
                self._log.warning(
                    "a frame from Blue Current cannot be read; such frames are skipped", reason=heard.problem
                )
            return
        if heard.problem:
            self._log.warning("Blue Current sent an error", error=heard.problem)
        for oddity in frame.oddities:
            if self._once.first(("oddity", oddity)):
                self._log.warning("Blue Current sent something unknown", what=oddity, evse_id=frame.evse_id)
        self._settle(heard.ended)
        for listener in self.frame_listeners:
            try:
                listener(frame)
            except Exception:
                self._log.exception("a frame could not be handled", object=frame.object, evse_id=frame.evse_id)
        if heard.lost is not None:
            raise heard.lost

    def _settle(self, ended: Iterable[Ended]) -> None:
        for one in ended:
            answer = self._answers.get(one.waiting)
            if answer is None or answer.done():
                continue
            if isinstance(one.answer, Frame):
                answer.set_result(one.answer)
            else:
                answer.set_exception(one.answer)

    # --- requests ---

    def check(self) -> None:
        """Do nothing while requests can be made.

        Raises:
            CloudError: why they cannot.
        """
        if not self.status.up:
            raise self._why_down()

    def _why_down(self) -> CloudError:
        error = self.status.error
        if isinstance(error, Unauthorized | RequestLimit):
            return error
        reason = f" {error}" if error is not None else ""
        return Disconnected(f"There is no connection to Blue Current right now.{reason} Try again in a while.")

    async def ask(self, request: Request[T]) -> T:
        """Make a request and wait for its answer.

        Raises:
            Rejected: the cloud or the charge point said no.
            UnknownRequest: the cloud does not know the request.
            VerdictTimeout: no answer in time; the outcome is unknown.
            Disconnected: the link is down, or went down before the answer.
            RequestLimit: the day's requests are used up.
            Unauthorized: there is no token, or it is refused.
        """
        self.check()
        return await self._ask(request)

    async def ask_while_opening(self, request: Request[T]) -> T:
        """The same on a connection that is not up yet: for what `opened` asks."""
        return await self._ask(request)

    async def _ask(self, request: Request[T]) -> T:
        if not request.alone:
            return await self._send_and_wait(request)
        async with self._alone:
            return await self._send_and_wait(request)

    async def _send_and_wait(self, request: Request[T]) -> T:
        socket = self._socket
        if socket is None:
            raise self._why_down()
        waiting, text = self._protocol.ask(request, None if request.command == "HELLO" else str(uuid4()))
        answer = self._answers[waiting] = asyncio.get_running_loop().create_future()
        timeout = self._command_timeout if request.acts else READ_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout):
                await socket.send(text)
                self.counts.add(request.command, self._clock.now())
                await self._answered(waiting, answer, timeout)
        except TimeoutError:
            raise VerdictTimeout(
                f"Blue Current gave no answer within {timeout:g} s. Whether it was done is not known."
            ) from None
        finally:
            self._protocol.give_up(waiting)
            del self._answers[waiting]
            if answer.done() and not answer.cancelled():
                answer.exception()  # seen, even if the request gave up first
        try:
            return request.read(answer.result())
        except UnreadableAnswer as error:
            raise Rejected(f"an answer that cannot be read ({error})") from error

    async def _answered(self, waiting: Waiting, answer: asyncio.Future[Frame], timeout: float) -> None:
        """Wait for the answer.

        Raises:
            TimeoutError: by the bridge's clock, which counts the machine's sleep, it has taken too long.
        """
        deadline = self._clock.monotonic() + timeout
        await asyncio.wait({answer}, timeout=min(IN_FLIGHT_S, timeout / 2))
        while not answer.done():
            self._settle(self._protocol.arrived(waiting, self._clock.monotonic()))
            await asyncio.wait({answer}, timeout=LOOK_AT_CLOCK_S)
            if not answer.done() and self._clock.monotonic() >= deadline:
                raise TimeoutError

    # --- counting ---

    @property
    def requests_today(self) -> int:
        """Requests made since midnight in Amsterdam, when the cloud's own count begins anew."""
        return sum(self.requests_today_by_kind.values())

    @property
    def requests_total(self) -> int:
        """Requests made since the start."""
        return self.counts.total.total()

    @property
    def requests_today_by_kind(self) -> Mapping[str, int]:
        """The requests of today, by command."""
        return self.counts.today(self._clock.now())
