"""Both sets of states, and what each of the cloud's statuses is in them."""

import asyncio
import json

import pytest

from tests.conftest import HouseMaker
from tests.harness import SOCKET, described

SETS = [
    # activity, letter, energy before, standard, extended
    ("available", "A", 0.0, "disconnected", "disconnected"),
    ("available", "B", 0.0, "ready_to_charge", "ready_to_charge"),
    ("charging", "A", 0.0, "requesting", "requesting"),
    ("charging", "B", 0.0, "requesting", "suspended_by_ev"),
    ("charging", "C", 1.0, "charging", "charging"),
    ("charging", "D", 1.0, "charging", "charging"),
    ("charging", "B", 1.0, "finished", "suspended_by_ev"),
    ("delayed", "C", 0.0, "ready_to_charge", "suspended_by_evse"),
    ("unavailable", "B", 0.0, "unavailable", "unavailable"),
    ("error", "B", 0.0, "error", "error"),
    ("available", "E", 0.0, "error", "error"),
    ("charging", "F", 0.0, "error", "error"),
    ("offline", "B", 0.0, "unknown", "unknown"),
    ("dancing", "B", 0.0, "unknown", "unknown"),
    ("available", "Q", 0.0, "unknown", "unknown"),
]


@pytest.mark.parametrize("state_set", ["standard", "extended"])
async def test_every_status_gives_its_state_in_both_sets(build: HouseMaker, state_set: str) -> None:
    async with build(fimp={"state_set": state_set}) as house:
        for activity, letter, energy, standard, extended in SETS:
            for data in (
                {"activity": "available", "vehicle_status": "A", "actual_kwh": 0},  # the car before has left
                {"activity": activity, "vehicle_status": letter, "actual_kwh": energy},
            ):
                await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
            await asyncio.sleep(0.02)
            (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
            assert state.message.value == (standard if state_set == "standard" else extended), (activity, letter)
        service = next(one for one in described(house.hub, SOCKET)["services"] if one["name"] == "chargepoint")
        supported = set(service["props"]["sup_states"])
        assert ("suspended_by_ev" in supported) == (state_set == "extended")
        reported = {heard.message.value for heard in house.hub.find("evt.state.report")}
        assert reported <= supported
