"""The app service of the adapter: manifest, states, configuration and diagnostics (contract 6, "App")."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib.resources import files
from typing import Final

from pydantic import JsonValue, TypeAdapter

from bridge.account.app_state import AppState
from bridge.account.capabilities import Capabilities
from bridge.account.fleet import Fleet
from bridge.account.logins import Logins
from bridge.account.overrides import Overrides
from bridge.account.parameter_store import ParameterStore
from bridge.account.request_budget import RequestBudget
from bridge.chargepoint import limits
from bridge.clock import Clock
from bridge.errors import InvalidValue
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface
from bridge.fimp.report import Report
from bridge.logs import RecentErrors
from bridge.runtime_settings import RuntimeSettings
from bridge.services.discovery import adapter_interfaces
from bridge.services.things import ThingsService

MANIFEST: Final = "app-manifest.json"

_MANIFEST: Final = TypeAdapter(dict[str, JsonValue])

GIVE_BACK_S: Final = 10.0
"""How long an uninstall waits for the cloud to clear the bridge's override schedules."""


class AppService:
    """The manifest, states, configuration and diagnostics of the app, and its reset and uninstall.

    Args:
        addresses: builds the topics.
        clock: the source of time.
        runtime: the configuration that the hub may change.
        app_state: the states of the app.
        things: excludes all things at an uninstall.
        logins: logs out at an uninstall.
        fleet: the charge points whose limits a reset and an uninstall lift.
        overrides: clears override schedules in the cloud.
        capabilities: what the cloud was found to support; a reset forgets it.
        parameters: the parameters that the cloud does not keep; a reset forgets them.
        budget: counts the requests made to the cloud.
        errors: the last warnings and errors of the log.
        restarts: how often the service was started before.
        others: the commands of the adapter's other services, for the manifest.
    """

    def __init__(
        self,
        *,
        addresses: Addresses,
        clock: Clock,
        runtime: RuntimeSettings,
        app_state: AppState,
        things: ThingsService,
        logins: Logins,
        fleet: Fleet,
        overrides: Overrides,
        capabilities: Capabilities,
        parameters: ParameterStore,
        budget: RequestBudget,
        errors: RecentErrors,
        restarts: int,
        others: Sequence[Mapping[str, Command]],
    ) -> None:
        self._addresses = addresses
        self._clock = clock
        self._begun = clock.monotonic()
        self._runtime = runtime
        self._app_state = app_state
        self._errors = errors
        self._restarts = restarts
        self._things = things
        self._logins = logins
        self._fleet = fleet
        self._overrides = overrides
        self._capabilities = capabilities
        self._parameters = parameters
        self._budget = budget
        self.commands: Mapping[str, Command] = {
            "cmd.app.get_manifest": Command(("string", "null"), self._get_manifest),
            "cmd.app.get_state": Command(("null",), self._get_state),
            "cmd.app.get_diag": Command(("null",), self._get_diag),
            "cmd.app.reset": Command(("null", "string"), self._reset, again=self._say_reset),
            "cmd.app.uninstall": Command(("null", "string"), self._uninstall, again=self._say_uninstalled),
            "cmd.config.get_extended_report": Command(("null",), self._get_config),
            "cmd.config.extended_set": Command(("object", "str_map"), self._set_config, again=self._say_configured),
        }
        self.all_commands: Mapping[str, Command] = {
            name: command for group in (*others, self.commands) for name, command in group.items()
        }

    def interfaces(self) -> list[Interface]:
        """Return the commands that the adapter takes and the events that it sends."""
        return adapter_interfaces(self.all_commands)

    def _report(self, type_: str, value: JsonValue) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value)

    def state_report(self) -> Report:
        """Return `evt.app.state_report` with the current states."""
        return self._report("evt.app.state_report", self._app_state.states())

    # --- queries ---

    async def _get_state(self, _: Call) -> Sequence[Report]:
        return [self.state_report()]

    async def _get_manifest(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.app.manifest_report", self.manifest())]

    def manifest(self) -> JsonValue:
        """Return the manifest with the current states and configuration."""
        manifest = _MANIFEST.validate_json(files("bridge").joinpath(MANIFEST).read_bytes())
        name, address = self._addresses.resource_name, self._addresses.resource_address
        buttons = manifest["ui_buttons"]
        manifest["ui_buttons"] = [_addressed(button, name) for button in buttons] if isinstance(buttons, list) else []
        manifest["services"] = [
            {
                "name": name,
                "alias": "Blue Current",
                "address": f"/rt:ad/rn:{name}/ad:{address}",
                "interfaces": [interface.to_json() for interface in self.interfaces()],
            }
        ]
        manifest["app_state"] = self._app_state.states()
        manifest["config_state"] = self._runtime.values.model_dump(mode="json")
        return manifest

    async def _get_diag(self, _: Call) -> Sequence[Report]:
        errors: list[JsonValue] = list(self._errors.lines)
        uptime = int(self._clock.monotonic() - self._begun)
        content: JsonValue = {
            "uptime": uptime,
            "restarts_count": self._restarts,
            "errors": errors,
            "requests": self._requests(),
        }
        return [self._report("evt.app.diag_report", content)]

    def _requests(self) -> JsonValue:
        """Return the requests made to Blue Current today, which limits them, and what a start and a reconnect need."""
        budget = self._budget
        by_kind: dict[str, JsonValue] = dict(sorted(budget.today.items()))
        return {
            "today": sum(budget.today.values()),
            "by_kind": by_kind,
            "per_start": budget.per_start,
            "per_reconnect": budget.per_reconnect,
        }

    async def _get_config(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.config.extended_report", self._runtime.values.model_dump(mode="json"))]

    # --- actions ---

    async def _set_config(self, call: Call) -> Sequence[Report]:
        wish = call.message.value
        if not isinstance(wish, dict):
            raise InvalidValue("cmd.config.extended_set takes an object.")
        try:
            self._runtime.change(wish, texts=call.message.value_type == "str_map")
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
        """Reset the configuration, parameters, limits and learned capabilities. Measured data is kept."""
        self._parameters.forget_all()
        self._capabilities.forget()
        for twin in self._fleet.twins():
            self._fleet.limit(twin.address, limits.without_wishes)
        self._runtime.reset()
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
        with suppress(TimeoutError):
            async with asyncio.timeout(GIVE_BACK_S):
                await self._overrides.give_back(self._fleet.twins())
        self._logins.log_out()
        self._runtime.reset()
        reports = self._things.withdraw()
        return [*reports, *await self._say_uninstalled(call)]

    async def _say_uninstalled(self, _: Call) -> Sequence[Report]:
        return [self._report("evt.app.uninstall_report", self._operation())]


def _addressed(button: JsonValue, service: str) -> JsonValue:
    """Return a button of the manifest, with its request addressed to the configured resource name."""
    if isinstance(button, dict) and isinstance(request := button.get("req"), dict):
        return {**button, "req": {**request, "serv": service}}
    return button
