"""The client of the broker: publishing without waiting, against a broker that a test scripts."""

import asyncio
import contextlib
import gc
import socket
from collections.abc import AsyncIterator

import aiomqtt
import pytest

from bridge.hub.broker_client import BrokerClient
from tests.benchmarks.mqtt_wire import PUBACK, PUBLISH, Splitter, read_publish

CONNACK = bytes((0x20, 2, 0, 0))


class Scripted:
    """A broker that accepts one client, keeps what it publishes, and acknowledges only when told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.numbers: list[int] = []
        self.acknowledged: list[int] = []
        self.kinds: list[int] = []  # of all packets after CONNECT
        self.reading = asyncio.Event()
        self.reading.set()
        self.port = 0
        self.writer: asyncio.StreamWriter | None = None

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take the packets of the client while `reading` is set."""
        self.writer, splitter = writer, Splitter()
        writer.write(CONNACK)
        while True:
            await self.reading.wait()
            data = await reader.read(4096)
            if not data:
                writer.close()
                return
            for first, body in splitter.packets(data):
                self.kinds.append(first >> 4)
                if first >> 4 == PUBLISH:
                    self.heard.append(read_publish(first, body))
                    topic_size = int.from_bytes(body[:2], "big")
                    self.numbers.append(int.from_bytes(body[2 + topic_size : 4 + topic_size], "big"))
                elif first >> 4 == PUBACK:
                    self.acknowledged.append(int.from_bytes(body, "big"))

    def acknowledge(self, number: int) -> None:
        """Send a PUBACK."""
        assert self.writer is not None
        self.writer.write(bytes((0x40, 2)) + number.to_bytes(2, "big"))

    async def until(self, count: int) -> None:
        """Wait for a number of messages."""
        async with asyncio.timeout(8):
            while len(self.heard) < count:  # noqa: ASYNC110 - looking is simple, and fails in words
                await asyncio.sleep(0.005)


@pytest.fixture
async def broker() -> AsyncIterator[Scripted]:
    """See `Scripted`."""
    scripted = Scripted()
    server = await asyncio.start_server(scripted.serve, "127.0.0.1", 0)
    scripted.port = server.sockets[0].getsockname()[1]
    yield scripted
    server.close()


@contextlib.asynccontextmanager
async def connected(broker: Scripted) -> AsyncIterator[BrokerClient]:
    """A client of the broker. How it leaves does not matter."""
    client = BrokerClient("127.0.0.1", broker.port, identifier="test", max_inflight_messages=0, timeout=8)
    await client.__aenter__()
    try:
        yield client
    finally:
        if broker.writer is not None:
            broker.writer.transport.abort()
        with contextlib.suppress(aiomqtt.MqttError):
            await client.__aexit__(None, None, None)


async def _cleared(event: asyncio.Event) -> None:
    while event.is_set():  # noqa: ASYNC110 - an event tells when it is set only
        await asyncio.sleep(0.005)


async def test_each_acknowledgement_is_for_its_own_message_in_any_order(broker: Scripted) -> None:
    acknowledged: list[str] = []
    async with connected(broker) as client:
        for topic in ("a", "b", "c"):
            client.send(topic, topic.encode(), lambda topic=topic: acknowledged.append(topic))  # type: ignore[misc] # a default binds it
        await broker.until(3)
        assert acknowledged == []
        for index in (1, 0, 0, 2):
            broker.acknowledge(broker.numbers[index])
        client.send("d", b"d", broker.reading.clear)
        await broker.until(4)
        broker.acknowledge(broker.numbers[3])
        await asyncio.wait_for(_cleared(broker.reading), 8)
        assert acknowledged == ["b", "a", "c"]
    assert broker.heard == [("a", b"a"), ("b", b"b"), ("c", b"c"), ("d", b"d")]


async def test_what_the_socket_cannot_take_is_written_later_and_in_order(broker: Scripted) -> None:
    async with connected(broker) as client:
        sock = client._client.socket()
        assert isinstance(sock, socket.socket)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
        broker.reading.clear()
        sizes = [50_000 + number for number in range(60)]
        for size in sizes:
            client.send("large", b"x" * size, lambda: None)
        await asyncio.sleep(0.05)
        assert client._client.want_write()
        broker.reading.set()
        await broker.until(len(sizes))
    assert [len(payload) for _, payload in broker.heard] == sizes


async def test_a_message_is_written_at_once_by_a_flush(broker: Scripted) -> None:
    async with connected(broker) as client:
        client.send("a", b"1", lambda: None)
        client.send("a", b"2", lambda: None)
        assert client._client.want_write()
        client.flush()
        assert not client._client.want_write()
        await broker.until(2)
    assert broker.heard == [("a", b"1"), ("a", b"2")]


async def test_a_lost_connection_refuses_a_message(broker: Scripted) -> None:
    async with connected(broker) as client:
        assert broker.writer is not None
        broker.writer.transport.abort()
        with pytest.raises(aiomqtt.MqttError):
            await asyncio.wait_for(client.closed(), 8)
        with pytest.raises(aiomqtt.MqttError):
            client.send("late", b"", lambda: None)


async def test_a_message_is_received_with_its_topic_and_acknowledged(broker: Scripted) -> None:
    received: list[tuple[str, bytes, bool]] = []
    async with connected(broker) as client:
        client.received = lambda *message: received.append(message)
        assert broker.writer is not None
        for retained in (False, True):
            body = b"\x00\x01a" + (7).to_bytes(2, "big") + b"payload"
            broker.writer.write(bytes((0x32 | retained, len(body))) + body)
        async with asyncio.timeout(8):
            while len(broker.acknowledged) < 2:  # noqa: ASYNC110 - looking is simple, and fails in words
                await asyncio.sleep(0.005)
    assert received == [("a", b"payload", False), ("a", b"payload", True)]
    assert broker.acknowledged == [7, 7]


async def test_an_answer_is_written_before_the_acknowledgement_of_its_question(
    broker: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.hub.broker_client.ACKNOWLEDGE_AFTER_S", 0.5)  # so that no load delays the answer more
    loop = asyncio.get_running_loop()
    async with connected(broker) as client:

        def answer() -> None:
            client.send("answer", b"", lambda: None)
            client.flush()

        def received(*_: object) -> None:
            loop.call_soon(loop.call_soon, answer)  # as in a task of its own

        client.received = received
        assert broker.writer is not None
        broker.writer.write(b"\x32\x05\x00\x01a\x00\x07")
        async with asyncio.timeout(8):
            while not broker.acknowledged:  # noqa: ASYNC110 - looking is simple, and fails in words
                await asyncio.sleep(0.005)
    assert broker.kinds[-2:] == [PUBLISH, PUBACK]


@pytest.mark.parametrize("topic", ["", "a/#"])
async def test_a_topic_that_mqtt_forbids_is_refused(broker: Scripted, topic: str) -> None:
    async with connected(broker) as client:
        with pytest.raises(ValueError, match=r"topic"):
            client.send(topic, b"", lambda: None)


async def test_a_connection_that_is_given_up_while_it_is_made_leaves_no_error() -> None:
    """The service stops, or another connection is answered, before the broker has answered."""
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        for _ in range(3):
            client = BrokerClient("127.0.0.1", server.sockets[0].getsockname()[1])
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.2), client:
                    raise AssertionError("nobody has answered")
        await asyncio.sleep(0.2)  # its socket is closed now
    assert failures == []


async def test_a_connection_that_breaks_before_it_is_answered_fails_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    failures: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))

    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    def broken() -> None:
        raise BrokenPipeError("Broken pipe")

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    async with server:
        client = BrokerClient("127.0.0.1", server.sockets[0].getsockname()[1], timeout=60)
        paho = client._client
        asyncio.get_running_loop().call_later(0.2, monkeypatch.setattr, paho, "want_write", lambda: True)
        asyncio.get_running_loop().call_later(0.2, monkeypatch.setattr, paho, "loop_write", broken)
        asyncio.get_running_loop().call_later(0.3, client._write, paho)
        with pytest.raises(aiomqtt.MqttError, match="Broken pipe"):
            async with asyncio.timeout(8), client:
                raise AssertionError("nobody has answered")
        monkeypatch.undo()
        del client, paho
    gc.collect()
    await asyncio.sleep(0)
    assert failures == []


async def test_a_socket_that_is_closed_while_another_thread_opens_it_leaves_no_error() -> None:
    failures = list[dict[str, object]]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: failures.append(context))
    client, closed = BrokerClient("127.0.0.1"), socket.socket()
    closed.close()
    await asyncio.to_thread(client._on_socket_open, client._client, None, closed)
    await asyncio.to_thread(client._on_socket_register_write, client._client, None, closed)
    for _ in range(3):
        await asyncio.sleep(0)
    assert failures == []
