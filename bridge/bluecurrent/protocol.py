"""What a frame, a loss and the passing of time mean for the link: the protocol without a socket and without a callback.

It knows the tokens, the requests that wait, and when the cloud may be tried again. `Link` is the loop around it: it
does what `next_step` says, hands over what happens, and passes on what comes back.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
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

INVALID_TOKEN: Final = 1
LIMIT_REACHED: Final = 42
LIMIT_CLOSE_CODE: Final = 4001

STABLE_AFTER_S: Final = 60.0
"""How long a connection must have been up for the back-off to begin anew."""

LOOK_AT_CLOCK_S: Final = 60.0
"""How often a wait for the end of the request limit looks at the wall clock, which may have been set meanwhile."""


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


# --- what to do next ---


@dataclass(frozen=True, slots=True)
class WaitForToken:
    """Nothing can be done before there is another token."""

    reason: Unauthorized


@dataclass(frozen=True, slots=True)
class WaitFor:
    """Look again after so many seconds, or when there is another token."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Connect:
    """Open the connection; log in first where there is no token for requests."""

    log_in: bool


Step = WaitForToken | WaitFor | Connect


@dataclass(frozen=True, slots=True)
class Heard:
    """What one text from the cloud means.

    Attributes:
        frame: what it says; None where it cannot be read.
        ended: the requests that it ends.
        lost: why the connection has to be closed, or None.
        problem: what is worth a line in the log, such as an ERROR that is about no request; empty for nothing.
    """

    frame: Frame | None
    ended: Sequence[Ended] = ()
    lost: CloudError | None = None
    problem: str = ""


class CloudProtocol:
    """The state of the link. Times are monotonic seconds, except where they are called `wall`.

    Args:
        command_timeout: how long the verdict of a request is expected after a push has confirmed the request, s.
    """

    def __init__(self, command_timeout: float) -> None:
        self.api_token: str | None = None
        self.request_token: str | None = None
        self._correlation = Correlation(command_timeout)
        self._refused: Unauthorized | None = None
        self._superseded = False  # the present connection, by another token or by `renew`
        self._attempt = 0
        self._retry_at = 0.0
        self._limit: RequestLimit | None = None
        self._up_since: float | None = None

    # --- tokens ---

    def set_token(self, api_token: str | None) -> bool:
        """Use this API token from now on; True where it is another one, so that the connection has to be closed."""
        if api_token == self.api_token:
            return False
        self.api_token, self.request_token = api_token, None
        self._refused = self._limit = None
        self._attempt, self._retry_at = 0, 0.0
        self._superseded = True
        return True

    def renew(self) -> None:
        """The connection is given up to make a new one at once."""
        self._superseded = True

    def logged_in(self, token: Token) -> None:
        """The cloud has accepted the API token; without effect where that is no longer the one to use."""
        if not self._superseded:
            self.request_token = token.value

    # --- the connection ---

    def next_step(self, now: float, wall: datetime) -> Step:
        """What to do while there is no connection."""
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
        """The connection is of use: HELLO and the first question are answered."""
        self._up_since = now

    def lost(self, error: BridgeError, now: float, wall: datetime, jitter: float) -> Sequence[Ended]:
        """The connection, or the try to have one, has ended.

        A handshake alone proves nothing: the back-off begins anew only after a connection that was up for a while, so
        that one which goes down right after it came up does not spend the day's requests.

        Args:
            error: why.
            now: monotonic time, s.
            wall: the time of day, for the end of a request limit.
            jitter: a random number from 0 to 1.
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
        """End every request that waits, since no answer can come any more.

        A limit or a refused token is told to those that the cloud has not passed on. The others may have been done.
        """
        gone = Disconnected("The link to Blue Current went down before the answer. The outcome is unknown.")
        about_all = isinstance(error, RequestLimit | Unauthorized)
        return self._correlation.fail_all(error if about_all and error is not None else gone, gone)

    def retry_in(self, now: float) -> float:
        """Seconds until the next try."""
        return max(0.0, self._retry_at - now)

    @property
    def superseded(self) -> bool:
        """The connection that was lost is not the one that is wanted now: there is another token, or a new one."""
        return self._superseded

    # --- requests and frames ---

    def ask(self, request: Request[object], flow_id: str | None) -> tuple[Waiting, str]:
        """Register a request; gives its place and the text to send, which carries the token."""
        frame = request.frame(authorization=f"Token {self.request_token}", flow_id=flow_id)
        return self._correlation.add(request, flow_id), json.dumps(frame)

    def give_up(self, waiting: Waiting) -> None:
        """Nobody waits for this request any more."""
        self._correlation.give_up(waiting)

    def arrived(self, waiting: Waiting, now: float) -> Sequence[Ended]:
        """What was in flight when the request was sent has arrived by now."""
        return self._correlation.arrived(waiting, now)

    def receive(self, text: str | bytes, now: float, wall: datetime) -> Heard:
        """Read a text from the cloud."""
        try:
            frame = parse_frame(text)
        except BadFrame as error:
            return Heard(None, problem=str(error))
        except Exception as error:
            return Heard(None, problem=f"a fault of the bridge: {error!r}")
        if isinstance(frame.body, Error):
            return self._take_error(frame, frame.body, now, wall)
        return Heard(frame, self._correlation.take(frame, now))

    def _take_error(self, frame: Frame, error: Error, now: float, wall: datetime) -> Heard:
        about = self._correlation.find(frame)
        somebody_elses = frame.flow_id is not None and about is None
        if error.number == LIMIT_REACHED and not somebody_elses:
            return Heard(frame, lost=RequestLimit(next_limit_reset(wall)))
        if error.number == INVALID_TOKEN and not somebody_elses:
            self.request_token = None
            words = "Blue Current no longer accepts the login. The bridge logs in anew; try again then."
            return Heard(frame, lost=LoginLapsed(words))
        problem = f"error {error.number}: {error.message}" if about is None else ""
        return Heard(frame, self._correlation.take(frame, now), problem=problem)


# --- what the cloud says before there is a connection, and after ---


def login_answer(frame: Frame, wall: datetime) -> Token | CloudError | None:
    """What a frame means for a login; None where it says nothing about it."""
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
    """What a refused handshake means.

    Args:
        status: of the HTTP answer.
        reason: its header `x-websocket-reject-reason`; empty for none.
        wall: the time of day.
    """
    if "request limit reached" in reason.lower():
        return RequestLimit(next_limit_reset(wall))
    if "already connected" in reason.lower():
        return AlreadyConnected("Blue Current refuses a second connection: another program has one open.")
    return Disconnected(f"Blue Current refused the connection: {reason or f'HTTP {status}'}.")


def closed_connection(code: int | None, words: str, wall: datetime) -> CloudError:
    """What a closed connection means, by the close code that the cloud sent, if it sent one."""
    if code == LIMIT_CLOSE_CODE:
        return RequestLimit(next_limit_reset(wall))
    return Disconnected(f"The connection to Blue Current was closed: {words}.")
