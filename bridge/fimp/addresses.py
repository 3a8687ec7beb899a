"""The topics of the adapter and of its devices (contract 3)."""

from typing import Final

from bridge.fimp.topic import Topic

DISCOVERY: Final = "system"
"""The service of discovery, which its topics do not name."""


class Addresses:
    """Makes the topics of the adapter and of its devices. Topics are cached, since every report carries one.

    Args:
        resource_name: the value of `rn` (setting `fimp.resource_name`).
        resource_address: the value of the first `ad` (setting `fimp.resource_address`).
        prefix: FIMP's global prefix; empty for none.
    """

    def __init__(self, resource_name: str, resource_address: str, prefix: str) -> None:
        self.resource_name = resource_name
        self.resource_address = resource_address
        self.prefix = prefix
        self.adapter = Topic("evt", "ad", resource_name, resource_address, prefix=prefix)
        """The adapter's event topic."""
        self.discovery = Topic("evt", "discovery", prefix=prefix)
        """The event topic of discovery."""
        self._events: dict[tuple[str, str], Topic] = {}

    def event(self, service: str, address: str) -> Topic:
        """Return the event topic of one service of a device.

        The cache is not bounded, so `address` must be that of a device of the account.
        """
        topic = self._events.get((service, address))
        if topic is None:
            topic = Topic("evt", "dev", self.resource_name, self.resource_address, service, address, prefix=self.prefix)
            self._events[service, address] = topic
        return topic

    def in_description(self, service: str, address: str) -> str:
        """Return the address of a service in the form of inclusion reports."""
        return f"/rt:dev/rn:{self.resource_name}/ad:{self.resource_address}/sv:{service}/ad:{address}"

    def subscriptions(self) -> list[str]:
        """Return the topic filters of all commands, plain and gzipped (contract 3)."""
        before = f"{self.prefix}/" if self.prefix else ""
        own = f"rn:{self.resource_name}/ad:{self.resource_address}"
        return [
            f"{before}pt:{payload_type}/mt:cmd/{rest}"
            for payload_type in ("j1", "j1c1")
            for rest in (f"rt:ad/{own}", f"rt:dev/{own}/#", "rt:discovery")
        ]


def group_of(socket: int | None) -> str:
    """Return the group of a socket's services: `ch_1` and so on, or `ch_0` for the only socket (contract 3)."""
    return "ch_0" if socket is None else f"ch_{socket}"
