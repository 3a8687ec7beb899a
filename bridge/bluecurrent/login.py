"""Connections to the cloud, and the login, which uses a connection of its own (design page 3, "Connection")."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

from bridge import __version__
from bridge.bluecurrent.frames import BadFrame, Token, parse_frame
from bridge.bluecurrent.protocol import closed_connection, login_answer, refused_handshake
from bridge.bluecurrent.request_counts import RequestCounts
from bridge.bluecurrent.tap import Tap
from bridge.clock import Clock
from bridge.errors import CloudError, Disconnected

OPEN_TIMEOUT_S: Final = 15.0
ANSWER_TIMEOUT_S: Final = 20.0
MAX_FRAME_BYTES: Final = 4 * 1024 * 1024
"""A longer frame closes the connection. A thousand charge points make a list of about 1.5 MB."""


class CloudSocket:
    """One open connection. It passes every frame to the tap, and raises a `CloudError` once it is closed.

    Args:
        socket: the websocket.
        clock: the source of time, for the end of a request limit.
        tap: sees every frame.
    """

    def __init__(self, socket: ClientConnection, clock: Clock, tap: Tap) -> None:
        self._socket = socket
        self._clock = clock
        self._tap = tap

    async def send(self, text: str) -> None:
        """Send a text.

        Raises:
            CloudError: the connection is closed.
        """
        try:
            await self._socket.send(text)
        except ConnectionClosed as error:
            raise self._closed(error) from error
        self._tap.sent(text)

    async def receive(self) -> str | bytes:
        """Wait for the next message, and return it.

        Raises:
            CloudError: the connection is closed.
        """
        try:
            text = await self._socket.recv()
        except ConnectionClosed as error:
            raise self._closed(error) from error
        self._tap.received(text)
        return text

    def _closed(self, error: ConnectionClosed) -> CloudError:
        code = error.rcvd.code if error.rcvd is not None else None
        return closed_connection(code, str(error), self._clock.now())


@asynccontextmanager
async def connection(url: str, clock: Clock, tap: Tap) -> AsyncIterator[CloudSocket]:
    """Connect to the cloud for the duration of the block. The library's ping detects a dead connection.

    Raises:
        AlreadyConnected: another connection is open.
        RequestLimit: the day's requests are used up.
        Disconnected: any other failure, such as no network, a refused handshake or a closed connection.
    """
    try:
        async with _connected(url, clock) as socket:
            yield CloudSocket(socket, clock, tap)
    except CloudError as error:
        tap.lost(error)
        raise


@asynccontextmanager
async def _connected(url: str, clock: Clock) -> AsyncIterator[ClientConnection]:
    try:
        async with connect(
            url,
            open_timeout=OPEN_TIMEOUT_S,
            close_timeout=1,
            max_size=MAX_FRAME_BYTES,
            user_agent_header=f"bluecurrent-fimp-bridge/{__version__}",
        ) as socket:
            yield socket
    except InvalidStatus as error:
        reason = error.response.headers.get("x-websocket-reject-reason", "")
        raise refused_handshake(error.response.status_code, reason, clock.now()) from error
    except (OSError, InvalidHandshake, InvalidURI, TimeoutError, ConnectionClosed) as error:
        raise Disconnected(f"Blue Current cannot be reached: {_reason(error)}.") from error


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate {_mistrust(error.verify_message)}"
    return str(error).rstrip(".") or type(error).__name__


def _mistrust(message: str) -> str:
    """Describe in words why OpenSSL does not trust a certificate, and what to do."""
    between = "whether something between this machine and the internet opens its TLS connections"
    if "has expired" in message:
        return f"has expired. Check the clock of this machine, and {between}"
    if "not yet valid" in message:
        return f"is not valid yet. Check the clock of this machine, and {between}"
    if "mismatch" in message:
        return f"is for another host. Check cloud.url, and {between}"
    return f"is not trusted ({message}). Check {between}"


async def validate(url: str, api_token: str, *, clock: Clock, tap: Tap, counts: RequestCounts) -> Token:
    """Log in, on a connection of its own.

    Returns:
        The token for requests, which stays valid across reconnects.

    Raises:
        Unauthorized: the cloud refuses the API token. It must not be tried again (contract 8).
        CloudError: the cloud cannot be reached, or did not answer the login.
    """
    answer = await _ask_for_token(url, api_token, clock, tap, counts)
    if isinstance(answer, CloudError):
        raise answer
    return answer


async def _ask_for_token(url: str, api_token: str, clock: Clock, tap: Tap, counts: RequestCounts) -> Token | CloudError:
    async with connection(url, clock, tap) as socket:
        await socket.send(json.dumps({"command": "VALIDATE_API_TOKEN", "token": api_token}))
        counts.add("VALIDATE_API_TOKEN", clock.now())
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                while True:
                    answer = await _read_answer(socket, clock)
                    if answer is not None:
                        return answer
        except TimeoutError:
            raise Disconnected("Blue Current did not answer the login in time.") from None


async def _read_answer(socket: CloudSocket, clock: Clock) -> Token | CloudError | None:
    try:
        frame = parse_frame(await socket.receive())
    except BadFrame:
        return None
    return login_answer(frame, clock.now())
