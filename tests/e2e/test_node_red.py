"""The Node-RED flows in a real Node-RED, between a real broker, the bridge and the simulated cloud."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

import aiomqtt
import pytest

from bridge.fimp.message import Message
from bridge.simulator.car import VOLTAGE_V, Car
from tests.brokers import TestBroker
from tests.e2e import node_red
from tests.e2e.node_red import NodeRed, edited, flows
from tests.e2e.price_source import Answer, PriceSource
from tests.harness import ADAPTER, CABLE, SOCKET, House, device_topic, make_house
from tests.proxy import Plug

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
TIME: Final = "The time, every minute"
FEED: Final = "MADE-UP PRICES, for the demo"
PRICES: Final = "Prices, every hour"
START, STOP, LIMIT = "cmd.charge.start", "cmd.charge.stop", "cmd.max_current.set"
WHO: Final = "cmd.network.get_all_nodes"


# --- the place ---


@pytest.fixture(scope="module")
def red(broker: TestBroker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeRed]:
    """One Node-RED for all tests, with the broker from its environment; each test deploys the flows again."""
    lacking = node_red.missing()
    if lacking is not None:
        assert not node_red.REQUIRED, lacking
        pytest.skip(lacking)
    environment = {"MQTT_HOST": broker.host, "MQTT_PORT": str(broker.port)}
    with node_red.running(node_red.install(), tmp_path_factory.mktemp("node-red"), environment) as running:
        yield running


@dataclass
class Place:
    """A bridge with a Node-RED, and a client that records the commands on the broker."""

    house: House
    red: NodeRed
    commands: list[tuple[str, dict[str, Any]]] = field(default_factory=list)  # topic and message

    async def listen(self, client: aiomqtt.Client) -> None:
        """Receive commands until cancelled."""
        async for arrival in client.messages:
            self.commands.append((str(arrival.topic), json.loads(bytes(arrival.payload))))

    async def deploy(self, functions: dict[str, str] | None = None, **settings: object) -> None:
        """Run the flows with made-up prices or these settings, and wait until they know every charge point."""
        settings = {"PRICES_URL": "demo", **settings}
        await self.red.deploy(edited(functions, **settings))
        all_points = set(self.house.cloud.account.charge_points)

        def known(points: dict[str, Any] | None) -> bool:
            return {evse_id for evse_id, point in (points or {}).items() if "power_w" in point} == all_points

        await self.red.keeps("chargepoints", known)
        if settings["PRICES_URL"] == "demo":
            await self.red.keeps("prices", lambda prices: prices is not None)

    def sent(self, *types: str) -> list[dict[str, Any]]:
        """The commands of these types so far."""
        return [message for _, message in self.commands if message["type"] in types]

    async def hears(self, type_: str, count: int = 1) -> dict[str, Any]:
        """Wait for a number of commands of a type; returns the last."""
        try:
            await self.house.hub.until(lambda: len(self.sent(type_)) >= count)
        except TimeoutError:
            raise AssertionError(f"{count} {type_} did not come; there were {self.commands}") from None
        return self.sent(type_)[-1]

    async def still(self) -> None:
        """Wait until the flow has handled everything: its last query shows that."""
        asked = len(self.sent(WHO))
        await asyncio.sleep(0.05)
        await self.red.click("Ask again")
        await self.hears(WHO, asked + 1)

    async def tick(self, time: datetime) -> list[str]:
        """Set the time; returns the starts and stops that follow."""
        before = len(self.sent(START, STOP))
        await self.red.click(TIME, time.timestamp() * 1000)
        await self.still()
        told = [message["type"] for message in self.sent(START, STOP)[before:]]
        if told:  # Node-RED receives the outcome
            await self.knows(session=told[-1] == START)
        return told

    async def plug(self, evse_id: str = SOCKET) -> None:
        """Connect a car, and wait until Node-RED knows."""
        self.house[evse_id].plug(Car(charge_kwh=6))
        await self.house.push(evse_id)
        await self.knows(evse_id, state="ready_to_charge")

    async def charge(self, seconds: float, evse_id: str = SOCKET) -> None:
        """A car charges for a while."""
        self.house[evse_id].step(seconds)
        await self.house.push(evse_id)

    async def show(self, activity: str | None, evse_id: str = SOCKET) -> None:
        """The charge point shows this activity instead of its own."""
        self.house[evse_id].sockets[0].fault = activity
        await self.house.push(evse_id)

    async def knows(self, evse_id: str = SOCKET, **values: object) -> None:
        """Wait until Node-RED has this value of a charge point."""
        await self.red.keeps("chargepoints", lambda points: values.items() <= points[evse_id].items())

    async def alerted(self, *words: str) -> None:
        """Wait for an alert with all of these words."""
        await self.red.keeps("alerts", lambda alerts: any(all(w in one["text"] for w in words) for one in alerts or []))

    async def alerts(self) -> list[str]:
        """The alerts so far."""
        return [alert["text"] for alert in await self.red.context("alerts") or []]

    @property
    def charging(self) -> bool:
        """Whether the cloud has a session on."""
        return self.house[SOCKET].sockets[0].session is not None


@contextlib.asynccontextmanager
async def make_place(broker: TestBroker, red: NodeRed, folder: Path, **sections: Any) -> AsyncIterator[Place]:
    """The bridge runs; Node-RED runs nothing yet."""
    async with make_house(broker, folder, **sections) as house, aiomqtt.Client(broker.host, broker.port) as client:
        place = Place(house, red)
        await client.subscribe("pt:j1/mt:cmd/#", qos=1)
        listening = asyncio.create_task(place.listen(client))
        try:
            yield place
        finally:
            await red.deploy([])
            listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await listening


@pytest.fixture
async def place(broker: TestBroker, red: NodeRed, tmp_path: Path) -> AsyncIterator[Place]:
    """See `make_place`."""
    async with make_place(broker, red, tmp_path) as made:
        yield made


@pytest.fixture
async def plug(broker: TestBroker) -> AsyncIterator[Plug]:
    """A plug in the line to the broker."""
    made = await Plug(broker.host, broker.port).start()
    yield made
    await made.stop()


# --- the file ---

CORE: Final = {
    "tab", "group", "comment", "inject", "debug", "function", "change", "switch", "status", "link in", "link out",
    "mqtt in", "mqtt out", "mqtt-broker", "http request",
}  # fmt: skip


def test_every_wire_and_link_leads_to_a_node() -> None:
    nodes = {node["id"]: node for node in flows()}
    assert len(nodes) == len(flows())
    for node in nodes.values():
        targets = [target for port in node.get("wires", []) for target in port]
        assert all(nodes[target]["z"] == node["z"] for target in targets), node
        for other in node.get("links", []):
            assert node["id"] in nodes[other]["links"], (node["name"], nodes[other]["name"])
        for reference in [node.get("z"), node.get("g"), node.get("broker"), *(node.get("scope") or [])]:
            assert reference is None or reference in nodes or node["type"] == "mqtt-broker", (node, reference)
        for member in node.get("nodes", []):
            assert nodes[member]["g"] == node["id"]


def test_only_core_nodes_named_and_no_secrets() -> None:
    for node in flows():
        assert node["type"] in CORE
        assert node.get("name") or node.get("label"), node
        assert "credentials" not in node
    assert len([node for node in flows() if node["type"] == "mqtt-broker"]) == 1
    assert not any(word in node_red.FLOWS.read_text().lower() for word in ('password"', "token", "simulated"))


def test_the_charge_point_is_named_in_one_place() -> None:
    (tab,) = [node for node in flows() if node["type"] == "tab"]
    settings = {variable["name"]: variable["value"] for variable in tab["env"]}
    assert settings["EVSE_ID"] == SOCKET
    elsewhere = json.dumps([{**node, "env": []} for node in flows()])
    code = [node["func"] for node in flows() if node["type"] == "function"]
    assert f'"{SOCKET}"' not in elsewhere.replace("\\", "")
    assert all(SOCKET not in line for text in code for line in text.splitlines() if not line.startswith("//"))


def test_commands_are_made_in_one_function() -> None:
    makers = [node["name"] for node in flows() if node["type"] == "function" and "randomUUID" in node["func"]]
    assert makers == ["FIMP message"]
    assert [node["name"] for node in flows() if node["type"] == "mqtt out"] == ["To the bridge"]


def test_functions_are_short() -> None:
    for node in flows():
        if node["type"] == "function":
            lines = node["func"].splitlines()
            assert len(lines) <= 50, node["name"]
            assert max(map(len, lines)) <= 120, node["name"]
            assert lines[0].startswith("//"), node["name"]


# --- the buttons ---


def command(type_: str, val_t: str = "null", val: object = None, **props: str) -> dict[str, Any]:
    """A command's own part of the message."""
    return {"serv": "chargepoint", "type": type_, "val_t": val_t, "val": val, "props": props}


SENDS: Final[dict[str, dict[str, Any]]] = {
    "Start": command(START),
    "Stop": command(STOP),
    "Limit to 10 A": command(LIMIT, "int", 10),
    "Limit to 16 A": command(LIMIT, "int", 16),
    "Mode normal": command(START, charging_mode="normal"),
    "Mode slow": command(START, charging_mode="slow"),
    "Mode delayed": command(START, charging_mode="delayed"),
    "Ask again": {**command(WHO), "serv": "bluecurrent"},
}
KEEPS: Final[dict[str, tuple[str, Callable[[Any], bool]]]] = {
    "10 kWh": ("target_kwh", lambda target: target == 10),
    "No target": ("target_kwh", lambda target: target == 0),
    "On": ("cheap", lambda cheap: cheap == {"on": True}),
    "Off": ("cheap", lambda cheap: cheap == {"on": False}),
    PRICES: ("prices", lambda prices: prices is not None and len(prices) == 48),
    TIME: ("cheap", lambda cheap: cheap == {"session": False, "alone": None}),
}


@pytest.mark.parametrize("name", [node["name"] for node in flows() if node["type"] == "inject"])
async def test_every_button_does_something(place: Place, name: str) -> None:
    await place.deploy()
    if name in KEEPS:
        key, condition = KEEPS[name]
        await place.red.forget(key)
        await place.red.click(name)
        await place.red.keeps(key, condition)
        return
    wanted = SENDS[name]
    count = len(place.sent(wanted["type"])) + 1
    await place.red.click(name)
    await place.hears(wanted["type"], count)
    topic, message = next(one for one in reversed(place.commands) if one[1]["type"] == wanted["type"])
    assert topic == message["topic"] == (ADAPTER if wanted["serv"] == "bluecurrent" else device_topic(SOCKET))
    assert {name: message[name] for name in wanted} == wanted
    assert (message["tags"], message["src"], message["ver"]) == ([], "node-red", "1")
    assert UUID(message["uid"]).version == 4
    assert datetime.strptime(message["ctime"], "%Y-%m-%dT%H:%M:%S.%f%z").tzinfo is not None
    age = datetime.now(UTC) - datetime.fromisoformat(message["ctime"])
    assert abs(age) < timedelta(seconds=20)
    Message.parse(json.dumps(message).encode())
    uids = [message["uid"] for _, message in place.commands]
    assert len(set(uids)) == len(uids)


# --- what charge points say ---


async def test_what_was_said_before_node_red_came_is_asked_for_and_alarms_nobody(place: Place) -> None:
    await place.deploy()
    await place.knows(SOCKET, state="disconnected", session=False, power_w=0)
    await place.knows(CABLE, state="disconnected", session=False, power_w=0)
    await place.still()
    assert await place.alerts() == []


async def test_state_power_and_energy_are_kept_and_shown(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.plug(CABLE)
    await place.red.click("Start")
    power = round(3 * 16 * VOLTAGE_V, 1)
    await place.knows(state="charging", session=True, mode="normal", power_w=power)
    await place.charge(3600)
    energy = round(power / 1000, 3)
    await place.knows(session_kwh=energy, energy_kwh=energy)
    await place.knows(CABLE, state="ready_to_charge", session=False, power_w=0)
    text = await place.red.status("Remember state, power, energy", lambda text: f"{energy} kWh" in text)
    assert f"{SOCKET}: charging, {power:g} W, {energy} kWh" in text
    assert f"{CABLE}: ready_to_charge, 0 W, 0 kWh" in text


# --- by hand ---


async def test_start_charges_and_stop_stops(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    assert place.charging
    await place.red.click("Stop")
    await place.knows(state="ready_to_charge", session=False)
    assert not place.charging
    assert await place.alerts() == []


async def test_a_limit_arrives_and_is_lifted(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Limit to 10 A")
    await place.knows(max_current_a=10)
    assert place.house[SOCKET].offered_a == 10
    await place.red.click("Limit to 16 A")
    await place.knows(max_current_a=16)
    assert place.house[SOCKET].offered_a == 16
    assert await place.alerts() == []


async def test_modes_arrive(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Mode slow")
    await place.knows(state="charging", mode="slow")
    assert place.house[SOCKET].offered_a == 6
    await place.red.click("Mode normal")
    await place.knows(state="charging", mode="normal")
    assert place.house[SOCKET].offered_a == 16
    await place.red.click("Mode delayed")
    await place.knows(mode="delayed")
    assert place.house[SOCKET].delayed_charging
    assert await place.alerts() == []


# --- by price ---

DAY: Final = datetime(2030, 1, 15, tzinfo=AMSTERDAM)
"""An evening and a morning after it, in winter time."""


def at(clock: str, days: int = 0) -> datetime:
    """A time on the day, or on one after it."""
    hour, minute = map(int, clock.split(":"))
    return DAY + timedelta(days=days, hours=hour, minutes=minute)


def feed(cheap: dict[datetime, float], *, hours: int = 48, minutes: int = 60) -> dict[str, str]:
    """A price feed that replaces the made-up one: 0.30 except for the given hours."""
    starts = [DAY + timedelta(minutes=minutes * index) for index in range(hours * 60 // minutes)]
    prices = [{"start": start.isoformat(), "price": cheap.get(start, 0.30)} for start in starts]
    return {FEED: f"msg.payload = {json.dumps(prices)};\nreturn msg;"}


NIGHT: Final = {at("23:00"): 0.10, at("02:00", 1): 0.05, at("03:00", 1): 0.08, at("07:00", 1): 0.01, at("12:00"): 0.0}
"""The cheapest three hours between the evening and seven: 23, 2 and 3."""


async def cheap_house(place: Place, prices: dict[str, str] | None = None, **settings: object) -> None:
    """Price charging is on, three hours until seven, and a car comes in the evening."""
    await place.deploy(prices or feed(NIGHT), **{"HOURS": 3, "DEPARTURE": "07:00", **settings})
    await place.red.click("On")
    await place.tick(at("19:59"))
    await place.plug()
    assert await place.tick(at("20:00")) == []


async def test_it_starts_and_stops_at_the_cheapest_hours(place: Place) -> None:
    await cheap_house(place)
    story = [
        ("22:59", 0, []),
        ("23:00", 0, [START]),
        ("23:01", 0, []),
        ("23:59", 0, []),
        ("00:00", 1, [STOP]),
        ("00:01", 1, []),
        ("02:00", 1, [START]),
        ("02:01", 1, []),
        ("03:00", 1, []),
        ("03:59", 1, []),
        ("04:00", 1, [STOP]),
        ("06:59", 1, []),
        ("07:00", 1, []),  # the cheapest of all, but after departure
    ]
    for clock, days, expected in story:
        assert await place.tick(at(clock, days)) == expected, clock
        assert place.charging == (
            at("23:00") <= at(clock, days) < at("00:00", 1) or at("02:00", 1) <= at(clock, days) < at("04:00", 1)
        ), clock
    assert await place.alerts() == []


async def test_prices_by_the_quarter(place: Place) -> None:
    cheap = {at("23:15"): 0.1, at("01:00", 1): 0.1, at("01:15", 1): 0.1, at("05:45", 1): 0.1}
    await cheap_house(place, feed(cheap, minutes=15), HOURS=1)
    edges = [("23:15", 0), ("23:30", 0), ("01:00", 1), ("01:30", 1), ("05:45", 1), ("06:00", 1)]
    for (clock, days), expected in zip(edges, [START, STOP] * 3, strict=True):
        assert await place.tick(at(clock, days) - timedelta(minutes=1)) == []
        assert await place.tick(at(clock, days)) == [expected], clock
        assert await place.tick(at(clock, days) + timedelta(minutes=1)) == []


async def test_the_made_up_prices_by_an_independent_reckoning(place: Place) -> None:
    await place.deploy(HOURS=4, DEPARTURE="07:00", CHARGE_WHEN_CHEAP="true")
    await place.plug()
    now = datetime.now(AMSTERDAM).replace(minute=0, second=1, microsecond=0)
    prices = {
        datetime.fromtimestamp(one["start"] / 1000, AMSTERDAM): one["price"]
        for one in await place.red.context("prices")
    }
    assert len(prices) == 48
    assert {later - earlier for earlier, later in pairwise(sorted(prices))} == {timedelta(hours=1)}
    departure = now.replace(hour=7, second=0) + timedelta(days=now.hour >= 7)
    hours = sorted(hour for hour in prices if now.replace(second=0) <= hour < departure)
    cheapest = set(sorted(hours, key=lambda hour: (prices[hour], hour))[:4])
    for hour in hours:
        await place.tick(hour + timedelta(seconds=1))
        await place.tick(hour + timedelta(seconds=61))
        assert place.charging == (hour in cheapest), hour


async def test_nothing_starts_unless_it_is_switched_on(place: Place) -> None:
    await place.deploy(feed(NIGHT), HOURS=3)
    await place.plug()
    assert await place.tick(at("23:00")) == []
    await place.red.click("On")
    assert await place.tick(at("23:01")) == [START]
    await place.red.click("Off")
    assert await place.tick(at("00:00", 1)) == []


async def test_nothing_starts_without_a_car_and_one_that_comes_late_is_started(place: Place) -> None:
    await place.deploy(feed(NIGHT), HOURS=3)
    await place.red.click("On")
    assert await place.tick(at("23:00")) == []
    assert await place.tick(at("02:00", 1)) == []
    await place.plug()
    assert await place.tick(at("02:10", 1)) == [START]


async def test_a_car_that_somebody_else_starts_is_left_alone(place: Place) -> None:
    await cheap_house(place)
    await place.house.hub.command(SOCKET, START, 2)
    await place.knows(session=True)
    times = [at("20:30"), at("23:00"), at("00:00", 1), at("02:00", 1), at("04:00", 1), at("07:00", 1), at("08:00", 1)]
    assert [await place.tick(time) for time in times] == [[]] * len(times)
    assert place.charging
    await place.alerted(SOCKET, "started, not by its price")


async def test_a_car_that_somebody_else_stops_is_left_alone_until_departure(place: Place) -> None:
    await cheap_house(place, feed(NIGHT | {at("10:00", 1): 0.01}, hours=56))
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.house.hub.command(SOCKET, STOP, 2)
    await place.knows(session=False)
    times = [at("23:05"), at("23:30"), at("02:00", 1), at("03:00", 1)]
    assert [await place.tick(time) for time in times] == [[]] * len(times)
    await place.alerted(SOCKET, "stopped, not by its price")
    assert await place.tick(at("07:00", 1)) == [START]  # a new day, and a cheap hour


async def test_the_car_that_comes_next_is_a_new_one(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.house.hub.command(SOCKET, STOP, 2)
    await place.knows(session=False)
    assert await place.tick(at("23:10")) == []
    place.house[SOCKET].unplug()
    await place.house.push(SOCKET)
    await place.knows(state="disconnected")
    assert await place.tick(at("23:20")) == []
    await place.plug()
    assert await place.tick(at("23:30")) == [START]


async def test_a_full_car_is_not_started_again(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.charge(60)
    place.house[SOCKET].stop()
    await place.house.push(SOCKET)
    await place.knows(state="finished")
    assert await place.tick(at("23:30")) == []
    assert await place.tick(at("02:00", 1)) == []
    assert await place.alerts() == []


async def test_a_session_that_a_profile_holds_back_is_left_alone(place: Place) -> None:
    await cheap_house(place)
    point = place.house[SOCKET]
    point.switch_profile("delayed_charging", on=True)
    await place.house.cloud.push_settings(point)
    point.start("046C8CCA8C1D90")
    await place.house.push(SOCKET)
    await place.knows(state="ready_to_charge", session=True)
    assert await place.tick(at("23:00")) == []
    assert await place.tick(at("02:00", 1)) == []


async def test_a_profile_that_is_switched_on_meanwhile_is_not_lifted(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("02:00", 1)) == [START]
    assert await place.tick(at("02:01", 1)) == []
    place.house[SOCKET].switch_profile("delayed_charging", on=True)
    await place.house.cloud.push_settings(place.house[SOCKET])
    await place.charge(1)
    await place.knows(state="ready_to_charge", session=True)
    assert await place.tick(at("03:00", 1)) == []


async def test_without_prices_until_departure_it_charges_in_the_last_hours(place: Place) -> None:
    await cheap_house(place, feed(NIGHT, hours=24))
    await place.red.status("Plan the cheapest hours", lambda text: text.startswith("prices missing"))
    assert [await place.tick(time) for time in (at("23:00"), at("02:00", 1), at("03:59", 1))] == [[], [], []]
    assert await place.tick(at("04:00", 1)) == [START]
    assert [await place.tick(at("04:01", 1)), await place.tick(at("06:59", 1))] == [[], []]
    assert await place.tick(at("07:00", 1)) == [STOP]


# --- prices of a real source ---


@pytest.fixture
def source() -> Iterator[PriceSource]:
    """A source of prices that knows both days."""
    made = PriceSource({at("00:00").date(), at("00:00", 1).date()}, {**NIGHT, at("23:00"): 0.09, at("02:00", 1): -0.05})
    yield made
    made.stop()


async def evening(place: Place, url: str) -> None:
    """Price charging is on with prices from there, three hours until seven, and a car has come; it is 20:00."""
    await place.deploy(HOURS=3, DEPARTURE="07:00", PRICES_URL=url)
    await place.red.click("On")
    await place.tick(at("19:59"))
    await place.plug()
    assert await place.tick(at("20:00")) == []


async def look(place: Place, source: PriceSource, time: datetime) -> None:
    """Node-RED asks for prices at that time, and has the answers for both days."""
    asked = len(source.asked)
    for _ in range(3):
        # Right after a deployment the click can still reach the flow before it, which asks another source.
        await place.red.click(PRICES, time.timestamp() * 1000)
        with contextlib.suppress(TimeoutError):
            await place.house.hub.until(lambda: len(source.asked) >= asked + 2, patience=4)
            break
    assert len(source.asked) >= asked + 2
    await place.still()


def test_the_source_of_prices_is_public_and_needs_no_key() -> None:
    (tab,) = [node for node in flows() if node["type"] == "tab"]
    (url,) = [variable["value"] for variable in tab["env"] if variable["name"] == "PRICES_URL"]
    assert '"https://public.api.energyzero.nl/public/v1/prices?' in url
    (request,) = [node for node in flows() if node["type"] == "http request"]
    assert (request["authType"], request["headers"], request["url"]) == ("", [], "")


async def test_it_charges_at_the_cheapest_hours_of_a_real_source(place: Place, source: PriceSource) -> None:
    await evening(place, source.url)
    source.asked.clear()
    await look(place, source, at("20:05"))
    query = {"energyType": "ENERGY_TYPE_ELECTRICITY", "interval": "INTERVAL_HOUR"}
    assert sorted(source.asked, key=lambda one: one["date"]) == [
        {**query, "date": day} for day in ("15-01-2030", "16-01-2030")
    ]
    prices = await place.red.keeps("prices", lambda prices: prices is not None and len(prices) == 48)
    known = {datetime.fromtimestamp(one["start"] / 1000, AMSTERDAM): one["price"] for one in prices}
    assert (known[at("23:00")], known[at("02:00", 1)], known[at("04:00", 1)]) == (0.09, -0.05, 0.10)
    edges = [at("23:00"), at("00:00", 1), at("02:00", 1), at("04:00", 1)]
    for edge, expected in zip(edges, [START, STOP] * 2, strict=True):
        assert await place.tick(edge - timedelta(minutes=1)) == []
        assert await place.tick(edge) == [expected], edge
        assert await place.tick(edge + timedelta(minutes=1)) == []


PAGES: Final[dict[str, Callable[[], Answer]]] = {
    "a fault": lambda: (500, "Internal Server Error"),
    "no such day": lambda: (404, '{"code": 5, "message": "not found", "details": []}'),
    "no JSON": lambda: (200, "<html>maintenance</html>"),
    "another shape": lambda: (200, '{"prices": []}'),
    "no prices": lambda: (200, '{"interval": 2, "range": {}, "base": []}'),
    "no numbers": lambda: (200, '{"base": [{"start": "2030-01-15T22:00:00Z", "price": {"value": "dear"}}]}'),
    "null": lambda: (200, "null"),
}


@pytest.mark.parametrize("page", PAGES)
async def test_when_prices_do_not_come_it_charges_by_the_deadline(place: Place, source: PriceSource, page: str) -> None:
    source.broken = PAGES[page]
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    await charges_in_the_last_hours(place)


async def test_when_the_source_cannot_be_reached_it_charges_by_the_deadline(place: Place, source: PriceSource) -> None:
    source.stop()
    await evening(place, source.url)
    await charges_in_the_last_hours(place)


async def test_when_the_prices_of_tomorrow_do_not_come_it_charges_by_the_deadline(
    place: Place, source: PriceSource
) -> None:
    source.days.remove(at("00:00", 1).date())
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    await place.red.keeps("prices", lambda prices: prices is not None and len(prices) == 24)
    await charges_in_the_last_hours(place)


async def charges_in_the_last_hours(place: Place) -> None:
    """The three hours before seven, and no other."""
    assert await place.tick(at("20:06")) == []
    await place.red.status("Plan the cheapest hours", lambda text: text.startswith("prices missing: from 04:00"))
    assert [await place.tick(time) for time in (at("23:00"), at("02:00", 1), at("03:59", 1))] == [[], [], []]
    assert await place.tick(at("04:00", 1)) == [START]
    assert [await place.tick(at("04:01", 1)), await place.tick(at("06:59", 1))] == [[], []]
    assert await place.tick(at("07:00", 1)) == [STOP]


async def test_prices_that_come_late_count_from_then_on(place: Place, source: PriceSource) -> None:
    source.broken = PAGES["a fault"]
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    assert await place.tick(at("22:59")) == []
    source.broken = None
    await look(place, source, at("23:05"))
    assert await place.tick(at("23:06")) == [START]
    assert await place.tick(at("23:07")) == []
    assert await place.tick(at("00:00", 1)) == [STOP]


async def test_made_up_prices_are_forgotten_when_a_real_source_is_set(place: Place, source: PriceSource) -> None:
    await place.deploy()
    await place.red.redeploy(edited(PRICES_URL=source.url))
    await look(place, source, at("14:00"))
    prices = await place.red.keeps("prices", lambda prices: len(prices) == 48)
    first = datetime.fromtimestamp(prices[0]["start"] / 1000, AMSTERDAM)
    assert first == at("00:00")


async def test_a_start_that_fails_is_alerted_and_tried_again_after_a_quarter_of_an_hour(place: Place) -> None:
    await cheap_house(place)
    place.house.cloud.faults.verdict["START_SESSION"] = "REJECTED"
    await place.red.click(TIME, at("23:00").timestamp() * 1000)
    await place.alerted(SOCKET, START, "ERR_REJECTED")
    place.house.cloud.faults.verdict.clear()
    assert [await place.tick(at("23:01")), await place.tick(at("23:14"))] == [[], []]
    assert await place.tick(at("23:15")) == [START]


async def test_an_unknown_state_starts_and_stops_nothing(place: Place) -> None:
    await cheap_house(place)
    await place.show("offline")
    await place.knows(state="unknown")
    assert await place.tick(at("23:00")) == []
    await place.show(None)
    await place.knows(state="ready_to_charge")
    assert await place.tick(at("23:20")) == [START]
    assert await place.tick(at("23:21")) == []
    await place.show("offline")
    await place.knows(state="unknown")
    assert await place.tick(at("00:00", 1)) == []
    await place.show(None)
    await place.knows(state="charging")
    assert await place.tick(at("00:05", 1)) == [STOP]
    assert await place.alerts() == [
        f"{SOCKET} (Driveway): {now}." for _ in range(2) for now in ("DOWN, it cannot be reached", "UP again")
    ]


# --- by energy ---


async def test_a_session_stops_at_the_target_and_price_charging_does_not_start_it_again(place: Place) -> None:
    await cheap_house(place)
    await place.red.click("10 kWh")
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.charge(3000)  # 9.24 kWh
    await place.red.status("Stop at the target", lambda text: text == "stops at 10 kWh")
    await place.still()
    assert place.charging
    await place.charge(600)
    await place.knows(state="ready_to_charge", session=False)
    assert not place.charging
    assert len(place.sent(STOP)) == 1
    assert [await place.tick(at("23:30")), await place.tick(at("02:00", 1))] == [[], []]


async def test_without_a_target_a_session_goes_on(place: Place) -> None:
    await place.deploy(TARGET_KWH=10)
    await place.red.click("No target")
    await place.red.keeps("target_kwh", lambda target: target == 0)
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(7200)
    await place.red.keeps("chargepoints", lambda points: points[SOCKET].get("session_kwh", 0) > 20)
    await place.still()
    assert place.sent(STOP) == []
    assert place.charging


async def test_a_target_does_not_stop_what_has_ended(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(7200)
    await place.red.click("Stop")
    await place.knows(session=False)
    await place.red.click("10 kWh")
    await place.red.keeps("target_kwh", lambda target: target == 10)
    await place.house.hub.command(SOCKET, "cmd.current_session.get_report")
    await place.still()
    assert len(place.sent(STOP)) == 1


async def test_a_target_from_the_settings(place: Place) -> None:
    await place.deploy(TARGET_KWH=5)
    await place.plug()
    await place.red.click("Start")
    await place.knows(state="charging")
    await place.charge(3600)
    await place.knows(state="ready_to_charge", session=False)
    assert not place.charging


# --- alerts ---


async def test_a_command_that_fails_is_alerted(place: Place) -> None:
    await place.deploy()
    await place.red.click("Start")  # no car is connected
    await place.alerted(SOCKET, START, "ERR_INVALID_STATE", "No vehicle is connected")
    assert len(await place.alerts()) == 1


async def test_a_fault_is_alerted_once_and_its_end_too(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.show("error")
    await place.alerted(SOCKET, "error")
    await place.house.hub.command(SOCKET, "cmd.state.get_report")
    await place.show("offline")  # whether the session is over is not known
    await place.alerted(SOCKET, "DOWN")
    await place.show(None)
    await place.alerted(SOCKET, "the error is over", "ready_to_charge")
    await place.alerted(SOCKET, "UP again")
    assert len(await place.alerts()) == 4


async def test_a_charge_point_that_cannot_be_reached_is_alerted_and_its_return_too(place: Place) -> None:
    await place.deploy()
    await place.show("offline")
    await place.alerted(SOCKET, "Driveway", "DOWN")
    await place.show(None)
    await place.alerted(SOCKET, "UP again")
    assert len(await place.alerts()) == 2


async def test_a_bridge_that_dies_is_alerted(broker: TestBroker, red: NodeRed, plug: Plug, tmp_path: Path) -> None:
    async with make_place(broker, red, tmp_path, mqtt={"host": "127.0.0.1", "port": plug.port}) as place:
        await place.deploy()
        plug.pull()
        await place.alerted(SOCKET, "DOWN")
        await place.alerted(CABLE, "DOWN")
        plug.put_back()
        await place.alerted(SOCKET, "UP again")


# --- a broken line ---


async def test_what_happened_while_the_broker_was_away_is_learned_and_no_click_is_kept(
    place: Place, plug: Plug
) -> None:
    await place.deploy(MQTT_HOST="127.0.0.1", MQTT_PORT=plug.port)
    plug.pull()
    await place.red.status("What charge points say", lambda text: text.endswith(".connecting"))
    place.house[SOCKET].plug(Car())
    await place.house.push(SOCKET)
    await place.house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")
    await place.red.click("Start")  # no command is sent, now or later
    plug.put_back()
    await place.knows(state="ready_to_charge")
    await place.still()
    assert place.sent(START) == []
    assert not place.charging
