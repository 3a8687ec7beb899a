"""What waits to be published: in order, bounded, the newest winning when there is too much."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from bridge.fimp.message import Message
from bridge.fimp.report import Report
from bridge.fimp.topic import PayloadType, Topic

LIMIT: Final = 10_000
"""How many events may wait: some 15 MB at the most, and minutes of the busiest home."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event to publish.

    Attributes:
        path: the topic as the broker knows it.
        message: what to publish there.
        payload_type: as JSON, or gzipped.
        key: what a newer event must share to take its place; None for one that is never replaced, as an answer is.
        on_published: is called once the broker has it.
    """

    path: str
    message: Message
    payload_type: PayloadType
    key: tuple[str, str, str] | None
    on_published: Callable[[], None] | None = None


class Renewal:
    """In the place of an event: here the connection is made anew, with a new will."""


RENEWAL: Final = Renewal()


class Outbox:
    """The queue between the services and the broker.

    Args:
        now: the time, for `ctime`.
        uid: gives a new UUID for each message.
        src: who sends: the resource name.
        prefix: FIMP's global prefix.
        limit: how many events may wait.
    """

    def __init__(
        self, *, now: Callable[[], datetime], uid: Callable[[], UUID], src: str, prefix: str = "", limit: int = LIMIT
    ) -> None:
        self._now = now
        self._uid = uid
        self._src = src
        self._prefix = prefix
        self._limit = limit
        self._entries: deque[Entry | Renewal] = deque()
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._emptied.set()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def put(
        self,
        report: Report,
        *,
        corid: str | None = None,
        copy_to: Topic | None = None,
        keep: bool = False,
        on_published: Callable[[], None] | None = None,
    ) -> None:
        """Queue a report, and a copy of it.

        Args:
            report: what to say.
            corid: the `uid` of the command that it answers.
            copy_to: where a copy goes: the command's `resp_to`.
            keep: it must not be replaced by a newer one, nor dropped over a reconnect.
            on_published: is called once the broker has it; never, if it comes to nothing.
        """
        kept = keep or corid is not None
        self._append(report, report.topic, corid, key=None if kept else report.key, on_published=on_published)
        if copy_to is not None:
            self._append(report, copy_to, corid, key=None)

    def put_only_at(self, report: Report, topic: Topic, *, corid: str | None) -> None:
        """Queue a report for one topic and no other: an error that goes to `resp_to`."""
        self._append(report, topic, corid, key=None)

    def renew(self) -> None:
        """Have the connection made anew before anything that is queued after this."""
        self._push(RENEWAL)

    def _append(
        self,
        report: Report,
        topic: Topic,
        corid: str | None,
        *,
        key: tuple[str, str, str] | None,
        on_published: Callable[[], None] | None = None,
    ) -> None:
        message = report.message(uid=self._uid(), now=self._now(), src=self._src, corid=corid, topic=str(topic))
        path = topic.path if topic.prefix or not self._prefix else f"{self._prefix}/{topic}"
        self._push(Entry(path, message, topic.payload_type, key, on_published))

    def _push(self, entry: Entry | Renewal) -> None:
        if len(self._entries) >= self._limit:
            self._make_room()
        self._entries.append(entry)
        self._filled.set()
        self._emptied.clear()

    def _make_room(self) -> None:
        """Keep the newest of each attribute; if that is not enough, drop the oldest event."""
        newest: dict[tuple[str, str, str], int] = {}
        for index, entry in enumerate(self._entries):
            if isinstance(entry, Entry) and entry.key is not None:
                newest[entry.key] = index
        kept = [
            entry
            for index, entry in enumerate(self._entries)
            if isinstance(entry, Renewal) or entry.key is None or newest[entry.key] == index
        ]
        if len(kept) >= self._limit:
            kept = kept[len(kept) - self._limit + 1 :]
            self.dropped += 1
        self._entries = deque(kept)

    # --- for the broker ---

    async def first(self) -> Entry | Renewal:
        """The next in line, as soon as there is one; it stays there until `done`."""
        while not self._entries:
            self._filled.clear()
            await self._filled.wait()
        return self._entries[0]

    def done(self, entry: Entry | Renewal) -> None:
        """It is published; it may have been replaced or dropped meanwhile."""
        if self._entries and self._entries[0] is entry:
            self._entries.popleft()
        if not self._entries:
            self._emptied.set()
        if isinstance(entry, Entry) and entry.on_published is not None:
            entry.on_published()

    def forget_reports(self) -> None:
        """Drop what will be said again after a reconnect; answers and the like stay."""
        self._entries = deque(e for e in self._entries if isinstance(e, Renewal) or e.key is None)
        if not self._entries:
            self._emptied.set()

    def forget_renewals(self) -> None:
        """The connection has just been made, with the newest will."""
        self._entries = deque(e for e in self._entries if isinstance(e, Entry))
        if not self._entries:
            self._emptied.set()

    async def emptied(self) -> None:
        """Wait until nothing waits."""
        await self._emptied.wait()
