"""Logging in and out from the hub (contract 6, "Login")."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, ValidationError

from bridge.account.app_state import AppState
from bridge.account.credentials import Credentials
from bridge.account.exclusions import Exclusions
from bridge.account.fleet import Fleet
from bridge.bluecurrent.link import Link, LinkState, LinkStatus
from bridge.errors import BridgeError, Disconnected, InvalidValue, NotSupported, Unauthorized
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.report import Report
from bridge.secret_text import token_of

TokenFetcher = Callable[[str, SecretStr], Awaitable[str]]
"""Logs in with user name and password, once, and gives the account's API token."""


class Tokens(BaseModel):
    """The value of `cmd.auth.set_tokens`, as far as it matters here."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: SecretStr


class Login(BaseModel):
    """The value of `cmd.auth.login`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    username: str
    password: SecretStr
    encrypted: bool = False


class AuthService:
    """See the module.

    Args:
        link: what uses the token.
        credentials: where it is kept.
        app_state: the states.
        exclusions: what an uninstall has withdrawn, until the next login.
        fleet: the charge points that there are.
        addresses: the topics.
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
        addresses: Addresses,
        fetch_token: TokenFetcher,
        hide: Callable[[str | SecretStr], None],
        patience: float,
    ) -> None:
        self._link = link
        self._credentials = credentials
        self._app_state = app_state
        self._exclusions = exclusions
        self._fleet = fleet
        self._addresses = addresses
        self._fetch_token = fetch_token
        self._hide = hide
        self._patience = patience
        self._outcome: asyncio.Future[BridgeError | None] | None = None
        self.commands: Mapping[str, Command] = {
            "cmd.auth.set_tokens": Command(("object", "str_map"), self._set_tokens, again=self._say_status),
            "cmd.auth.login": Command(("object", "str_map"), self._login, again=self._say_status),
            "cmd.auth.logout": Command(("null",), self._logout, again=self._say_status),
        }

    def report(self) -> Report:
        """`evt.auth.status_report`: what is so now."""
        state = self._app_state
        return self._report(state.auth, state.problem, state.code)

    def _report(self, status: str, text: str, code: str) -> Report:
        content: JsonValue = {"status": status, "error_text": text, "error_code": code}
        return Report(
            self._addresses.adapter, self._addresses.resource_name, "evt.auth.status_report", "object", content
        )

    def link_changed(self, status: LinkStatus) -> None:
        """The link's status has changed: perhaps that is the outcome of a login."""
        if status.up and self._outcome is not None:
            self._exclusions.readmit([*self._fleet.evse_ids(), *(grid.address for grid in self._fleet.grids())])
        if self._outcome is not None and not self._outcome.done() and status.state in (LinkState.UP, LinkState.DOWN):
            self._outcome.set_result(status.error if status.state is LinkState.DOWN else None)

    async def _say_status(self, _: Call) -> Sequence[Report]:
        return [self.report()]

    async def _set_tokens(self, call: Call) -> Sequence[Report]:
        given = _read(Tokens, call).access_token.get_secret_value()
        self._hide(given)
        try:
            token = token_of(given)
        except ValueError as error:
            raise InvalidValue(f"access_token: {error}") from None
        if not token:
            raise InvalidValue("access_token is empty. Put the API token of the Blue Current account there.")
        self._hide(token)
        self._app_state.attempt_begins()
        return [await self._use(token, self._credentials.token())]

    async def _login(self, call: Call) -> Sequence[Report]:
        login = _read(Login, call)
        self._hide(login.password)
        if login.encrypted:
            problem = NotSupported("An encrypted password cannot be read here. Send it with encrypted false.")
            return [self._report("ERROR", str(problem), problem.code)]
        if not login.username or not login.password.get_secret_value():
            raise InvalidValue("cmd.auth.login needs username and password.")
        before = self._credentials.token()
        self._app_state.attempt_begins()
        self._link.set_token(None)  # the cloud takes one connection at a time
        try:
            token = await self._fetch_token(login.username, login.password)
        except BridgeError as error:
            self._link.set_token(before)
            return [self._failed(error)]
        self._hide(token)
        return [await self._use(token, before)]

    async def _use(self, token: str, before: str | None) -> Report:
        """Connect with this token; keep it if that works, else go back to the one before."""
        if token == before and self._link.status.up:
            return self._succeeded(token)
        link, refused = self._link.status.state, self._link.status.error
        if token == before and link is LinkState.DOWN and isinstance(refused, Unauthorized) and not refused.retryable:
            return self._failed(refused)  # it is not tried again until it changes
        self._outcome = asyncio.get_running_loop().create_future()
        try:
            self._link.set_token(token)
            async with asyncio.timeout(self._patience):
                error = await self._outcome
        except TimeoutError:
            error = Disconnected("Blue Current did not answer the login in time. Try again in a while.")
        finally:
            self._outcome = None
        if error is None:
            return self._succeeded(token)
        self._link.set_token(before)
        return self._failed(error)

    def _succeeded(self, token: str) -> Report:
        self._credentials.keep(token)
        self._app_state.attempt_ends("AUTHENTICATED")
        return self.report()

    def _failed(self, error: BridgeError) -> Report:
        self._app_state.attempt_ends("ERROR", str(error), error.code)
        return self.report()

    async def _logout(self, _: Call) -> Sequence[Report]:
        self.log_out()
        return [self.report()]

    def log_out(self) -> None:
        """Forget the login, and use no token until there is another."""
        self._credentials.forget()
        self._link.set_token(self._credentials.token())
        self._app_state.logged_out()


M = TypeVar("M", bound=BaseModel)


def _read(model: type[M], call: Call) -> M:
    try:
        return model.model_validate(call.message.value)
    except ValidationError as error:
        # Without what was given: it is a secret.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the value"
        raise InvalidValue(f"{call.message.type}: {field}: {first['msg'].lower()}.") from None
