"""Checks the cloud: its address, port and certificate, the clock, the token, and the charge points of the account."""

import asyncio
import ssl
import urllib.request
from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from bridge.account.credentials import Credentials
from bridge.bluecurrent.link import Link
from bridge.bluecurrent.requests import get_charge_points
from bridge.checkup.connectivity import Cures, Server
from bridge.checkup.finding import Finding, Mark, fail, note, ok
from bridge.checkup.web import get
from bridge.clock import Clock
from bridge.errors import AlreadyConnected, BridgeError, Disconnected
from bridge.logs import Log
from bridge.settings import Settings
from bridge.storage.peek import Peek

WHAT: Final = "cloud"
LOGIN_S: Final = 20.0
"""How long the login and the list of charge points may take, s: three requests on two connections."""

NOTABLE: Final = timedelta(seconds=30)

_CURES: Final = Cures(
    name="Check this machine's network and name server, and at cloud.url.",
    port="Check this machine's network, its firewall and cloud.url.",
    untrusted=(
        "Install this machine's certificates (package ca-certificates); a filter that opens secure connections has to "
        "let this host through."
    ),
    expired="Most likely the clock of this machine is wrong.",
    other_name="Correct cloud.url; a filter or proxy may answer in its place.",
    no_tls="Correct cloud.url; a filter or proxy may answer in its place.",
    own_certificate="Correct cloud.url; a filter or proxy may answer in its place.",
)


async def look_at_cloud(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Yield findings in order, and stop at a fault that the following checks depend on."""
    token = token_in_use(settings)
    if token is None:
        yield fail(
            "token",
            "none: make one on my.bluecurrent.nl (settings, advanced) and set cloud.api_token, or log in from the hub",
        )
    url = urlsplit(settings.cloud.url)
    secure = url.scheme == "wss"
    server = Server(
        WHAT,
        url.hostname or "",
        url.port or (443 if secure else 80),
        ssl.create_default_context if secure else None,
        _CURES,
    )
    proxy = _proxy(server.host, secure=secure)
    if proxy is not None:
        yield note("cloud port", f"reached through the proxy {proxy}, so host and port are not checked")
        yield note("clock", "could not be compared through a proxy")
    else:
        for step in (server.name, server.open_port, server.certificate):
            found = await step()
            if found is not None:
                yield found
            if found is not None and found.failed:
                yield note("clock", f"could not be compared: {server.host} was not reached")
                return
        yield await _clock(server, clock, timedelta(seconds=settings.commands.max_age))
    if token is not None:
        async for found in _account(settings, clock):
            yield found


def _proxy(host: str, *, secure: bool) -> str | None:
    """Return the host of the proxy that the environment names for websockets."""
    proxies = urllib.request.getproxies()
    # The order in which the websockets library looks.
    kinds = ("wss", "socks", "https") if secure else ("ws", "socks", "https", "http")
    proxy = next((proxies[kind] for kind in kinds if proxies.get(kind)), None)
    return urlsplit(proxy).hostname if proxy and not urllib.request.proxy_bypass(host) else None


async def _clock(server: Server, clock: Clock, max_age: timedelta) -> Finding:
    """Compare the clock with the `Date` of an HTTP answer, since hubs take their time from the internet too."""
    what = "clock"
    try:
        answer = await get(server.host, server.port, "/", server.context() if server.context is not None else None)
        there = parsedate_to_datetime(answer.date or "")
    except (OSError, ValueError):
        return note(what, f"could not be compared: {server.host} sent no time")
    now = clock.now()
    off = now - (there if there.tzinfo is not None else there.replace(tzinfo=UTC))
    words = _off(off)
    if abs(off) <= NOTABLE:
        return ok(what, f"{now:%H:%M:%S}, {words}")
    if off > max_age:
        cure = "commands then count as too old and are refused (ERR_EXPIRED). Set the clock, best by NTP."
        return fail(what, f"{now:%H:%M:%S} is {words}: {cure}")
    if -off > max_age:
        return fail(
            what, f"{now:%H:%M:%S} is {words}: old commands are then taken for new ones. Set the clock, best by NTP."
        )
    return note(
        what,
        f"{now:%H:%M:%S} is {words}; a difference matters from {max_age.total_seconds():g} s on (commands.max_age)",
    )


def _off(off: timedelta) -> str:
    seconds = round(off.total_seconds())
    if abs(seconds) <= 1:
        return "the same as the cloud's"
    amount = f"{abs(seconds)} s" if abs(seconds) < 600 else f"{abs(seconds) // 60} min"
    return f"{amount} {'ahead of' if seconds > 0 else 'behind'} the cloud's"


async def _account(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    try:
        async with asyncio.timeout(LOGIN_S):
            listed = await _ask_once(settings, clock)
    except AlreadyConnected:
        yield ok(WHAT, "already connected: the service is running and holds the connection; all is well")
    except TimeoutError:
        yield fail(WHAT, f"no answer from {settings.cloud.url} in {LOGIN_S:g} s. Try again in a while.")
    except Disconnected as error:
        yield fail(WHAT, f"{error} Check this machine's network and cloud.url, or try again in a while.")
    except BridgeError as error:
        yield fail(WHAT, str(error))
    else:
        yield ok(WHAT, f"{settings.cloud.url} accepts the token")
        if not listed:
            yield fail("charge points", "none: add one to the account in Blue Current's app")
        for evse_id, name in listed:
            yield Finding(Mark.OK, "charge point", f"{evse_id}  {name}", private=(name,))


async def _ask_once(settings: Settings, clock: Clock) -> list[tuple[str, str]]:
    """Connect, list the charge points, and disconnect: three requests.

    Raises:
        BridgeError: the reason why there is no list.
    """
    link = visiting_link(settings, clock)
    async with link.visit():
        listed = await link.ask(get_charge_points())
    return [(item.evse_id, item.update.values.name or item.update.values.model) for item in listed]


def visiting_link(settings: Settings, clock: Clock) -> Link:
    """Return a link for a short visit, which logs nothing."""
    log = Log("fatal", "json")
    link = Link(
        settings.cloud.url,
        clock=clock,
        jitter=lambda: 0.0,
        log=log.logger,
        command_timeout=settings.cloud.command_timeout,
    )
    link.set_token(token_in_use(settings))
    return link


def token_in_use(settings: Settings) -> str | None:
    """Return the API token that the service would use. One from a login takes precedence over the configured one."""
    return Credentials(settings.cloud.api_token, Peek(settings.storage.path)).token()
