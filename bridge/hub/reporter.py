"""Decides what is published next, by comparing current values with published ones (contract 3, "What the hub is told").

The reporter keeps, for each key of each subject, the report sent last. A change only marks its subject dirty. To find
the next publication, the reporter compares the current reports of a dirty subject with those sent last. So changes
merge while the broker is slow, no queue of values can overflow, and a reconnect only marks every subject dirty.
The states that a subject passed through, and answers to commands, are queued in its line instead of being compared.

The reporter does no I/O. The connection calls `take`, publishes, and then calls `acknowledged`, `unsendable` or, for
everything in flight, `lost`.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from uuid import UUID

from structlog.typing import FilteringBoundLogger

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.grid import GridTwin
from bridge.clock import Clock
from bridge.deadlines import Deadlines
from bridge.fimp.report import Report
from bridge.hub.line import ALL_NODES, EXCLUSION, PERSISTENT, URGENT, Dirty, Item, Publication, Renewal, SubjectLine
from bridge.hub.renewal import RenewalPlan
from bridge.hub.report_faults import REPORT_FAILED, until_one_fails
from bridge.hub.subjects import ADAPTER, GOODBYE, NETWORK, Subjects
from bridge.hub.suspects import SURELY_TAKEN_BYTES, TOO_LARGE, Suspects


class Reporter:
    """Decides what is published next.

    Args:
        subjects: gives the current reports of each subject.
        clock: the source of time.
        uid: returns a new UUID for each message.
        src: the `src` of each message: the resource name.
        log: the logger.
    """

    def __init__(
        self,
        *,
        subjects: Subjects,
        clock: Clock,
        uid: Callable[[], UUID],
        src: str,
        log: FilteringBoundLogger,
    ) -> None:
        self._subjects = subjects
        self._clock = clock
        self._uid = uid
        self._src = src
        self._log = log
        self._lines: dict[str, SubjectLine] = {}
        self._ready: OrderedDict[SubjectLine, None] = OrderedDict()  # the lines that may have something to publish
        self._in_flight: dict[Publication, None] = {}
        self._deadlines = Deadlines[float]()
        self._work = asyncio.Event()
        self._settled = asyncio.Event()
        self._settled.set()
        self._connected = self._stopping = False
        self._will: frozenset[str] = frozenset()
        self._renewal = RenewalPlan(self._work)
        self._suspects = Suspects()
        self.answers_waiting = 0
        self.dropped = 0
        for report in subjects.acknowledged_before():
            line = self._line(report.about)
            line.note(report, clock.monotonic())
            line.acknowledged[report.key] = line.sent[report.key]

    # --- events ---

    def charge_point_changed(self, before: ChargePoint | None, after: ChargePoint | None) -> None:
        """Queue the states that a charge point passed through, and mark it. None: not in the account then."""
        point = after or before
        if point is None:
            return
        if self._connected:
            for report in self._subjects.passed_states(before, after, self._clock.now()):
                self._enter(self._line(point.evse_id), Item(report, "state"))
        for report in self._subjects.errors(before, after):
            self.event(point.evse_id, report)
        only_status = before is not None and after is not None and after.described_as(before)
        self.mark(point.evse_id, Dirty.STATUS if only_status else Dirty.ALL)

    def grid_changed(self, before: GridTwin | None, after: GridTwin | None) -> None:
        """Mark a grid connection that has changed; None stands for one that is new or has gone."""
        grid = after or before
        if grid is not None:
            self.mark(grid.address, Dirty.STATUS if before is not None and after is not None else Dirty.ALL)

    def mark(self, subject: str, dirty: Dirty = Dirty.ALL) -> None:
        """Mark a subject whose reports may differ from those sent last."""
        line = self._line(subject)
        line.dirty = max(line.dirty, dirty)
        line.presence_checked = line.presence_checked and dirty is not Dirty.ALL
        self._get_ready(line)
        if subject not in (ADAPTER, NETWORK) and self._subjects.awaits_all_nodes:
            self.mark(NETWORK)

    def mark_all(self) -> None:
        """Mark all subjects."""
        for subject in self._subjects.names():
            self.mark(subject)

    def answer(self, subject: str, item: Item) -> None:
        """Queue an answer to a command for this subject. A report about a thing joins the line of that thing."""
        self._enter(self._line(item.report.about or subject), item)

    def event(self, subject: str, report: Report) -> None:
        """Queue a report of something that happened once, such as an error that answers no command."""
        self._enter(self._line(subject), Item(report, "event"))

    def looked(self) -> None:
        """Handle that the account was read. No more new things are expected soon, so a planned renewal is due."""
        self.mark(NETWORK)
        self._renewal.gathered()

    def tick(self) -> None:
        """Mark the subjects whose deadline has passed."""
        for subject in self._deadlines.reached(self._clock.monotonic()):
            self.mark(subject, Dirty.STATUS)

    # --- for the connection ---

    def connected(self, will: Iterable[str], *, renewed: bool) -> None:
        """Start publishing on a new connection.

        Args:
            will: the addresses of the things that its will names.
            renewed: the bridge itself renewed the connection, so the broker has everything that was sent before.
        """
        self._connected, self._will = True, frozenset(will)
        self._renewal.done()
        if not renewed:
            self.mark_all()
            for line in self._lines.values():
                line.forget()
        for line in self._lines.values():
            self._get_ready(line)

    def lost(self) -> None:
        """Stop publishing: the connection is gone. What was in flight is sent again, unless `Suspects` gives it up."""
        self._connected = False
        in_flight = list(self._in_flight)
        self._in_flight.clear()
        culprit = self._suspects.closed(in_flight)
        for publication in reversed(in_flight):
            item, line = publication.item, publication.line
            line.retract(publication.report)
            line.dirty, line.presence_checked = Dirty.ALL, False
            if item is not None and item.kind != "state" and publication is not culprit:
                line.items.appendleft(item)
        if culprit is not None:
            self._drop(culprit, TOO_LARGE)

    def take(self) -> Publication | Renewal | None:
        """Return the next message to publish, or a renewal of the connection if one is due; None: nothing now."""
        if not self._connected or self._suspects.among(self._in_flight):
            return None
        if self._renewal.is_due:
            return Renewal() if not self._in_flight else None
        if (publication := self._next()) is not None:
            self._send(publication)
        self._note_settled()
        return publication

    async def wait_for_work(self) -> None:
        """Wait until there may be something more to take, or fewer messages are in flight."""
        self._work.clear()
        await self._work.wait()

    def acknowledged(self, publication: Publication) -> None:
        """Record that the broker has acknowledged a message."""
        self._in_flight.pop(publication, None)
        self._suspects.acquit(publication)
        if publication.item is None or publication.item.counts_as_sent:
            self._note_acknowledged(publication)
        self.answers_waiting -= publication.is_answer
        if self._ready or self._suspects or self._renewal.is_due:
            self._work.set()
        self._note_settled()

    def unsendable(self, publication: Publication, reason: str) -> None:
        """Drop a message that MQTT cannot carry, for example because of its topic; all others are published."""
        self._in_flight.pop(publication, None)
        self._drop(publication, reason)
        self._note_settled()

    async def settled(self) -> None:
        """Wait until everything is published and acknowledged."""
        await self._settled.wait()

    @property
    def is_settled(self) -> bool:
        """Whether nothing is in flight and nothing waits."""
        return self._settled.is_set()

    @property
    def in_flight(self) -> int:
        """The number of messages that are published and not acknowledged yet."""
        return len(self._in_flight)

    @property
    def waiting(self) -> int:
        """The number of messages in flight or in a line."""
        return len(self._in_flight) + sum(len(line.items) + len(line.due) for line in self._ready)

    @property
    def subject_count(self) -> int:
        """The number of subjects, those that have left included."""
        return len(self._lines)

    def stop(self) -> None:
        """Publish only answers from now on, and the goodbye after them."""
        self._stopping = True
        for line in self._lines.values():
            line.stop_comparing()
            line.dirty = Dirty.CLEAN
        for report in self._subjects.goodbye():
            self._enter(self._line(GOODBYE), Item(report, "event"))

    # --- one line ---

    def _line(self, subject: str) -> SubjectLine:
        if subject not in self._lines:
            self._lines[subject] = SubjectLine(subject)
        return self._lines[subject]

    def _enter(self, line: SubjectLine, item: Item) -> None:
        line.queue(item)
        self._get_ready(line)
        if item.kind == "answer":
            self.answers_waiting += 1
            if line.subject != ADAPTER:
                # A client waits for it. Answers of the adapter come after the reports that the command has changed.
                self._ready.move_to_end(line, last=False)

    def _get_ready(self, line: SubjectLine) -> None:
        if self._stopping and not line.items:
            return
        self._ready.setdefault(line)
        self._settled.clear()
        self._work.set()

    def _next(self) -> Publication | None:
        """Return the first message that may go now; it stays in its line until it is sent."""
        last: list[SubjectLine] = []  # their messages were alone in flight at a close
        try:
            while self._ready:
                line = next(iter(self._ready))
                holds = line.subject == ADAPTER and self._renewal.is_planned
                publication = self._next_of(line) if not holds else None
                if publication is None:
                    del self._ready[line]
                    if line.is_unfinished and not holds and not self._stopping:
                        self._ready[line] = None  # its urgent reports are sent; the rest follows after the other lines
                elif publication not in self._suspects:
                    return publication
                elif self._suspects.was_alone(publication):
                    del self._ready[line]
                    last.append(line)
                else:
                    return publication if not self._in_flight else None  # it waits until it can go alone
            first = max(last, key=SubjectLine.begins_with_answer, default=None)  # a client waits for an answer
            return self._next_of(first) if first is not None and not self._in_flight else None
        finally:
            self._ready.update(dict.fromkeys(last))

    def _next_of(self, line: SubjectLine) -> Publication | None:
        """Return the first message of a line that can be made; it stays in the line until it is sent."""
        try:
            while (head := self._head_of(line)) is not None:
                report, item = head
                too_large = self._suspects.gave_up(report, larger_than=SURELY_TAKEN_BYTES)
                if item is not None and item.kind == "answer" and too_large:
                    line.unqueue(report, item)
                    self._answer_with_error(line, item, TOO_LARGE)
                elif (publication := self._encode(line, report, item)) is not None:
                    return publication
        except Exception:
            line.give_up()
            self._log.exception(REPORT_FAILED, thing=line.subject)
        return None

    def _head_of(self, line: SubjectLine) -> tuple[Report, Item | None] | None:
        """Return the next report of a line: answers, then the inclusion report, queued states, and what differs."""
        item = line.items[0] if line.items else None
        if item is not None and item.kind == "answer":
            return item.report, item
        if line.dirty is Dirty.ALL and not line.presence_checked:
            presence = self._subjects.presence(line.subject)
            if presence is not None and self._needs_renewal(presence):
                return None
            line.presence_checked = True
            now = self._clock.monotonic()
            line.presence = presence if presence is not None and self._is_due(line, presence, now) else None
        if line.presence is not None:
            return line.presence, None
        if item is not None and item.kind == "state" and line.says(item.report):
            line.items.popleft()
            return self._head_of(line)
        if item is not None:
            return item.report, item
        report = line.next_due() or (line.next_due() if self._begin_comparison(line) else None)
        return (report, None) if report is not None else None

    def _begin_comparison(self, line: SubjectLine) -> bool:
        """Begin to compare the reports of a subject with those sent last; False if none need be compared now."""
        if line.dirty is Dirty.CLEAN or self._stopping or line.gives_way:
            line.gives_way = False
            return False
        settings_too, urgent_only = line.dirty is Dirty.ALL and not line.urgent_first, line.urgent_first
        line.urgent_first, line.gives_way, line.is_down = False, urgent_only, self._subjects.is_down(line.subject)
        if not urgent_only:
            line.dirty = Dirty.CLEAN
        now, in_seconds = self._clock.monotonic(), self._subjects.next_change_in(line.subject, self._clock.now())
        self._deadlines.bring_forward(line.subject, now + in_seconds if in_seconds is not None else None)
        self._deadlines.bring_forward(line.subject, line.next_repetition())
        reports = self._subjects.reports(line.subject, settings_changed=settings_too)
        # Each report is made when the one before it is published, so that the first is not late.
        made = until_one_fails(reports, line.subject, self._log)
        wanted = (one for one in made if not urgent_only or one.type in URGENT)
        line.comparing = (report for report in wanted if self._is_due(line, report, now))
        return True

    def _is_due(self, line: SubjectLine, report: Report, now: float) -> bool:
        return line.is_due(report, now) and not self._suspects.gave_up(report)

    def _needs_renewal(self, presence: Report) -> bool:
        """Whether the will must first be renewed, since it does not name a thing that is about to be included."""
        if presence.type != "evt.thing.inclusion_report" or presence.about in self._will:
            return False
        self._renewal.plan()
        return True

    def _encode(self, line: SubjectLine, report: Report, item: Item | None) -> Publication | None:
        topic = (item.topic if item is not None else None) or report.topic
        corid = item.corid if item is not None else None
        try:
            payload = report.encode(uid=self._uid(), now=self._clock.now(), src=self._src, corid=corid, topic=topic)
        except ValueError as error:
            line.unqueue(report, item)
            self._drop(Publication(topic.path, b"", line, report, item), f"it cannot be encoded as JSON: {error}")
            return None
        return Publication(topic.path, payload, line, report, item)

    def _send(self, publication: Publication) -> None:
        line, report = publication.line, publication.report
        line.unqueue(report, publication.item)
        if publication.item is None or publication.item.counts_as_sent:
            line.note(report, self._clock.monotonic())
            self._deadlines.bring_forward(line.subject, line.repeat_at.get(report.key))
            self._suspects.sent(report)
        self._in_flight[publication] = None

    def _note_acknowledged(self, publication: Publication) -> None:
        line, report = publication.line, publication.report
        if report.key[1] == PERSISTENT:
            if line.says(report):
                line.acknowledged[report.key] = report.fingerprint
            self._subjects.acknowledged(report)
            if report.type == EXCLUSION and line.says(report) and report.about in self._will:
                self._renewal.plan()
        elif report.type == ALL_NODES:
            self._subjects.acknowledged(report)

    def _drop(self, publication: Publication, reason: str) -> None:
        """Give up a message and log it once; its key is tried again when the content changes."""
        report = publication.report
        self._suspects.give_up(publication)
        self.dropped += 1
        self._log.error(
            "a message cannot be published and is dropped; the rest is published",
            topic=publication.path[:200],
            type=report.type,
            size=len(publication.payload),
            reason=reason,
        )
        if publication.item is not None:
            self._answer_with_error(publication.line, publication.item, reason)

    def _answer_with_error(self, line: SubjectLine, item: Item, reason: str) -> None:
        """Put an error in the place of an answer that is not published (contract 7)."""
        self.answers_waiting -= item.kind == "answer"
        error = item.error_because(reason)
        if error is not None:
            line.items.appendleft(error)
            self.answers_waiting += 1
            self._get_ready(line)

    def _note_settled(self) -> None:
        if not self._ready and not self._in_flight and not self._renewal.is_planned:
            self._settled.set()
            self._suspects.forget()
