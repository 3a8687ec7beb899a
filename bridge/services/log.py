"""The log service of the adapter: read and set the log level (contract 6)."""

from collections.abc import Mapping, Sequence

from bridge.errors import InvalidValue
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.report import Report
from bridge.log_level import level_named
from bridge.logs import LEVELS
from bridge.runtime_settings import RuntimeSettings


class LogService:
    """Answers `cmd.log.*`. A new level takes effect at once and is kept over a restart.

    Args:
        addresses: builds the topics.
        runtime: keeps the level.
    """

    def __init__(self, addresses: Addresses, runtime: RuntimeSettings) -> None:
        self._addresses = addresses
        self._runtime = runtime
        self.commands: Mapping[str, Command] = {
            "cmd.log.get_level": Command(("null",), self._get_level),
            "cmd.log.set_level": Command(("string",), self._set_level, again=self._get_level),
        }

    async def _get_level(self, _: Call) -> Sequence[Report]:
        level = self._runtime.values.log_level
        name = self._addresses.resource_name
        return [Report(self._addresses.adapter, name, "evt.log.level_report", "string", level)]

    async def _set_level(self, call: Call) -> Sequence[Report]:
        level = level_named(call.string_value)
        if level is None:
            raise InvalidValue(f"There is no log level {call.string_value!r}. Choose one of: {', '.join(LEVELS)}.")
        self._runtime.change({"log_level": level})
        return await self._get_level(call)
