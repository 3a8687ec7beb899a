"""Which API token is used: one from a login goes before the configured one; after a logout neither is (contract 2)."""

import hashlib
from typing import Final, Protocol

from pydantic import JsonValue, SecretStr

LOGIN: Final = "login"
LOGGED_OUT: Final = "logged_out"


class SingleValues(Protocol):
    """Where single values are kept: the storage, or a look into it."""

    def value(self, name: str) -> JsonValue:
        """A value; None if there is none."""

    def save_value(self, name: str, content: JsonValue) -> None:
        """Keep a value; None forgets it."""


class Credentials:
    """The API token, wherever it comes from.

    Args:
        configured: the one of the settings.
        values: where the one from a login is kept.
    """

    def __init__(self, configured: SecretStr | None, values: SingleValues) -> None:
        self._configured = configured.get_secret_value() if configured is not None else None
        self._values = values

    def token(self) -> str | None:
        """The token to use; None if there is none."""
        login = self._values.value(LOGIN)
        if isinstance(login, str):
            return login
        if self._configured is None or self._values.value(LOGGED_OUT) == _fingerprint(self._configured):
            return None
        return self._configured

    def keep(self, token: str) -> None:
        """A login has brought this token."""
        self._values.save_value(LOGIN, token if token != self._configured else None)
        self._values.save_value(LOGGED_OUT, None)

    def forget(self) -> None:
        """A logout: the token of a login is forgotten, and the configured one not used until it changes."""
        self._values.save_value(LOGIN, None)
        self._values.save_value(LOGGED_OUT, _fingerprint(self._configured) if self._configured is not None else None)


def _fingerprint(token: str) -> str:
    """Enough to know the token again, and nothing of the token."""
    return hashlib.sha256(b"bluecurrent-fimp-bridge" + token.encode()).hexdigest()
