"""The hub's commands in a run: sent, answered, and acted on at most once."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from websockets.asyncio.server import ServerConnection

from bridge.simulator.cloud import SimulatedCloud
from bridge.simulator.server import JsonFrame
from tests.harness import ADAPTER, device_topic
from tests.integration.faults.ear import Ear
from tests.integration.faults.plan import Wish

ACTS: Final[Mapping[str, frozenset[str]]] = {
    "cmd.charge.start": frozenset({"START_SESSION"}),
    "cmd.charge.stop": frozenset({"STOP_SESSION"}),
    "cmd.cable_lock.set": frozenset({"UNLOCK_CONNECTOR"}),
    "cmd.thing.reboot": frozenset({"REBOOT"}),
    "cmd.param.set": frozenset({"SET_PLUG_AND_CHARGE"}),
}
"""Commands, and the requests that carry them out. A limit is not among them: it is reconciled, and may be sent again."""

ON_ITS_WAY_S: Final = 5.0
"""How long after its command was answered a request may still reach the cloud: it was on a line that stood still."""


class ObservedCloud(SimulatedCloud):
    """The simulated cloud, with the time of every request; `now` is the loop's."""

    arrivals: list[tuple[float, str, str]]

    async def answer(self, connection: ServerConnection, frame: JsonFrame) -> None:
        """Note the request, and answer it."""
        now = asyncio.get_running_loop().time()
        self.arrivals.append((now, str(frame.get("command")), str(frame.get("evse_id"))))
        await super().answer(connection, frame)


@dataclass(slots=True)
class Sent:
    """A command that was sent."""

    uid: str
    wish: Wish
    evse_id: str
    at: float
    step: int
    answered_at: float | None = None
    excused: bool = False  # the bridge was killed before it could answer


@dataclass
class Commands:
    """Sends commands and keeps their books.

    Attributes:
        ear: the hub.
        now: the time of the bridge's clock.
        sent: `uid` → command.
    """

    ear: Ear
    now: Callable[[], datetime]
    sent: dict[str, Sent] = field(default_factory=dict)
    _again: set[asyncio.Task[None]] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.ear.listeners.append(self._answered)

    def _answered(self, uid: str) -> None:
        command = self.sent.get(uid)
        if command is not None and command.answered_at is None:
            command.answered_at = asyncio.get_running_loop().time()

    async def send(self, wish: Wish, evse_id: str, step: int) -> None:
        """Send a command; some are sent again a little later."""
        uid = str(UUID(int=(0xFA17 << 112) | (4 << 76) | (2 << 62) | (len(self.sent) + 1)))
        command = Sent(uid, wish, evse_id, asyncio.get_running_loop().time(), step)
        self.sent[uid] = command
        await self._say(command)
        if wish.again:
            task = asyncio.create_task(self._later(command))
            self._again.add(task)
            task.add_done_callback(self._again.discard)

    async def _later(self, command: Sent) -> None:
        await asyncio.sleep(0.5)
        await self._say(command)

    async def sent_again(self) -> None:
        """Wait until what is to be sent again was sent."""
        await asyncio.gather(*self._again)

    async def _say(self, command: Sent) -> None:
        wish = command.wish
        fields: dict[str, Any] = {"val": wish.value}
        topic = device_topic(command.evse_id)
        match wish.type:
            case "cmd.max_current.set" | "cmd.current_session.set_current":
                fields["val_t"] = "int"
            case "cmd.cable_lock.set":
                fields["val_t"] = "bool"
            case "cmd.thing.reboot":
                fields["val_t"] = "bool"
                topic = device_topic(command.evse_id, "dev_sys")
            case "cmd.param.set":
                fields["val_t"] = "object"
                fields["val"] = {"parameter_id": "free_charging", "value_type": "bool", "value": wish.value}
                topic = device_topic(command.evse_id, "parameters")
            case "cmd.meter.get_report":
                topic = device_topic(command.evse_id, "meter_elec")
            case "cmd.network.get_all_nodes":
                topic = ADAPTER
            case _:
                fields["props"] = {"charging_mode": wish.mode} if wish.mode else {}
        await self.ear.say(topic, wish.type, self.now(), uid=command.uid, **fields)

    # --- the books ---

    @property
    def unanswered(self) -> list[Sent]:
        """What waits for an answer."""
        return [one for one in self.sent.values() if one.answered_at is None and not one.excused]

    def excuse(self) -> None:
        """The bridge was killed: what it has taken and not answered yet is gone with it."""
        for one in self.unanswered:
            one.excused = True

    def surplus(self, arrivals: Sequence[tuple[float, str, str]]) -> list[str]:
        """Requests that no command accounts for: each is to have one of its own, that was sent before it."""
        left: dict[tuple[str, str], list[Sent]] = defaultdict(list)
        for one in self.sent.values():
            for request in ACTS.get(one.wish.type, ()):
                left[request, one.evse_id].append(one)
        found = []
        for at, request, evse_id in arrivals:
            if not any(request in requests for requests in ACTS.values()):
                continue
            fits = [one for one in left[request, evse_id] if one.at <= at <= _until(one)]
            if fits:
                left[request, evse_id].remove(min(fits, key=_until))
            else:
                found.append(f"{request} of {evse_id} at {at:.3f}")
        return found


def _until(command: Sent) -> float:
    return command.answered_at + ON_ITS_WAY_S if command.answered_at is not None else float("inf")


async def until(condition: Callable[[], Awaitable[bool]], patience_s: float) -> bool:
    """Wait until something is so; False: it did not become so."""
    give_up = asyncio.get_running_loop().time() + patience_s
    while not await condition():
        if asyncio.get_running_loop().time() > give_up:
            return False
        await asyncio.sleep(0.02)
    return True
