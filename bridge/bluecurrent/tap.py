"""Where everything that passes the link can be seen, to be recorded."""

from bridge.errors import BridgeError


class Tap:
    """Sees every frame in both directions and each loss of a connection, the login included. This one does nothing."""

    def sent(self, text: str) -> None:
        """A text was sent; it carries a token."""

    def received(self, text: str | bytes) -> None:
        """A text came, whatever it is."""

    def lost(self, error: BridgeError) -> None:
        """A connection ended, or could not be had."""
