"""`bluecurrent-fimp demo`: runs broker, simulated cloud and bridge in one process."""

import asyncio
import gc
import tempfile
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from pydantic import SecretStr

from bridge.clock import SystemClock
from bridge.commandline.embedded_broker import LOOPBACK, embedded_broker, free_port
from bridge.commandline.send_watch import watch
from bridge.hub.visitor import BrokerProblem
from bridge.logs import Log
from bridge.service import Service
from bridge.settings import CloudSettings, HttpSettings, LogSettings, MqttSettings, Settings, StorageSettings
from bridge.simulator.cloud import example_cloud
from bridge.simulator.life import Life
from bridge.world import World

BROKER_PORT = 1883
HTTP_PORT = 8099


async def demo(say: Callable[[str], None], stop: asyncio.Event, *, record_file: Path | None = None) -> None:
    """Run the demonstration until `stop` is set.

    Args:
        say: prints a line.
        stop: ends the demonstration.
        record_file: where to record the cloud's frames; None: nowhere.
    """
    clock = SystemClock()
    cloud = example_cloud(clock.now)
    url = await cloud.start(LOOPBACK)
    port, http_port = free_port(BROKER_PORT), free_port(HTTP_PORT)
    with tempfile.TemporaryDirectory(prefix="bluecurrent-fimp-demo-") as folder:
        settings = Settings(
            mqtt=MqttSettings(host=LOOPBACK, port=port),
            cloud=CloudSettings(url=url, api_token=SecretStr(cloud.account.api_token), record_file=record_file),
            storage=StorageSettings(path=Path(folder) / "bridge.db"),
            http=HttpSettings(listen=f"{LOOPBACK}:{http_port}"),
            log=LogSettings(level="warning"),
        )
        names = {point.evse_id: point.name for point in cloud.account.charge_points.values()}
        for text in introduction(port, http_port, names):
            say(text)
        async with embedded_broker(port):
            watching = asyncio.create_task(_watch(settings, say, clock.now, names))
            living = asyncio.create_task(Life(cloud).run())
            await asyncio.sleep(0.2)  # the watcher subscribes before the bridge starts
            try:
                await Service(settings, Log("warning", "auto"), World(clock, freeze=gc.freeze)).run(stop)
                await asyncio.sleep(0.2)  # the watcher receives the goodbye
            finally:
                for task in (living, watching):
                    task.cancel()
                    with suppress(asyncio.CancelledError):
                        await task
                await cloud.stop()


async def _watch(
    settings: Settings, say: Callable[[str], None], now: Callable[[], datetime], names: dict[str, str]
) -> None:
    with suppress(BrokerProblem):  # at the end the broker stops first
        await watch(settings, say, now, names)


def introduction(port: int, http_port: int, names: dict[str, str]) -> list[str]:
    """Return the lines that are printed at the start."""
    environment = "" if port == BROKER_PORT else f"BRIDGE_MQTT__PORT={port} "
    evse_id = next(iter(names))
    topic = f"pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/sv:chargepoint/ad:{evse_id}"
    uid = "'$(cat /proc/sys/kernel/random/uuid)'"
    message = f'{{"serv":"chargepoint","type":"cmd.charge.start","val_t":"null","val":null,"uid":"{uid}"}}'
    return [
        f"An MQTT broker on {LOOPBACK}:{port}, a simulated Blue Current account, and the bridge between them.",
        "Cars come, charge and leave. One minute is two hours of simulated time. Ctrl-C stops the demo.",
        f"The status page: http://{LOOPBACK}:{http_port}/",
        "",
        "From a second terminal:",
        f"  {environment}bluecurrent-fimp send {evse_id} cmd.charge.start     (stop: cmd.charge.stop)",
        f"  mosquitto_sub -p {port} -v -t '#'",
        f"  mosquitto_pub -p {port} -t '{topic}' \\",
        f"    -m '{message}'",
        "",
    ]
