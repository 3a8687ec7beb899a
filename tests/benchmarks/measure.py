"""Measures one peer from its start to its end."""

import asyncio
import http.client
import itertools
import json
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

import aiomqtt

from bridge.commandline.embedded_broker import free_port
from bridge.hub.connection import NO_DELAY
from tests.benchmarks.candidates import CANDIDATES, Candidate, Place
from tests.benchmarks.ear import Ear, Heard
from tests.benchmarks.feed import Feed
from tests.benchmarks.process import Peer, started
from tests.benchmarks.values import Energies, Sent, finished_at, latencies_ms, lifetime_offset, percentile
from tests.brokers import local_mosquitto
from tests.harness import device_topic
from tests.hub_command import hub_command

BROKER: Final = (
    "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\npersistence false\nset_tcp_nodelay true\n"
)
FEEDS: Final = {"energy": False, "power": True}
"""Name of a feed → whether the currents change with every frame too."""

LOOK_S: Final = 0.05

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured.

    Attributes:
        burst: frames at once.
        paced: frames at `rate` a second.
        rate: that rate.
        warm: frames before anything is measured, so that caches and compilers are warm.
        questions: commands, one after the other; page views are a tenth of them.
        idle_s: how long it is left alone.
        quiet_s: after so long without a message there is nothing more to come.
        patience_s: how long anything may take.
    """

    burst: int = 5000
    paced: int = 1000
    rate: float = 100.0
    warm: int = 1000
    questions: int = 200
    idle_s: float = 5.0
    quiet_s: float = 1.5
    patience_s: float = 120.0


async def measure(name: str, points: int, size: Size) -> Figures:
    """The figures of one peer with a number of charge points.

    Raises:
        Exception: whatever keeps it from its end.
    """
    with tempfile.TemporaryDirectory() as folder:
        feed, port = Feed(points), free_port()
        place = Place(Path(folder), await feed.start(), port, free_port())
        ear = Ear(port)
        try:
            with _broker(port) as broker:
                await ear.listen()
                candidate = CANDIDATES[name]
                begun = time.perf_counter()
                with started(candidate.command(place), place.folder, candidate.environment) as peer:
                    measuring = _Measuring(candidate, place, feed, ear, peer, size)
                    return await measuring.all_of_it(begun, broker)
        finally:
            ear.close()
            await feed.stop()


class _Broker:
    """A mosquitto that can be killed and started again."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    @contextmanager
    def running(self) -> Iterator["_Broker"]:
        with local_mosquitto(BROKER.format(port=self._port), self._port) as self._process:
            yield self

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()


@contextmanager
def _broker(port: int) -> Iterator[_Broker]:
    with _Broker(port).running() as broker:
        yield broker


class _Measuring:
    def __init__(self, candidate: Candidate, place: Place, feed: Feed, ear: Ear, peer: Peer, size: Size) -> None:
        self._candidate = candidate
        self._place = place
        self._feed = feed
        self._ear = ear
        self._peer = peer
        self._size = size
        self._offset = 0.0

    async def all_of_it(self, begun: float, broker: _Broker) -> Figures:
        """All measurements of one peer, in order."""
        await self._until(lambda: self._feed.greeted)
        figures: Figures = {}
        if self._candidate.is_bridge:
            figures |= await self._start(begun)
        else:
            await asyncio.sleep(self._size.quiet_s)
        figures |= await self._idle()
        await self._warm_up()
        for feed, power in FEEDS.items():
            for name, value in {**await self._paced(power=power), **await self._burst(power=power)}.items():
                figures[f"{feed}.{name}"] = value
        figures["memory_after_mb"] = self._peer.memory_mb()
        if self._candidate.is_bridge:
            figures |= await self._questions() | await self._pages()
            figures |= await self._broker_back(broker)
        elif self._candidate.measures_the_wire:
            figures |= await self._around()
        self._peer.check()
        return figures

    # --- the phases ---

    async def _start(self, begun: float) -> Figures:
        """The time until the state of every charge point is reported and no more messages come."""
        patience = self._size.patience_s
        await self._until(lambda: bool(self._find("evt.state.report")))
        first = self._find("evt.state.report")[0].at
        await self._until(lambda: self._told("evt.state.report"))
        last = await self._ear.quiet(self._size.quiet_s, patience)
        for type_ in ("evt.current_session.report", "evt.meter_ext.report"):
            if not self._told(type_):
                raise RuntimeError(f"no {type_} of some charge point")
        self._offset = lifetime_offset(
            [heard for heard in self._ear.heard() if heard.address == self._feed.evse_ids[0]]
        )
        return {
            "first_state_s": first - begun,
            "all_reported_s": last - begun,
            "after_last_answer_s": last - self._feed.last_answer_at,
        }

    async def _idle(self) -> Figures:
        before, begun = self._peer.cpu_s(), time.perf_counter()
        await asyncio.sleep(self._size.idle_s)
        share = (self._peer.cpu_s() - before) / (time.perf_counter() - begun)
        return {"idle_cpu_percent": share * 100, "memory_mb": self._peer.memory_mb()}

    async def _warm_up(self) -> None:
        await self._send(self._size.warm, power=True)

    async def _paced(self, *, power: bool) -> Figures:
        before = self._peer.cpu_s()
        sent, energies, _ = await self._send(self._size.paced, power=power, pause_s=1 / self._size.rate)
        cpu_ms = (self._peer.cpu_s() - before) * 1000
        took = latencies_ms(sent, energies)
        return {
            "p50_ms": statistics.median(took),
            "p99_ms": percentile(took, 99),
            "messages_a_frame": len(self._ear.heard()) / len(sent),
            "cpu_ms_a_frame": cpu_ms / len(sent),
        }

    async def _burst(self, *, power: bool) -> Figures:
        before = self._peer.cpu_s()
        sent, _, ended = await self._send(self._size.burst, power=power)
        cpu_ms = (self._peer.cpu_s() - before) * 1000
        took, messages = ended - sent[0][0], len(self._ear.heard())
        return {
            "burst_frames_s": len(sent) / took,
            "burst_messages_s": sum(heard.at <= ended for heard in self._ear.heard()) / took,
            "burst_cpu_ms_a_frame": cpu_ms / len(sent),
            "burst_cpu_ms_a_message": cpu_ms / messages,
        }

    async def _questions(self) -> Figures:
        """The time from a query to its answer, with a common client library."""
        addresses = itertools.cycle(self._feed.evse_ids)
        topics = [device_topic(next(addresses)) for _ in range(self._size.questions)]
        return {"round_trip_ms": await self._round_trip(topics, "pt:j1/mt:evt/rt:dev/#")}

    async def _around(self) -> Figures:
        """The time for the same message through the broker alone."""
        return {"round_trip_ms": await self._round_trip(["around"] * self._size.questions, "around")}

    async def _round_trip(self, topics: Sequence[str], answers: str) -> float:
        """From the publish to the first message with the same uid, ms (median)."""
        took = []
        port = self._place.broker_port
        async with (
            aiomqtt.Client("127.0.0.1", port, socket_options=NO_DELAY) as speaker,
            aiomqtt.Client("127.0.0.1", port, socket_options=NO_DELAY) as listener,
            asyncio.timeout(self._size.patience_s),
        ):
            await listener.subscribe(answers, qos=1)
            for topic in topics:
                uid = str(uuid4())
                asked = time.perf_counter()
                await speaker.publish(topic, question(topic, uid), qos=1)
                while uid.encode() not in bytes((await anext(listener.messages)).payload):
                    pass
                took.append((time.perf_counter() - asked) * 1000)
        return statistics.median(took)

    async def _pages(self) -> Figures:
        count = max(3, self._size.questions // 10)
        ready = [await asyncio.to_thread(_get_ms, self._place.http_port, "/readyz") for _ in range(count)]
        page = [await asyncio.to_thread(_get_ms, self._place.http_port, "/") for _ in range(count)]
        return {"readyz_ms": statistics.median(ready), "page_ms": statistics.median(page)}

    async def _broker_back(self, broker: _Broker) -> Figures:
        """Kill the broker, and start it again without its stored state."""
        broker.kill()
        await asyncio.sleep(self._size.quiet_s)
        with _broker(self._place.broker_port):
            back = time.perf_counter()
            await self._ear.listen()
            wanted = ("evt.state.report", "evt.current_session.report")
            await self._until(lambda: all(self._told(type_) for type_ in wanted))
            first = {(heard.body["type"], heard.address): heard.at for heard in reversed(self._ear.heard())}
            told = max(at for (type_, _), at in first.items() if type_ in wanted)
            rest = await self._ear.quiet(self._size.quiet_s, self._size.patience_s)
            return {"broker_back_states_s": told - back, "broker_back_all_s": rest - back}

    # --- what they share ---

    async def _until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, while the peer runs."""
        deadline = time.perf_counter() + self._size.patience_s
        while not condition():
            self._peer.check()
            if time.perf_counter() > deadline:
                raise TimeoutError(self._peer.last_words)
            await asyncio.sleep(LOOK_S)

    async def _send(self, count: int, *, power: bool, pause_s: float = 0.0) -> tuple[list[Sent], Energies, float]:
        """Send frames; returns their times, the messages received, and the time of the last one."""
        pushes = self._feed.pushes(count, power=power)
        self._ear.forget()
        sent: list[Sent] = []
        begun = time.perf_counter()
        for index, push in enumerate(pushes):
            if pause_s and (left := begun + index * pause_s - time.perf_counter()) > 0:
                await asyncio.sleep(left)
            sent.append((time.perf_counter(), push))
            await self._feed.send(push)
        deadline = time.perf_counter() + self._size.patience_s
        while True:
            await self._ear.quiet(self._size.quiet_s / 2, self._size.patience_s)
            self._peer.check()
            energies = Energies(self._ear.heard(), self._offset)
            ended = finished_at(sent, energies)
            if ended is not None:
                return sent, energies, ended
            if time.perf_counter() > deadline:
                raise TimeoutError("the last values were not told")

    def _find(self, type_: str) -> list[Heard]:
        wanted = f'"{type_}"'.encode()
        return [heard for heard in self._ear.heard() if wanted in heard.payload]

    def _told(self, type_: str) -> bool:
        """Whether every charge point has been reported."""
        return len({heard.address for heard in self._find(type_)} & set(self._feed.evse_ids)) == self._feed.points


def question(topic: str, uid: str) -> bytes:
    """A hub's query for the state of a charge point."""
    return json.dumps(hub_command(uid, type="cmd.state.get_report", topic=topic)).encode()


def _get_ms(port: int, path: str) -> float:
    """The time of one GET on a new connection, to the last byte."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    took = (time.perf_counter() - begun) * 1000
    connection.close()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{path}: {answer.status}")
    return took
