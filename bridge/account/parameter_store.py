"""What was set for charge points and the cloud does not keep, or not yet."""

from collections.abc import Mapping
from typing import Protocol

from pydantic import JsonValue


class Recorder(Protocol):
    """Where the store keeps its values; the storage is one."""

    def save_parameter(self, evse_id: str, name: str, content: JsonValue) -> None:
        """Keep one value."""


class ParameterStore:
    """What was set for charge points and the cloud does not keep, or not yet.

    Args:
        stored: as it was stored: by evse_id and name.
        recorder: where changes are kept.
    """

    def __init__(self, stored: Mapping[tuple[str, str], JsonValue], recorder: Recorder) -> None:
        self._values = dict(stored)
        self._recorder = recorder

    def get(self, evse_id: str, name: str) -> JsonValue:
        """A value; None if there is none."""
        return self._values.get((evse_id, name))

    def text(self, evse_id: str, name: str) -> str:
        """A value that is text; empty if there is none."""
        value = self.get(evse_id, name)
        return value if isinstance(value, str) else ""

    def put(self, evse_id: str, name: str, value: JsonValue) -> None:
        """Keep a value."""
        self._values[evse_id, name] = value
        self._recorder.save_parameter(evse_id, name, value)

    def forget_all(self) -> None:
        """Forget everything; the caller has cleared where it was kept."""
        self._values.clear()
