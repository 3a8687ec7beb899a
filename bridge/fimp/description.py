"""The parts of an inclusion report (fimp-api, "Thing Management")."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import JsonValue

from bridge.fimp.values import ValueType


@dataclass(frozen=True, slots=True)
class Interface:
    """One message type that a service accepts (`in`) or sends (`out`)."""

    direction: Literal["in", "out"]
    type: str
    value_type: ValueType

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry of the interface in an inclusion report."""
        return {"intf_t": self.direction, "msg_t": self.type, "val_t": self.value_type, "ver": "1"}


@dataclass(frozen=True, slots=True)
class ServiceDescription:
    """One service of a thing.

    Attributes:
        name: the name of the service, such as `chargepoint`.
        address: its topic from the resource type on, with a slash before it.
        group: the group of the socket that it belongs to.
        interfaces: the interfaces that work for this thing, and no others.
        properties: the service properties, such as `sup_states`.
    """

    name: str
    address: str
    group: str
    interfaces: Sequence[Interface]
    properties: Mapping[str, JsonValue] = field(default_factory=dict)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the entry of the service in an inclusion report."""
        return {
            "name": self.name,
            "address": self.address,
            "groups": [self.group],
            "enabled": True,
            "interfaces": [interface.to_json() for interface in self.interfaces],
            "props": dict(self.properties),
        }


@dataclass(frozen=True, slots=True)
class ThingDescription:
    """A thing, which the hub shows as one device (contract 6, "Things").

    Attributes:
        address: the address of the thing.
        product_name: the owner's name for it, else the model.
        product_hash: three parts with ` - ` between them, where consumers split it.
        product_id: the model.
        manufacturer: the name of the manufacturer.
        device_id: the `evse_id` or the id of the grid connection.
        services: its services, for each of its groups.
    """

    address: str
    product_name: str
    product_hash: str
    product_id: str
    manufacturer: str
    device_id: str
    services: Sequence[ServiceDescription]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the value of an inclusion report."""
        groups = list(dict.fromkeys(service.group for service in self.services))
        return {
            "address": self.address,
            "groups": list[JsonValue](groups),
            "product_name": self.product_name,
            "product_hash": self.product_hash,
            "product_id": self.product_id,
            "manufacturer_id": self.manufacturer,
            "device_id": self.device_id,
            "hw_ver": "",
            "sw_ver": "",
            "comm_tech": "cloud",
            "power_source": "ac",
            "wakeup_interval": "-1",
            "security": "secure",
            "services": [service.to_json() for service in self.services],
            "tech_specific_props": {},
            "prop_set": {},
        }
