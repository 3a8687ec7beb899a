"""`bluecurrent-fimp simulate`: the simulated cloud alone, with its REST API and its control interface."""

import asyncio
from collections.abc import Callable

from bridge.clock import SystemClock
from bridge.commandline.embedded_broker import free_port
from bridge.simulator.cloud import example_cloud
from bridge.simulator.control import Control, SideServer
from bridge.simulator.life import Life
from bridge.simulator.rest import Rest
from bridge.tasks import end


async def simulate(say: Callable[[str], None], stop: asyncio.Event, host: str, port: int, speed: float) -> None:
    """Serve until `stop` is set: the websocket on `port`, everything else on the next port.

    Args:
        say: prints a line.
        stop: ends the simulation.
        host: the address to listen on.
        port: the port of the websocket; 0 takes two free ports.
        speed: simulated seconds per real second; 0: cars do not move by themselves.

    Raises:
        OSError: one of the ports cannot be bound.
    """
    cloud = example_cloud(SystemClock().now)
    side_port = port + 1 if port else free_port()
    server = SideServer([*Control(cloud).routes(), *Rest(cloud).routes()], host, side_port)
    url = await cloud.start(host, port)
    try:
        serving = await server.begin()
        say(f"cloud.url = {url}")
        say(f"cloud.api_token = {cloud.account.api_token}")
        say(f"control: http://{host}:{side_port}/control/state")
        say(f"login by password: {cloud.account.login}, {cloud.account.password}")
        living = asyncio.create_task(Life(cloud, speed=speed).run() if speed > 0 else stop.wait())
        await stop.wait()
        await server.finish(serving)
        await end(living)
    finally:
        await cloud.stop()
