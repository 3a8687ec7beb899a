"""The login service of the adapter: log in by token or password, and log out (contract 6, "Login")."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, JsonValue, SecretStr, ValidationError

from bridge.account.app_state import AppState
from bridge.account.logins import Logins
from bridge.errors import InvalidValue, NotSupported
from bridge.fimp.addresses import Addresses
from bridge.fimp.command import Call, Command
from bridge.fimp.report import Report
from bridge.secret_text import token_of


class Tokens(BaseModel):
    """The fields of the value of `cmd.auth.set_tokens` that are used."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    access_token: SecretStr


class Login(BaseModel):
    """The value of `cmd.auth.login`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    username: str
    password: SecretStr
    encrypted: bool = False


class AuthService:
    """The commands and the report of the login.

    Args:
        logins: logs in and out.
        app_state: the state of the login.
        addresses: builds the topics.
    """

    def __init__(self, *, logins: Logins, app_state: AppState, addresses: Addresses) -> None:
        self._logins = logins
        self._app_state = app_state
        self._addresses = addresses
        self.commands: Mapping[str, Command] = {
            "cmd.auth.set_tokens": Command(("object", "str_map"), self._set_tokens, again=self._say_status),
            "cmd.auth.login": Command(("object", "str_map"), self._login, again=self._say_status),
            "cmd.auth.logout": Command(("null",), self._logout, again=self._say_status),
        }

    def report(self) -> Report:
        """Return `evt.auth.status_report` with the current status."""
        state = self._app_state
        return self._report(state.auth, state.problem, state.code)

    def _report(self, status: str, text: str, code: str) -> Report:
        content: JsonValue = {"status": status, "error_text": text, "error_code": code}
        return Report(
            self._addresses.adapter, self._addresses.resource_name, "evt.auth.status_report", "object", content
        )

    async def _say_status(self, _: Call) -> Sequence[Report]:
        return [self.report()]

    async def _set_tokens(self, call: Call) -> Sequence[Report]:
        given = _read(Tokens, call).access_token.get_secret_value()
        self._logins.hide(given)
        try:
            token = token_of(given)
        except ValueError as error:
            raise InvalidValue(f"access_token: {error}") from None
        if not token:
            raise InvalidValue("access_token is empty. Put the API token of the Blue Current account there.")
        await self._logins.by_token(token)
        return [self.report()]

    async def _login(self, call: Call) -> Sequence[Report]:
        login = _read(Login, call)
        self._logins.hide(login.password)
        if login.encrypted:
            problem = NotSupported("An encrypted password cannot be read here. Send it with encrypted false.")
            return [self._report("ERROR", str(problem), problem.code)]
        if not login.username or not login.password.get_secret_value():
            raise InvalidValue("cmd.auth.login needs username and password.")
        await self._logins.by_password(login.username, login.password)
        return [self.report()]

    async def _logout(self, _: Call) -> Sequence[Report]:
        self._logins.log_out()
        return [self.report()]


M = TypeVar("M", bound=BaseModel)


def _read(model: type[M], call: Call) -> M:
    try:
        return model.model_validate(call.message.value)
    except ValidationError as error:
        # The input is left out, since it is a secret.
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "the value"
        raise InvalidValue(f"{call.message.type}: {field}: {first['msg'].lower()}.") from None
