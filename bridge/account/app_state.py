"""The state of the app as FIMP reports it: connection and login (contract 6, "App" and "Login")."""

from collections.abc import Callable, Mapping
from typing import Final, Literal

from pydantic import JsonValue

from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.errors import Unauthorized

AuthState = Literal["NOT_AUTHENTICATED", "IN_PROGRESS", "AUTHENTICATED", "LOST", "ERROR"]

_CONNECTIONS: Final[Mapping[LinkState, str]] = {
    LinkState.WAITING: "DISCONNECTED",
    LinkState.CONNECTING: "CONNECTING",
    LinkState.UP: "CONNECTED",
    LinkState.DOWN: "DISCONNECTED",
}
_HEALTH: Final[Mapping[AuthState, str]] = {
    "NOT_AUTHENTICATED": "NOT_CONFIGURED",
    "IN_PROGRESS": "STARTING",
    "AUTHENTICATED": "RUNNING",
    "LOST": "ERROR",
    "ERROR": "ERROR",
}


class AppState:
    """The state that the hub shows for the app as a whole.

    Attributes:
        auth: the state of the login.
        problem: a sentence that says why the login failed; empty if it did not fail.
        code: the contract's error code for the failure; empty if there is none.
        listeners: called without arguments after every change.
    """

    def __init__(self) -> None:
        self._connection = "CONNECTING"
        self._stopping = False
        self._attempt = False
        self.auth: AuthState = "IN_PROGRESS"
        self.problem = ""
        self.code = ""
        self.listeners: tuple[Callable[[], None], ...] = ()

    def link_changed(self, status: LinkStatus) -> None:
        """Handle a change of the link's status, which may change the login state."""
        self._connection = _CONNECTIONS[status.state]
        # Without an earlier token to return to, a failed login stays the state of the login until the next one.
        stays = self.auth == "ERROR" and status.state is LinkState.WAITING
        if not self._attempt and not stays:
            auth = self._auth_after(status)
            failure = status.error if auth in ("ERROR", "LOST") else None
            self.auth = auth
            self.problem, self.code = (str(failure), failure.code) if failure is not None else ("", "")
        self._notify()

    def _auth_after(self, status: LinkStatus) -> AuthState:
        if status.up:
            return "AUTHENTICATED"
        if status.state is LinkState.WAITING:
            return "NOT_AUTHENTICATED"
        if isinstance(status.error, Unauthorized) and status.state is LinkState.DOWN and not status.error.retryable:
            return "LOST" if self.auth in ("AUTHENTICATED", "LOST") else "ERROR"
        if self.auth in ("NOT_AUTHENTICATED", "ERROR"):
            return "IN_PROGRESS"
        return self.auth  # the login is still valid while the link is down

    def attempt_begins(self) -> None:
        """Handle the start of a login. Until it ends, only its outcome changes the login state."""
        self._attempt = True
        self._set("IN_PROGRESS")

    def attempt_ends(self, auth: AuthState, problem: str = "", code: str = "") -> None:
        """Handle the end of a login.

        Args:
            auth: the new state of the login.
            problem: a sentence that says why the login failed; empty if it succeeded.
            code: the contract's error code for the failure; empty if it succeeded.
        """
        self._attempt = False
        self._set(auth, problem, code)

    def logged_out(self) -> None:
        """Handle a logout."""
        self._set("NOT_AUTHENTICATED")

    def stopping(self) -> None:
        """Report the app as terminating and the link as disconnected, because the service stops."""
        self._stopping, self._connection = True, "DISCONNECTED"
        self._notify()

    def _set(self, auth: AuthState, problem: str = "", code: str = "") -> None:
        self.auth, self.problem, self.code = auth, problem, code
        self._notify()

    def _notify(self) -> None:
        for listener in self.listeners:
            listener()

    def states(self) -> JsonValue:
        """Return the value of `evt.app.state_report`: a map with `app`, `connection`, `config` and `auth`."""
        return {
            "app": "TERMINATING" if self._stopping else _HEALTH[self.auth],
            "connection": self._connection,
            "config": "NOT_CONFIGURED" if self.auth == "NOT_AUTHENTICATED" else "CONFIGURED",
            "auth": self.auth,
        }
