"""Logging in and out while the service runs (contract 6, "Login")."""

import asyncio
from collections.abc import Awaitable, Callable

from pydantic import SecretStr

from bridge.account.app_state import AppState
from bridge.account.credentials import Credentials
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.errors import BridgeError, Disconnected, Unauthorized

TokenFetcher = Callable[[str, SecretStr], Awaitable[str]]
"""Logs in once with a user name and a password, and returns the account's API token."""


class Logins:
    """Tries a new token, keeps it if it works, and returns to the previous one if it does not.

    Args:
        link: the link to Blue Current, which uses the token.
        credentials: keeps the token.
        app_state: the states that the hub sees.
        exclusions: the things that an uninstall excluded. A login includes them again.
        fleet: the charge points and grid connections of the account.
        fetch_token: fetches the API token in a login by password.
        hide: registers a secret with the log, so that the log masks it.
        timeout: how long a login may take, s.
    """

    def __init__(
        self,
        *,
        link: Link,
        credentials: Credentials,
        app_state: AppState,
        exclusions: Exclusions,
        fleet: Fleet,
        fetch_token: TokenFetcher,
        hide: Callable[[str | SecretStr], None],
        timeout: float,
    ) -> None:
        self._link = link
        self._credentials = credentials
        self._app_state = app_state
        self._exclusions = exclusions
        self._fleet = fleet
        self._fetch_token = fetch_token
        self._timeout = timeout
        self._outcome: asyncio.Future[BridgeError | None] | None = None
        self.hide = hide

    def link_changed(self, status: LinkStatus) -> None:
        """Handle a change of the link's status, which may be the outcome of a login in progress."""
        if status.up and self._outcome is not None:
            self._exclusions.readmit([*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids.all())])
        if self._outcome is not None and not self._outcome.done() and status.state in (LinkState.UP, LinkState.DOWN):
            self._outcome.set_result(status.error if status.state is LinkState.DOWN else None)

    async def by_token(self, token: str) -> None:
        """Log in with an API token. `AppState` carries the outcome; nothing is raised."""
        self.hide(token)
        self._app_state.attempt_begins()
        await self._use(token, self._credentials.token())

    async def by_password(self, username: str, password: SecretStr) -> None:
        """Fetch the account's API token once, and log in with it. The password is not kept.

        `AppState` carries the outcome; nothing is raised.
        """
        before = self._credentials.token()
        self._app_state.attempt_begins()
        self._link.set_token(None)  # the cloud accepts one connection at a time
        try:
            token = await self._fetch_token(username, password)
        except BridgeError as error:
            self._link.set_token(before)
            self._failed(error)
            return
        self.hide(token)
        await self._use(token, before)

    def log_out(self) -> None:
        """Forget the login, and use no token until there is a new login or the configured token changes."""
        self._credentials.forget()
        self._link.set_token(self._credentials.token())
        self._app_state.logged_out()

    async def _use(self, token: str, before: str | None) -> None:
        """Connect with this token. Keep it on success, else return to the previous one."""
        if token == before and self._link.status.up:
            self._succeeded(token)
            return
        link, refused = self._link.status.state, self._link.status.error
        if token == before and link is LinkState.DOWN and isinstance(refused, Unauthorized) and not refused.retryable:
            self._failed(refused)  # a refused token is not tried again until it changes (contract 8)
            return
        error = await self._try(token)
        if error is None:
            self._succeeded(token)
        else:
            self._link.set_token(before)
            self._failed(error)

    async def _try(self, token: str) -> BridgeError | None:
        self._outcome = asyncio.get_running_loop().create_future()
        try:
            self._link.set_token(token)
            async with asyncio.timeout(self._timeout):
                return await self._outcome
        except TimeoutError:
            return Disconnected("Blue Current did not answer the login in time. Try again in a while.")
        finally:
            self._outcome = None

    def _succeeded(self, token: str) -> None:
        self._credentials.keep(token)
        self._app_state.attempt_ends("AUTHENTICATED")

    def _failed(self, error: BridgeError) -> None:
        self._app_state.attempt_ends("ERROR", str(error), error.code)
