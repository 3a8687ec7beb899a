"""Discovery: the bridge describes itself to the hub (fimp-api, "Component Discovery")."""

from collections.abc import Mapping, Sequence
from typing import Final

from pydantic import JsonValue

from bridge import __version__
from bridge.account.app_state import AppState
from bridge.fimp.addresses import DISCOVERY, Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.description import Interface
from bridge.fimp.report import Report
from bridge.fimp.values import ValueType

PACKAGE: Final = "bluecurrent-fimp-bridge"
AUTHOR: Final = f"The {PACKAGE} authors"
DOC_URL: Final = f"https://pypi.org/project/{PACKAGE}/"


class DiscoveryService:
    """Answers `cmd.discovery.request` with the name, version, state and interfaces of the bridge.

    Args:
        addresses: builds the topics.
        adapter: the commands of the adapter.
        app_state: the states of the app.
    """

    def __init__(self, addresses: Addresses, adapter: Mapping[str, Command], app_state: AppState) -> None:
        self._addresses = addresses
        self._adapter = adapter
        self._app_state = app_state
        self.commands: Mapping[str, Command] = {"cmd.discovery.request": Command(("null",), self._answer)}

    async def _answer(self, _: Call) -> Sequence[Report]:
        name, address = self._addresses.resource_name, self._addresses.resource_address
        content: JsonValue = {
            "package_name": PACKAGE,
            "resource_name": name,
            "resource_type": "ad",
            "instance_id": address,
            "version": __version__,
            "resource_full_name": "Blue Current",
            "description": "Blue Current charge points as FIMP things.",
            "author": AUTHOR,
            "doc_url": DOC_URL,
            "adapter_info": {
                "technology": "cloud",
                "network_management_type": "full_sync",
                "services": [
                    {
                        "name": name,
                        "address": f"rt:ad/rn:{name}/ad:{address}",
                        "enabled": True,
                        "interfaces": [interface.to_json() for interface in adapter_interfaces(self._adapter)],
                    }
                ],
            },
            "app_state": self._app_state.states(),
            "is_instance_configurable": False,
            "config_required": True,
        }
        return [Report(self._addresses.discovery, DISCOVERY, "evt.discovery.report", "object", content)]


_EVENTS: Final[tuple[tuple[str, ValueType], ...]] = (
    ("evt.thing.inclusion_report", "object"),
    ("evt.thing.inclusion_status_report", "string"),
    ("evt.thing.exclusion_report", "object"),
    ("evt.network.node_report", "object"),
    ("evt.network.all_nodes_report", "object"),
    ("evt.network.reset_done", "null"),
    ("evt.ping.report", "object"),
    ("evt.app.manifest_report", "object"),
    ("evt.app.state_report", "object"),
    ("evt.app.config_report", "object"),
    ("evt.app.config_action_report", "object"),
    ("evt.app.uninstall_report", "object"),
    ("evt.app.diag_report", "object"),
    ("evt.config.extended_report", "object"),
    ("evt.auth.status_report", "object"),
    ("evt.log.level_report", "string"),
    ("evt.error.report", "string"),
)
EVENTS: Final = tuple(Interface("out", type_, value_type) for type_, value_type in _EVENTS)
"""The events that the adapter sends."""


def adapter_interfaces(commands: Mapping[str, Command]) -> list[Interface]:
    """Return the commands that the adapter takes and the events that it sends."""
    taken = [Interface("in", type_, command.value_types[0]) for type_, command in commands.items()]
    return [*taken, *EVENTS]
