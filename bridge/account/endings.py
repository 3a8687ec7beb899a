"""Sessions that the bridge ends by a stop, unlock, reboot or block."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from bridge.account.fleet import Fleet
from bridge.chargepoint import session
from bridge.clock import Clock
from bridge.errors import BridgeError, Disconnected, NotSent, VerdictTimeout


@asynccontextmanager
async def ended_by_us(addresses: Iterable[str], *, fleet: Fleet, clock: Clock) -> AsyncIterator[None]:
    """Mark the sessions of these sockets as ended by the bridge if they end from now on.

    The mark is set before the request, since the session can end before the verdict arrives. A refusal inside the
    `async with` block removes it. An unknown outcome keeps it: the session may still end because of the request.

    Args:
        addresses: the sockets.
        fleet: the twins, which carry the mark.
        clock: the source of time.

    Raises:
        BridgeError: whatever the block raises.
    """
    sockets = tuple(addresses)
    sent = partial(session.ending_sent, now=clock.now())
    for address in sockets:
        fleet.remember(address, sent)
    try:
        yield
    except BridgeError as error:
        unknown = isinstance(error, VerdictTimeout | Disconnected) and not isinstance(error, NotSent)
        for address in sockets if not unknown else ():
            fleet.remember(address, session.ending_refused)
        raise
