"""A minimal HTTP request, for the checks of the clock and of the status page."""

import asyncio
import http.client
import io
import ssl
from dataclasses import dataclass
from typing import Final

ANSWER_S: Final = 5.0
_MOST_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: such as 200.
        date: the header of that name; None if there is none.
        body: the beginning of the body.
    """

    status: int
    date: str | None
    body: str


async def get(host: str, port: int, path: str, context: ssl.SSLContext | None = None) -> Answer:
    """Send one GET request.

    Raises:
        OSError: there was no connection, or it broke; includes `TimeoutError`.
        ValueError: the answer is not HTTP.
    """
    async with asyncio.timeout(ANSWER_S):
        reader, writer = await asyncio.open_connection(host, port, ssl=context)
        try:
            name = f"[{host}]" if ":" in host else host
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n".encode("ascii"))
            return _parse(await _read(reader))
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read to the end, up to a limit. The server closes after its answer."""
    received = b""
    while len(received) < _MOST_BYTES and (more := await reader.read(4096)):
        received += more
    return received


def _parse(received: bytes) -> Answer:
    try:
        with io.BytesIO(received) as stream:
            version, _, rest = stream.readline().decode("ascii").partition(" ")
            if not version.startswith("HTTP/"):
                raise ValueError("the answer is not HTTP")
            headers = http.client.parse_headers(stream)
            return Answer(int(rest.split()[0]), headers["Date"], stream.read().decode("utf-8", "replace"))
    except (http.client.HTTPException, UnicodeDecodeError, IndexError) as error:
        raise ValueError("the answer is not HTTP") from error
