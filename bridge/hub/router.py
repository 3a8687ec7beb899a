"""Commands: from the bytes that came to the reports that answer them (contract 3 and 7)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
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
    InvalidValue,
    Malformed,
    UnknownAddress,
    UnknownInterface,
)
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command, Handler
from bridge.fimp.message import Message
from bridge.fimp.report import Report, error_report
from bridge.fimp.topic import InvalidTopic, Topic
from bridge.hub.devices import Devices
from bridge.hub.outbox import Outbox
from bridge.logs import Once
from bridge.runtime_settings import RuntimeSettings
from bridge.storage.storage import Outcome, Storage
from bridge.tasks import BackgroundTasks

WAITING_LIMIT: Final = 16
"""How many acting commands may wait for one charge point; more are refused."""

SHOWN_MAX: Final = 40
"""How much of a command's value is shown, in letters."""


@dataclass(frozen=True, slots=True)
class Handled:
    """A command that acts, and what came of it.

    Attributes:
        address: the service address; empty for a command to the bridge itself.
        command: the interface, such as `cmd.charge.start`.
        value: what it was to do, as far as that may be shown: a bare value, or the charging mode; nothing of a
            command to the bridge itself, which can be a password.
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
        devices: the services of the charge points.
        addresses: the topics.
        outbox: where answers go.
        storage: remembers which commands were acted on.
        clock: tells the time.
        runtime: how old an acting command may be.
        locks: whose turn it is on a charge point.
        tasks: run what nobody waits for.
        handled: is told of every acting command that was answered.
        started: waits until the charge points have been heard of after a start, or it is clear that they will not be:
            a command that the broker kept during a short break must not fail for coming first.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        adapter: Mapping[str, Command],
        discovery: Mapping[str, Command],
        devices: Devices,
        addresses: Addresses,
        outbox: Outbox,
        storage: Storage,
        clock: Clock,
        runtime: RuntimeSettings,
        locks: Locks,
        tasks: BackgroundTasks,
        handled: Callable[[Handled], None],
        started: Callable[[], Awaitable[None]],
        log: FilteringBoundLogger,
    ) -> None:
        self._started = started
        self._handled = handled
        self._adapter = adapter
        self._discovery = discovery
        self._devices = devices
        self._addresses = addresses
        self._outbox = outbox
        self._storage = storage
        self._clock = clock
        self._runtime = runtime
        self._tasks = tasks
        self._log = log
        self._once = Once()
        self._turns = locks
        self._waiting: Counter[str] = Counter()

    def take(self, path: str, payload: bytes, *, retained: bool = False) -> None:
        """Take what came on a command topic; it is answered later, and this returns at once."""
        try:
            topic = Topic.parse(path)
        except InvalidTopic as error:
            self._refuse(UnknownAddress(str(error)), self._addresses.adapter, path, None)
            return
        try:
            message = Message.parse(payload, topic.payload_type)
        except Malformed as error:
            self._refuse(error, self._addresses.adapter, path, None, corid=error.uid)
            return
        self._tasks.start(self._carry_out(topic, message, path, retained=retained))

    async def _carry_out(self, topic: Topic, message: Message, path: str, *, retained: bool) -> None:
        event = self._event_topic(topic)
        copy_to: Topic | None = None
        try:
            copy_to = self._copy_topic(message)
            if topic.resource_type == "dev":
                await self._started()
            command, turn = self._find(topic, message)
            call = Call(message, topic.service_address or topic.resource_address)
            if command.again is None:
                call.check(command)
                reports = await command.run(call)
            else:
                reports = await self._act_and_tell(command, command.again, call, turn, retained=retained)
        except BridgeError as error:
            self._refuse(error, event, path, message, corid=message.uid, resp_to=copy_to)
        except Exception:
            self._log.exception("a command could not be carried out", type=message.type, topic=path)
            fault = InvalidState("The bridge could not do this because of a fault of its own; its log says more.")
            self._refuse(fault, event, path, message, corid=message.uid, resp_to=copy_to)
        else:
            self._answer(reports, message, copy_to)

    def _event_topic(self, topic: Topic) -> Topic:
        event = replace(topic.as_event(), prefix=self._addresses.prefix)
        return self._addresses.discovery if topic.resource_type == "discovery" else event

    def _copy_topic(self, message: Message) -> Topic | None:
        if not message.resp_to:
            return None
        try:
            topic = Topic.parse(message.resp_to)
        except InvalidTopic as error:
            raise InvalidValue(f"resp_to cannot be used: {error}") from None
        if topic.message_type not in ("rsp", "evt"):
            raise InvalidValue("resp_to must be a topic of type rsp or evt.")
        return topic

    def _find(self, topic: Topic, message: Message) -> tuple[Command, str]:
        """The command, and whose turn it takes."""
        if topic.message_type != "cmd":
            raise UnknownAddress("Commands go to topics of type cmd.")
        if topic.resource_type == "dev":
            commands = self._devices.find(topic.service, topic.service_address).commands
            turn = topic.service_address.partition("_")[0]
        else:
            commands = self._discovery if topic.resource_type == "discovery" else self._adapter
            turn = ""
        command = commands.get(message.type)
        if command is None:
            service = topic.service or self._addresses.resource_name
            raise UnknownInterface(f"The service {service} takes no {message.type} here.")
        return command, turn

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
        self._handled(Handled(self._clock.now(), address, call.message.type, value, code, words))

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
            async with self._turns.of(turn):
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

    # --- answering ---

    def _answer(self, reports: Sequence[Report], message: Message, copy_to: Topic | None) -> None:
        for report in reports:
            self._outbox.put(report, corid=message.uid, copy_to=copy_to)
            self._devices.reporter.said(report, self._clock.now())

    def _refuse(
        self,
        error: BridgeError,
        event: Topic,
        path: str,
        message: Message | None,
        *,
        corid: str | None = None,
        resp_to: Topic | None = None,
    ) -> None:
        if self._once.first((error.code, path, message.type if message is not None else "")):
            self._log.warning("a command was refused", code=error.code, reason=str(error), topic=path)
        report = error_report(
            error,
            topic=event,
            service=event.service
            or ("system" if event.resource_type == "discovery" else self._addresses.resource_name),
            src=event.service_address or self._addresses.resource_name,
            command_topic=path,
            command=message,
        )
        if resp_to is not None:
            self._outbox.put_only_at(report, resp_to, corid=corid)
        else:
            self._outbox.put(report, corid=corid, keep=True)


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
