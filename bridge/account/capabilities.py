"""What only the cloud's behaviour can tell: learned once, remembered across restarts."""

from collections.abc import Callable


class Fact:
    """Something about the cloud that is assumed not to be so until it shows.

    Args:
        known: whether it has shown before, as remembered.
        on_change: is told when that changes.
    """

    def __init__(self, *, known: bool, on_change: Callable[[bool], None]) -> None:
        self.known = known
        self._on_change = on_change

    def learn(self) -> None:
        """It has shown."""
        self._set(True)

    def forget(self) -> None:
        """Assume again that it is not so."""
        self._set(False)

    def _set(self, known: bool) -> None:
        if self.known != known:
            self.known = known
            self._on_change(known)
