"""The messages of the FIMP reference, taken from a run of the bridge against the simulated cloud.

Each `Scene` is a command and what answered it. They run one after the other on one bridge, and find what they need.
"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from bridge.fimp.time_format import format_time
from bridge.fimp.topic import Topic
from bridge.simulator.car import Car
from tests.clock import FakeClock
from tests.harness import ADAPTER, CABLE, GRID, SOCKET, House, Hub, device_topic

DISCOVERY = "pt:j1/mt:cmd/rt:discovery"
BEGIN = datetime(2026, 11, 21, 18, 30, tzinfo=timezone(timedelta(hours=1)))
WIDTH = 116


@dataclass(frozen=True)
class Scene:
    """A command.

    Attributes:
        type: the interface.
        topic: where it goes.
        value_type: wire name `val_t`.
        value: wire name `val`.
        props: the properties.
        answers: how many messages answer it.
        before: what has to happen first.
        name: what the page calls it, if not by its type.
        more: other fields of the message.
    """

    type: str
    topic: str
    value_type: str = "null"
    value: Any = None
    props: dict[str, str] = field(default_factory=dict)
    answers: int = 1
    before: Callable[[House], Awaitable[None]] | None = None
    name: str = ""
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name of the scene on the page."""
        return self.name or self.type


async def plug(house: House) -> None:
    """Connect a car that charges on three phases."""
    since = house.mark
    house[SOCKET].plug(Car())
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="ready_to_charge")


async def charge(house: House) -> None:
    """Let it charge for half an hour."""
    clock = house.clock
    assert isinstance(clock, FakeClock)
    since = house.mark
    clock.move(1800)
    house[SOCKET].step(1800)
    await house.push(SOCKET)
    await house.hub.expect("evt.current_session.report", SOCKET, since=since)
    await asyncio.sleep(0.3)  # phases and properties become known, and the inclusion report follows


CHARGEPOINT = device_topic(SOCKET)
METER = device_topic(SOCKET, "meter_elec")
PARAMETERS = device_topic(SOCKET, "parameters")
BOOL = {"parameter_id": "free_charging", "value_type": "bool", "value": True}

SCENES = (
    Scene("cmd.charge.start", CHARGEPOINT, name="start without a car"),
    Scene("cmd.charge.start", CHARGEPOINT, props={"charging_mode": "normal"}, answers=2, before=plug),
    Scene("cmd.state.get_report", CHARGEPOINT, before=charge),
    Scene("cmd.current_session.get_report", CHARGEPOINT),
    Scene("cmd.current_session.set_current", CHARGEPOINT, "int", 8),
    Scene("cmd.max_current.set", CHARGEPOINT, "int", 10),
    Scene("cmd.max_current.get_report", CHARGEPOINT),
    Scene("cmd.phase_mode.get_report", CHARGEPOINT),
    Scene("cmd.cable_lock.get_report", CHARGEPOINT),
    Scene("cmd.cable_lock.set", CHARGEPOINT, "bool", True),
    Scene("cmd.meter.get_report", METER, "string", "", answers=2),
    Scene("cmd.meter_ext.get_report", METER, "str_array", ["p_import", "u1", "i1"]),
    Scene("cmd.sup_params.get_report", PARAMETERS),
    Scene("cmd.param.get_report", PARAMETERS, "string", "free_charging"),
    Scene("cmd.param.set", PARAMETERS, "object", BOOL),
    Scene("cmd.charge.stop", CHARGEPOINT, answers=2),
    Scene("cmd.meter_ext.get_report", device_topic(GRID, "meter_elec"), "str_array", [], name="grid connection"),
    Scene("cmd.thing.get_inclusion_report", ADAPTER, "string", SOCKET),
    Scene("cmd.network.get_node", ADAPTER, "string", SOCKET),
    Scene("cmd.network.get_all_nodes", ADAPTER),
    Scene("cmd.ping.send", ADAPTER, "string", SOCKET),
    Scene("cmd.app.get_manifest", ADAPTER, "string", "manifest_state"),
    Scene("cmd.app.get_state", ADAPTER),
    Scene("cmd.app.get_diag", ADAPTER),
    Scene("cmd.config.get_extended_report", ADAPTER),
    Scene("cmd.config.extended_set", ADAPTER, "object", {"slow_current": 8}),
    Scene("cmd.log.get_level", ADAPTER),
    Scene("cmd.log.set_level", ADAPTER, "string", "info"),
    Scene("cmd.auth.set_tokens", ADAPTER, "object", {"access_token": "simulated-api-token"}),
    Scene(
        "cmd.auth.login",
        ADAPTER,
        "object",
        {"username": "owner@example.org", "password": "simulated-password", "encrypted": False},
    ),
    Scene("cmd.discovery.request", DISCOVERY),
    Scene("cmd.thing.nothing", ADAPTER, name="unknown interface"),
    Scene("cmd.charge.start", CHARGEPOINT, more={"ctime": "2026-11-21T18:40:00.000+01:00"}, name="expired"),
    Scene("cmd.thing.reboot", device_topic(SOCKET, "dev_sys"), "bool", True),
    Scene("cmd.thing.delete", ADAPTER, "str_map", {"address": CABLE}),
    Scene("cmd.thing.inclusion", ADAPTER, "bool", True),
    Scene("cmd.network.reset", ADAPTER, answers=4),
    Scene("cmd.app.reset", ADAPTER),
    Scene("cmd.app.uninstall", ADAPTER),
    Scene("cmd.auth.logout", ADAPTER),
)


async def play(house: House) -> dict[str, list[dict[str, Any]]]:
    """Run all scenes; returns for each the command and its answers, as published on the broker."""
    played: dict[str, list[dict[str, Any]]] = {}
    for scene in SCENES:
        if scene.before is not None:
            await scene.before(house)
        topic = Topic.parse(scene.topic)
        service = topic.service or ("system" if topic.resource_type == "discovery" else topic.resource_name)
        command: dict[str, Any] = {
            "serv": service,
            "type": scene.type,
            "val_t": scene.value_type,
            "val": scene.value,
            "props": scene.props,
            "tags": [],
            "src": "hub",
            "ver": "1",
            "uid": f"00000000-0000-4000-8000-{len(played):012}",
            "ctime": format_time(house.clock.now()),
            "topic": scene.topic,
            **scene.more,
        }
        said = await ask(house.hub, command, scene.answers)
        played[scene.title] = [normal(message) for message in renumbered([command, *said])]
    return played


async def ask(hub: Hub, command: dict[str, Any], count: int) -> list[dict[str, Any]]:
    """Send a command unchanged, and wait for its answers."""

    def answers() -> list[dict[str, Any]]:
        return [json.loads(heard.message.to_bytes()) for heard in hub.heard if heard.message.corid == command["uid"]]

    await hub.client.publish(command["topic"], json.dumps(command), qos=1)
    try:
        await hub.until(lambda: len(answers()) >= count)
    except TimeoutError:
        raise AssertionError(f"{count} answers to {command} did not come, but {answers()}") from None
    return answers()


_UID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def renumbered(messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replaces every `uid` by a number, equal ones by the same number."""
    text = json.dumps(messages)
    numbers = {uid: index for index, uid in enumerate(dict.fromkeys(_UID.findall(text)), 1)}
    renewed: list[dict[str, Any]] = json.loads(
        _UID.sub(lambda match: f"5f0c1b7e-0000-4000-8000-{numbers[match.group()]:012}", text)
    )
    return renewed


def normal(message: dict[str, Any]) -> dict[str, Any]:
    """A message without what depends on the machine that it was taken on."""
    value = message["val"]
    if message["type"] == "evt.ping.report":
        value["delay"] = 12
    if message["type"] == "evt.app.diag_report":
        value["errors"] = []
        value["requests"]["today"], value["requests"]["by_kind"] = 3, {"GET_CH_STATUS": 2, "HELLO": 1}
    return message


def shortened(value: Any, most: int) -> Any:
    """Every list in it, cut."""
    if isinstance(value, dict):
        return {name: shortened(item, most) for name, item in value.items()}
    return [shortened(item, most) for item in value[:most]] if isinstance(value, list) else value


def layout(value: Any, indent: int = 0) -> str:
    """JSON with short values on one line."""
    short = json.dumps(value, ensure_ascii=False)
    if len(short) + indent <= WIDTH or not isinstance(value, dict | list) or not value:
        return short
    inner = " " * (indent + 2)
    if isinstance(value, dict):
        items = [f"{json.dumps(name)}: {layout(item, indent + 2)}" for name, item in value.items()]
    else:
        items = [layout(item, indent + 2) for item in value]
    opening, closing = ("{", "}") if isinstance(value, dict) else ("[", "]")
    lines, line = [], ""
    for number, item in enumerate(items):
        piece = item + ("," if number < len(items) - 1 else "")
        if "\n" in piece or len(inner) + len(line) + len(piece) + 1 > WIDTH:
            lines += [line] if line else []
            line = ""
        if "\n" in piece:
            lines.append(piece)
        else:
            line = f"{line} {piece}" if line else piece
    lines += [line] if line else []
    return opening + "\n" + "\n".join(inner + text for text in lines) + "\n" + " " * indent + closing


def listed_interfaces(house: House) -> set[str]:
    """Every interface that any inclusion or discovery report of the run has listed."""
    found: set[str] = set()
    for heard in house.hub.heard:
        if heard.message.type in {"evt.thing.inclusion_report", "evt.discovery.report", "evt.app.manifest_report"}:
            found |= set(re.findall(r'"msg_t": ?"([\w.]+)"', json.dumps(heard.message.value)))
    return found
