"""The values of parameters that the cloud does not keep, or not yet."""

from collections.abc import Callable, Mapping

from pydantic import JsonValue

from bridge.storage.storage import Storage


class ParameterStore:
    """Keeps the values of parameters that the cloud does not keep, or not yet.

    Args:
        storage: keeps the values over restarts.

    Attributes:
        listeners: called with the `evse_id` after every change.
    """

    def __init__(self, storage: Storage) -> None:
        self._values: dict[tuple[str, str], JsonValue] = dict(storage.parameters())
        self._storage = storage
        self.listeners: tuple[Callable[[str], None], ...] = ()

    def get(self, evse_id: str, name: str) -> JsonValue:
        """Return the value of a parameter; None if there is none."""
        return self._values.get((evse_id, name))

    def text(self, evse_id: str, name: str) -> str:
        """Return the value of a parameter that is text; empty if there is none."""
        value = self.get(evse_id, name)
        return value if isinstance(value, str) else ""

    def put(self, evse_id: str, values: Mapping[str, JsonValue]) -> None:
        """Keep values by the ids of their parameters; None deletes a value."""
        changed = {name: value for name, value in values.items() if value != self.get(evse_id, name)}
        for name, value in changed.items():
            self._values[evse_id, name] = value
            self._storage.save_parameter(evse_id, name, value)
        for listener in self.listeners if changed else ():
            listener(evse_id)

    def forget_all(self) -> None:
        """Delete the values of all charge points."""
        self._values.clear()
        self._storage.forget_parameters()
