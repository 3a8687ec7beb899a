"""The publishing line of one subject, a thing or the adapter: what to publish next, and what was sent. Pure."""

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from itertools import islice
from typing import Final, Literal

from bridge.errors import BridgeError, InvalidState
from bridge.fimp.report import Report, ReportKey
from bridge.fimp.topic import Topic
from bridge.immutable import immutable


class Dirty(IntEnum):
    """Which reports of a subject must be compared with those that were sent last."""

    CLEAN = 0
    STATUS = 1  # only the reports that a CH_STATUS can change
    ALL = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """When a report is published without a command.

    Attributes:
        on_change: publish when the report differs from the last one sent.
        at_least_every: publish when the last one was sent this long ago; None: never for that reason.
    """

    on_change: bool = True
    at_least_every: timedelta | None = None


ON_CHANGE: Final = Policy()

ALL_NODES: Final = "evt.network.all_nodes_report"

POLICIES: Final[dict[str, Policy]] = {
    # Hubs take a silent meter for a dead one (page 4, "Seen with real consumers").
    "evt.current_session.report": Policy(at_least_every=timedelta(minutes=30)),
    "evt.meter.report": Policy(at_least_every=timedelta(minutes=30)),
    "evt.meter_ext.report": Policy(at_least_every=timedelta(minutes=30)),
    # Contract 6: "at start and every day"; a change is published as a node report.
    ALL_NODES: Policy(on_change=False, at_least_every=timedelta(days=1)),
}
"""The interfaces whose policy is not `ON_CHANGE`."""

EXCLUSION: Final = "evt.thing.exclusion_report"

URGENT: Final = frozenset({"evt.state.report", "evt.current_session.report", "evt.network.node_report"})
"""The reports that go out first, for all things, after a reconnect."""

PERSISTENT: Final = "presence"
"""The key part of reports that stay valid while the broker is away: a hub keeps its list of things."""


@immutable(frozen=True, slots=True, eq=False)
class Item:
    """One queued message, which is published as it is instead of being compared with the last one sent.

    Attributes:
        report: the report to publish.
        kind: `state`: a state that the socket passed through; it is discarded while the broker is away, since only the
            latest state counts then. `answer` and `event`: kept until the broker has acknowledged the message.
        topic: the topic of a copy for `resp_to`; None: the report's own topic.
        corid: the `uid` of the command that the message answers; None if it answers none.
        error: makes the error report that answers the command if this message cannot be published; None for no answer
            then.
    """

    report: Report
    kind: Literal["state", "answer", "event"]
    topic: Topic | None = None
    corid: str | None = None
    error: Callable[[BridgeError], Report] | None = None

    def error_because(self, reason: str) -> "Item | None":
        """Return the message to publish instead of this one, which cannot be published; None if there is none."""
        if self.error is None:
            return None
        words = f"The command was handled, but its answer {self.report.type} cannot be published: {reason}."
        return Item(self.error(InvalidState(words)), self.kind, self.topic, self.corid)

    @property
    def counts_as_sent(self) -> bool:
        """Whether it also updates the value last sent under its key. A copy for `resp_to` and an error do not."""
        return self.topic is None and self.report.type != "evt.error.report"


@dataclass(eq=False, slots=True)
class SubjectLine:
    """The line of one subject.

    Attributes:
        subject: the address of a thing, `ADAPTER`, `NETWORK` or `GOODBYE`.
        items: the queued messages, in order. They go out before the compared reports.
        comparing: the current comparison, which yields the reports that differ from those sent last, in order.
        due: the reports that it has yielded and that are not sent yet.
        dirty: which reports must be compared again.
        presence_checked: the inclusion report was compared since `dirty` became ALL. It goes out before the states: a
            hub drops a state that the description of the thing does not list.
        presence: the inclusion or exclusion report, if it differs from the one sent last.
        urgent_first: the next comparison takes only `URGENT` reports.
        gives_way: the last comparison took only those; the rest follows after all other lines.
        sent: the fingerprint of the report sent last under each key, acknowledged or in flight.
        repeat_at: when a report is due again although it has not changed, seconds on the monotonic clock, for each key
            whose policy has an interval.
        acknowledged: the fingerprints for the `PERSISTENT` keys, acknowledged only.
        is_down: the subject is a thing that is DOWN, about which nothing is repeated (contract 4).
    """

    subject: str
    items: deque[Item] = field(default_factory=deque)
    comparing: Iterator[Report] = field(default_factory=lambda: iter(()))
    due: deque[Report] = field(default_factory=deque)
    dirty: Dirty = Dirty.CLEAN
    presence_checked: bool = False
    presence: Report | None = None
    urgent_first: bool = False
    gives_way: bool = False
    sent: dict[ReportKey, object] = field(default_factory=dict)
    repeat_at: dict[ReportKey, float] = field(default_factory=dict)
    acknowledged: dict[ReportKey, object] = field(default_factory=dict)
    is_down: bool = False

    @property
    def is_unfinished(self) -> bool:
        """Whether only the urgent reports were compared so far."""
        return self.dirty is not Dirty.CLEAN and self.presence_checked

    def begins_with_answer(self) -> bool:
        """Whether the first queued message answers a command."""
        return bool(self.items) and self.items[0].kind == "answer"

    def is_due(self, report: Report, now: float) -> bool:
        """Whether the policy of a current report requires that it is published.

        Args:
            report: the current report.
            now: seconds on the monotonic clock.
        """
        key = report.key
        sent = self.sent.get(key)
        if sent is None or (now >= self.repeat_at.get(key, math.inf) and not self.is_down):
            return True
        return sent != report.fingerprint and POLICIES.get(report.type, ON_CHANGE).on_change

    def says(self, report: Report) -> bool:
        """Whether the report sent last under this key has the same content."""
        return self.sent.get(report.key) == report.fingerprint

    def note(self, report: Report, now: float) -> None:
        """Record a report as sent at `now`, seconds on the monotonic clock."""
        if report.type == EXCLUSION:
            self.sent.clear()  # if the thing comes back, every report is published again
            self.repeat_at.clear()
            self.stop_comparing()
        self.sent[report.key] = report.fingerprint
        every = POLICIES.get(report.type, ON_CHANGE).at_least_every
        if every is not None:
            self.repeat_at[report.key] = now + every.total_seconds()

    def retract(self, report: Report) -> None:
        """Record that a report was not acknowledged: what was acknowledged before under its key is valid again."""
        key = report.key
        self.sent.pop(key, None)
        self.repeat_at.pop(key, None)
        if key in self.acknowledged:
            self.sent[key] = self.acknowledged[key]

    def queue(self, item: Item) -> None:
        """Queue a message. A compared report with its key that still waits is older, and is queued before it."""
        if item.counts_as_sent:
            self.due.extend(self.comparing)
            for older in [report for report in self.due if report.key == item.report.key]:
                self.due.remove(older)
                self.items.append(Item(older, "state"))
        self.items.append(item)

    def unqueue(self, report: Report, item: Item | None) -> None:
        """Remove the message at the head: the first item, the presence, or the first due report."""
        if item is not None:
            self.items.popleft()
        elif report is self.presence:
            self.presence = None
        else:
            self.due.popleft()

    def next_due(self) -> Report | None:
        """Return the next report of the current comparison; None if there is none. It stays until it is sent."""
        if not self.due:
            self.due.extend(islice(self.comparing, 1))
        return self.due[0] if self.due else None

    def stop_comparing(self) -> None:
        """Drop the current comparison."""
        self.comparing = iter(())
        self.due.clear()

    def forget(self) -> None:
        """Forget what was sent, except what hubs keep: the broker was away. What is urgent goes first."""
        self.sent = dict(self.acknowledged)
        self.repeat_at.clear()
        self.stop_comparing()
        self.presence, self.urgent_first, self.gives_way = None, True, False
        self.items = deque(item for item in self.items if item.kind != "state")

    def give_up(self) -> None:
        """Drop all but answers until the next change, since the reports cannot be made."""
        self.dirty, self.presence = Dirty.CLEAN, None
        self.stop_comparing()
        self.items = deque(item for item in self.items if item.kind == "answer")

    def next_repetition(self) -> float | None:
        """Return when the next report with an interval is due, monotonic seconds; None if there is none."""
        return min(self.repeat_at.values(), default=None) if not self.is_down else None


@immutable(frozen=True, slots=True, eq=False)
class Publication:
    """One message on its way to the broker.

    Attributes:
        path: the MQTT topic.
        payload: the encoded message.
        line: the line that it comes from.
        report: the report that it carries.
        item: the queued message that it carries; None for a compared report.
    """

    path: str
    payload: bytes
    line: SubjectLine
    report: Report
    item: Item | None = None

    @property
    def is_answer(self) -> bool:
        """Whether it answers a command."""
        return self.item is not None and self.item.kind == "answer"

    @property
    def identity(self) -> object:
        """A value that stays equal when the same message is sent again."""
        return self.item if self.item is not None else (self.report.key, self.report.fingerprint)


@immutable(frozen=True, slots=True)
class Renewal:
    """Returned instead of a publication: the connection must be opened again with a new will."""
