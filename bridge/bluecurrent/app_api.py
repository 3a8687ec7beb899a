"""The app's side of the cloud, through the package `pybluecurrent`: password login, transactions.

The package is imported when it is first used. It makes single calls and does not reconnect; all live traffic stays on
the link.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from bridge.chargepoint.amsterdam import from_wall_clock, in_order
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.transaction_matching import Transaction
from bridge.errors import Disconnected, Rejected, Unauthorized

if TYPE_CHECKING:
    from pybluecurrent import BlueCurrentClient

REAL_HOST: Final = "motown.bluecurrent.nl"


def _client(cloud_url: str, **credentials: Any) -> "BlueCurrentClient":
    """The package's client, for the cloud that `cloud.url` names."""
    from pybluecurrent import BlueCurrentClient  # noqa: PLC0415 - imported when first used

    class Client(BlueCurrentClient):
        auto_reconnect = False

    url = urlsplit(cloud_url)
    if url.hostname != REAL_HOST:
        # Another cloud, as the simulated one, has its REST API on the port above its websocket.
        scheme = "https" if url.scheme == "wss" else "http"
        base = f"{scheme}://{url.hostname}:{(url.port or 80) + 1}"
        Client.socket_url = f"{url.scheme}://{url.netloc}/appserver/2.0"
        Client._api_base = f"{base}/app/bc_api/api"
        Client._bce_api_base = f"{base}/app/bce_api/api"
    return Client(**credentials)


@asynccontextmanager
async def _translated() -> AsyncIterator[None]:
    """The package's errors as ours."""
    from httpx import HTTPError  # noqa: PLC0415
    from pybluecurrent.exceptions import (  # noqa: PLC0415
        AuthenticationFailed,
        BlueCurrentException,
        ConnectionLost,
        RequestTimeout,
    )
    from websockets.exceptions import WebSocketException  # noqa: PLC0415

    try:
        yield
    except AuthenticationFailed:
        raise Unauthorized("Blue Current refuses the user name or the password.") from None
    except (ConnectionLost, RequestTimeout, HTTPError, WebSocketException, OSError, TimeoutError) as error:
        raise Disconnected(f"Blue Current cannot be reached: {str(error) or type(error).__name__}.") from error
    except (BlueCurrentException, AttributeError, KeyError, TypeError, ValueError) as error:
        raise Rejected(f"an answer that was not expected ({type(error).__name__})") from error


async def fetch_api_token(cloud_url: str, username: str, password: SecretStr) -> str:
    """Log in with user name and password, once, and fetch the account's API token. The password is not kept.

    Raises:
        Unauthorized: the cloud refuses them.
        CloudError: it could not be done.
    """
    client = _client(cloud_url, username=username, password=password.get_secret_value())
    async with _translated(), client:
        return str(await client.get_api_token())


@asynccontextmanager
async def rest(cloud_url: str, request_token: str) -> AsyncIterator["BlueCurrentClient"]:
    """The package's client for its REST calls alone: with the token for requests that the link has, and no websocket.

    Raises:
        CloudError: a call failed.
    """
    client = _client(cloud_url, api_token="unused: the token for requests is there already")  # noqa: S106
    from httpx import AsyncClient  # noqa: PLC0415

    async with _translated(), AsyncClient(timeout=client.http_timeout) as http:
        client.token, client.httpx_client = request_token, http
        yield client


async def fetch_transactions(cloud_url: str, request_token: str, evse_id: str, since: date) -> list[Transaction]:
    """The transactions of a charge point from a day on.

    Raises:
        CloudError: they could not be read.
    """
    async with rest(cloud_url, request_token) as client:
        found = client.iterate_transactions(evse_id, start_date=since)
        return [parse_transaction(raw) async for raw in found if raw.get("started_at") is not None]


def parse_transaction(raw: Mapping[str, Any]) -> Transaction:
    """A transaction as the package gives it; its times are Amsterdam's clock without an offset."""
    start: datetime = from_wall_clock(raw["started_at"])
    end: datetime | None = raw.get("end_time")
    card: str | None = raw.get("card_id")
    return Transaction(
        id=str(raw["transaction_id"]),
        evse_id=raw["chargepoint_id"],
        socket=raw.get("socket_id"),
        started_at=start,
        ended_at=in_order(from_wall_clock(end), start) if end is not None else None,
        energy=raw.get("kwh") or 0.0,
        cost=raw.get("total_costs"),
        currency=(raw.get("currency") or EURO).strip().upper(),
        card=card or None,
    )
