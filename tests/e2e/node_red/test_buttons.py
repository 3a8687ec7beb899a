"""The buttons of the flows: the command that each sends, and its effect."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import pytest

from bridge.fimp.message import Message
from tests.e2e.node_red.place import LIMIT, PRICES, START, STOP, TIME, WHO, Place
from tests.e2e.node_red.program import flows
from tests.harness import ADAPTER, SOCKET, device_topic

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


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


async def test_a_limit_is_set_and_lifted(place: Place) -> None:
    await place.deploy()
    await place.plug()
    await place.red.click("Limit to 10 A")
    await place.knows(max_current_a=10)
    assert place.house[SOCKET].offered_a == 10
    await place.red.click("Limit to 16 A")
    await place.knows(max_current_a=16)
    assert place.house[SOCKET].offered_a == 16
    assert await place.alerts() == []


async def test_a_mode_starts_a_session_in_that_mode(place: Place) -> None:
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
