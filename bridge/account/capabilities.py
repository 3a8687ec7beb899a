"""What the cloud was found to support, and not to support; kept over restarts."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from pydantic import TypeAdapter, ValidationError

from bridge.storage.storage import Storage

NAME: Final = "capabilities"
"""Under which the storage keeps it."""

Listener = Callable[[str | None], None]
"""Is told of a change: of one charge point, by its `evse_id`, or with None of the account."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """What differs from what is assumed of a cloud that nothing has been asked of yet."""

    overrides_unknown: bool = False
    takes_socket_id: bool = False
    cannot_unlock: frozenset[str] = frozenset()


_LEARNED: Final = TypeAdapter(_Learned)


class Capabilities:
    """What the cloud supports: of the account, and of each charge point.

    Assumed until an answer shows otherwise: the cloud knows overrides of the current, every charge point without a
    fixed cable can be unlocked, and requests about sessions take no `socket_id`.

    Args:
        storage: keeps what was learned.

    Attributes:
        listeners: are told of every change, so that things can be described anew.
    """

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._learned = _restored(storage)
        self.listeners: tuple[Listener, ...] = ()

    @property
    def overrides_known(self) -> bool:
        """The cloud knows overrides of the current (`LIST_OVERRIDE_CURRENT` and its kind)."""
        return not self._learned.overrides_unknown

    @property
    def takes_socket_id(self) -> bool:
        """Requests about sessions can name one socket of several: an answer to one has carried a `socket_id`."""
        return self._learned.takes_socket_id

    def unlocks(self, evse_id: str) -> bool:
        """The cable of this charge point can be unlocked from here, if it has a socket."""
        return evse_id not in self._learned.cannot_unlock

    def learn_overrides_unknown(self) -> None:
        """The cloud answered error 0 to a request about overrides."""
        self._keep(replace(self._learned, overrides_unknown=True), None)

    def learn_takes_socket_id(self) -> None:
        """The cloud answered a request about a session with a `socket_id`."""
        self._keep(replace(self._learned, takes_socket_id=True), None)

    def learn_cannot_unlock(self, evse_id: str) -> None:
        """The cloud answered error 0 or 2 to a request to unlock this charge point."""
        self._keep(replace(self._learned, cannot_unlock=self._learned.cannot_unlock | {evse_id}), evse_id)

    def forget(self) -> None:
        """Assume again what is assumed of a new cloud."""
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
        return _Learned()  # of another version: it is learned again
