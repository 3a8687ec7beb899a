"""Requests and answers in random order: every request ends exactly once."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from bridge.bluecurrent import requests
from bridge.bluecurrent.correlation import Correlation, Waiting
from bridge.bluecurrent.frames import parse_frame
from bridge.bluecurrent.requests import Request
from bridge.errors import (
    Disconnected,
)


@dataclass(eq=False)
class Asked:
    """A request of the test, and the answers that the cloud still has to send."""

    request: Request[Any]
    flow_id: str
    waiting: Waiting
    effect: dict[str, Any] | None
    to_come: list[str] = field(default_factory=list)
    heard_of: bool = False


POINTS = ("A1", "A12", "B1")

LOST = Disconnected("gone")

KINDS: tuple[tuple[Callable[[str], Request[Any]], dict[str, Any] | None], ...] = (
    (lambda evse_id: requests.start_session(evse_id, "card"), None),
    (requests.stop_session, None),
    (lambda evse_id: requests.set_operative(evse_id, operative=False), {"activity": "unavailable"}),
    (lambda evse_id: requests.set_operative(evse_id, operative=True), {"activity": "available"}),
    (lambda evse_id: requests.set_plug_and_charge(evse_id, value=True), {"plug_and_charge": True}),
    (lambda evse_id: requests.set_plug_and_charge(evse_id, value=False), {"plug_and_charge": False}),
    (lambda evse_id: requests.set_delayed_charging(evse_id, value=True), {"delayed_charging": True}),
)


class Cloud:
    """A cloud that answers requests with delays, in order for each command and charge point."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data
        self.correlation = Correlation(60.0)
        self.asked: list[Asked] = []
        self.ends: Counter[Asked] = Counter()
        self.now = 0.0

    def draw(self, strategy: st.SearchStrategy[Any]) -> Any:
        """Something at random."""
        return self.data.draw(strategy)

    def by(self, waiting: Waiting) -> Asked:
        """The request of this place."""
        return next(one for one in self.asked if one.waiting is waiting)

    def ask(self) -> None:
        """A request is made."""
        make, effect = self.draw(st.sampled_from(KINDS))
        request = make(self.draw(st.sampled_from(POINTS)))
        flow_id = f"flow {len(self.asked)}"
        waiting = self.correlation.add(request, flow_id)
        steps = ["RECEIVED", "STATUS"] if effect is None or "activity" in effect else ["STATUS"]
        self.asked.append(Asked(request, flow_id, waiting, effect, steps))

    def hear(self, frame: dict[str, Any], about: Asked | None) -> None:
        """Receive a frame, which may end the requests that it answers or whose effect it shows."""
        read = parse_frame(json.dumps(frame))
        ended = [self.by(one.waiting) for one in self.correlation.take(read, self.now)]
        for one in ended:
            self.ends[one] += 1
            shows = one.request.shown_by is not None and one.request.shown_by(read) is True
            assert one is about or shows, f"{frame} ended {one.request.command} {one.request.evse_id}"

    def answer(self) -> None:
        """Send the next answer to a request."""
        first: dict[tuple[str, str | None, str], Asked] = {}
        for one in self.asked:
            if one.to_come:
                first.setdefault((one.request.command, one.request.evse_id, one.to_come[0]), one)
        # A verdict waits for those on the older requests of its command and charge point.
        ready = [
            one
            for one in first.values()
            if not any(
                one.to_come[0] in older.to_come
                for older in self.asked[: self.asked.index(one)]
                if (older.request.command, older.request.evse_id) == (one.request.command, one.request.evse_id)
            )
        ]
        if not ready:
            return
        one = self.draw(st.sampled_from(ready))
        step = one.to_come.pop(0)
        frame = {"object": f"{step}_{one.request.command}", "evse_id": one.request.evse_id, "success": True}
        if self.draw(st.integers(0, 3)) == 0:
            one.to_come = []
            frame |= {"success": False, "error": f"it did not work for chargepoint: {one.request.evse_id}."}
            if self.draw(st.booleans()):
                del frame["evse_id"]
        one.heard_of = True
        self.hear(frame | self.flow(one), one)

    def flow(self, one: Asked) -> dict[str, Any]:
        """Whether an answer names its request."""
        named: dict[str, Any] = self.draw(st.sampled_from(({"flow_id": one.flow_id}, {"flow_id": ""}, {})))
        return named

    def error(self) -> None:
        """The cloud answers a request with an ERROR and no more."""
        open_ = [one for one in self.asked if not one.heard_of and not self.ends[one] and one.to_come]
        if open_:
            one = self.draw(st.sampled_from(open_))
            one.to_come, one.heard_of = [], True
            self.hear({"object": "ERROR", "error": self.draw(st.sampled_from((0, 2, 9)))} | self.flow(one), one)
            if not self.ends[one]:  # it may belong to any: none is repeated until it has timed out
                self.ends[one] += 1
                self.correlation.give_up(one.waiting)

    def effect(self) -> None:
        """A push shows the effect of a request, does not show it, or is old."""
        evse_id = self.draw(st.sampled_from(POINTS))
        content = self.draw(st.sampled_from([effect for _, effect in KINDS if effect is not None]))
        object_ = "CH_STATUS" if "activity" in content else "CH_SETTINGS"
        self.hear({"object": object_, "evse_id": evse_id, "data": {"evse_id": evse_id, **content}}, None)

    def somebody_elses(self) -> None:
        """An answer to another program's request."""
        make, _ = self.draw(st.sampled_from(KINDS))
        request = make(self.draw(st.sampled_from(POINTS)))
        step = self.draw(st.sampled_from(("RECEIVED_", "STATUS_", "")))
        frame = {"object": f"{step}{request.command}", "evse_id": request.evse_id, "success": True}
        self.hear(self.draw(st.sampled_from((frame, {"object": "ERROR", "error": 9}))) | {"flow_id": "theirs"}, None)

    def arrive(self) -> None:
        """Time passes for one request."""
        if self.asked:
            one = self.draw(st.sampled_from(self.asked))
            for ended in self.correlation.arrived(one.waiting, self.now):
                assert ended.waiting is one.waiting
                self.ends[one] += 1

    def give_up(self) -> None:
        """A request times out; a late answer of the cloud would name it."""
        open_ = [one for one in self.asked if not self.ends[one]]
        if open_:
            one = self.draw(st.sampled_from(open_))
            one.to_come = []
            self.ends[one] += 1
            self.correlation.give_up(one.waiting)

    def live(self) -> None:
        """Random events happen, and the connection ends."""
        actions = (self.ask, self.ask, self.answer, self.answer, self.answer, self.error, self.effect,
                   self.somebody_elses, self.arrive, self.give_up)  # fmt: skip
        for _ in range(self.draw(st.integers(1, 40))):
            self.now += 0.1
            self.draw(st.sampled_from(actions))()
        for ended in self.correlation.fail_all(LOST, LOST):
            self.ends[self.by(ended.waiting)] += 1
        assert all(self.ends[one] == 1 for one in self.asked)


@given(st.data())
def test_every_request_ends_exactly_once_with_its_own_answer(data: st.DataObject) -> None:
    Cloud(data).live()
