"""A tap on the link, through which a recorder sees all traffic."""

from bridge.errors import BridgeError


class Tap:
    """Sees every frame in both directions and every loss of a connection, those of the login included.

    This class ignores them all; a subclass records them.
    """

    def sent(self, text: str) -> None:
        """Handle a text that was sent. It carries a token."""

    def received(self, text: str | bytes) -> None:
        """Handle a message that arrived, readable or not."""

    def lost(self, error: BridgeError) -> None:
        """Handle the end of a connection, or a connection that failed."""
