"""The topics of the adapter and of its devices (contract 3)."""

from bridge.fimp.topic import Topic


class Addresses:
    """The topics of devices and of the adapter, each made once: they are written with every report.

    Args:
        resource_name: the name under which the bridge appears.
        resource_address: the address under which it appears.
        prefix: FIMP's global prefix; empty for none.
    """

    def __init__(self, resource_name: str, resource_address: str, prefix: str = "") -> None:
        self.resource_name = resource_name
        self.resource_address = resource_address
        self.prefix = prefix
        self.adapter = Topic("evt", "ad", resource_name, resource_address, prefix=prefix)
        """The adapter's event topic."""
        self.discovery = Topic("evt", "discovery", prefix=prefix)
        """The event topic of discovery."""
        self._events: dict[tuple[str, str], Topic] = {}

    def event(self, service: str, address: str) -> Topic:
        """The event topic of one service of a device.

        Every topic is kept, so `address` must be that of a device that the account has.
        """
        topic = self._events.get((service, address))
        if topic is None:
            topic = Topic("evt", "dev", self.resource_name, self.resource_address, service, address, prefix=self.prefix)
            self._events[service, address] = topic
        return topic

    def in_description(self, service: str, address: str) -> str:
        """The address of a service as inclusion reports write it."""
        return f"/rt:dev/rn:{self.resource_name}/ad:{self.resource_address}/sv:{service}/ad:{address}"

    def subscriptions(self) -> list[str]:
        """The topic filters of all commands, plain and gzipped."""
        before = f"{self.prefix}/" if self.prefix else ""
        own = f"rn:{self.resource_name}/ad:{self.resource_address}"
        return [
            f"{before}pt:{payload_type}/mt:cmd/{rest}"
            for payload_type in ("j1", "j1c1")
            for rest in (f"rt:ad/{own}", f"rt:dev/{own}/#", "rt:discovery")
        ]


def group_of(socket: int | None) -> str:
    """The group of the services of a socket; None: of a charge point with one (contract 3)."""
    return "ch_0" if socket is None else f"ch_{socket}"
