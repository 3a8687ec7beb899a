"""The states of the app, in FIMP's words, and the reports of their changes (contract 6, "App" and "Login")."""

from collections.abc import Mapping
from typing import Final, Literal

from pydantic import JsonValue

from bridge.bluecurrent.link import LinkState, LinkStatus
from bridge.errors import BridgeError, Unauthorized
from bridge.fimp.addresses import Addresses
from bridge.fimp.report import Report
from bridge.hub.outbox import Outbox

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
    """What the hub shows of the app as a whole.

    Args:
        addresses: the topics.
        outbox: where reports go.
    """

    def __init__(self, addresses: Addresses, outbox: Outbox) -> None:
        self._addresses = addresses
        self._outbox = outbox
        self._connection = "CONNECTING"
        self._stopping = False
        self._attempt = False
        self._problem = ""
        self.auth: AuthState = "IN_PROGRESS"
        self._said: JsonValue = None

    # --- what happens ---

    def link_changed(self, status: LinkStatus) -> None:
        """The link's status has changed; so may have what that means for the login."""
        self._connection = _CONNECTIONS[status.state]
        if not self._attempt:
            auth = self._auth_after(status)
            changed = auth != self.auth
            self.auth = auth
            self._problem = str(status.error) if auth in ("ERROR", "LOST") and status.error is not None else ""
            if changed:
                self._outbox.put(self.auth_report())
        self.report()

    def _auth_after(self, status: LinkStatus) -> AuthState:
        if status.up:
            return "AUTHENTICATED"
        if status.state is LinkState.WAITING:
            return "NOT_AUTHENTICATED"
        if isinstance(status.error, Unauthorized) and status.state is LinkState.DOWN and not status.error.retryable:
            return "LOST" if self.auth in ("AUTHENTICATED", "LOST") else "ERROR"
        if self.auth in ("NOT_AUTHENTICATED", "ERROR"):
            return "IN_PROGRESS"
        return self.auth  # a link that is down says nothing about the login

    def attempt_begins(self) -> None:
        """Somebody logs in: until that is through, its outcome counts and nothing else."""
        self._attempt = True
        self._set_auth("IN_PROGRESS", "")

    def attempt_ends(self, auth: AuthState, problem: str = "") -> None:
        """The login has an outcome."""
        self._attempt = False
        self.auth, self._problem = auth, problem
        self.report()

    def logged_out(self) -> None:
        """There is no login any more."""
        self.auth, self._problem = "NOT_AUTHENTICATED", ""
        self.report()

    def stopping(self) -> None:
        """The service is about to end."""
        self._stopping, self._connection = True, "DISCONNECTED"
        self.report()

    def _set_auth(self, auth: AuthState, problem: str) -> None:
        self.auth, self._problem = auth, problem
        self._outbox.put(self.auth_report())
        self.report()

    # --- what is said ---

    def states(self) -> JsonValue:
        """The four states."""
        return {
            "app": "TERMINATING" if self._stopping else _HEALTH[self.auth],
            "connection": self._connection,
            "config": "NOT_CONFIGURED" if self.auth == "NOT_AUTHENTICATED" else "CONFIGURED",
            "auth": self.auth,
        }

    def state_report(self) -> Report:
        """`evt.app.state_report`."""
        return self._report("evt.app.state_report", self.states())

    def auth_report(self, code: str = "") -> Report:
        """`evt.auth.status_report`."""
        content: JsonValue = {"status": self.auth, "error_text": self._problem, "error_code": code}
        return self._report("evt.auth.status_report", content)

    def refusal(self, error: BridgeError) -> Report:
        """`evt.auth.status_report` of a login that was not tried: it answers, and changes nothing."""
        content: JsonValue = {"status": "ERROR", "error_text": str(error), "error_code": error.code}
        return self._report("evt.auth.status_report", content)

    def report(self) -> None:
        """Say the states, if they have changed."""
        states = self.states()
        if states != self._said:
            self._said = states
            self._outbox.put(self.state_report())

    def report_again(self) -> None:
        """Say the states, whatever was said before."""
        self._said = None
        self._outbox.put(self.auth_report())
        self.report()

    def _report(self, type_: str, value: JsonValue) -> Report:
        return Report(self._addresses.adapter, self._addresses.resource_name, type_, "object", value)
