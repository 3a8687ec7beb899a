"""Starts in a charging mode, and the requests about charging that the cloud saw."""

import asyncio

from bridge.simulator.charge_point import ProfileName
from tests.harness import SOCKET, Heard, House, described

STEERING = (
    "START_SESSION",
    "STOP_SESSION",
    "SET_DELAYED_CHARGING",
    "SET_PRICE_BASED_CHARGING",
    "OVERRIDE_DELAYED_CHARGING_TIMEOUT",
    "OVERRIDE_CHARGING_PROFILES",
    "POST_SET_OVERRIDE_CURRENT",
    "POST_EDIT_OVERRIDE_CURRENT",
    "POST_CLEAR_OVERRIDE_CURRENT",
)

REQUEST = {"delayed": "SET_DELAYED_CHARGING", "price_based": "SET_PRICE_BASED_CHARGING"}

LIFTING = {"delayed": "OVERRIDE_DELAYED_CHARGING_TIMEOUT", "price_based": "OVERRIDE_CHARGING_PROFILES"}

ATTRIBUTE: dict[str, ProfileName] = {"delayed": "delayed_charging", "price_based": "price_based_charging"}


def asked(house: House) -> list[str]:
    """The requests about charging, in order."""
    return [str(frame["command"]) for frame in house.cloud.requests_for(*STEERING)]


async def start(house: House, mode: str | None = None) -> tuple[object, object]:
    """Start in a mode; returns the state and mode of the answer."""
    props = {"charging_mode": mode} if mode is not None else {}
    answer = (await house.hub.command(SOCKET, "cmd.charge.start", 2, props=props))[0].message
    assert answer.type == "evt.state.report"
    return answer.value, answer.properties.get("charging_mode")


async def refused(house: House, mode: str) -> Heard:
    """A start that is to be refused."""
    return await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": mode})


def modes(house: House) -> list[str]:
    """The modes that are listed."""
    listed: list[str] = described(house.hub, SOCKET)["services"][0]["props"]["sup_charging_modes"]
    return listed


async def switch_on(house: House, profile: str) -> None:
    """The owner switches a profile on, elsewhere."""
    house[SOCKET].switch_profile(ATTRIBUTE[profile], on=True)
    await house.cloud.push_settings(house[SOCKET])
    await asyncio.sleep(0.05)
