"""The link: the one websocket to the cloud, which is kept open, and the requests that it carries.

`CloudProtocol` decides what a frame or a loss means. This module owns the socket, the futures and the waits.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
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

SLICE_S: Final = 0.0004
"""How long frames are read in a row before the event loop runs other work, s. In a burst, measurements of a slice
merge: a longer slice handles more frames in a second, a shorter one publishes more of their values."""

READ_TIMEOUT_S: Final = 20.0
"""How long a request that only reads may take, s."""

IN_FLIGHT_S: Final = 1.0
"""How long a frame may be in flight, s. One that arrives earlier after a request may have been sent before it."""

LOOK_AT_CLOCK_S: Final = 15.0
"""How often a wait reads the bridge's clock, s. The event loop's clock stands still while the machine sleeps."""


class Link:
    """The link to one account.

    Args:
        url: the address of the cloud's websocket.
        clock: the source of time and of waits.
        jitter: returns a random number from 0 to 1.
        log: gets a line for each loss, and for each frame that cannot be read.
        command_timeout: how long a verdict may take, s.
        tap: sees all frames in both directions, such as a recorder.

    Attributes:
        frame_listeners: called with every frame, after the requests that it answers have ended. They must not block.
            What one raises is logged, and stops nothing.
        status_listeners: called with the link's status after every change, under the same rules.
        status: the state of the link.
        counts: the requests that were made.
        last_frame_at: when the last text arrived (monotonic, s).
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

    # --- control ---

    def set_token(self, api_token: str | None) -> None:
        """Use this API token from now on, or none. A connection with another token is closed."""
        if self._protocol.set_token(api_token):
            self._interrupt.set()

    @property
    def request_token(self) -> str | None:
        """The token for requests, which the app's side of the cloud also accepts; None before the login."""
        return self._protocol.request_token

    def reconnect(self) -> None:
        """Close the connection and make a new one."""
        self._protocol.renew()
        self._interrupt.set()

    async def run(self, opened: Callable[[], Awaitable[None]]) -> NoReturn:
        """Keep the link open until the task is cancelled.

        Args:
            opened: makes the first requests on a new connection. The link is up once it returns.
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
                    self._change(LinkState.CONNECTING, self.status.error_of_next_try)
                    await self._stay_connected(opened, log_in=log_in)

    async def _stay_connected(self, opened: Callable[[], Awaitable[None]], *, log_in: bool) -> None:
        try:
            await self._connect(opened, log_in=log_in)
        except BridgeError as error:
            self._lost(error)
        except Exception as error:
            self._log.exception("the link to Blue Current failed by a fault of the bridge; the bridge connects again")
            self._lost(Disconnected(f"A fault of the bridge: {error!r}."))

    def _wait_for_token(self, reason: Unauthorized) -> None:
        if reason is NO_TOKEN:
            self._change(LinkState.WAITING, reason, announce=True)
            self._log.warning("waiting for a Blue Current token", what_to_do=str(reason))
        else:
            self._log.error("Blue Current refused the token; the bridge waits for another one", reason=str(reason))

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
        """Wait for a time, or until there is another token."""
        sleeping = asyncio.ensure_future(self._clock.sleep(seconds))
        interrupted = asyncio.ensure_future(self._interrupt.wait())
        try:
            await asyncio.wait({sleeping, interrupted}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(sleeping, interrupted)

    def _change(self, state: LinkState, error: BridgeError | None, *, announce: bool = False) -> None:
        if (state, error) == (self.status.state, self.status.error) and not announce:
            return
        since = self.status.since if state is self.status.state else self._clock.now()
        self.status = LinkStatus(state, since, error)
        for listener in self.status_listeners:
            try:
                listener(self.status)
            except Exception:
                self._log.exception("a change of the link was not fully handled", state=state.value)

    # --- one connection ---

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """Connect once, for the duration of the block, without the service's retries. `check` and `account` use it.

        Raises:
            BridgeError: there is no token, or the cloud cannot be reached.
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
            await asyncio.sleep(0)  # lets `_open` set the status to UP
            yield
        finally:
            await end(connecting, waiting)

    async def _connect(self, opened: Callable[[], Awaitable[None]], *, log_in: bool) -> None:
        """Connect, and return only by an error: the connection is lost, or is replaced by another.

        Raises:
            BridgeError: the reason of the end.
        """
        if log_in:
            api_token = self._protocol.api_token or ""
            token = await validate(self._url, api_token, clock=self._clock, tap=self._tap, counts=self.counts)
            self._protocol.logged_in(token)
            if self._interrupt.is_set():
                raise Disconnected("The bridge logs in to Blue Current again.")
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
                raise Disconnected("The bridge connects to Blue Current again.")
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
            # `receive` does not yield while frames are buffered, so the tasks that they woke would not run.
            if time.perf_counter() - began > SLICE_S:
                await asyncio.sleep(0)
                began = time.perf_counter()

    def take(self, text: str | bytes) -> None:
        """Handle one text from the cloud.

        Raises:
            CloudError: the cloud has ended the login, or the request limit is reached; the connection must be closed.
        """
        self.last_frame_at = self._clock.monotonic()
        received = self._protocol.receive(text, self.last_frame_at, self._clock.now())
        frame = received.frame
        if frame is None:
            if self._once.first("bad frame"):
                self._log.warning(
                    "a frame from Blue Current cannot be read; such frames are ignored", reason=received.problem
                )
            return
        if received.problem:
            self._log.warning(
                "Blue Current sent an error that names no request; if it answers one, that request times out",
                error=received.problem,
            )
        for oddity in frame.oddities:
            if self._once.first(("oddity", oddity)):
                self._log.warning(
                    "Blue Current sent a value that the bridge cannot read; the value is ignored",
                    what=oddity,
                    evse_id=frame.evse_id,
                )
        self._settle(received.ended)
        for listener in self.frame_listeners:
            try:
                listener(frame)
            except Exception:
                self._log.exception("a frame was not fully handled", object=frame.object, evse_id=frame.evse_id)
        if received.lost is not None:
            raise received.lost

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
        """Check that requests can be made.

        Raises:
            CloudError: the link is not up; the error says why.
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
            Rejected: the cloud or the charge point refused, or its answer cannot be read.
            Forbidden: the account may not make the request.
            UnknownRequest: the cloud does not know the request.
            VerdictTimeout: no answer came in time; the outcome is unknown.
            Disconnected: the link is down, or went down before the answer.
            RequestLimit: the day's requests are used up.
            Unauthorized: there is no token, or it is refused.
        """
        self.check()
        return await self._ask(request)

    async def ask_while_opening(self, request: Request[T]) -> T:
        """Make a request on a connection that is not up yet, with the errors of `ask`. Only `opened` may use it."""
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
        timeout = self._command_timeout
        if not request.acts:  # a command can need what is read, and is answered in time
            timeout = min(timeout, READ_TIMEOUT_S) if self.status.up else READ_TIMEOUT_S
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
                answer.exception()  # marks the exception as retrieved, if the request timed out first
        try:
            return request.read(answer.result())
        except UnreadableAnswer as error:
            raise Rejected(f"an answer that cannot be read ({error})") from error

    async def _answered(self, waiting: Waiting, answer: asyncio.Future[Frame], timeout: float) -> None:
        """Wait for the answer by the bridge's clock, which counts the machine's sleep, else raise `TimeoutError`."""
        deadline = self._clock.monotonic() + timeout
        await asyncio.wait({answer}, timeout=min(IN_FLIGHT_S, timeout / 2))
        while not answer.done():
            self._settle(self._protocol.arrived(waiting, self._clock.monotonic()))
            await asyncio.wait({answer}, timeout=LOOK_AT_CLOCK_S)
            if not answer.done() and self._clock.monotonic() >= deadline:
                raise TimeoutError
