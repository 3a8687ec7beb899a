"""Server-sent events: sends the changed parts of the page to every viewer.

The module writes the framing itself, which is two lines. With `sse-starlette` the first byte takes 1.1 to 3 times as
long (medians of 200 rounds on two cores: 1.6 ms here, 3.0 ms there), since it runs more tasks for each stream.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from bridge.web.language import Language
from bridge.web.view import View

MOST_STREAMS: Final = 128
"""The limit of simultaneous viewers. Further ones get status 503 with `Retry-After`."""

PUSH_EVERY_S: Final = 0.5
"""The shortest time between two pushes."""

KEEP_ALIVE_S: Final = 15.0
"""An `ALIVE` event is sent after this time without a change, so that proxies do not close the connection."""

ALIVE: Final = "event: alive\ndata: .\n\n"
"""An event rather than a comment, so that the script of the page can notice when it is missing."""

REFRESH_S: Final = 10.0
"""Open pages are rendered again after this time without a change, since their curves grow."""

SHARE: Final = 0.1
"""The share of the time that rendering may take, however many different pages are open."""

Fragments = Mapping[str, str]
"""Parts of the page: the id of an element and its HTML."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The page that a viewer has open.

    Attributes:
        language: the language of the page.
        page: the number of the page.
    """

    language: Language
    page: int = 1


class Stream:
    """One viewer.

    The stream keeps the newest unsent version of each part. A slow reader skips versions, and takes no more memory than
    one page.

    Args:
        wanted: the page that the viewer has open.
        keep_alive: see `KEEP_ALIVE_S`.
    """

    def __init__(self, wanted: Wanted, keep_alive: float = KEEP_ALIVE_S) -> None:
        self.wanted = wanted
        self._keep_alive = keep_alive
        self._unread: dict[str, str] = {}
        self._news = asyncio.Event()
        self._ended = False

    def put(self, fragments: Fragments) -> None:
        """Send these parts when the reader is ready."""
        self._unread.update(fragments)
        self._news.set()

    def end(self) -> None:
        """End the stream."""
        self._ended = True
        self._news.set()

    async def events(self) -> AsyncIterator[str]:
        """Yield the events in the format of `text/event-stream`."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._keep_alive):
                    await self._news.wait()
            if self._ended:
                return
            self._news.clear()
            unread, self._unread = self._unread, {}
            # JSON has no line breaks: one `data` line is the whole event.
            yield f"data: {json.dumps(unread, ensure_ascii=False)}\n\n" if unread else ALIVE


class TooMany(Exception):
    """The limit of viewers is reached."""


class Publisher:
    """Sends changes of the page to all viewers.

    Args:
        page: returns the current view of a page.
        render: renders its parts.
        every: the shortest time between two pushes, s.
    """

    def __init__(
        self,
        page: Callable[[int], View],
        render: Callable[[View, Language], Fragments],
        every: float = PUSH_EVERY_S,
    ) -> None:
        self._page = page
        self._render = render
        self._every = every
        self._streams: set[Stream] = set()
        self._shown: dict[Wanted, Fragments] = {}
        self._changed = asyncio.Event()

    def __len__(self) -> int:
        return len(self._streams)

    def changed(self) -> None:
        """Have the open pages rendered again. Without viewers nothing is rendered."""
        self._changed.set()

    def open(self, wanted: Wanted, keep_alive: float = KEEP_ALIVE_S) -> Stream:
        """Add a viewer. Its first event carries all parts.

        Raises:
            TooMany: the limit is reached.
        """
        if len(self._streams) >= MOST_STREAMS:
            raise TooMany
        if wanted not in self._shown or self._changed.is_set():
            self._refresh(wanted)
        stream = Stream(wanted, keep_alive)
        stream.put(self._shown[wanted])
        self._streams.add(stream)
        return stream

    def close(self, stream: Stream) -> None:
        """Remove a viewer."""
        stream.end()
        self._streams.discard(stream)

    def close_all(self) -> None:
        """Remove all viewers."""
        for stream in list(self._streams):
            self.close(stream)

    async def run(self) -> None:
        """Send changes until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(REFRESH_S):
                    await self._changed.wait()
            begun = loop.time()
            self._changed.clear()
            await self._refresh_all()
            await asyncio.sleep(max(self._every, (loop.time() - begun) * (1 / SHARE - 1)))

    async def _refresh_all(self) -> None:
        looked_at = {stream.wanted for stream in self._streams}
        for wanted in [wanted for wanted in self._shown if wanted not in looked_at]:
            del self._shown[wanted]
        for wanted in looked_at:
            self._refresh(wanted)
            await asyncio.sleep(0)

    def _refresh(self, wanted: Wanted) -> None:
        """Render the parts of a page, and send those that changed to its viewers."""
        before, after = self._shown.get(wanted, {}), self._render(self._page(wanted.page), wanted.language)
        self._shown[wanted] = after
        news = {name: html for name, html in after.items() if before.get(name) != html}
        for stream in self._streams:
            if stream.wanted == wanted and news:
                stream.put(news)
