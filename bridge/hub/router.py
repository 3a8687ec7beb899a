"""Handles commands, from the received bytes to the reports that answer them (contract 3 and 7)."""

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
from bridge.hub.answers import AnswerContext, Answers, copy_topic
from bridge.hub.subjects import ADAPTER
from bridge.runtime_settings import RuntimeSettings
from bridge.services.things import ThingsService
from bridge.storage.storage import Outcome, Storage
from bridge.tasks import BackgroundTasks

WAITING_LIMIT: Final = 16
"""The number of acting commands of one charge point, the one at work included; further ones are refused."""

TAKEN_LIMIT: Final = 1000
"""The number of commands that may be running or wait for their answer to be published; further ones are refused."""

FIRST_LOOK_S: Final = 8.0
"""How long a command waits after a start for the list of charge points; consumers give up after 10 s."""

SHOWN_MAX: Final = 40
"""The number of characters of a command's value that are shown."""


@dataclass(frozen=True, slots=True)
class Handled:
    """An acting command and its outcome.

    Attributes:
        at: when it was answered.
        address: the service address; empty for a command to the adapter.
        command: the interface, such as `cmd.charge.start`.
        value: the charging mode or the plain value of the command. Empty for a command to the adapter, whose value can
            be a password.
        code: the code of the error that answered it; None if it was carried out.
        message: the sentence of that error; empty if there was none.
    """

    at: datetime
    address: str
    command: str
    value: str
    code: ErrorCode | None
    message: str


class Router:
    """Parses commands, finds their handlers and runs them in the background.

    Args:
        adapter: the commands of the adapter.
        discovery: the commands of discovery.
        things: finds the services of the charge points and grid connections.
        answers: publishes the answers.
        storage: keeps which commands were acted on.
        clock: the source of time.
        runtime: gives the maximum age of an acting command.
        locks: one lock per charge point; its acting commands run one after the other.
        tasks: runs commands in the background.
        first_look: set once the charge points are known after a start, or cannot be known for now.
        resource_name: the name of the adapter.
        log: the logger.

    Attributes:
        listeners: called with each acting command after its answer.
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
        """Take a message from a command topic and return at once; the answer is published later.

        Args:
            path: the topic on which it arrived.
            payload: the payload, JSON or gzip as the topic says.
            retained: the broker had kept the message, so its age is unknown, and it is refused.
        """
        try:
            topic = Topic.parse(path)
        except InvalidTopic as error:
            self._answers.refuse(AnswerContext(path), UnknownAddress(str(error)))
            return
        try:
            message = Message.parse(payload, topic.payload_type)
        except Malformed as error:
            self._answers.refuse(AnswerContext(path, corid=error.uid), error)
            return
        context = AnswerContext(path, topic, message, message.uid)
        if self._taken + self._answers.waiting >= TAKEN_LIMIT:
            too_many = InvalidState("The bridge has too many commands to answer already. Try again in a while.")
            self._answers.refuse(context, too_many)
            return
        self._taken += 1
        self._tasks.start(self._carry_out(topic, message, context, retained=retained))

    async def _carry_out(self, topic: Topic, message: Message, context: AnswerContext, *, retained: bool) -> None:
        try:
            context = replace(context, resp_to=copy_topic(message))
            _check_age_known(retained=retained)
            if topic.resource_type == "dev" and not self._first_look.is_set():
                await self._wait_for_first_look()
            command, thing = self._find(topic, message)
            context = replace(context, subject=thing)
            call = Call(message, topic.service_address or topic.resource_address)
            if command.again is None:
                call.check(command)
                reports = await command.run(call)
            else:
                reports = await self._act_and_notify(command, command.again, call, thing)
        except BridgeError as error:
            self._answers.refuse(context, error)
        except Exception:
            self._log.exception(
                "a command failed because of a fault of the bridge", type=message.type, topic=context.path
            )
            fault = InvalidState("The bridge could not do this because of a fault of its own; its log has the details.")
            self._answers.refuse(context, fault)
        else:
            self._answers.accept(context, reports)
        finally:
            self._taken -= 1

    async def _wait_for_first_look(self) -> None:
        """Wait for the list of charge points: a command kept by the broker can arrive before it after a start."""
        with suppress(TimeoutError):
            async with asyncio.timeout(FIRST_LOOK_S):
                await self._first_look.wait()

    def _find(self, topic: Topic, message: Message) -> tuple[Command, str]:
        """Return the handler of a command, and the address of its thing; `ADAPTER` for the adapter and discovery."""
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

    # --- acting commands ---

    async def _act_and_notify(self, command: Command, again: Handler, call: Call, thing: str) -> Sequence[Report]:
        try:
            call.check(command)
            reports = await self._act(command, again, call, thing)
        except BridgeError as error:
            self._notify(call, thing, error.code, str(error))
            raise
        except Exception:
            self._notify(call, thing, InvalidState.code, "")
            raise
        self._notify(call, thing, None, "")
        return reports

    def _notify(self, call: Call, thing: str, code: ErrorCode | None, message: str) -> None:
        # The value of a command to the adapter can be a password in any form, so it is never shown.
        value = _shown(call.message) if thing else ""
        address = call.address if thing else ""
        handled = Handled(self._clock.now(), address, call.message.type, value, code, message)
        for listener in self.listeners:
            listener(handled)

    async def _act(self, command: Command, again: Handler, call: Call, thing: str) -> Sequence[Report]:
        message = call.message
        self._check_age(message)
        if self._waiting[thing] >= WAITING_LIMIT:
            raise InvalidState("Too many commands are waiting for this charge point already. Try again in a while.")
        self._waiting[thing] += 1
        try:
            async with self._locks.of(thing):
                self._check_age(message)  # it may have waited for the lock for more than a minute
                return await self._act_once(command, again, call)
        finally:
            self._waiting[thing] -= 1

    def _check_age(self, message: Message) -> None:
        if message.ctime is None:
            return
        age, most = self._clock.now() - message.ctime, self._runtime.max_age
        if age > most:
            raise Expired(
                f"The command is {age.total_seconds():.0f} s old; more than {most.total_seconds():.0f} s is too old to "
                "act on (commands.max_age). If it was sent just now, compare the clocks of sender and bridge."
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


def _check_age_known(*, retained: bool) -> None:
    if retained:
        raise Expired("A retained message is refused, since its age is unknown. Send it without retain.")


def _shown(message: Message) -> str:
    """Return the part of a command's value that may be shown: its charging mode or plain value, cut at `SHOWN_MAX`."""
    value = message.properties.get("charging_mode", message.value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)[:SHOWN_MAX] if isinstance(value, int | float | str) else ""


class Repeated(BridgeError):
    """A repeated command whose first run was refused: it is refused again with the same code and text."""

    def __init__(self, code: ErrorCode, text: str) -> None:
        super().__init__(text)
        self.code = code  # type: ignore[misc] # the only error whose code is set per instance
