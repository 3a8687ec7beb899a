"""Recordings of simulated sessions, made without a network."""

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from bridge.recording.lines import Event, Head, Lost, Received, RecordedLine, Recording, Sent, Unreadable
from bridge.recording.redaction import FrameRedaction
from bridge.simulator import wire_form
from bridge.simulator.account import SimulatedAccount, example_account
from bridge.simulator.car import Car
from bridge.simulator.charge_point import AMSTERDAM, SimulatedChargePoint

START = datetime(2026, 11, 20, 7, 0, 0, tzinfo=AMSTERDAM)


@dataclass
class RecordedLife:
    """A simulated account whose frames are recorded without redaction."""

    now: datetime = START
    state_set: str = "standard"
    lines: list[RecordedLine] = field(default_factory=list)
    account: SimulatedAccount = field(init=False)

    def __post_init__(self) -> None:
        self.account = example_account(lambda: self.now)

    @property
    def recording(self) -> Recording:
        """The recording."""
        head = Head(at=START, version="1.0", state_set=self.state_set, nominal_voltage=230, offline_grace=60)
        return Recording(head, tuple(self.lines))

    def point(self, number: int = 0) -> SimulatedChargePoint:
        """A charge point, in the account's order."""
        return list(self.account.charge_points.values())[number]

    # --- what passes ---

    def note(self, event: Event) -> None:
        """Record something."""
        self.lines.append(RecordedLine(self.now, (self.now - START).total_seconds(), event))

    def comes(self, frame: Any) -> None:
        """A frame comes."""
        self.note(Received(json.loads(json.dumps(frame))))

    def asks(self, command: str, answer: Any, **more: Any) -> None:
        """A question, and its answer."""
        self.note(Sent({"command": command, "Authorization": f"Token {self.account.request_token}", **more}))
        self.comes(answer)

    def open(self) -> None:
        """Log in and request everything."""
        account = self.account
        self.note(Sent({"command": "VALIDATE_API_TOKEN", "token": account.api_token}))
        self.comes(
            {"object": "STATUS_API_TOKEN", "success": True, "token": account.request_token, "customer_id": "C100"}
        )
        self.asks("HELLO", {"object": "HELLO"})
        self.asks(
            "GET_CHARGE_POINTS",
            {"object": "CHARGE_POINTS", "data": [wire_form.listing(p) for p in account.charge_points.values()]},
        )
        self.asks("GET_CHARGE_CARDS", {"object": "CHARGE_CARDS", "cards": account.cards})
        for evse_id, point in account.charge_points.items():
            self.asks("GET_CH_STATUS", wire_form.statuses(point), evse_id=evse_id)
            self.asks("GET_CH_SETTINGS", {"object": "CH_SETTINGS", "data": wire_form.settings(point)}, evse_id=evse_id)
        for evse_id in account.charge_points:
            self.asks("GET_GRID_STATUS", account.grid_status(evse_id), evse_id=evse_id)
        self.asks(
            "LIST_OVERRIDE_CURRENT", {"object": "LIST_OVERRIDE_CURRENT", "data": list(account.schedules.values())}
        )

    def push(self, number: int = 0, **odd: Any) -> None:
        """Push a status, with some values changed."""
        point = self.point(number)
        for socket in point.sockets:
            data = {**wire_form.status(point, socket, pushed=True), **odd}
            self.comes({"object": "CH_STATUS", "evse_id": point.evse_id, "data": data})

    def push_settings(self, number: int = 0) -> None:
        """Settings are pushed."""
        self.comes({"object": "CH_SETTINGS", "data": wire_form.settings(self.point(number))})

    def lose(self) -> None:
        """Take the link down."""
        self.note(Lost(f"closed for {self.account.login}", "ERR_DISCONNECTED"))

    def garbage(self) -> None:
        """Invalid frames and unknown words."""
        self.note(Unreadable(12))
        self.comes({"object": "NEWS", "text": f"for {self.account.full_name}"})

    # --- what happens ---

    def wait(self, minutes: float) -> None:
        """Time passes; what charges is pushed each five minutes."""
        left = minutes
        while left > 0:
            step = min(5.0, left)
            left -= step
            self.now += timedelta(minutes=step)
            for number, point in enumerate(self.account.charge_points.values()):
                if point.step(step * 60):
                    self.push(number)

    def plug(self, number: int = 0, phases: int = 3) -> None:
        """Connect a car."""
        if self.point(number).sockets[0].car is None:
            self.point(number).plug(Car(phases=phases, charge_kwh=50))
        self.push(number)

    def unplug(self, number: int = 0) -> None:
        """It leaves."""
        self.point(number).unplug()
        self.push(number)

    def start(self, number: int = 0) -> None:
        """Use a card at the charge point."""
        self.point(number).start("046C8CCA8C1D90")
        self.push(number)

    def stop(self, number: int = 0) -> None:
        """And again."""
        self.point(number).stop()
        self.push(number)


def redacted(recording: Recording, key: bytes = b"key") -> Recording:
    """The recording as the recorder would have written it."""
    redaction = FrameRedaction(key)

    def event(before: Event) -> Event:
        match before:
            case Sent(frame):
                return Sent(redaction.redact(frame))
            case Received(frame):
                return Received(redaction.redact(frame))
            case Lost(reason, code):
                return Lost(redaction.words(reason), code)
            case _:
                return before

    return replace(recording, lines=tuple(replace(line, event=event(line.event)) for line in recording.lines))
