"""The protocol of the link without a socket: what frames, losses and the passing of time mean for it.

`CloudProtocol` holds the tokens, the requests without an answer, and the time of the next try. `Link` is the loop
around it: it takes the steps of `next_step`, passes in frames and losses, and delivers the answers that come out.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from typing import Final

from bridge.backoff import backoff
from bridge.bluecurrent.correlation import Correlation, Ended, Waiting
from bridge.bluecurrent.frames import BadFrame, Error, Frame, Token, parse_frame
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.amsterdam import next_limit_reset
from bridge.errors import (
    AlreadyConnected,
    BridgeError,
    CloudError,
    Disconnected,
    LoginLapsed,
    RequestLimit,
    Unauthorized,
)
from bridge.immutable import immutable

INVALID_TOKEN: Final = 1
LIMIT_REACHED: Final = 42
LIMIT_CLOSE_CODE: Final = 4001

STABLE_AFTER_S: Final = 60.0
"""How long a connection must have been up for the back-off to restart, s."""

LOOK_AT_CLOCK_S: Final = 60.0
"""How often a wait for the end of the request limit reads the wall clock, s. The clock may be set during the wait."""


class LinkState(Enum):
    """The state of the link."""

    WAITING = "waiting"  # for a token
    CONNECTING = "connecting"
    UP = "up"
    DOWN = "down"


@immutable(frozen=True, slots=True)
class LinkStatus:
    """The state of the link, the time since when it holds, and the error that keeps the link from being up."""

    state: LinkState
    since: datetime
    error: BridgeError | None = None

    @property
    def up(self) -> bool:
        """Whether requests can be made, and pushes arrive."""
        return self.state is LinkState.UP

    @property
    def error_of_next_try(self) -> BridgeError | None:
        """The error that still holds while the link connects again.

        A missing or refused token does not: the link connects only once there is another one.
        """
        about_token = isinstance(self.error, Unauthorized) and not self.error.retryable
        return None if about_token else self.error


NO_TOKEN: Final = Unauthorized(
    "There is no Blue Current API token yet. Make one on my.bluecurrent.nl (settings, advanced) and set "
    "cloud.api_token, or log in from the hub."
)


# --- what to do next ---


@immutable(frozen=True, slots=True)
class WaitForToken:
    """Wait until there is another token."""

    reason: Unauthorized


@immutable(frozen=True, slots=True)
class WaitFor:
    """Ask for the next step after this many seconds, or once there is another token."""

    seconds: float


@immutable(frozen=True, slots=True)
class Connect:
    """Open the connection, after a login if there is no token for requests."""

    log_in: bool


LinkStep = WaitForToken | WaitFor | Connect


@immutable(frozen=True, slots=True)
class FrameOutcome:
    """The meaning of one text from the cloud.

    Attributes:
        frame: the parsed frame; None if the text cannot be read.
        ended: the requests that it ends.
        lost: the reason why the connection must be closed; None if it can stay open.
        problem: a text for the log, such as an ERROR that names no request; empty if there is none.
    """

    frame: Frame | None
    ended: Sequence[Ended] = ()
    lost: CloudError | None = None
    problem: str = ""


class CloudProtocol:
    """The state of the link. Times are monotonic seconds; those named `wall` are times of day.

    Args:
        command_timeout: how long the verdict of a request is still accepted after a push has confirmed the request, s.
    """

    def __init__(self, command_timeout: float) -> None:
        self.api_token: str | None = None
        self.request_token: str | None = None
        self._correlation = Correlation(command_timeout)
        self._refused: Unauthorized | None = None
        self._superseded = False  # another token or `renew` replaces the present connection
        self._attempt = 0
        self._retry_at = 0.0
        self._limit: RequestLimit | None = None
        self._up_since: float | None = None

    # --- tokens ---

    def set_token(self, api_token: str | None) -> bool:
        """Use this API token from now on. Return True if it differs, so that the connection must be closed."""
        if api_token == self.api_token:
            return False
        self.api_token, self.request_token = api_token, None
        self._refused = self._limit = None
        self._attempt, self._retry_at = 0, 0.0
        self._superseded = True
        return True

    def renew(self) -> None:
        """Replace the connection by a new one, without back-off."""
        self._superseded = True

    def logged_in(self, token: Token) -> None:
        """Keep the token for requests of a login. This has no effect if the API token was replaced meanwhile."""
        if not self._superseded:
            self.request_token = token.value

    # --- the connection ---

    def next_step(self, now: float, wall: datetime) -> LinkStep:
        """Return the next step while there is no connection."""
        if self.api_token is None:
            return WaitForToken(NO_TOKEN)
        if self._refused is not None:
            return WaitForToken(self._refused)
        if now < self._retry_at and (self._limit is None or wall < self._limit.until):
            left = self._retry_at - now
            return WaitFor(min(left, LOOK_AT_CLOCK_S) if self._limit is not None else left)
        self._superseded = False
        return Connect(log_in=self.request_token is None)

    def opened(self, now: float) -> None:
        """Note that the connection is up: HELLO and the first requests were answered."""
        self._up_since = now

    def lost(self, error: BridgeError, now: float, wall: datetime, jitter: float) -> Sequence[Ended]:
        """Handle the end of a connection, or of the attempt to open one.

        The back-off restarts only after a connection that was up for `STABLE_AFTER_S`. Otherwise a connection that goes
        down right after it came up would use up the day's requests.

        Args:
            error: the reason.
            now: monotonic time, s.
            wall: the time of day, for the end of a request limit.
            jitter: a random number from 0 to 1.

        Returns:
            The requests that fail with it.
        """
        was_stable = self._up_since is not None and now - self._up_since >= STABLE_AFTER_S
        self._up_since = None
        if not self._superseded:
            self._limit = None
            if was_stable:
                self._attempt = 0
            if isinstance(error, Unauthorized) and not error.retryable:
                self._refused = error
            elif isinstance(error, RequestLimit):
                self._limit = error
                self._retry_at = now + max(0.0, (error.until - wall).total_seconds())
                self._attempt = 0
            else:
                self._retry_at = now + backoff(self._attempt, jitter)
                self._attempt += 1
        return self.close(error)

    def close(self, error: BridgeError | None = None) -> Sequence[Ended]:
        """End every request without an answer, since none can arrive any more.

        A request limit or a refused token fails the requests that the cloud has not passed on. The outcome of the
        others is unknown, so they fail with `Disconnected`.
        """
        gone = Disconnected("The link to Blue Current went down before the answer. The outcome is unknown.")
        about_all = isinstance(error, RequestLimit | Unauthorized)
        return self._correlation.fail_all(error if about_all and error is not None else gone, gone)

    def retry_in(self, now: float) -> float:
        """Return the time until the next try, s."""
        return max(0.0, self._retry_at - now)

    @property
    def superseded(self) -> bool:
        """Whether another token or `renew` has replaced the connection that was lost."""
        return self._superseded

    # --- requests and frames ---

    def ask(self, request: Request[object], flow_id: str | None) -> tuple[Waiting, str]:
        """Register a request. Return its entry and the text to send, which carries the token."""
        frame = request.frame(authorization=f"Token {self.request_token}", flow_id=flow_id)
        return self._correlation.add(request, flow_id), json.dumps(frame)

    def give_up(self, waiting: Waiting) -> None:
        """Forget a request that has no answer."""
        self._correlation.give_up(waiting)

    def arrived(self, waiting: Waiting, now: float) -> Sequence[Ended]:
        """Note that every frame that was in flight when the request was sent has arrived. Return what this ends."""
        return self._correlation.arrived(waiting, now)

    def receive(self, text: str | bytes, now: float, wall: datetime) -> FrameOutcome:
        """Parse a text from the cloud, and match it to the requests. This raises nothing."""
        try:
            frame = parse_frame(text)
        except BadFrame as error:
            return FrameOutcome(None, problem=str(error))
        except Exception as error:
            return FrameOutcome(None, problem=f"a fault of the bridge: {error!r}")
        if isinstance(frame.body, Error):
            return self._take_error(frame, frame.body, now, wall)
        return FrameOutcome(frame, self._correlation.take(frame, now))

    def _take_error(self, frame: Frame, error: Error, now: float, wall: datetime) -> FrameOutcome:
        about = self._correlation.find(frame)
        foreign = frame.flow_id is not None and about is None  # the answer to another client, or a late one
        if error.number == LIMIT_REACHED and not foreign:
            return FrameOutcome(frame, lost=RequestLimit(next_limit_reset(wall)))
        if error.number == INVALID_TOKEN and not foreign:
            self.request_token = None
            words = "Blue Current no longer accepts the login. The bridge logs in again; try again after that."
            return FrameOutcome(frame, lost=LoginLapsed(words))
        problem = f"error {error.number}: {error.message}" if about is None else ""
        return FrameOutcome(frame, self._correlation.take(frame, now), problem=problem)


# --- before and after a connection ---


def login_answer(frame: Frame, wall: datetime) -> Token | CloudError | None:
    """Return the outcome of a login that a frame carries: a token or an error; None if it is not about the login."""
    match frame.body:
        case Token(value=str()):
            return frame.body
        case Token() if frame.success is not False:
            return Disconnected("Blue Current answered the login in a way that cannot be read.")
        case Token() | Error(number=1):
            return Unauthorized(
                "Blue Current refuses the API token. Make a new one on my.bluecurrent.nl (settings, advanced)."
            )
        case Error(number=42):
            return RequestLimit(next_limit_reset(wall))
        case Error(message=message):
            return Disconnected(f"Blue Current could not check the API token: {message}.")
        case _:
            return None


def refused_handshake(status: int, reason: str, wall: datetime) -> CloudError:
    """Return the error for a refused handshake.

    Args:
        status: the status of the HTTP answer.
        reason: its header `x-websocket-reject-reason`; empty if it has none.
        wall: the time of day, for the end of a request limit.
    """
    if "request limit reached" in reason.lower():
        return RequestLimit(next_limit_reset(wall))
    if "already connected" in reason.lower():
        return AlreadyConnected("Blue Current refuses a second connection: another program has one open.")
    return Disconnected(f"Blue Current refused the connection: {reason or f'HTTP {status}'}.")


def closed_connection(code: int | None, words: str, wall: datetime) -> CloudError:
    """Return the error for a closed connection.

    Args:
        code: the close code that the cloud sent; None if it sent none.
        words: the description of the websocket library.
        wall: the time of day, for the end of a request limit.
    """
    if code == LIMIT_CLOSE_CODE:
        return RequestLimit(next_limit_reset(wall))
    return Disconnected(f"The connection to Blue Current was closed: {words}.")
