"""What was set for charge points and the cloud does not keep, or not yet."""

from collections.abc import Mapping

from pydantic import JsonValue

from bridge.storage.storage import Storage


class ParameterStore:
    """What was set for charge points and the cloud does not keep, or not yet.

    Args:
        storage: keeps it over restarts.
    """

    def __init__(self, storage: Storage) -> None:
        self._values: dict[tuple[str, str], JsonValue] = dict(storage.parameters())
        self._storage = storage

    def get(self, evse_id: str, name: str) -> JsonValue:
        """A value; None if there is none."""
        return self._values.get((evse_id, name))

    def text(self, evse_id: str, name: str) -> str:
        """A value that is text; empty if there is none."""
        value = self.get(evse_id, name)
        return value if isinstance(value, str) else ""

    def put(self, evse_id: str, values: Mapping[str, JsonValue]) -> None:
        """Keep values by their names; None forgets one."""
        for name, value in values.items():
            if value != self._values.get((evse_id, name)):
                self._values[evse_id, name] = value
                self._storage.save_parameter(evse_id, name, value)

    def forget_all(self) -> None:
        """Forget everything."""
        self._values.clear()
        self._storage.forget_parameters()
