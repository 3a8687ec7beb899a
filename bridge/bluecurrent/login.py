"""Getting in: an API token becomes the token for requests, on a connection of its own (page 3, "Connection")."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from bridge import __version__
from bridge.bluecurrent.frames import BadFrame, Error, Token, parse_frame
from bridge.chargepoint.amsterdam import next_limit_reset
from bridge.clock import Clock
from bridge.errors import AlreadyConnected, CloudError, Disconnected, RequestLimit, Unauthorized

OPEN_TIMEOUT_S: Final = 15.0
ANSWER_TIMEOUT_S: Final = 20.0
LIMIT_CLOSE_CODE: Final = 4001
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024


@asynccontextmanager
async def connection(url: str, clock: Clock) -> AsyncIterator[ClientConnection]:
    """A websocket to the cloud, with the library's ping to keep it honest; what goes wrong comes out as `CloudError`.

    Raises:
        AlreadyConnected: another connection from this address is open.
        RequestLimit: the day's requests are used up.
        Disconnected: anything else: no network, a refused handshake, a closed connection.
    """
    try:
        async with connect(
            url,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1,
            max_size=MAX_FRAME_BYTES,
            user_agent_header=f"bluecurrent-fimp-bridge/{__version__}",
        ) as socket:
            yield socket
    except ConnectionClosed as error:
        raise closed(error, clock) from error
    except InvalidStatus as error:
        raise _refused(error, clock) from error
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError) as error:
        raise Disconnected(f"Blue Current cannot be reached: {_reason(error)}.") from error


def closed(error: ConnectionClosed, clock: Clock) -> CloudError:
    """What a closed connection means."""
    if error.rcvd is not None and error.rcvd.code == LIMIT_CLOSE_CODE:
        return RequestLimit(next_limit_reset(clock.now()))
    return Disconnected(f"The connection to Blue Current was closed: {error}.")


def _refused(error: InvalidStatus, clock: Clock) -> CloudError:
    reason = error.response.headers.get("x-websocket-reject-reason", "")
    if "request limit reached" in reason.lower():
        return RequestLimit(next_limit_reset(clock.now()))
    if "already connected" in reason.lower():
        return AlreadyConnected(
            "Blue Current refuses a second connection from this address: another program has one open."
        )
    return Disconnected(f"Blue Current refused the connection: {reason or f'HTTP {error.response.status_code}'}.")


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str(error).rstrip(".") or type(error).__name__


async def validate(url: str, api_token: str, clock: Clock) -> Token:
    """Log in.

    Returns:
        The token for requests; it stays good across reconnects.

    Raises:
        Unauthorized: the API token is refused; trying again is of no use.
        CloudError: it could not be tried.
    """
    async with connection(url, clock) as socket:
        await socket.send(json.dumps({"command": "VALIDATE_API_TOKEN", "token": api_token}))
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                return await _read_token(socket, clock)
        except TimeoutError:
            raise Disconnected("Blue Current did not answer the login in time.") from None


async def _read_token(socket: ClientConnection, clock: Clock) -> Token:
    while True:
        try:
            frame = parse_frame(await socket.recv())
        except BadFrame:
            continue
        match frame.body:
            case Token(value=None):
                raise Unauthorized(
                    "Blue Current refuses the API token. Make a new one on my.bluecurrent.nl (settings, advanced)."
                )
            case Token() as token:
                return token
            case Error(number=42):
                raise RequestLimit(next_limit_reset(clock.now()))
            case Error(number=1):
                raise Unauthorized("Blue Current refuses the API token.")
            case Error(message=message):
                raise Disconnected(f"Blue Current could not check the API token: {message}.")
            case _:
                continue
