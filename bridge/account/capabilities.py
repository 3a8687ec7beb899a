"""The capabilities that the cloud was found to have or to lack. They are kept over restarts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bridge.storage.storage import Storage

NAME: Final = "capabilities"
"""The key of the capabilities in the storage."""

Listener = Callable[[str | None], None]
"""Called after a change, with the `evse_id` of the charge point that it is about, or None for the whole account."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """The differences from the assumptions that `Capabilities` starts with."""

    overrides_unknown: bool = False
    takes_socket_id: bool = False
    cannot_unlock: frozenset[str] = frozenset()


_LEARNED: Final = TypeAdapter(_Learned)


class Capabilities:
    """The capabilities of the cloud, for the account and for each charge point.

    Until an answer shows otherwise, the bridge assumes that the cloud knows current overrides, that every charge point
    without a fixed cable can be unlocked, and that requests about sessions take no `socket_id`.

    Args:
        storage: keeps the capabilities over restarts.

    Attributes:
        listeners: called after every change, so that the affected things are described anew.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._learned = _restored(storage)
        self.listeners: tuple[Listener, ...] = ()

    @property
    def overrides_known(self) -> bool:
        """Whether the cloud knows the requests about current overrides, such as `LIST_OVERRIDE_CURRENT`."""
        return not self._learned.overrides_unknown

    @property
    def takes_socket_id(self) -> bool:
        """Whether requests about sessions can name one of several sockets: an answer has carried a `socket_id`."""
        return self._learned.takes_socket_id

    def unlocks(self, evse_id: str) -> bool:
        """Whether no request to unlock the cable of this charge point has been refused as unknown or forbidden."""
        return evse_id not in self._learned.cannot_unlock

    def learn_overrides_unknown(self) -> None:
        """Note that the cloud answered error 0 to a request about overrides."""
        self._keep(replace(self._learned, overrides_unknown=True), None)

    def learn_takes_socket_id(self) -> None:
        """Note that the cloud answered a request about a session with a `socket_id`."""
        self._keep(replace(self._learned, takes_socket_id=True), None)

    def learn_cannot_unlock(self, evse_id: str) -> None:
        """Note that the cloud answered error 0 or 2 to a request to unlock this charge point."""
        self._keep(replace(self._learned, cannot_unlock=self._learned.cannot_unlock | {evse_id}), evse_id)

    def forget(self) -> None:
        """Return to the initial assumptions."""
        self._keep(_Learned(), None)

    def _keep(self, learned: _Learned, evse_id: str | None) -> None:
        if learned == self._learned:
            return
        self._learned = learned
        self._storage.save_value(NAME, _LEARNED.dump_python(learned, mode="json") if learned != _Learned() else None)
        for listener in self.listeners:
            listener(evse_id)


def _restored(storage: Storage) -> _Learned:
    stored = storage.value(NAME)
    try:
        return _LEARNED.validate_python(stored) if stored is not None else _Learned()
    except ValidationError:
        return _Learned()  # written by another version of the bridge: the capabilities are learned again
