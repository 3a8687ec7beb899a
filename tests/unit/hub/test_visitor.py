"""A client beside the service."""

import asyncio
import socket
import struct

import pytest

from bridge.hub.visitor import visitor
from bridge.settings import MqttSettings


async def test_a_failure_is_raised_and_not_logged_as_well(caplog: pytest.LogCaptureFixture) -> None:
    reset = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        linger = struct.pack("ii", 1, 0)  # closing then resets the connection, as a broker does that expects TLS
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()
        reset.set()

    async def visit(port: int) -> None:
        async with visitor(MqttSettings(host="127.0.0.1", port=port)):
            pass

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        visiting = asyncio.ensure_future(visit(server.sockets[0].getsockname()[1]))
        await reset.wait()
        await asyncio.wait([visiting], timeout=0.3)
        visiting.cancel()
        await asyncio.wait([visiting])
    assert [record for record in caplog.records if record.name != "asyncio"] == []
