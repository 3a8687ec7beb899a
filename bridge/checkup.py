"""`bluecurrent-fimp check`: what is wrong, and what to do, in one line each."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from bridge.bluecurrent.link import Link, LinkStatus
from bridge.bluecurrent.requests import get_charge_points
from bridge.clock import Clock
from bridge.errors import AlreadyConnected, BridgeError
from bridge.logs import Log
from bridge.remote import BrokerProblem, visitor
from bridge.services.credentials import Credentials
from bridge.settings import Settings
from bridge.storage import Peek


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    well: bool
    what: str
    says: str


async def check(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Look at the broker and the cloud, one after the other."""
    where = f"{settings.mqtt.host}:{settings.mqtt.port}"
    try:
        async with visitor(settings.mqtt):
            yield Finding(True, "broker", f"{where} lets us in")
    except BrokerProblem as problem:
        yield Finding(False, "broker", str(problem))
    if token_of(settings) is None:
        yield Finding(
            False,
            "token",
            "none: make one on my.bluecurrent.nl (settings, advanced) and set cloud.api_token, or log in from the hub",
        )
        return
    async for finding in _check_cloud(settings, clock):
        yield finding


async def _check_cloud(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    try:
        listed = await ask_once(settings, clock)
    except AlreadyConnected:
        yield Finding(True, "cloud", "already connected: the service is running and holds the connection; all is well")
    except BridgeError as error:
        yield Finding(False, "cloud", str(error))
    else:
        yield Finding(True, "cloud", f"{settings.cloud.url} accepts the token")
        if not listed:
            yield Finding(False, "charge points", "none: the account has no charge point")
        for evse_id, name in listed:
            yield Finding(True, "charge point", f"{evse_id}  {name}")


async def ask_once(settings: Settings, clock: Clock) -> list[tuple[str, str]]:
    """Connect, ask for the charge points, and leave.

    Raises:
        BridgeError: why it could not be done.
    """
    link = visiting_link(settings, clock)
    async with link.visit():
        listed = await link.ask(get_charge_points())
    return [(item.evse_id, item.update.values.name or item.update.values.model) for item in listed]


def visiting_link(settings: Settings, clock: Clock) -> Link:
    """A link for a short visit, which says nothing by itself."""

    def ignore(_: LinkStatus) -> None:
        return

    log = Log("fatal", "json")
    link = Link(
        settings.cloud.url,
        clock=clock,
        jitter=lambda: 0.0,
        log=log.logger,
        command_timeout=settings.cloud.command_timeout,
        on_push=lambda _: None,
        on_change=ignore,
    )
    link.set_token(token_of(settings))
    return link


def token_of(settings: Settings) -> str | None:
    """The API token that the service would use: one from a login goes before the configured one."""
    return Credentials(settings.cloud.api_token, Peek(settings.storage.path)).token()
