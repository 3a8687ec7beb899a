"""The link: the one websocket to the cloud, kept open, and the requests that run over it."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Final, NoReturn, TypeVar
from uuid import uuid4

from structlog.typing import FilteringBoundLogger
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from bridge.bluecurrent.correlation import Correlation, is_receipt, named_error, refusal
from bridge.bluecurrent.frames import BadFrame, Error, Frame, parse_frame
from bridge.bluecurrent.login import closed, connection, validate
from bridge.bluecurrent.requests import Request, UnreadableAnswer, hello
from bridge.chargepoint.amsterdam import in_amsterdam, next_limit_reset
from bridge.clock import Clock, backoff
from bridge.errors import (
    BridgeError,
    CloudError,
    Disconnected,
    LoginLapsed,
    Rejected,
    RequestLimit,
    Unauthorized,
    VerdictTimeout,
)
from bridge.logs import Once
from bridge.tasks import end

T = TypeVar("T")

READ_TIMEOUT_S: Final = 20.0
"""How long a request that only reads may take."""

INVALID_TOKEN: Final = 1
LIMIT_REACHED: Final = 42

STABLE_AFTER: Final = timedelta(minutes=1)
"""How long a connection must have been up for the back-off to begin anew."""


class LinkState(Enum):
    """Where the link stands."""

    WAITING = "waiting"  # for a token
    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """Where the link stands, since when, and what keeps it from being up."""

    state: LinkState
    since: datetime
    error: BridgeError | None = None

    @property
    def up(self) -> bool:
        """Requests can be made, and pushes come."""
        return self.state is LinkState.UP


NO_TOKEN: Final = Unauthorized(
    "There is no Blue Current API token yet. Make one on my.bluecurrent.nl (settings, advanced) and set "
    "cloud.api_token, or log in from the hub."
)


class Link:
    """The link to one account.

    Args:
        url: the cloud's websocket.
        clock: tells the time and waits.
        jitter: gives a random number from 0 to 1.
        log: where to say what happens.
        command_timeout: how long a verdict may take, s.
        on_push: takes every frame, at once and without waiting; what it raises is logged and ends nothing.
        on_change: is told whenever the link's status changes.
    """

    def __init__(
        self,
        url: str,
        *,
        clock: Clock,
        jitter: Callable[[], float],
        log: FilteringBoundLogger,
        command_timeout: float,
        on_push: Callable[[Frame], None],
        on_change: Callable[[LinkStatus], None],
    ) -> None:
        self._url = url
        self._clock = clock
        self._jitter = jitter
        self._log = log
        self._command_timeout = command_timeout
        self._on_push = on_push
        self._on_change = on_change
        self._api_token: str | None = None
        self._request_token: str | None = None
        self._token_changed = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._correlation: Correlation[asyncio.Future[Frame]] = Correlation()
        self._alone = asyncio.Lock()
        self._once = Once()
        self._requests_day: date | None = None
        self._requests = 0
        self.requests_total = 0
        self.status = LinkStatus(LinkState.WAITING, clock.now(), NO_TOKEN)
        self.last_frame_at: float = clock.monotonic()

    # --- for whoever owns the link ---

    def set_token(self, api_token: str | None) -> None:
        """Use this API token from now on; a connection made with another one is closed."""
        if api_token == self._api_token:
            return
        self._api_token = api_token
        self._request_token = None
        self._token_changed.set()

    @property
    def request_token(self) -> str | None:
        """The token for requests, once logged in; also good for the app's side of the cloud."""
        return self._request_token

    def reconnect(self) -> None:
        """Close the connection and make a new one."""
        self._token_changed.set()

    async def run(self, opened: Callable[[], Awaitable[None]]) -> NoReturn:
        """Keep the link open for ever.

        Args:
            opened: asks what must be asked first on a new connection. The back-off is reset once it is through:
                a handshake alone proves nothing.
        """
        attempt = 0
        while True:
            self._token_changed.clear()
            if self._api_token is None:
                self._change(LinkState.WAITING, NO_TOKEN, told=True)
                self._log.warning("waiting for a Blue Current token", what_to_do=str(NO_TOKEN))
                await self._token_changed.wait()
                continue
            self._change(LinkState.CONNECTING, self.status.error)
            try:
                await self._connect(opened)
            except BridgeError as error:
                attempt = await self._wait_after(error, 0 if self._was_stable() else attempt)
            except Exception as error:
                self._log.exception("the link to Blue Current failed in an unexpected way; it is made anew")
                attempt = await self._wait_after(Disconnected(f"A fault of the bridge: {error!r}."), attempt)

    def _was_stable(self) -> bool:
        """Whether the connection that just ended had been of use: opened, answered, and up for a while.

        One that goes down again and again right after it came up must not spend the day's requests.
        """
        return self.status.up and self._clock.now() - self.status.since >= STABLE_AFTER

    @asynccontextmanager
    async def visit(self) -> AsyncIterator[None]:
        """Connect once, for as long as the block lasts: for a look at the account beside the service.

        Raises:
            BridgeError: the connection cannot be had.
        """
        opened = asyncio.Event()

        async def note() -> None:
            opened.set()

        self._token_changed.clear()
        if self._api_token is None:
            raise NO_TOKEN
        connecting = asyncio.ensure_future(self._connect(note))
        waiting = asyncio.ensure_future(opened.wait())
        try:
            await asyncio.wait({connecting, waiting}, return_when=asyncio.FIRST_COMPLETED)
            if connecting.done():
                connecting.result()
            await asyncio.sleep(0)  # for the status to become UP
            yield
        finally:
            await end(connecting, waiting)

    async def _wait_after(self, error: BridgeError, attempt: int) -> int:
        """Wait as long as the error asks for, or until there is another token; gives the number of the next try."""
        if self._token_changed.is_set():
            if self._api_token is not None:  # without one, nobody connects
                self._change(LinkState.CONNECTING, error)
            return 0
        self._change(LinkState.DOWN, error)
        if isinstance(error, Unauthorized) and not error.retryable:
            self._log.error("Blue Current refused the token", reason=str(error))
            await self._token_changed.wait()
            return 0
        if isinstance(error, RequestLimit):
            delay = max(0.0, (error.until - self._clock.now()).total_seconds())
            attempt = -1
        else:
            delay = backoff(attempt, self._jitter())
        if self._once.first(("down", str(error))):
            self._log.warning("link to Blue Current is down", reason=str(error), next_try_s=round(delay, 1))
        await self._sleep_unless_token_changes(delay)
        return attempt + 1

    async def _sleep_unless_token_changes(self, delay: float) -> None:
        sleeping = asyncio.ensure_future(self._clock.sleep(delay))
        changed = asyncio.ensure_future(self._token_changed.wait())
        try:
            await asyncio.wait({sleeping, changed}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end(sleeping, changed)

    def _change(self, state: LinkState, error: BridgeError | None, *, told: bool = False) -> None:
        if (state, error) == (self.status.state, self.status.error) and not told:
            return
        since = self.status.since if state is self.status.state else self._clock.now()
        self.status = LinkStatus(state, since, error)
        self._on_change(self.status)

    # --- one connection ---

    async def _connect(self, opened: Callable[[], Awaitable[None]]) -> None:
        if self._request_token is None:
            self._count_request()
            token = await validate(self._url, self._api_token or "", self._clock)
            self._request_token = token.value
        async with connection(self._url, self._clock) as socket:
            self._socket = socket
            tasks = [
                asyncio.ensure_future(self._read(socket)),
                asyncio.ensure_future(self._token_changed.wait()),
            ]
            opening = asyncio.ensure_future(self._open(opened))
            try:
                done, _ = await asyncio.wait([*tasks, opening], return_when=asyncio.FIRST_COMPLETED)
                if done == {opening}:
                    opening.result()
                    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
                raise Disconnected("The connection to Blue Current is made anew.")
            except (RequestLimit, Unauthorized) as error:
                self._fail_all(error, but_received=True)
                raise
            finally:
                self._socket = None
                await end(*tasks, opening)
                self._fail_all(
                    Disconnected("The link to Blue Current went down before the answer. The outcome is unknown.")
                )

    async def _open(self, opened: Callable[[], Awaitable[None]]) -> None:
        await self._ask(hello())
        await opened()
        self._once.forget("down")
        self._change(LinkState.UP, None)
        self._log.info("link to Blue Current is up")

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                self.last_frame_at = self._clock.monotonic()
                self._take(text)
        except ConnectionClosed as error:
            raise closed(error, self._clock) from error
        raise Disconnected("Blue Current closed the connection.")

    def _take(self, text: str | bytes) -> None:
        try:
            frame = parse_frame(text)
        except BadFrame as error:
            if self._once.first("bad frame"):
                self._log.warning(
                    "a frame from Blue Current cannot be read; such frames are skipped", reason=str(error)
                )
            return
        for oddity in frame.oddities:
            if self._once.first(("oddity", oddity)):
                self._log.warning("Blue Current sent something unknown", what=oddity, evse_id=frame.evse_id)
        self._correlate(frame)
        try:
            self._on_push(frame)
        except Exception:
            self._log.exception("a frame could not be handled", object=frame.object, evse_id=frame.evse_id)

    def _correlate(self, frame: Frame) -> None:
        entry = self._correlation.find(frame)
        if isinstance(frame.body, Error):
            if frame.body.number == LIMIT_REACHED:
                raise RequestLimit(next_limit_reset(self._clock.now()))
            if frame.body.number == INVALID_TOKEN:
                self._request_token = None
                raise LoginLapsed("Blue Current no longer accepts the login. The bridge logs in anew; try again then.")
            if entry is None and frame.flow_id is None:
                entry = self._correlation.unnamed_error()
            if entry is None:
                self._log.warning("Blue Current sent an error", number=frame.body.number, message=frame.body.message)
            elif not entry.ticket.done():
                entry.ticket.set_exception(named_error(frame.body))
        elif entry is not None and not entry.ticket.done():
            error = refusal(frame)
            if error is not None:
                entry.ticket.set_exception(error)
            elif is_receipt(frame, entry.request):
                entry.received = True
            else:
                entry.ticket.set_result(frame)

    def _fail_all(self, error: CloudError, *, but_received: bool = False) -> None:
        """Fail what is waiting; but not what the cloud has passed on already, if the error cannot be about that."""
        for entry in self._correlation.waiting:
            if not entry.ticket.done() and not (but_received and entry.received):
                entry.ticket.set_exception(error)

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
        flow_id = None if request.command == "HELLO" else str(uuid4())
        frame = request.frame(authorization=f"Token {self._request_token}", flow_id=flow_id)
        ticket: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        entry = self._correlation.add(request, flow_id, ticket)
        timeout = self._command_timeout if request.acts else READ_TIMEOUT_S
        try:
            async with asyncio.timeout(timeout):
                self._count_request()
                await socket.send(json.dumps(frame))
                answer = await ticket
        except ConnectionClosed as error:
            raise closed(error, self._clock) from error
        except TimeoutError:
            raise VerdictTimeout(
                f"Blue Current gave no answer within {timeout:g} s. Whether it was done is not known."
            ) from None
        finally:
            self._correlation.remove(entry)
            if ticket.done() and not ticket.cancelled():
                ticket.exception()  # seen, even if the request gave up first
        try:
            return request.read(answer)
        except UnreadableAnswer as error:
            raise Rejected(f"an answer that cannot be read ({error})") from error

    # --- counting ---

    @property
    def requests_today(self) -> int:
        """Requests made since midnight in Amsterdam, when the cloud's own count begins anew."""
        return self._requests if self._requests_day == self._today() else 0

    def _today(self) -> date:
        return in_amsterdam(self._clock.now()).date()

    def _count_request(self) -> None:
        today = self._today()
        if today != self._requests_day:
            self._requests_day, self._requests = today, 0
        self._requests += 1
        self.requests_total += 1
