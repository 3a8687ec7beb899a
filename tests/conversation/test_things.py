"""Things: inclusion reports, lasting deletion, and charge points that join and leave."""

import asyncio
from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.harness import CABLE, GRID, SOCKET, Heard, House, described, interfaces

STATES = [
    "disconnected", "requesting", "ready_to_charge", "charging", "finished", "unavailable", "error", "unknown",
]  # fmt: skip


def inclusions(house: House, since: int = 0) -> list[str]:
    """The addresses of the received inclusion reports."""
    return [str(thing_of(heard)["address"]) for heard in house.hub.find("evt.thing.inclusion_report", since=since)]


def exclusions(house: House, since: int = 0) -> list[str]:
    """The addresses of the received exclusion reports."""
    return [str(thing_of(heard)["address"]) for heard in house.hub.find("evt.thing.exclusion_report", since=since)]


def thing_of(heard: Heard) -> dict[str, Any]:
    """The value of a report about a thing."""
    value: Any = heard.message.value
    return dict(value)


async def test_the_inclusion_report_describes_a_socket(house: House) -> None:
    thing = dict(described(house.hub, SOCKET))
    services = thing.pop("services")
    assert thing == {
        "address": SOCKET, "groups": ["ch_0"], "product_name": "Driveway",
        "product_hash": "Blue Current - Blue Current - U:MOVE16", "product_id": "U:MOVE16",
        "manufacturer_id": "Blue Current", "device_id": SOCKET, "hw_ver": "", "sw_ver": "", "comm_tech": "cloud",
        "power_source": "ac", "wakeup_interval": "-1", "security": "secure", "tech_specific_props": {}, "prop_set": {},
    }  # fmt: skip
    assert [service["name"] for service in services] == ["chargepoint", "meter_elec", "parameters", "dev_sys"]
    for service in services:
        assert service["address"] == f"/rt:dev/rn:bluecurrent/ad:1/sv:{service['name']}/ad:{SOCKET}"
        assert (service["groups"], service["enabled"]) == (["ch_0"], True)
        assert "evt.error.report" in interfaces(house.hub, SOCKET, service["name"])
        assert all(set(one) == {"intf_t", "msg_t", "val_t", "ver"} for one in service["interfaces"])
    chargepoint = services[0]
    assert chargepoint["props"]["sup_states"] == STATES
    assert chargepoint["props"]["sup_charging_modes"][0] == "normal"
    assert {"cmd.cable_lock.set", "cmd.charge.start"} <= interfaces(house.hub, SOCKET)


async def test_a_fixed_cable_lists_no_lock(house: House) -> None:
    assert not any("cable_lock" in name for name in interfaces(house.hub, CABLE))


async def test_a_model_with_dashes_keeps_the_hash_in_three_parts(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[SOCKET].model_type = "A - B - C"
        house[CABLE].model_type = ""
        house[CABLE].name = ""
        await house.start()
        assert described(house.hub, SOCKET)["product_hash"].split(" - ") == ["Blue Current", "Blue Current", "A-B-C"]
        assert described(house.hub, CABLE)["product_hash"].split(" - ")[2] == "Charge point"
        assert described(house.hub, CABLE)["product_name"] == "Charge point"


async def test_inclusion_reports_are_sent_once_and_not_at_every_start(house: House) -> None:
    assert sorted(inclusions(house)) == [CABLE, SOCKET, GRID]
    since = house.mark
    await house.restart()
    house.cloud.drop()
    await house.hub.until(lambda: house.cloud.requests["HELLO"] == 3)
    await house.ready()
    assert inclusions(house, since) == []
    for address in (SOCKET, GRID):
        (answer,) = await house.hub.adapter("cmd.thing.get_inclusion_report", val_t="string", val=address)
        assert answer.message.type == "evt.thing.inclusion_report"
        assert thing_of(answer) == described(house.hub, address)


async def test_a_changed_description_is_reported(house: House) -> None:
    since = house.mark
    house[SOCKET].is_cable = True
    await house.cloud.push_settings(house[SOCKET])
    await house.hub.expect("evt.thing.inclusion_report", since=since)
    await asyncio.sleep(0.05)
    assert inclusions(house, since) == [SOCKET]
    assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))


@pytest.mark.parametrize("address", ["BCU000000", ""])
async def test_a_request_for_an_unknown_thing_is_refused(house: House, address: str) -> None:
    (error,) = await house.hub.adapter("cmd.thing.get_inclusion_report", val_t="string", val=address)
    assert error.message.value == ("ERR_UNKNOWN_ADDRESS" if address else "ERR_INVALID_VALUE")
    assert error.path == "pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1"


async def test_the_refusal_names_ten_things_of_a_large_account(build: HouseMaker) -> None:
    async with build(start=False) as house:
        for number in range(12):
            house.cloud.account.add(SimulatedChargePoint(f"BCU9000{number:02}", house.clock.now))
        await house.start()
        await house.hub.until(lambda: len(set(inclusions(house))) == 15)
        (error,) = await house.hub.adapter("cmd.thing.get_inclusion_report", val_t="string", val="BCU000000")
        message = str(error.message.properties["msg"])
        assert message.startswith("There is no thing BCU000000. The things are: BCU100186, BCU102728, BCU900000, ")
        assert message.endswith("BCU900007 and 5 more.")


async def test_deletion_lasts_and_inclusion_brings_back(house: House) -> None:
    since = house.mark
    (answer,) = await house.hub.adapter("cmd.thing.delete", val_t="str_map", val={"address": SOCKET})
    assert answer.brief == ("evt.thing.exclusion_report", {"address": SOCKET})
    error = await house.hub.refused(SOCKET, "cmd.state.get_report")
    assert error.message.value == "ERR_UNKNOWN_ADDRESS"
    await house.restart()
    await house.push(SOCKET)
    assert inclusions(house, since) == []
    assert not house.hub.find("evt.state.report", SOCKET, since=since)

    since, before = house.mark, house.cloud.requests["GET_CHARGE_POINTS"]
    (answer,) = await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True)
    assert answer.brief == ("evt.thing.inclusion_status_report", "ADD_NODE_DONE")
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="disconnected")
    assert inclusions(house, since) == [SOCKET]
    assert house.cloud.requests["GET_CHARGE_POINTS"] == before + 1  # the list, once
    await house.restart()
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "disconnected"


@pytest.mark.parametrize("address", [SOCKET, CABLE, GRID])
async def test_a_thing_that_is_included_again_at_once_reports_everything(house: House, address: str) -> None:
    def told(since: int) -> set[tuple[str, str, str]]:
        return {
            (heard.message.type, str(heard.message.value), str(heard.message.properties))
            for heard in house.hub.heard[since:]
            if heard.address == address
        }

    before = told(0)
    await house.hub.adapter("cmd.thing.delete", val_t="str_map", val={"address": address})
    since = house.mark
    await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True)
    node = await house.hub.expect("evt.network.node_report", since=since)
    assert (thing_of(node)["address"], thing_of(node)["status"]) == (address, "UP")
    assert before
    assert told(since) == before


async def test_a_thing_that_is_included_again_later_reports_everything(house: House) -> None:
    await house.hub.adapter("cmd.thing.delete", val_t="str_map", val={"address": SOCKET})
    since = house.mark
    await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True)
    await house.hub.expect("evt.state.report", SOCKET, since=since, value="disconnected")
    await house.hub.expect("evt.meter.report", SOCKET, since=since)
    node = await house.hub.expect("evt.network.node_report", since=since)
    assert isinstance(node.message.value, dict)
    assert (node.message.value["address"], node.message.value["status"]) == (SOCKET, "UP")
    assert inclusions(house, since) == [SOCKET]
    assert not house.hub.find("evt.state.report", CABLE, since=since)  # the other charge point has not changed
    assert len(house.hub.find("evt.state.report", SOCKET, since=since)) == 1


@pytest.mark.parametrize(
    ("val_t", "val", "code"),
    [
        ("str_map", {"address": "BCU000000"}, "ERR_UNKNOWN_ADDRESS"),
        ("str_map", {}, "ERR_INVALID_VALUE"),
        ("object", {"address": 5}, "ERR_INVALID_VALUE"),
        ("string", SOCKET, "ERR_INVALID_VALUE"),
    ],
)
async def test_deleting_an_unknown_thing_is_refused(house: House, val_t: str, val: object, code: str) -> None:
    (error,) = await house.hub.adapter("cmd.thing.delete", val_t=val_t, val=val)
    assert error.message.value == code
    assert exclusions(house) == []


async def test_ending_an_inclusion_reports_its_status_without_a_request(house: House) -> None:
    before = len(house.cloud.seen)
    (answer,) = await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=False)
    assert answer.message.type == "evt.thing.inclusion_status_report"
    assert len(house.cloud.seen) == before
    (error,) = await house.hub.adapter("cmd.thing.inclusion", val_t="string", val="yes")
    assert error.message.value == "ERR_INVALID_VALUE"


async def test_a_network_reset_excludes_every_thing_also_after_a_restart(house: House) -> None:
    answers = await house.hub.adapter("cmd.network.reset", 4)
    assert [answer.message.type for answer in answers] == ["evt.thing.exclusion_report"] * 3 + [
        "evt.network.reset_done"
    ]
    assert answers[-1].message.value is None
    assert sorted(exclusions(house)) == [CABLE, SOCKET, GRID]
    since = house.mark
    await house.stop()
    await house.start(wait=False)
    await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] == 2)
    await asyncio.sleep(0.1)
    assert inclusions(house, since) == []
    await house.hub.adapter("cmd.thing.inclusion", val_t="bool", val=True)
    assert sorted(inclusions(house, since)) == [CABLE, SOCKET, GRID]


async def test_a_new_charge_point_is_included_and_a_removed_one_excluded(house: House) -> None:
    since, cloud = house.mark, house.cloud
    new = cloud.account.add(SimulatedChargePoint("BCU200000", house.clock.now, name="Street"))
    await cloud.push(new)  # a push for one that is not known: the list is asked for, once
    await house.hub.expect("evt.state.report", "BCU200000", since=since, value="disconnected")
    assert inclusions(house, since) == ["BCU200000"]
    assert cloud.requests["GET_CHARGE_POINTS"] == 2

    del cloud.account.charge_points["BCU200000"]
    cloud.drop()
    await house.hub.expect("evt.thing.exclusion_report", since=since)
    assert exclusions(house, since) == ["BCU200000"]
    error = await house.hub.refused("BCU200000", "cmd.state.get_report")
    assert error.message.value == "ERR_UNKNOWN_ADDRESS"
    assert cloud.requests["GET_CHARGE_POINTS"] == 4  # before a thing is excluded, the list is read again

    cloud.account.add(new)  # and it comes back
    since = house.mark
    await cloud.push(new)
    await house.hub.expect("evt.thing.inclusion_report", since=since)


async def test_a_single_empty_list_excludes_nothing(house: House) -> None:
    house.cloud.faults.empty_lists = 1
    house.cloud.drop()
    await house.hub.until(lambda: house.cloud.requests["GET_CHARGE_POINTS"] == 3)  # it asked again
    await house.ready()
    await house.hub.adapter("cmd.ping.send")  # all reports before the answer have arrived
    assert exclusions(house) == []


async def test_a_grid_connection_is_excluded_with_its_last_charge_point(house: House) -> None:
    house.cloud.account.charge_points.clear()
    house.cloud.drop()
    await house.hub.until(lambda: len(exclusions(house)) == 3)
    assert sorted(exclusions(house)) == [CABLE, SOCKET, GRID]


async def test_several_sockets_are_groups_of_one_thing(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.account.charge_points.clear()
        house.cloud.account.grids.clear()
        sockets = [Socket(1), Socket(2)]
        twin = house.cloud.account.add(SimulatedChargePoint("BCU300000", house.clock.now, name="Duo", sockets=sockets))
        await house.start()
        thing = described(house.hub, "BCU300000")
        assert thing["groups"] == ["ch_1", "ch_2"]
        addresses = [service["address"].rpartition(":")[2] for service in thing["services"]]
        assert addresses == ["BCU300000_1"] * 4 + ["BCU300000_2"] * 4
        assert inclusions(house) == ["BCU300000"]
        listed = interfaces(house.hub, "BCU300000")
        assert "cmd.charge.start" not in listed
        assert "cmd.state.get_report" in listed

        since = house.mark
        sockets[1].vehicle = "B"
        await house.cloud.push(twin)
        report = await house.hub.expect("evt.state.report", "BCU300000_2", since=since)
        assert report.message.value == "ready_to_charge"
        assert house.hub.find("evt.state.report", "BCU300000_1", since=since) == []  # routed by socket_id
        for type_ in ("cmd.charge.start", "cmd.charge.stop"):
            error = await house.hub.refused("BCU300000_2", type_)
            assert error.message.value == "ERR_NOT_SUPPORTED"
        error = await house.hub.refused("BCU300000", "cmd.state.get_report")
        assert error.message.value == "ERR_UNKNOWN_ADDRESS"
        nodes = await house.hub.adapter("cmd.network.get_node", val_t="string", val="BCU300000")
        assert thing_of(nodes[0])["status"] == "UP"

        # A charge point that is offline as a whole reports that without a socket number.
        for socket in sockets:
            socket.fault = "offline"
        await house.cloud.send_all(
            '{"object": "CH_STATUS", "evse_id": "BCU300000", "data": {"activity": "offline", "vehicle_status": "A"}}'
        )
        for address in ("BCU300000_1", "BCU300000_2"):
            await house.hub.expect("evt.state.report", address, since=since, value="unknown")


async def test_commands_are_offered_once_the_cloud_shows_that_it_takes_a_socket_id(build: HouseMaker) -> None:
    async with build(start=False) as house:
        evse_id, sockets = "BCU300000", [Socket(1), Socket(2)]
        twin = house.cloud.account.add(SimulatedChargePoint(evse_id, house.clock.now, name="Duo", sockets=sockets))
        twin.plug_and_charge = False
        await house.start()
        assert not {"cmd.charge.start", "cmd.cable_lock.set"} & interfaces(house.hub, evse_id)
        since = house.mark
        # The second socket is started with the app, and the answer goes to every client.
        await house.cloud.send_all(
            f'{{"object": "STATUS_START_SESSION", "evse_id": "{evse_id}", "socket_id": 2, "success": true}}'
        )
        await house.hub.expect("evt.thing.inclusion_report", since=since)
        assert {"cmd.charge.start", "cmd.charge.stop", "cmd.cable_lock.set"} <= interfaces(house.hub, evse_id)
        await house.restart()

        twin.plug(Car(), sockets[1])
        await house.cloud.push(twin)
        await house.hub.expect("evt.state.report", f"{evse_id}_2", since=since, value="ready_to_charge")
        state, _ = await house.hub.command(f"{evse_id}_2", "cmd.charge.start", 2)
        assert state.message.value == "charging"
        (request,) = house.cloud.requests_for("START_SESSION")
        assert (request["evse_id"], request["socket_id"]) == (evse_id, 2)
        assert sockets[0].session is None
