"""Things: how they come to the hub, stay away from it, and leave it (contract 6, "Things")."""

from collections.abc import Awaitable, Callable, Mapping, Sequence

from pydantic import JsonValue
from structlog.typing import FilteringBoundLogger

from bridge.errors import InvalidValue, UnknownAddress
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.description import ThingDescription
from bridge.fimp.report import Report
from bridge.hub.outbox import Outbox
from bridge.storage.storage import Storage

Listener = Callable[[str], None]


class Things:
    """What the hub knows as devices.

    A thing is included once its inclusion report has been sent; from then on it is in the will, and its reports go out.

    Args:
        describe: gives the description of a thing by its address; None if there is none.
        present: the addresses of all that could be things.
        look_again: asks the cloud for the list of charge points, and about what is new in it.
        on_included: is told of a thing that is new to the hub, after its inclusion report: the rest can follow.
        on_excluded: is told of a thing that the hub does not have any more: deleted by the user, or gone.
        addresses: the topics.
        outbox: where reports go.
        storage: remembers what was included and what was deleted.
        log: where to say what happens.
    """

    def __init__(
        self,
        *,
        describe: Callable[[str], ThingDescription | None],
        present: Callable[[], Sequence[str]],
        look_again: Callable[[], Awaitable[None]],
        on_included: Listener,
        on_excluded: Listener,
        addresses: Addresses,
        outbox: Outbox,
        storage: Storage,
        log: FilteringBoundLogger,
    ) -> None:
        self._describe = describe
        self._present = present
        self._look_again = look_again
        self._on_included = on_included
        self._on_excluded = on_excluded
        self._addresses = addresses
        self._outbox = outbox
        self._storage = storage
        self._log = log
        self._inclusions: dict[str, JsonValue] = storage.inclusions()
        self._deleted = storage.excluded()
        self.commands: Mapping[str, Command] = {
            "cmd.thing.get_inclusion_report": Command(("string",), self._get_inclusion_report),
            "cmd.thing.inclusion": Command(("bool",), self._include, again=self._say_inclusion_done),
            "cmd.thing.delete": Command(("str_map", "object"), self._delete, again=self._say_excluded),
            "cmd.network.reset": Command(("null",), self._reset, again=self._say_reset_done),
        }

    # --- what there is ---

    def included(self, address: str) -> bool:
        """Whether the hub has it as a thing."""
        return address in self._inclusions

    def deleted(self, address: str) -> bool:
        """Whether the user has deleted it: it stays away until all things are brought back."""
        return address in self._deleted

    def addresses(self) -> list[str]:
        """All things."""
        return sorted(self._inclusions)

    def inclusion(self, address: str) -> JsonValue:
        """The inclusion report of a thing.

        Raises:
            InvalidValue: no address was given.
            UnknownAddress: there is no such thing.
        """
        if not address:
            raise InvalidValue("Say which thing: its address is its evse_id, such as BCU102728.")
        report = self._inclusions.get(address)
        if report is None:
            raise UnknownAddress(f"There is no thing {address}. There is: {', '.join(self.addresses()) or 'none'}.")
        return report

    # --- what comes and goes ---

    def announce(self, address: str) -> None:
        """Include a thing that is new, or tell what has changed in its description; nothing if neither is so."""
        description = self._describe(address)
        if description is None or address in self._deleted:
            return
        report = description.to_json()
        before = self._inclusions.get(address)
        if report == before:
            return
        self._inclusions[address] = report
        if before is None:
            self._outbox.renew()  # the will must name it before it is heard of
            self._log.info("a thing is included", address=address, name=description.product_name)
        said = self._report("evt.thing.inclusion_report", report)
        self._outbox.put(said, keep=True, on_published=lambda: self._told(address, report))
        if before is None:
            self._on_included(address)

    def _told(self, address: str, report: dict[str, JsonValue]) -> None:
        """The broker has the inclusion report. Until then the disk does not: the next start would keep silent."""
        if self._inclusions.get(address) == report:
            self._storage.save_inclusion(address, report)

    def announce_changes(self) -> None:
        """Tell what has changed in the description of any thing that is included."""
        for address in self.addresses():
            self.announce(address)

    def left(self, address: str) -> None:
        """It has left the account."""
        if self._inclusions.pop(address, None) is None:
            return
        self._log.info("a thing has left the account and is excluded", address=address)
        self._on_excluded(address)
        self._outbox.put(self._exclusion(address), keep=True, on_published=lambda: self._gone(address))
        self._outbox.renew()

    def _gone(self, address: str) -> None:
        """The broker has the exclusion report. Until then the disk keeps the thing: the next start tells it again."""
        if address not in self._inclusions:
            self._storage.save_inclusion(address, None)

    def tell_what_left(self) -> None:
        """After a start: exclude what had left, and the broker never heard of."""
        for address in self.addresses():
            if self._describe(address) is None:
                self.left(address)

    def exclude(self, addresses: Sequence[str]) -> list[Report]:
        """Delete things at the user's wish; they stay away. Gives the reports that say so."""
        for address in addresses:
            self._inclusions.pop(address, None)
        self._deleted |= set(addresses)
        self._storage.exclude(addresses)
        self._log.info("things are deleted and stay away until they are brought back", addresses=list(addresses))
        self._outbox.renew()
        for address in addresses:
            self._on_excluded(address)
        return [self._exclusion(address) for address in addresses]

    def bring_back(self) -> None:
        """Nothing is to stay away any more."""
        self._deleted.clear()
        self._storage.include_all()

    def _report(self, type_: str, value: JsonValue) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value)

    def _exclusion(self, address: str) -> Report:
        return self._report("evt.thing.exclusion_report", {"address": address})

    # --- what it is asked ---

    async def _get_inclusion_report(self, call: Call) -> Sequence[Report]:
        return [self._report("evt.thing.inclusion_report", self.inclusion(call.string_value))]

    async def _include(self, call: Call) -> Sequence[Report]:
        """`true` brings all things back and looks for new ones; `false` ends what is over already."""
        if call.bool_value:
            self.bring_back()
            await self._look_again()
            for address in self._present():
                self.announce(address)
        return await self._say_inclusion_done(call)

    async def _say_inclusion_done(self, _: Call) -> Sequence[Report]:
        name = self._addresses.resource_name
        type_ = "evt.thing.inclusion_status_report"
        return [Report(self._addresses.adapter, name, type_, "string", "ADD_NODE_DONE")]

    async def _delete(self, call: Call) -> Sequence[Report]:
        address = _address(call)
        self.inclusion(address)
        return self.exclude([address])

    async def _say_excluded(self, call: Call) -> Sequence[Report]:
        return [self._exclusion(_address(call))]

    async def _reset(self, call: Call) -> Sequence[Report]:
        return [*self.exclude(self.addresses()), *await self._say_reset_done(call)]

    async def _say_reset_done(self, _: Call) -> Sequence[Report]:
        name = self._addresses.resource_name
        return [Report(self._addresses.adapter, name, "evt.network.reset_done", "null", None)]


def _address(call: Call) -> str:
    value = call.message.value
    address = value.get("address") if isinstance(value, dict) else None
    if not isinstance(address, str):
        raise InvalidValue('cmd.thing.delete takes {"address": …}.')
    return address
