"""What was set for charge points and the cloud does not keep, or not yet."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from bridge.storage.storage import Storage


class ParameterStore:
    """What was set for charge points and the cloud does not keep, or not yet.

    Args:
        storage: keeps it over restarts.

    Attributes:
        listeners: are told of every change, by the `evse_id`.
    """

    def __init__(self, storage: Storage) -> None:
        self._values: dict[tuple[str, str], JsonValue] = dict(storage.parameters())
        self._storage = storage
        self.listeners: tuple[Callable[[str], None], ...] = ()

    def get(self, evse_id: str, name: str) -> JsonValue:
        """A value; None if there is none."""
        return self._values.get((evse_id, name))

    def text(self, evse_id: str, name: str) -> str:
        """A value that is text; empty if there is none."""
        value = self.get(evse_id, name)
        return value if isinstance(value, str) else ""

    def put(self, evse_id: str, values: Mapping[str, JsonValue]) -> None:
        """Keep values by their names; None forgets one."""
        changed = {name: value for name, value in values.items() if value != self.get(evse_id, name)}
        for name, value in changed.items():
            self._values[evse_id, name] = value
            self._storage.save_parameter(evse_id, name, value)
        for listener in self.listeners if changed else ():
            listener(evse_id)

    def forget_all(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._storage.forget_parameters()
