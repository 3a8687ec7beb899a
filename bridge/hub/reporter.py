"""What the hub is told: level, not edge (contract 3, "What the hub is told").

The reporter holds, for each key of each subject, the report that was told last. A change marks a subject dirty; nothing
else happens at that moment. The broker's connection takes publications one after the other, many in flight at once. To
find the next one, the reporter compares what is so now with what was told. So a slow broker merges by itself, nothing
is queued that can overflow, and a broker that comes back has every subject marked dirty, however large the account.

Two things stand in a subject's line rather than being compared: the states that it passed through, and answers.

The reporter opens nothing and waits for nothing. The connection calls `take`, publishes, and then calls `acknowledged`,
`unsendable` or, for all that is in flight, `lost`.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final
from uuid import UUID

from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.grid import GridTwin
from bridge.clock import Clock
from bridge.fimp.report import Report
from bridge.fimp.topic import Topic
from bridge.hub.deadlines import Deadlines
from bridge.hub.line import ALL_NODES, EXCLUSION, PERSISTENT, URGENT, Dirty, Item, Line, Publication, Renewal
from bridge.hub.renewal import RenewalPlan, WaitingLanes
from bridge.hub.suspects import Suspects
from bridge.hub.telling import ADAPTER, NETWORK, Telling

GOODBYE: Final = "goodbye"
"""The subject of the goodbye: a line of its own, after all others."""


class Reporter:
    """Decides what is published next.

    Args:
        telling: what is so now, of each subject.
        clock: tells the time.
        uid: gives a new UUID for each message.
        src: who sends: the resource name.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        telling: Telling,
        clock: Clock,
        uid: Callable[[], UUID],
        src: str,
        log: FilteringBoundLogger,
    ) -> None:
        self._telling = telling
        self._clock = clock
        self._uid = uid
        self._src = src
        self._log = log
        self._lines: dict[str, Line] = {}
        self._ready: deque[Line] = deque()
        self._in_flight: dict[Publication, None] = {}
        self._deadlines = Deadlines()
        self._lanes = WaitingLanes()
        self._settled = asyncio.Event()
        self._settled.set()
        self._connected = self._stopping = False
        self._will: frozenset[str] = frozenset()
        self._renewal = RenewalPlan(self._lanes)
        self._suspects = Suspects()
        self.answers_waiting = 0
        self.dropped = 0
        for report in telling.told_before():
            line = self._line(report.about)
            line.note(report, clock.monotonic())
            line.acknowledged[report.key] = line.told[report.key]

    # --- what happens ---

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """A charge point has changed: pass on the states that it went through, and compare the rest later."""
        point = after or before
        if point is None:
            return
        if self._connected:
            for report in self._telling.passed_states(before, after, self._clock.now()):
                self._enter(self._line(point.evse_id), Item(report, "state"))
        for report in self._telling.errors(before, after):
            self.event(point.evse_id, report)
        only_status = before is not None and after is not None and before.described_by == after.described_by
        self.mark(point.evse_id, Dirty.STATUS if only_status else Dirty.ALL)
        if self._telling.awaits_all_nodes:
            self.mark(NETWORK)

    def grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        """A grid connection has changed."""
        grid = after or before
        if grid is not None:
            self.mark(grid.address, Dirty.STATUS if before is not None and after is not None else Dirty.ALL)

    def mark(self, subject: str, dirty: Dirty = Dirty.ALL) -> None:
        """Something of a subject may differ from what was told."""
        line = self._line(subject)
        line.dirty = max(line.dirty, dirty)
        line.presence_told = line.presence_told and dirty is not Dirty.ALL
        self._get_ready(line)

    def mark_all(self) -> None:
        """Everything may differ from what was told."""
        for subject in self._telling.subjects():
            self.mark(subject)

    def answer(self, subject: str, report: Report, *, corid: str | None, copy_to: Topic | None = None) -> None:
        """Have a report that answers a command published in its subject's line, and a copy of it.

        Args:
            subject: whose line it joins: a thing, or the adapter. A report about a thing joins that thing's.
            report: what to say.
            corid: the `uid` of the command.
            copy_to: where a copy goes: the command's `resp_to`.
        """
        line = self._line(report.about or subject)
        self._enter(line, Item(report, "answer", corid=corid))
        if copy_to is not None:
            self._enter(line, Item(report, "answer", copy_to, corid))

    def answer_only_at(self, subject: str, report: Report, topic: Topic, *, corid: str | None) -> None:
        """Have an answer published on one topic and no other: an error that goes to `resp_to`."""
        self._enter(self._line(subject), Item(report, "answer", topic, corid))

    def event(self, subject: str, report: Report) -> None:
        """Have something published that happened once, such as an error that answers no command."""
        self._enter(self._line(subject), Item(report, "event"))

    def tick(self) -> None:
        """Mark what is due with nothing having happened."""
        for subject in self._deadlines.reached(self._clock.monotonic()):
            self.mark(subject, Dirty.STATUS)

    # --- for the connection ---

    def connected(self, will: Iterable[str], *, renewed: bool) -> None:
        """A connection is there.

        Args:
            will: the things that its will names.
            renewed: it is the bridge's own renewal: the broker has everything that was told before.
        """
        self._connected, self._will = True, frozenset(will)
        self._renewal.done()
        if not renewed:
            for line in self._lines.values():
                line.forget()
            self.mark_all()
            for line in self._lines.values():
                line.urgent_first = True
        for line in self._lines.values():
            self._get_ready(line)

    def lost(self) -> None:
        """The connection is gone. What was in flight is not told; what was alone in flight is suspected the more."""
        self._connected = False
        in_flight = list(self._in_flight)
        self._in_flight.clear()
        for publication in reversed(in_flight):
            item, line = publication.item, publication.line
            line.told.pop(publication.report.key, None)
            if publication.report.key in line.acknowledged:
                line.told[publication.report.key] = line.acknowledged[publication.report.key]
            line.dirty, line.presence_told = Dirty.ALL, False
            if item is not None and item.kind != "state":
                line.items.appendleft(item)
        culprit = self._suspects.closed(in_flight)
        if culprit is not None:
            self._drop(culprit, "the broker closes the connection when this comes; it may be too large for it")

    def take(self) -> Publication | Renewal | None:
        """The next message to publish, or a renewal of the connection, if one is due. None: nothing for now."""
        if not self._connected or self._suspects.among(self._in_flight):
            return None
        if self._renewal.is_due:
            return Renewal() if not self._in_flight else None
        suspected: list[Line] = []
        publication: Publication | None = None
        while self._ready and publication is None:
            line = self._ready[0]
            holds = line.subject == ADAPTER and self._renewal.is_planned
            publication = self._next_of(line) if not holds else None
            if publication is None:
                self._ready.popleft()
                line.ready = line.dirty is not Dirty.CLEAN and line.presence_told and not holds
                if line.ready:
                    self._ready.append(line)  # the urgent part of it is told; now it is the turn of the others
            elif publication in self._suspects:
                suspected.append(self._ready.popleft())
                publication = None
        if publication is None and suspected and not self._in_flight:
            publication = self._next_of(suspected[0])
        self._ready.extend(suspected)
        if publication is not None:
            self._send(publication)
            if self._ready:
                self._lanes.wake_one()
        self._note_settled()
        return publication

    async def news(self) -> None:
        """Wait until there may be something to take. Of several that wait, one is woken at a time."""
        await self._lanes.wait()

    def acknowledged(self, publication: Publication) -> None:
        """The broker has it."""
        self._in_flight.pop(publication, None)
        self._suspects.acquit(publication)
        if publication.item is None or publication.item.counts_as_told:
            self._note_acknowledged(publication)
        self._answered(publication)
        if self._suspects or self._renewal.is_due:
            self._lanes.wake_one()
        self._note_settled()

    def unsendable(self, publication: Publication, reason: str) -> None:
        """It cannot be published at all, as a topic that is none: it is dropped, and nothing waits for it."""
        self._in_flight.pop(publication, None)
        self._drop(publication, reason)
        self._note_settled()

    async def settled(self) -> None:
        """Wait until everything that is to be told is told."""
        await self._settled.wait()

    @property
    def is_settled(self) -> bool:
        """Nothing is in flight and nothing waits."""
        return self._settled.is_set()

    @property
    def in_flight(self) -> bool:
        """Something is published and not acknowledged yet."""
        return bool(self._in_flight)

    @property
    def waiting(self) -> int:
        """How many messages are in flight or stand in a line."""
        return len(self._in_flight) + sum(len(line.items) + len(line.due) for line in self._ready)

    def stop(self) -> None:
        """From now on only answers go out, and the goodbye after them."""
        self._stopping = True
        for line in self._lines.values():
            line.due.clear()
            line.dirty = Dirty.CLEAN
        for report in self._telling.goodbye():
            self._enter(self._line(GOODBYE), Item(report, "event"))

    # --- one line ---

    def _line(self, subject: str) -> Line:
        if subject not in self._lines:
            self._lines[subject] = Line(subject)
        return self._lines[subject]

    def _enter(self, line: Line, item: Item) -> None:
        line.items.append(item)
        self._get_ready(line)
        if item.kind == "answer":
            self.answers_waiting += 1
            if line.subject != ADAPTER and self._ready[0] is not line:
                # Somebody waits for it. The adapter's answers come after what the command has changed.
                self._ready.remove(line)
                self._ready.appendleft(line)

    def _get_ready(self, line: Line) -> None:
        if self._stopping and not line.items:
            return
        if not line.ready:
            line.ready = True
            self._ready.append(line)
        self._settled.clear()
        self._lanes.wake_one()

    def _next_of(self, line: Line) -> Publication | None:
        """The first message of a line that can be written; it stays where it is until it is sent."""
        while (head := self._head_of(line)) is not None:
            publication = self._written(line, *head)
            if publication is not None:
                return publication
        return None

    def _head_of(self, line: Line) -> tuple[Report, Item | None] | None:
        """What is to be said first: answers, whether the thing is there, its states, and what differs."""
        item = line.items[0] if line.items else None
        if item is not None and item.kind == "answer":
            return item.report, item
        if line.dirty is Dirty.ALL and not line.presence_told:
            presence = self._telling.presence(line.subject)
            if presence is not None and self._needs_renewal(presence):
                return None
            line.presence_told = True
            line.presence = presence if presence is not None and self._is_due(line, presence) else None
        if line.presence is not None:
            return line.presence, None
        if item is not None and item.kind == "state" and line.says(item.report):
            line.items.popleft()
            return self._head_of(line)
        if item is not None:
            return item.report, item
        return (line.due[0], None) if line.due or self._compare(line) else None

    def _compare(self, line: Line) -> bool:
        """Find what of a subject differs from what was told; False where nothing does."""
        if line.dirty is Dirty.CLEAN or self._stopping:
            return False
        settings_changed, urgent_only = line.dirty is Dirty.ALL, line.urgent_first
        line.urgent_first = False
        if not urgent_only:
            line.dirty = Dirty.CLEAN
        for report in self._telling.reports(line.subject, settings_changed=settings_changed and not urgent_only):
            if (not urgent_only or report.type in URGENT) and self._is_due(line, report):
                line.due.append(report)
        self._set_deadline(line)
        return bool(line.due)

    def _is_due(self, line: Line, report: Report) -> bool:
        now = self._clock.monotonic()
        return line.is_due(report, now) and not self._suspects.gave_up(report)

    def _needs_renewal(self, presence: Report) -> bool:
        """The will must name a thing before the thing is heard of."""
        if presence.type != "evt.thing.inclusion_report" or presence.about in self._will:
            return False
        self._renewal.plan()
        return True

    def _written(self, line: Line, report: Report, item: Item | None) -> Publication | None:
        topic = (item.topic if item is not None else None) or report.topic
        corid = item.corid if item is not None else None
        try:
            payload = report.encode(uid=self._uid(), now=self._clock.now(), src=self._src, corid=corid, topic=topic)
        except ValueError as error:
            line.unqueue(report, item)
            self._drop(Publication(topic.path, b"", line, report, item), f"it cannot be written as JSON: {error}")
            return None
        return Publication(topic.path, payload, line, report, item)

    def _send(self, publication: Publication) -> None:
        line, report = publication.line, publication.report
        line.unqueue(report, publication.item)
        if publication.item is None or publication.item.counts_as_told:
            line.note(report, self._clock.monotonic())
            self._suspects.sent(report)
        self._in_flight[publication] = None

    def _note_acknowledged(self, publication: Publication) -> None:
        line, report = publication.line, publication.report
        if report.key[1] == PERSISTENT:
            told = line.told.get(report.key)
            if told is not None and told.fingerprint == report.fingerprint:
                line.acknowledged[report.key] = told
            self._telling.told(report)
            if report.type == EXCLUSION and line.says(report) and report.about in self._will:
                self._renewal.plan()
        elif report.type == ALL_NODES:
            self._telling.told(report)
        self._set_deadline(line)

    def _answered(self, publication: Publication) -> None:
        if publication.item is not None and publication.item.kind == "answer":
            self.answers_waiting -= 1

    def _drop(self, publication: Publication, reason: str) -> None:
        """Give a message up: name it once, and try again when there is something else to say."""
        line, report, item = publication.line, publication.report, publication.item
        self._suspects.give_up(publication)
        self.dropped += 1
        if item is not None:
            if item in line.items:
                line.items.remove(item)
            self._answered(publication)
        self._log.error(
            "a message cannot be published and is dropped; the rest is published",
            topic=publication.path[:200],
            type=report.type,
            size=len(publication.payload),
            reason=reason,
        )

    def _set_deadline(self, line: Line) -> None:
        in_seconds = self._telling.next_change_in(line.subject, self._clock.now())
        times = [line.next_repetition(), in_seconds and self._clock.monotonic() + in_seconds]
        first = min((when for when in times if when is not None), default=None)
        if first is not None:
            self._deadlines.set(line.subject, first)

    def _note_settled(self) -> None:
        if not self._ready and not self._in_flight and not self._renewal.is_planned:
            self._settled.set()
            self._suspects.forget()
