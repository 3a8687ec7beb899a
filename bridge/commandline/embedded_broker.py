"""An MQTT broker in this process, for the demo and for tests on machines that have no broker (extra `demo`)."""

import asyncio
import logging
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

LOOPBACK = "127.0.0.1"


class NoEmbeddedBroker(Exception):
    """The extra `demo` is not installed."""


PORTS: Final = range(15_000, 32_768)
"""Below the ports that Linux gives to connections and to servers that ask for any: none of them takes one meanwhile."""


def free_port(preferred: int = 0) -> int:
    """Return a free port; the preferred one if possible, else one of `PORTS`."""
    others = random.SystemRandom().sample(PORTS, 100)
    for port in (preferred, *others) if preferred else others:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind((LOOPBACK, port))
                return int(probe.getsockname()[1])
    raise OSError("no free port")


@asynccontextmanager
async def embedded_broker(port: int) -> AsyncIterator[None]:
    """A broker on the loopback interface, without a login.

    Raises:
        NoEmbeddedBroker: the extra `demo` is not installed.
    """
    try:
        from amqtt.broker import Broker  # noqa: PLC0415 - an extra
    except ImportError:
        raise NoEmbeddedBroker("The embedded broker is missing: pip install 'bluecurrent-fimp-bridge[demo]'") from None
    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    broker = Broker(
        {
            "listeners": {"default": {"type": "tcp", "bind": f"{LOOPBACK}:{port}"}},
            "plugins": {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}},
        }
    )
    await broker.start()
    try:
        yield
    finally:
        with suppress(Exception):
            async with asyncio.timeout(2):
                await broker.shutdown()
