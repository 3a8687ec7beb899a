"""Sessions that the bridge ends, by a stop, unlock, reboot or block."""

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial

from bridge.account.fleet import Fleet
from bridge.chargepoint import session
from bridge.clock import Clock
from bridge.errors import BridgeError, Disconnected, NotSent, VerdictTimeout


@asynccontextmanager
async def ended_by_us(addresses: Iterable[str], *, fleet: Fleet, clock: Clock) -> AsyncIterator[None]:
    """Note that a session of these sockets that ends from now on was ended by the bridge.

    The end can come before the verdict, so it is noted first. A refusal inside the block takes the note back; an
    unknown outcome does not: if the session ends soon, the request was the reason.
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
