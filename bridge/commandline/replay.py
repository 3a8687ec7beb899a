"""`bluecurrent-fimp replay`: prints the messages that a hub would have received, from a recording of cloud frames.

The replay builds the parts of the service with another clock and another link, and acknowledges every message at once.
A recording has no commands of the hub, so answers to commands are not repeated. It does have the changes that commands
made to the remembered state, and these are applied.
"""

import asyncio
import io
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from pydantic import JsonValue, SecretStr, ValidationError

from bridge.bluecurrent.frames import BadFrame, parse_frame
from bridge.bluecurrent.objects import is_known
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Twin
from bridge.commandline.replayed_link import ReplayClock, ReplayedLink, cause
from bridge.hub.line import Renewal
from bridge.hub.subjects import NETWORK
from bridge.logs import Log
from bridge.recording.head import storage_of
from bridge.recording.lines import (
    LeftOut,
    Lost,
    Received,
    RecordedLine,
    Recording,
    Remembered,
    Sent,
    Stopped,
    Unreadable,
    patched,
)
from bridge.recording.opening import Questions
from bridge.service import JUMP
from bridge.settings import ChargingSettings, CloudSettings, FimpSettings, HttpSettings, Settings
from bridge.storage.recorder import GRIDS, grids_behind
from bridge.storage.rows import LIMITS, MEMORY
from bridge.wiring import Parts, build
from bridge.world import World

ROUNDS: Final = 60
"""The number of turns of the event loop after each line, enough for an answer to lead to the next request."""

TICK_S: Final = 1.0
_ASKS: Final = ("GET_", "LIST_", "HELLO", "VALIDATE_")

Hear = Callable[[str, bytes], None]
"""Called with the topic and the payload of a message."""

Miss = Callable[[datetime, str], None]
"""Called with the time and a description of a line that the bridge does not understand."""


class Replay:
    """One replay.

    Args:
        recording: the recording to replay.
        hear: called with each message that a hub would have received.
        miss: called for each line that the bridge does not understand.
    """

    def __init__(self, recording: Recording, hear: Hear, miss: Miss) -> None:
        self._recording = recording
        self._hear = hear
        self._miss = miss
        self._clock = ReplayClock(recording.head.at)
        self._questions = Questions()
        self._commands: set[JsonValue] = set()  # the flow ids of requests for commands of the hub
        storage, faults = storage_of(recording.head)
        for fault in faults:
            miss(recording.head.at, fault)
        for number in recording.unreadable:
            miss(recording.head.at, f"line {number} of the recording cannot be read")
        world = World(self._clock, link=ReplayedLink, storage=storage, jitter=lambda: 0.0)
        self._parts = build(_settings(recording), Log("fatal", "json", io.StringIO()), world)
        self._things_changed = False
        _listen(self._parts, self._may_be_new)
        link = self._parts.link
        assert isinstance(link, ReplayedLink)  # noqa: S101 - build makes what it was given
        self._link = link

    async def run(self) -> None:
        """Replay all of it."""
        parts = self._parts
        parts.fleet.restore(parts.storage.charge_points(), grids_behind(parts.storage.value(GRIDS)))
        self._link.set_up(parts.sync.opened)
        self._link.set_token(parts.credentials.token())
        parts.reporter.connected(parts.things.will_addresses(), renewed=False)
        try:
            await self._settle()
            for line in self._recording.lines:
                await self._pass_time(line.after)
                await self._follow(line)
                await self._happens(line)
                await self._settle()
        finally:
            await parts.tasks.end()
            parts.storage.close()

    async def _pass_time(self, until: float) -> None:
        while self._clock.monotonic() + TICK_S < until:
            woken = self._clock.move(self._clock.monotonic() + TICK_S)
            self._parts.reporter.tick()
            if woken:
                await self._settle()
            else:
                self._publish()

    async def _follow(self, line: RecordedLine) -> None:
        """Move the clock to the time of a line. If the wall clock was set, the bridge's own times move with it."""
        passed = timedelta(seconds=line.after - self._clock.monotonic())
        jump = line.at - (self._clock.now() + passed)
        self._clock.move(line.after, line.at)
        if abs(jump) >= JUMP:
            await self._parts.fleet.clock_jumped(jump)

    async def _settle(self) -> None:
        for _ in range(ROUNDS):
            await asyncio.sleep(0)
        self._publish()

    def _publish(self) -> None:
        reporter = self._parts.reporter
        if self._things_changed:
            # A replay has no connection that would have to be renewed for a new will.
            reporter.connected(self._parts.things.will_addresses(), renewed=True)
            self._things_changed = False
        while (publication := reporter.take()) is not None:
            if isinstance(publication, Renewal):
                reporter.connected(self._parts.things.will_addresses(), renewed=True)
                continue
            self._hear(publication.path, publication.payload)
            reporter.acknowledged(publication)

    def _may_be_new(self, before: object, after: object) -> None:
        self._things_changed = self._things_changed or before is None or after is None

    # --- line by line ---

    async def _happens(self, line: RecordedLine) -> None:
        match line.event:
            case Sent(dict() as frame):
                await self._sent(frame)
            case Received(frame):
                await self._received(line.at, frame)
            case Unreadable(length):
                self._miss(line.at, f"a frame of {length} characters that is not JSON")
            case Lost() as lost:
                await self._link.loses(cause(lost, line.at))
            case Remembered() as remembered:
                self._remembered(line.at, remembered)
            case LeftOut(lines):
                self._miss(line.at, f"{lines} lines are missing here: the recording could not be written fast enough")
            case Stopped():
                self._parts.app_state.stopping()
                self._parts.reporter.stop()
            case _:
                pass

    async def _sent(self, frame: Mapping[str, JsonValue]) -> None:
        command = str(frame.get("command"))
        self._questions.ask(frame)
        if command.startswith("VALIDATE_"):
            self._link.logs_in()
        elif command == "HELLO":
            await self._link.opens()
        if not command.startswith(_ASKS) and isinstance(frame.get("flow_id"), str):
            self._commands.add(frame["flow_id"])

    async def _received(self, at: datetime, frame: JsonValue) -> None:
        text = json.dumps(frame)
        self._say_what_is_odd(at, text)
        if isinstance(frame, dict) and "flow_id" in frame and frame["flow_id"] not in self._commands:
            # The request has another flow_id than when it was recorded, so its answer is matched by its object.
            text = json.dumps({**frame, "flow_id": None})
        answered = self._questions.answer(frame) if isinstance(frame, dict) else None
        await self._link.hears(text, answered[0] if answered is not None else None)

    def _say_what_is_odd(self, at: datetime, text: str) -> None:
        try:
            frame = parse_frame(text)
        except BadFrame as error:
            self._miss(at, f"a frame that cannot be parsed: {error}")
            return
        words = [] if is_known(frame.object) else [f"{frame.object} is not known"]
        if words or frame.oddities:
            self._miss(at, "; ".join([*words, *frame.oddities]))

    def _remembered(self, at: datetime, change: Remembered) -> None:
        twin = self._parts.fleet.twin(change.address)
        if twin is None:
            return
        try:
            memory, limits = _after(twin, change)
        except ValidationError:
            self._miss(at, f"the state of {change.address} that is recorded here cannot be read by this version")
            return
        self._parts.fleet.limit(twin.address, lambda _: limits)
        self._parts.fleet.remember(twin.address, lambda _: memory)


def _after(twin: Twin, change: Remembered) -> tuple[Memory, Limits]:
    memory = patched(MEMORY.dump_python(twin.memory, mode="json"), change.memory)
    limits = patched(LIMITS.dump_python(twin.limits, mode="json"), change.limits)
    return MEMORY.validate_python(memory), LIMITS.validate_python(limits)


def _settings(recording: Recording) -> Settings:
    head = recording.head
    defaults = Settings()
    return defaults.model_copy(
        update={
            "cloud": CloudSettings.model_validate(
                {"api_token": SecretStr("recorded"), "offline_grace": head.offline_grace}
            ),
            "fimp": FimpSettings.model_validate({"state_set": head.state_set}),
            "charging": ChargingSettings.model_validate({"nominal_voltage": head.nominal_voltage}),
            "http": HttpSettings(listen=""),
        }
    )


def _listen(parts: Parts, may_be_new: Callable[[object, object], None]) -> None:
    """Connect only the listeners that lead to reports: not the database, the page or the app's REST API."""
    parts.fleet.listeners = (may_be_new, parts.overrides.charge_point_changed, parts.reporter.charge_point_changed)
    parts.fleet.grids.listeners = (may_be_new, parts.reporter.grid_changed)
    parts.fleet.remembered_listeners = ()
    parts.link.status_listeners = (
        parts.logins.link_changed,
        parts.app_state.link_changed,
        parts.sync.link_changed,
    )
    parts.sync.looked_listeners = (partial(parts.reporter.mark, NETWORK),)
