"""The bare wire: writes the energy of each frame to the broker's socket at QoS 1, without waiting."""

import asyncio
import itertools
import json
import sys

from websockets.asyncio.client import connect as connect_websocket

from tests.benchmarks.mqtt_wire import CONNACK_BYTES, PUBACK, Splitter, connect, publish
from tests.benchmarks.peers.report import report


async def main(cloud_url: str, broker_port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", broker_port)
    writer.write(connect("bare-wire"))
    await reader.readexactly(CONNACK_BYTES)
    in_flight: dict[int, bytes] = {}  # as QoS 1 requires, messages are kept until they are acknowledged
    packet_ids = itertools.cycle(range(1, 65536))
    acknowledging = asyncio.create_task(_acknowledged(reader, in_flight))
    async with connect_websocket(cloud_url, compression=None) as cloud:
        await cloud.send('{"command": "HELLO", "header": "homeassistant"}')
        async for text in cloud:
            frame = json.loads(text)
            if frame["object"] == "CH_STATUS":
                energy = frame["data"]["actual_kwh"]
                topic, payload = report(frame["evse_id"], "chargepoint", "evt.current_session.report", energy)
                packet_id = next(packet_ids)
                in_flight[packet_id] = publish(topic.encode(), payload, packet_id)
                writer.write(in_flight[packet_id])
                await writer.drain()
    acknowledging.cancel()


async def _acknowledged(reader: asyncio.StreamReader, in_flight: dict[int, bytes]) -> None:
    splitter = Splitter()
    while data := await reader.read(65536):
        for first, body in splitter.packets(data):
            if first >> 4 == PUBACK:
                in_flight.pop(int.from_bytes(body, "big"), None)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
