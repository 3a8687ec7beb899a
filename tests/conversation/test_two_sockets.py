"""Two sockets that CHARGE_POINTS does not name: statuses tell of them, and each keeps its own state and counter."""

import json
from itertools import pairwise

import pytest

from tests.harness import SOCKET, House, described

FIRST, SECOND = f"{SOCKET}_1", f"{SOCKET}_2"
READINGS_1 = (0.0, 2.5, 5.0, 7.5, 10.0)
READINGS_2 = (0.0, 0.5, 1.0, 1.5, 2.0)


def entry(socket: int, energy: float, **more: object) -> dict[str, object]:
    """The status of a socket that charges."""
    return {"socket_id": socket, "activity": "charging", "vehicle_status": "C", "actual_kwh": energy, **more}


async def tell(house: House, form: str, *entries: dict[str, object]) -> None:
    """The cloud pushes statuses, in one of the forms that have been seen."""
    frames: list[dict[str, object]]
    match form:
        case "data":
            frames = [{"evse_id": SOCKET, "data": one} for one in entries]
        case "items":
            frames = [{"evse_id": SOCKET, "items": [*entries]}]
        case "items that name it":
            frames = [{"items": [{"evse_id": SOCKET, **one} for one in entries]}]
        case _:
            frames = [{"data": [{"evse_id": SOCKET, **one, "socket_id": str(one["socket_id"])} for one in entries]}]
    for frame in frames:
        await house.cloud.send_all(json.dumps({"object": "CH_STATUS", **frame}))


def energies(house: House, address: str) -> list[float]:
    """Return the values of the lifetime counter that were reported for a socket."""
    return [
        float(str(heard.message.value))
        for heard in house.hub.find("evt.meter.report", address)
        if heard.message.properties["unit"] == "kWh"
    ]


@pytest.mark.parametrize("form", ["data", "items", "items that name it", "list"])
async def test_each_socket_has_its_own_state_and_counter(house: House, form: str) -> None:
    house.cloud.faults.quiet = True
    for one, two in zip(READINGS_1, READINGS_2, strict=True):
        await tell(house, form, entry(1, one, actual_p1=16), entry(2, two, actual_p1=6))
    await tell(house, form, entry(1, 10.0), {"socket_id": 2, "activity": "available", "vehicle_status": "A"})
    await house.hub.expect("evt.state.report", SECOND, value="disconnected")
    await house.hub.expect("evt.meter.report", FIRST, value=10.0)
    await house.hub.expect("evt.meter.report", SECOND, value=2.0)
    for address in (FIRST, SECOND):
        assert all(before <= after for before, after in pairwise(energies(house, address)))
    # No state flips between those of the two sockets.
    assert [heard.message.value for heard in house.hub.find("evt.state.report", FIRST)] == ["charging"]
    groups = {
        service["address"].rpartition("/ad:")[2]: service["groups"]
        for service in described(house.hub, SOCKET)["services"]
    }
    assert (groups[FIRST], groups[SECOND]) == (["ch_1"], ["ch_2"])
    assert not house.hub.find("evt.thing.exclusion_report")

    since = house.mark
    await house.stop()
    service = await house.start(wait=False)  # CHARGE_POINTS still does not name them
    await house.hub.until(lambda: service.parts.sync.first_look.is_set() and service.reporter.is_settled)
    lifetimes = {twin.address: twin.memory.lifetime_energy for twin in service.fleet.sockets(SOCKET)}
    assert lifetimes == {FIRST: 10.0, SECOND: 2.0}
    await tell(house, form, entry(1, 11.0, actual_p1=16), entry(2, 0.5, actual_p1=6))
    await house.hub.expect("evt.meter.report", FIRST, since=since, value=11.0)
    await house.hub.expect("evt.meter.report", SECOND, since=since, value=2.5)
    assert not house.hub.find("evt.thing.exclusion_report", since=since)


@pytest.mark.parametrize("restart", [False, True])
async def test_energy_counted_before_belongs_to_the_socket_that_is_seen_first(house: House, *, restart: bool) -> None:
    house.cloud.faults.quiet = True
    alone = {"activity": "charging", "vehicle_status": "C", "actual_kwh": 4.0, "actual_p1": 16}
    await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": alone}))
    await house.hub.expect("evt.meter.report", SOCKET, value=4.0)
    if restart:
        await house.restart()
    await tell(house, "data", entry(2, 4.5, actual_p1=16))
    await tell(house, "data", entry(1, 0.0), entry(2, 5.0, actual_p1=16), entry(1, 1.0))
    await house.hub.expect("evt.meter.report", SECOND, value=5.0)
    await house.hub.expect("evt.meter.report", FIRST, value=1.0)
    assert not house.hub.find("evt.thing.exclusion_report")
