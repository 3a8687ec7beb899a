"""`bluecurrent-fimp simulate`: the simulated cloud alone, with its REST API and its control interface."""

import asyncio
from collections.abc import Callable

from bridge.clock import SystemClock
from bridge.simulator.cloud import example_cloud
from bridge.simulator.control import Control, SideServer
from bridge.simulator.life import Life
from bridge.simulator.rest import Rest
from bridge.tasks import end


async def simulate(say: Callable[[str], None], stop: asyncio.Event, host: str, port: int, speed: float) -> None:
    """Serve until `stop` is set: the websocket on `port`, everything else on the port above.

    Args:
        say: prints a line.
        stop: ends the simulation.
        host: the address to listen on.
        port: the port of the websocket.
        speed: simulated seconds per real second; 0: cars do not move by themselves.

    Raises:
        OSError: one of the ports cannot be bound.
    """
    cloud = example_cloud(SystemClock().now)
    server = SideServer([*Control(cloud).routes(), *Rest(cloud).routes()], host, port + 1)
    url = await cloud.start(host, port)
    try:
        serving = await server.begin()
        say(f"cloud.url = {url}")
        say(f"cloud.api_token = {cloud.account.api_token}")
        say(f"control: http://{host}:{port + 1}/control/state")
        living = asyncio.create_task(Life(cloud, speed=speed).run() if speed > 0 else stop.wait())
        await stop.wait()
        await server.finish(serving)
        await end(living)
    finally:
        await cloud.stop()
