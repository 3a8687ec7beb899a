"""The app's side of the cloud, through the package `pybluecurrent`: login by password, transactions, unlock, block.

The package is imported when it is first used. It makes single calls and does not reconnect; all live traffic stays on
the link.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import urlsplit
from uuid import uuid4

from pydantic import BaseModel, ConfigDict, SecretStr

from bridge.bluecurrent.correlation import named_error
from bridge.bluecurrent.frames import Error
from bridge.bluecurrent.link import Link
from bridge.chargepoint.amsterdam import from_wall_clock, in_order
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.transaction_matching import Transaction
from bridge.errors import BridgeError, Disconnected, Forbidden, NotSent, Rejected, Unauthorized, VerdictTimeout

if TYPE_CHECKING:
    from pybluecurrent import BlueCurrentClient
    from pybluecurrent.exceptions import BlueCurrentException

REAL_HOST: Final = "motown.bluecurrent.nl"

FIRST_SOCKET: Final = 1
"""The number of the only socket, unless the cloud gives another."""

_UNREACHABLE: Final = "The app's side of Blue Current cannot be reached"

Action = Literal["unlockconnector", "setoperative", "setinoperative"]


class AppApi:
    """The app's side of the cloud for one account. It uses the login of the link.

    Args:
        cloud_url: the setting `cloud.url`.
        link: owns the token for requests.
    """

    def __init__(self, cloud_url: str, link: Link) -> None:
        self._cloud_url = cloud_url
        self._link = link

    @property
    def ready(self) -> bool:
        """Whether calls can be made: the link is up, so the cloud has accepted the account's token."""
        return self._link.status.up and self._link.request_token is not None

    async def transactions(self, evse_id: str, since: date) -> list[Transaction]:
        """Read the transactions of a charge point.

        Args:
            evse_id: the charge point.
            since: the first day, in Amsterdam.

        Raises:
            CloudError: the cloud cannot be reached, or refused the call.
        """
        async with rest(self._cloud_url, self._link.request_token) as client:
            found = client.iterate_transactions(evse_id, start_date=since)
            return [parse_transaction(raw) async for raw in found if raw.get("started_at") is not None]

    async def unlock(self, evse_id: str, socket_id: int | None) -> None:
        """Release the cable of a charge point that is not a `UMOVE`. The HTTP answer is the verdict.

        Args:
            evse_id: the charge point.
            socket_id: the socket; None for the only one, if its number is not known.

        Raises:
            UnknownRequest: the cloud does not know the action (its error 0).
            Forbidden: the account may not do it (its error 2).
            NotSent: the app's side cannot be reached, so the charge point did nothing.
            VerdictTimeout: no answer came, so the outcome is unknown.
            CloudError: the cloud refused it for another reason.
        """
        await self._act("unlockconnector", evse_id, socket_id, flow_id="flow")  # the value that the app sends

    async def set_operative(self, evse_id: str, socket_id: int | None, *, operative: bool) -> None:
        """Make a socket available, or block it. The HTTP answer is only a receipt; a CH_STATUS shows the effect.

        Raises:
            BridgeError: the errors of `unlock`.
        """
        await self._act("setoperative" if operative else "setinoperative", evse_id, socket_id, flow_id=str(uuid4()))

    async def _act(self, action: Action, evse_id: str, socket_id: int | None, *, flow_id: str) -> None:
        from httpx import ConnectError, ConnectTimeout, PoolTimeout, TransportError  # noqa: PLC0415 - imported when first used

        async with rest(self._cloud_url, self._link.request_token) as client:
            number = socket_id if socket_id is not None else await _only_socket(client, evse_id)
            body = {"chargepoint_id": evse_id, "socket_id": number, "flow_id": flow_id}
            try:
                await client._post_action(action, body)
            except (ConnectError, ConnectTimeout, PoolTimeout):
                raise
            except TransportError as error:
                raise VerdictTimeout(
                    "The app's side of Blue Current did not answer. Whether the charge point did what was asked is "
                    "not known: look at its state before you try again."
                ) from error


async def _only_socket(client: "BlueCurrentClient", evse_id: str) -> int:
    """Return the number of a charge point's only socket. The cloud assigns it; it is not always 1."""
    from httpx import HTTPStatusError  # noqa: PLC0415 - imported when first used
    from pybluecurrent.exceptions import BlueCurrentException  # noqa: PLC0415 - imported when first used

    try:
        statuses = await client.get_charge_point_statuses(evse_id)
    except (HTTPStatusError, BlueCurrentException, KeyError, TypeError, ValueError):
        return FIRST_SOCKET
    numbers: list[object] = [status.get("socket_id") for status in statuses]
    return next((number for number in numbers if isinstance(number, int)), FIRST_SOCKET)


def _client(
    cloud_url: str, *, username: str | None = None, password: str | None = None, api_token: str | None = None
) -> "BlueCurrentClient":
    """Make the client of `pybluecurrent` for the cloud that `cloud.url` names."""
    from pybluecurrent import BlueCurrentClient  # noqa: PLC0415 - imported when first used

    class Client(BlueCurrentClient):
        auto_reconnect = False

    url = urlsplit(cloud_url)
    if url.hostname != REAL_HOST:
        # Another cloud, such as the simulated one, has its REST API on the port after that of its websocket.
        scheme = "https" if url.scheme == "wss" else "http"
        base = f"{scheme}://{url.hostname}:{(url.port or 80) + 1}"
        Client.socket_url = f"{url.scheme}://{url.netloc}/appserver/2.0"
        Client._api_base = f"{base}/app/bc_api/api"
        Client._bce_api_base = f"{base}/app/bce_api/api"
    return Client(username, password, api_token)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """Translate the errors of `pybluecurrent` and `httpx` to those of the bridge."""
    from httpx import HTTPError, HTTPStatusError  # noqa: PLC0415 - imported when first used
    from pybluecurrent.exceptions import (  # noqa: PLC0415 - imported when first used
        AuthenticationFailed,
        BlueCurrentException,
        ConnectionLost,
        RequestTimeout,
    )
    from websockets.exceptions import WebSocketException  # noqa: PLC0415 - imported when first used

    try:
        yield
    except AuthenticationFailed:
        raise Unauthorized("Blue Current refuses the user name or the password.") from None
    except HTTPStatusError as error:
        raise _of_status(error.response.status_code, str(error)) from error
    except (ConnectionLost, RequestTimeout, HTTPError, WebSocketException, OSError, TimeoutError) as error:
        raise NotSent(f"{_UNREACHABLE}: {str(error) or type(error).__name__}. Try again in a while.") from error
    except BlueCurrentException as error:
        raise _of_answer(error) from error
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected(f"an answer that was not expected ({type(error).__name__})") from error


def _of_answer(error: "BlueCurrentException") -> BridgeError:
    """Return the error for a refusal: an ERROR as on the websocket, a verdict, or an HTTP status without a body."""
    from httpx import HTTPStatusError  # noqa: PLC0415 - imported when first used

    answer = error.args[0] if error.args else ""
    if isinstance(error.__cause__, HTTPStatusError):
        return _of_status(error.__cause__.response.status_code, str(answer))
    if not isinstance(answer, Mapping):
        return Rejected(str(answer) or "no reason given")
    number, words = answer.get("error"), str(answer.get("message") or "")
    if isinstance(number, bool) or not isinstance(number, int):
        return named_error(Error(None, words or str(number or "")))
    return _refused_login() if number == 1 else named_error(Error(number, words))


def _of_status(status: int, words: str) -> BridgeError:
    if status == HTTPStatus.UNAUTHORIZED:
        return _refused_login()
    if status == HTTPStatus.FORBIDDEN:
        return Forbidden("forbidden")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Disconnected(f"{_UNREACHABLE}: {words}. Try again in a while.")
    return Rejected(words)


def _refused_login() -> Unauthorized:
    return Unauthorized(
        "The app's side of Blue Current does not accept the bridge's login, so this cannot be done from here. "
        "Use its app."
    )


async def fetch_api_token(cloud_url: str, username: str, password: SecretStr) -> str:
    """Log in once with a user name and a password, and fetch the account's API token. The password is not kept.

    Raises:
        Unauthorized: the cloud refuses the user name or the password.
        CloudError: the cloud cannot be reached, or refused the call.
    """
    client = _client(cloud_url, username=username, password=password.get_secret_value())
    async with _translated(), client:
        return str(await client.get_api_token())


@asynccontextmanager
async def rest(cloud_url: str, request_token: str | None) -> AsyncIterator["BlueCurrentClient"]:
    """Open the client of `pybluecurrent` for REST calls. It uses the link's token for requests and no websocket.

    Raises:
        CloudError: a call inside the block failed.
    """
    client = _client(cloud_url, api_token="unused: the token for requests is there already")  # noqa: S106 - no password
    from httpx import AsyncClient  # noqa: PLC0415 - imported when first used

    async with _translated(), AsyncClient(timeout=client.http_timeout) as http:
        client.token, client.httpx_client = request_token or "", http
        yield client


class TransactionAnswer(BaseModel):
    """The fields of a `pybluecurrent` transaction that the bridge reads. Times are Amsterdam time without an offset."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    transaction_id: str
    chargepoint_id: str
    socket_id: int | None = None
    started_at: datetime
    end_time: datetime | None = None
    kwh: float | None = None
    total_costs: float | None = None
    currency: str | None = None
    card_id: str | None = None


def parse_transaction(raw: Mapping[str, object]) -> Transaction:
    """Parse a transaction of `pybluecurrent`.

    Raises:
        ValueError: a required field is missing, or a field has another type.
    """
    answer = TransactionAnswer.model_validate(raw)
    start = from_wall_clock(answer.started_at)
    return Transaction(
        id=answer.transaction_id,
        evse_id=answer.chargepoint_id,
        socket=answer.socket_id,
        started_at=start,
        ended_at=in_order(from_wall_clock(answer.end_time), start) if answer.end_time is not None else None,
        energy=answer.kwh or 0.0,
        cost=answer.total_costs,
        currency=(answer.currency or EURO).strip().upper(),
        card=answer.card_id or None,
    )
