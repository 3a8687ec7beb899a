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
"""Logs in with user name and password, once, and gives the account's API token."""


class Logins:
    """Tries tokens, keeps the one that works, and goes back to the one before if it does not.

    Args:
        link: what uses the token.
        credentials: where it is kept.
        app_state: the states that the hub sees.
        exclusions: what an uninstall has withdrawn, until the next login.
        fleet: the charge points that there are.
        fetch_token: for a login by password.
        hide: makes a secret known to the log, so that it does not appear there.
        patience: how long a login may take, s.
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
        patience: float,
    ) -> None:
        self._link = link
        self._credentials = credentials
        self._app_state = app_state
        self._exclusions = exclusions
        self._fleet = fleet
        self._fetch_token = fetch_token
        self._patience = patience
        self._outcome: asyncio.Future[BridgeError | None] | None = None
        self.hide = hide

    def link_changed(self, status: LinkStatus) -> None:
        """The link's status has changed: perhaps that is the outcome of a login."""
        if status.up and self._outcome is not None:
            self._exclusions.readmit([*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids())])
        if self._outcome is not None and not self._outcome.done() and status.state in (LinkState.UP, LinkState.DOWN):
            self._outcome.set_result(status.error if status.state is LinkState.DOWN else None)

    async def by_token(self, token: str) -> None:
        """Log in with an API token. The outcome is in the states of the app."""
        self.hide(token)
        self._app_state.attempt_begins()
        await self._use(token, self._credentials.token())

    async def by_password(self, username: str, password: SecretStr) -> None:
        """Fetch the account's API token once, and log in with it. The password is not kept."""
        before = self._credentials.token()
        self._app_state.attempt_begins()
        self._link.set_token(None)  # the cloud takes one connection at a time
        try:
            token = await self._fetch_token(username, password)
        except BridgeError as error:
            self._link.set_token(before)
            self._failed(error)
            return
        self.hide(token)
        await self._use(token, before)

    def log_out(self) -> None:
        """Forget the login, and use no token until there is another."""
        self._credentials.forget()
        self._link.set_token(self._credentials.token())
        self._app_state.logged_out()

    async def _use(self, token: str, before: str | None) -> None:
        """Connect with this token; keep it if that works, else go back to the one before."""
        if token == before and self._link.status.up:
            self._succeeded(token)
            return
        link, refused = self._link.status.state, self._link.status.error
        if token == before and link is LinkState.DOWN and isinstance(refused, Unauthorized) and not refused.retryable:
            self._failed(refused)  # it is not tried again until it changes
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
            async with asyncio.timeout(self._patience):
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
