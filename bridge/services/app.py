"""The app as the hub configures and watches it: manifest, states, configuration, diagnostics (contract 6, "App")."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.resources import files
from typing import Any, Final

from pydantic import JsonValue

from bridge.account.app_state import AppState
from bridge.clock import Clock
from bridge.errors import InvalidValue
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface
from bridge.fimp.report import Report
from bridge.logs import RecentErrors
from bridge.runtime_settings import RuntimeSettings

MANIFEST: Final = "app-manifest.json"


class AppService:
    """See the module.

    Args:
        addresses: the topics.
        clock: tells the time.
        runtime: the configuration.
        app_state: the states.
        errors: the last warnings and errors.
        restarts: how often the service has been started.
        reset: forgets what the hub has set, beside the configuration.
        uninstall: excludes all things and logs out; gives the exclusion reports.
        interfaces: everything the adapter takes and sends, for the manifest.
    """

    def __init__(
        self,
        *,
        addresses: Addresses,
        clock: Clock,
        runtime: RuntimeSettings,
        app_state: AppState,
        errors: RecentErrors,
        restarts: int,
        reset: Callable[[], None],
        uninstall: Callable[[], Awaitable[Sequence[Report]]],
        interfaces: Callable[[], Sequence[Interface]],
    ) -> None:
        self._addresses = addresses
        self._clock = clock
        self._begun = clock.monotonic()
        self._runtime = runtime
        self._app_state = app_state
        self._errors = errors
        self._restarts = restarts
        self._reset_rest = reset
        self._uninstall_all = uninstall
        self._interfaces = interfaces
        self.commands: Mapping[str, Command] = {
            "cmd.app.get_manifest": Command(("string", "null"), self._get_manifest),
            "cmd.app.get_state": Command(("null",), self._get_state),
            "cmd.app.get_diag": Command(("null",), self._get_diag),
            "cmd.app.reset": Command(("null", "string"), self._reset, again=self._say_reset),
            "cmd.app.uninstall": Command(("null", "string"), self._uninstall, again=self._say_uninstalled),
            "cmd.config.get_extended_report": Command(("null",), self._get_config),
            "cmd.config.extended_set": Command(("object", "str_map"), self._set_config, again=self._say_configured),
        }

    def _report(self, type_: str, value: JsonValue) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value)

    # --- what is asked ---

    async def _get_state(self, _: Call) -> Sequence[Report]:
        return [self._app_state.state_report()]

    async def _get_manifest(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.app.manifest_report", self.manifest())]

    def manifest(self) -> JsonValue:
        """The manifest, with what is so now."""
        manifest: dict[str, Any] = json.loads(files("bridge").joinpath(MANIFEST).read_text(encoding="utf-8"))
        name, address = self._addresses.resource_name, self._addresses.resource_address
        for button in manifest["ui_buttons"]:
            button["req"]["serv"] = name
        manifest["services"] = [
            {
                "name": name,
                "alias": "Blue Current",
                "address": f"/rt:ad/rn:{name}/ad:{address}",
                "interfaces": [interface.to_json() for interface in self._interfaces()],
            }
        ]
        manifest["app_state"] = self._app_state.states()
        manifest["config_state"] = self._runtime.values.model_dump(mode="json")
        return manifest

    async def _get_diag(self, _: Call) -> Sequence[Report]:
        errors: list[JsonValue] = list(self._errors.lines)
        uptime = int(self._clock.monotonic() - self._begun)
        content: JsonValue = {"uptime": uptime, "restarts_count": self._restarts, "errors": errors}
        return [self._report("evt.app.diag_report", content)]

    async def _get_config(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.config.extended_report", self._runtime.values.model_dump(mode="json"))]

    # --- what is done ---

    async def _set_config(self, call: Call) -> Sequence[Report]:
        wish = call.message.value
        if not isinstance(wish, dict):
            raise InvalidValue("cmd.config.extended_set takes an object.")
        try:
            self._runtime.change(wish)
        except InvalidValue as error:
            return [self._config_report(str(error))]
        return [self._config_report()]

    async def _say_configured(self, _: Call) -> Sequence[Report]:
        return [self._config_report()]

    def _config_report(self, problem: str = "") -> Report:
        return self._report("evt.app.config_report", self._operation(problem))

    def _operation(self, problem: str = "") -> JsonValue:
        return {
            "op_status": "error" if problem else "ok",
            "op_error": problem,
            "app_state": self._app_state.states(),
        }

    async def _reset(self, call: Call) -> Sequence[Report]:
        self._runtime.reset()
        self._reset_rest()
        return await self._say_reset(call)

    async def _say_reset(self, _: Call) -> Sequence[Report]:
        content: JsonValue = {
            "op": "cmd.app.reset",
            "op_status": "ok",
            "next": "reload",
            "error_code": "",
            "error_text": "",
        }
        return [self._report("evt.app.config_action_report", content)]

    async def _uninstall(self, call: Call) -> Sequence[Report]:
        return [*await self._uninstall_all(), *await self._say_uninstalled(call)]

    async def _say_uninstalled(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.app.uninstall_report", self._operation())]
