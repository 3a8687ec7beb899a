"""The API token in use.

The token of a login takes precedence over the configured one. After a logout neither is used (contract 2).
"""

import hashlib
from typing import Final, Protocol

from pydantic import JsonValue, SecretStr

LOGIN: Final = "login"
LOGGED_OUT: Final = "logged_out"


class SingleValues(Protocol):
    """A store of single values: the storage, or a read-only view of it."""

    def value(self, name: str) -> JsonValue:
        """Return the value under a name; None if there is none."""

    def save_value(self, name: str, content: JsonValue) -> None:
        """Keep a value under a name; None deletes it."""


class Credentials:
    """Chooses between the configured API token and the one of a login.

    Args:
        configured: the token in the settings; None if there is none.
        values: keeps the token of a login.
    """

    def __init__(self, configured: SecretStr | None, values: SingleValues) -> None:
        self._configured = configured.get_secret_value() if configured is not None else None
        self._values = values

    def token(self) -> str | None:
        """Return the token to use; None if there is none."""
        login = self._values.value(LOGIN)
        if isinstance(login, str):
            return login
        if self._configured is None or self._values.value(LOGGED_OUT) == _fingerprint(self._configured):
            return None
        return self._configured

    def keep(self, token: str) -> None:
        """Keep the token that a login succeeded with."""
        self._values.save_value(LOGIN, token if token != self._configured else None)
        self._values.save_value(LOGGED_OUT, None)

    def forget(self) -> None:
        """Forget the token of the login, and stop using the configured one until it changes."""
        self._values.save_value(LOGIN, None)
        self._values.save_value(LOGGED_OUT, _fingerprint(self._configured) if self._configured is not None else None)


def _fingerprint(token: str) -> str:
    """Return a hash that recognises the token and does not reveal it."""
    return hashlib.sha256(b"bluecurrent-fimp-bridge" + token.encode()).hexdigest()
