"""What is to be published about one subject, a thing or the adapter, in its order. Pure."""

from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Final, Literal

from bridge.fimp.report import Report, ReportKey
from bridge.fimp.topic import Topic


class Dirty(IntEnum):
    """How much of a subject may differ from what was told."""

    CLEAN = 0
    STATUS = 1  # only what a status can change
    ALL = 2


@dataclass(frozen=True, slots=True)
class Policy:
    """When a report is published by itself.

    Attributes:
        on_change: whenever it differs from what was told.
        at_least_every: and when it was told that long ago.
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
    # Contract 6: "at start and every day"; changes are told node by node.
    ALL_NODES: Policy(on_change=False, at_least_every=timedelta(days=1)),
}
"""The policy of each interface that has another than `ON_CHANGE`."""

EXCLUSION: Final = "evt.thing.exclusion_report"

URGENT: Final = frozenset({"evt.state.report", "evt.current_session.report", "evt.network.node_report"})
"""What is told of every thing before anything else of any, when everything is told anew."""

PERSISTENT: Final = "presence"
"""The part of a key whose reports stay told when the broker was away: hubs keep their things."""


@dataclass(frozen=True, slots=True)
class Told:
    """What was told last under a key.

    Attributes:
        fingerprint: see `Report.fingerprint`.
        at: when it was sent, on the monotonic clock, s.
        every: after how many seconds it is told again; None: only when it changes.
    """

    fingerprint: object
    at: float
    every: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """One message that stands in a line by itself, rather than being compared with what was told.

    Attributes:
        report: what to say.
        kind: a state that was passed through merges with later ones while the broker is away; an answer, or an event
            that happened once, is kept until the broker has it.
        topic: where it goes, if not to the report's own topic: a copy for `resp_to`.
        corid: the `uid` of the command that it answers.
    """

    report: Report
    kind: Literal["state", "answer", "event"]
    topic: Topic | None = None
    corid: str | None = None

    @property
    def counts_as_told(self) -> bool:
        """It says what is so, on the topic where that is told; a copy does not, nor does an error."""
        return self.topic is None and self.report.type != "evt.error.report"


@dataclass(eq=False, slots=True)
class SubjectLine:
    """One subject.

    Attributes:
        subject: the address of a thing, or another name for what belongs to the adapter.
        items: what stands in the line by itself, in order. It goes before what is compared.
        due: the reports of the present comparison that differ from what was told, in order.
        dirty: how much is to be compared anew.
        presence_told: whether the thing is there was compared since `dirty` became ALL. It goes before the states: a
            hub drops a state that the thing's description does not list.
        presence: the inclusion or exclusion report, where it differs from what was told.
        urgent_first: only what is urgent is compared, and the rest after all other lines.
        told: what was sent last under each key, acknowledged or in flight.
        acknowledged: the same for the persistent keys, acknowledged only.
        ready: it stands in the queue of lines that have something to say, or may have.
    """

    subject: str
    items: deque[Item] = field(default_factory=deque)
    due: deque[Report] = field(default_factory=deque)
    dirty: Dirty = Dirty.CLEAN
    presence_told: bool = False
    presence: Report | None = None
    urgent_first: bool = False
    told: dict[ReportKey, Told] = field(default_factory=dict)
    acknowledged: dict[ReportKey, Told] = field(default_factory=dict)
    ready: bool = False

    def is_due(self, report: Report, now: float) -> bool:
        """Whether a report that is so now is to be published.

        Args:
            report: what is so.
            now: on the monotonic clock, s.
        """
        told = self.told.get(report.key)
        if told is None:
            return True
        if told.every is not None and now - told.at >= told.every:
            return True
        return POLICIES.get(report.type, ON_CHANGE).on_change and told.fingerprint != report.fingerprint

    def says(self, report: Report) -> bool:
        """Whether this very thing was told last under the report's key."""
        told = self.told.get(report.key)
        return told is not None and told.fingerprint == report.fingerprint

    def note(self, report: Report, now: float) -> None:
        """A report has been sent."""
        if report.type == EXCLUSION:
            self.told.clear()  # should the thing come back, everything is told anew
        every = POLICIES.get(report.type, ON_CHANGE).at_least_every
        seconds = every.total_seconds() if every is not None else None
        self.told[report.key] = Told(report.fingerprint, now, seconds)

    def unqueue(self, report: Report, item: Item | None) -> None:
        """Take the first message out: the first item, or a report of the present comparison."""
        if item is not None:
            self.items.popleft()
        elif report is self.presence:
            self.presence = None
        else:
            self.due.popleft()

    def forget(self) -> None:
        """The broker was away: what it holds is not known, but for what hubs keep."""
        self.told = dict(self.acknowledged)
        self.due.clear()
        self.presence = None
        self.items = deque(item for item in self.items if item.kind != "state")

    def next_repetition(self) -> float | None:
        """When the first of the reports with an interval is to be told again, on the monotonic clock, s."""
        return min((told.at + told.every for told in self.told.values() if told.every is not None), default=None)


@dataclass(frozen=True, slots=True, eq=False)
class Publication:
    """One message on its way to the broker.

    Attributes:
        path: the topic as the broker knows it.
        payload: what is published there.
        line: whose it is.
        report: what it says.
        item: the item of the line that it is; None for a report that was compared.
    """

    path: str
    payload: bytes
    line: SubjectLine
    report: Report
    item: Item | None = None

    @property
    def identity(self) -> object:
        """The same for the same message when it is sent again."""
        return self.item if self.item is not None else (self.report.key, self.report.fingerprint)


@dataclass(frozen=True, slots=True)
class Renewal:
    """In the place of a publication: the connection is to be made anew, with a new will."""
