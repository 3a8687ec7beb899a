"""Commands: from the bytes that came to the reports that answer them (contract 3 and 7)."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from structlog.typing import FilteringBoundLogger

from bridge.account.locks import Locks
from bridge.clock import Clock
from bridge.errors import (
    BridgeError,
    ErrorCode,
    Expired,
    InvalidState,
    Malformed,
    UnknownAddress,
    UnknownInterface,
)
from bridge.fimp.command import Call, Command, Handler
from bridge.fimp.message import Message
from bridge.fimp.report import Report
from bridge.fimp.topic import InvalidTopic, Topic
from bridge.hub.answers import Answers, Asked, copy_topic
from bridge.hub.telling import ADAPTER
from bridge.runtime_settings import RuntimeSettings
from bridge.services.things import ThingsService
from bridge.storage.storage import Outcome, Storage
from bridge.tasks import BackgroundTasks

WAITING_LIMIT: Final = 16
"""How many acting commands may wait for one charge point; more are refused."""

TAKEN_LIMIT: Final = 1000
"""How many commands may be in work or wait for their answer to be published; more are refused."""

FIRST_LOOK_S: Final = 8.0
"""How long commands wait after a start for the charge points to be heard of; consumers give up after 10 s."""

SHOWN_MAX: Final = 40
"""How much of a command's value is shown, in letters."""


@dataclass(frozen=True, slots=True)
class Handled:
    """A command that acts, and its outcome.

    Attributes:
        address: the service address; empty for a command to the bridge itself.
        command: the interface, such as `cmd.charge.start`.
        value: its argument where it may be shown: a bare value, or the charging mode. Empty for a command to the
            bridge itself, whose value can be a password.
        code: the error it was answered with; None: it was carried out.
        words: that error's sentence.
    """

    at: datetime
    address: str
    command: str
    value: str
    code: ErrorCode | None
    words: str


class Router:
    """Takes commands and has them carried out.

    Args:
        adapter: the commands of the adapter.
        discovery: the commands of discovery.
        things: the services of the charge points and grid connections.
        answers: where answers go.
        storage: remembers which commands were acted on.
        clock: tells the time.
        runtime: how old an acting command may be.
        locks: one for each charge point.
        tasks: carries commands out in the background.
        first_look: is set once the charge points have been heard of after a start, or will not be for a while.
        resource_name: the adapter's.
        log: where to say what happens.

    Attributes:
        listeners: who hears of every acting command that was answered.
    """

    def __init__(
        self,
        *,
        adapter: Mapping[str, Command],
        discovery: Mapping[str, Command],
        things: ThingsService,
        answers: Answers,
        storage: Storage,
        clock: Clock,
        runtime: RuntimeSettings,
        locks: Locks,
        tasks: BackgroundTasks,
        first_look: asyncio.Event,
        resource_name: str,
        log: FilteringBoundLogger,
    ) -> None:
        self._adapter = adapter
        self._discovery = discovery
        self._things = things
        self._answers = answers
        self._storage = storage
        self._clock = clock
        self._runtime = runtime
        self._locks = locks
        self._tasks = tasks
        self._first_look = first_look
        self._resource_name = resource_name
        self._log = log
        self._waiting: Counter[str] = Counter()
        self._taken = 0
        self.listeners: tuple[Callable[[Handled], None], ...] = ()

    def take(self, path: str, payload: bytes, *, retained: bool = False) -> None:
        """Take what came on a command topic; it is answered later, and this returns at once."""
        try:
            topic = Topic.parse(path)
        except InvalidTopic as error:
            self._answers.refuse(self._answers.unreadable(path), UnknownAddress(str(error)))
            return
        try:
            message = Message.parse(payload, topic.payload_type)
        except Malformed as error:
            self._answers.refuse(self._answers.unreadable(path, error.uid), error)
            return
        asked = self._answers.asked(path, topic, message)
        if self._taken + self._answers.waiting >= TAKEN_LIMIT:
            too_many = InvalidState("The bridge has too many commands to answer already. Try again in a while.")
            self._answers.refuse(asked, too_many)
            return
        self._taken += 1
        self._tasks.start(self._carry_out(topic, message, asked, retained=retained))

    async def _carry_out(self, topic: Topic, message: Message, asked: Asked, *, retained: bool) -> None:
        try:
            asked = replace(asked, resp_to=copy_topic(message))
            if topic.resource_type == "dev":
                await self._wait_for_first_look()
            command, thing = self._find(topic, message)
            asked = replace(asked, subject=thing)
            call = Call(message, topic.service_address or topic.resource_address)
            if command.again is None:
                call.check(command)
                reports = await command.run(call)
            else:
                reports = await self._act_and_tell(command, command.again, call, thing, retained=retained)
        except BridgeError as error:
            self._answers.refuse(asked, error)
        except Exception:
            self._log.exception(
                "a command failed because of a fault of the bridge", type=message.type, topic=asked.path
            )
            fault = InvalidState("The bridge could not do this because of a fault of its own; its log says more.")
            self._answers.refuse(asked, fault)
        else:
            self._answers.accept(asked, reports)
        finally:
            self._taken -= 1

    async def _wait_for_first_look(self) -> None:
        """A command that the broker kept during a short break must not fail for coming first."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._first_look.wait()

    def _find(self, topic: Topic, message: Message) -> tuple[Command, str]:
        """The command, and the thing that it is about; empty for the adapter."""
        if topic.message_type != "cmd":
            raise UnknownAddress("Commands go to topics of type cmd.")
        if topic.resource_type == "dev":
            service, thing = self._things.find(topic.service, topic.service_address)
            commands = service.commands
        else:
            commands, thing = self._discovery if topic.resource_type == "discovery" else self._adapter, ADAPTER
        command = commands.get(message.type)
        if command is None:
            name = topic.service or self._resource_name
            raise UnknownInterface(f"The service {name} takes no {message.type} here.")
        return command, thing

    # --- acting ---

    async def _act_and_tell(
        self, command: Command, again: Handler, call: Call, turn: str, *, retained: bool
    ) -> Sequence[Report]:
        try:
            call.check(command)
            reports = await self._act(command, again, call, turn, retained=retained)
        except BridgeError as error:
            self._tell(call, turn, error.code, str(error))
            raise
        except Exception:
            self._tell(call, turn, InvalidState.code, "")
            raise
        self._tell(call, turn, None, "")
        return reports

    def _tell(self, call: Call, turn: str, code: ErrorCode | None, words: str) -> None:
        # What is said to the bridge itself can be a password, in whatever form it comes.
        value = _shown(call.message) if turn else ""
        address = call.address if turn else ""
        handled = Handled(self._clock.now(), address, call.message.type, value, code, words)
        for listener in self.listeners:
            listener(handled)

    async def _act(
        self, command: Command, again: Handler, call: Call, turn: str, *, retained: bool
    ) -> Sequence[Report]:
        message = call.message
        if retained:
            raise Expired("A retained message is no command: nobody knows how old it is. Send it without retain.")
        self._check_age(message)
        if self._waiting[turn] >= WAITING_LIMIT:
            raise InvalidState("Too many commands are waiting for this charge point already. Try again in a while.")
        self._waiting[turn] += 1
        try:
            async with self._locks.of(turn):
                self._check_age(message)  # it may have waited for a minute and more
                return await self._act_once(command, again, call)
        finally:
            self._waiting[turn] -= 1

    def _check_age(self, message: Message) -> None:
        if message.ctime is None:
            return
        age, most = self._clock.now() - message.ctime, self._runtime.max_age
        if age > most:
            raise Expired(
                f"The command is {age.total_seconds():.0f} s old; more than {most.total_seconds():.0f} s is too old to "
                "act on (commands.max_age). If it was just sent, compare the clocks."
            )

    async def _act_once(self, command: Command, again: Handler, call: Call) -> Sequence[Report]:
        uid = call.message.uid
        if not self._storage.claim(uid):
            outcome = self._storage.outcome(uid)
            if outcome is not None and outcome.code is not None:
                raise Repeated(outcome.code, outcome.message)
            return await again(call)
        try:
            reports = await command.run(call)
        except BridgeError as error:
            self._storage.settle(uid, Outcome(error.code, str(error)))
            raise
        self._storage.settle(uid, Outcome(None, ""))
        return reports


def _shown(message: Message) -> str:
    """What of a command's value may be shown."""
    value = message.properties.get("charging_mode", message.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:SHOWN_MAX] if isinstance(value, int | float | str) else ""


class Repeated(BridgeError):
    """A command that was refused before, and is refused again in the same words."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code  # type: ignore[misc] # the one error whose code is not its class's
