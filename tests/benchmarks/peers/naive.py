"""The naive bridge: the official client, aiomqtt, and a report for each changed value."""

import asyncio
import sys
from typing import Any

import aiomqtt
from bluecurrent_api import Client, websocket

from tests.benchmarks.peers.report import Changes


async def main(cloud_url: str, broker_port: int) -> None:
    websocket.URL = cloud_url
    cloud, changes = Client(), Changes()
    await cloud.validate_api_token("token")

    async with aiomqtt.Client("127.0.0.1", broker_port) as broker:

        async def receive(message: dict[str, Any]) -> None:
            if message["object"] == "CH_STATUS":
                for topic, payload in changes.reports(message["evse_id"], message["data"]):
                    await broker.publish(topic, payload, qos=1)

        await cloud.connect(receive, cloud.get_charge_points)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
