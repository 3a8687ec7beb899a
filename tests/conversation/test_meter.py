"""The service `meter_elec` of a socket and of a grid connection."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from bridge.chargepoint.observed import Observed
from bridge.simulator.car import Car
from bridge.storage import recorder
from tests.conftest import HouseMaker
from tests.harness import GRID, SOCKET, House, described, device_topic, interfaces


async def charge(house: House, minutes: float = 6, car: Car | None = None) -> None:
    """A car charges for a while."""
    since = house.mark
    house[SOCKET].plug(car or Car())
    house[SOCKET].start("BCU-APP")
    await house.push(SOCKET)
    house[SOCKET].step(minutes * 60)
    await house.push(SOCKET)
    await house.hub.expect("evt.meter_ext.report", SOCKET, since=since)
    await house.hub.command(SOCKET, "cmd.state.get_report")  # all reports before the answer have arrived


async def test_power_is_the_sum_over_phases_of_volts_times_amps(house: House) -> None:
    await charge(house)
    answers = await house.hub.command(SOCKET, "cmd.meter.get_report", 2, service="meter_elec")
    watts, energy = (answer.message for answer in answers)
    assert (watts.value, watts.value_type, watts.properties) == (
        11088.0,
        "float",
        {"unit": "W"},
    )  # three phases of 16 A and 231 V
    assert watts.storage is not None
    assert (watts.storage.strategy, watts.storage.sub_value) == ("aggregate", "W")
    assert (energy.value, energy.properties) == (1.109, {"unit": "kWh"})
    assert energy.storage is not None
    assert (energy.storage.strategy, energy.storage.sub_value) == ("aggregate", "kWh")


async def test_power_on_one_phase_is_that_of_the_phase(house: House) -> None:
    await charge(house, car=Car(phases=1, most_a=10))
    (answer,) = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="W")
    assert answer.message.value == 2310.0


@pytest.mark.parametrize(
    ("fields", "units"),
    [
        ({"val_t": "string", "val": "W"}, ["W"]),
        ({"val_t": "string", "val": "kWh"}, ["kWh"]),
        ({"val_t": "string", "val": ""}, ["W", "kWh"]),
        ({"val_t": "string", "val": None}, ["W", "kWh"]),
        ({"val_t": "null", "val": None}, ["W", "kWh"]),
        ({"val_t": "null", "val": ""}, ["W", "kWh"]),
    ],
)
async def test_the_units_of_a_meter_request_select_the_reports(
    house: House, fields: dict[str, object], units: list[str]
) -> None:
    answers = await house.hub.command(SOCKET, "cmd.meter.get_report", len(units), service="meter_elec", **fields)
    assert [answer.message.properties["unit"] for answer in answers] == units


async def test_extended_values_are_reported_on_request(house: House) -> None:
    await charge(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.meter_ext.get_report", service="meter_elec")
    assert answer.message.value_type == "float_map"
    assert answer.message.storage is not None
    assert answer.message.storage.strategy == "split"
    everything = {
        "p_import": 11088.0, "p1": 3696.0, "p2": 3696.0, "p3": 3696.0, "e_import": 1.109,
        "u1": 231.0, "u2": 231.0, "u3": 231.0, "i1": 16.0, "i2": 16.0, "i3": 16.0,
    }  # fmt: skip
    assert answer.message.value == everything
    for nothing in (
        {"val_t": "str_array", "val": []},
        {"val_t": "str_array", "val": None},
        {"val_t": "null", "val": ""},
    ):
        (answer,) = await house.hub.command(SOCKET, "cmd.meter_ext.get_report", service="meter_elec", **nothing)
        assert answer.message.value == everything
    for name, value in everything.items():
        (answer,) = await house.hub.command(
            SOCKET, "cmd.meter_ext.get_report", service="meter_elec", val_t="str_array", val=[name]
        )
        assert answer.message.value == {name: value}


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("cmd.meter.get_report", {"val_t": "string", "val": "V"}),
        ("cmd.meter.get_report", {"val_t": "int", "val": 1}),
        ("cmd.meter_ext.get_report", {"val_t": "str_array", "val": ["p_import", "p_export"]}),
        ("cmd.meter_ext.get_report", {"val_t": "string", "val": "p1"}),
        ("cmd.meter_ext.get_report", {"val_t": "str_array", "val": [1]}),
    ],
)
async def test_a_request_for_an_unknown_unit_or_value_is_refused(
    house: House, type_: str, fields: dict[str, object]
) -> None:
    error = await house.hub.refused(SOCKET, type_, service="meter_elec", **fields)
    assert error.message.value == "ERR_INVALID_VALUE"


async def test_meter_reports_are_sent_only_on_change(house: House) -> None:
    await charge(house)
    since = house.mark
    await house.push(SOCKET)
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.state.get_report")
    assert house.hub.find("evt.meter.report", since=since) == []
    house[SOCKET].step(60)
    await house.push(SOCKET)
    report = await house.hub.expect("evt.meter.report", SOCKET, since=since)
    assert report.message.properties == {"unit": "kWh"}  # the power is the same


async def test_the_nominal_voltage_replaces_a_missing_one(build: HouseMaker) -> None:
    async with build(charging={"nominal_voltage": 220}) as house:
        data = {
            "activity": "charging",
            "vehicle_status": "C",
            "actual_p1": 10,
            "actual_v1": 0,
            "actual_p2": 10,
            "actual_v2": 240,
        }
        await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
        await house.hub.until(
            lambda: "10" in str([h.message.value for h in house.hub.find("evt.meter_ext.report", SOCKET)])
        )
        value = house.hub.find("evt.meter_ext.report", SOCKET)[-1].message.value
        assert isinstance(value, dict)
        assert (value["p1"], value["p2"], value["p_import"]) == (2200, 2400, 4600)
        assert value["u1"] == 0  # reported as received


async def test_the_lifetime_energy_continues_over_sessions_and_restarts(house: House) -> None:
    async def lifetime() -> float:
        answers = await house.hub.command(
            SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="kWh"
        )
        value = answers[0].message.value
        assert isinstance(value, float)
        return value

    await charge(house)
    assert await lifetime() == 1.109
    house[SOCKET].unplug()
    await house.push(SOCKET)
    await charge(house)
    assert await lifetime() == 2.218
    await house.restart()
    assert await lifetime() == 2.218
    await house.kill()
    house[SOCKET].step(6 * 60)  # while the bridge is down
    await house.start()
    assert await lifetime() == pytest.approx(3.327, abs=0.002)
    house[SOCKET].unplug()
    await house.push(SOCKET)
    await house.kill()
    house[SOCKET].plug(Car())  # a whole session, while the bridge is down
    house[SOCKET].sockets[0].stale_pushes = 0
    house[SOCKET].start("BCU-APP")
    session = house[SOCKET].sockets[0].session
    assert session is not None
    session.started_at = house.clock.now() + timedelta(minutes=5)
    house[SOCKET].step(6 * 60)
    house[SOCKET].unplug()
    await house.start()
    assert await lifetime() == pytest.approx(4.436, abs=0.002)
    told = [
        heard.message.value
        for heard in house.hub.find("evt.meter.report", SOCKET)
        if heard.message.properties["unit"] == "kWh"
    ]
    assert told == sorted(told, key=lambda value: float(str(value)))  # it never falls


async def test_the_counter_is_on_disk_when_the_hub_hears_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "ENERGY_EVERY", timedelta())
    await charge(house)
    for _ in range(3):
        house[SOCKET].step(60)
        since = house.mark
        await house.push(SOCKET)
        told = await house.hub.expect("evt.current_session.report", SOCKET, since=since)
        session = house.running.storage.memories()[SOCKET].session
        assert session is not None
        assert round(session.energy, 3) == told.message.value


async def test_no_value_is_reported_before_it_is_known(build: HouseMaker) -> None:
    async with build(cloud={"offline_grace": 0.2}) as house:
        await charge(house)
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.expect("evt.state.report", SOCKET, value="unknown")
        error = await house.hub.refused(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="W")
        assert error.message.value == "ERR_INVALID_STATE"
        (energy,) = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec")
        assert energy.message.properties == {"unit": "kWh"}  # a counter stays what it is
        (extended,) = await house.hub.command(SOCKET, "cmd.meter_ext.get_report", service="meter_elec")
        assert extended.message.value == {"e_import": 1.109}


# --- the grid ---


async def test_a_grid_connection_is_a_thing_of_its_own(house: House) -> None:
    thing = described(house.hub, GRID)
    assert thing["device_id"] == "GRID-BCU102728"
    assert thing["groups"] == ["ch_0"]
    (service,) = thing["services"]
    assert service["name"] == "meter_elec"
    assert service["address"] == f"/rt:dev/rn:bluecurrent/ad:1/sv:meter_elec/ad:{GRID}"
    assert service["props"] == {"sup_units": [], "sup_extended_vals": ["i1", "i2", "i3"]}
    assert interfaces(house.hub, GRID, "meter_elec") == {
        "cmd.meter_ext.get_report", "evt.meter_ext.report", "evt.error.report",
    }  # fmt: skip
    (answer,) = await house.hub.command(GRID, "cmd.meter_ext.get_report", service="meter_elec")
    assert answer.message.value == {"i1": 1.4, "i2": 0.6, "i3": 2.1}
    assert answer.path == device_topic(GRID, "meter_elec", "evt")


async def test_the_grid_is_kept_current_by_pushes(house: House) -> None:
    await charge(house)
    since, before = house.mark, len(house.cloud.seen)
    await house.cloud.push_grid()
    report = await house.hub.expect("evt.meter_ext.report", GRID, since=since)
    assert report.message.value == {"i1": 17.4, "i2": 16.6, "i3": 18.1}
    assert len(house.cloud.seen) == before
    error = await house.hub.refused(
        GRID, "cmd.meter_ext.get_report", service="meter_elec", val_t="str_array", val=["u1"]
    )
    assert error.message.value == "ERR_INVALID_VALUE"
    error = await house.hub.refused(GRID, "cmd.state.get_report")
    assert error.message.value == "ERR_UNKNOWN_ADDRESS"


async def test_a_building_that_feeds_in_has_negative_currents(house: House) -> None:
    house.cloud.account.grids[SOCKET].house_a = (-4.5, 0.0, 1.0)
    house.cloud.account.grids["BCU100186"].house_a = (-4.5, 0.0, 1.0)
    since = house.mark
    await house.cloud.push_grid()
    report = await house.hub.expect("evt.meter_ext.report", GRID, since=since)
    assert report.message.value == {"i1": -4.5, "i2": 0.0, "i3": 1.0}


async def test_a_charge_point_without_a_grid_connection_has_no_grid_thing(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.account.grids.clear()
        await house.start()
        assert house.hub.find("evt.thing.inclusion_report")
        assert house.service is not None
        assert house.service.things.addresses() == ["BCU100186", SOCKET]


@pytest.mark.parametrize("noise", ["NaN", "text", 16_000, None])
@pytest.mark.parametrize("phase", [1, 2, 3])
async def test_the_power_is_unknown_while_the_current_on_one_phase_is(house: House, phase: int, noise: object) -> None:
    charging: dict[str, object] = {"activity": "charging", "vehicle_status": "C"}
    full = {**{f"actual_p{one}": 16 for one in (1, 2, 3)}, **{f"actual_v{one}": 230 for one in (1, 2, 3)}}

    async def tell(**more: object) -> set[str]:
        frame = {"object": "CH_STATUS", "evse_id": SOCKET, "data": {**charging, **full, **more}}
        await house.cloud.send_all(json.dumps(frame))
        answer = (await house.hub.command(SOCKET, "cmd.meter_ext.get_report", service="meter_elec", val_t="null"))[0]
        assert isinstance(answer.message.value, dict)
        return set(answer.message.value)

    everything = await tell()
    since = house.mark
    assert everything - await tell(**{f"actual_p{phase}": noise}) == {"p_import", f"p{phase}", f"i{phase}"}
    question = {"service": "meter_elec", "val_t": "string", "val": "W"}
    assert (await house.hub.refused(SOCKET, "cmd.meter.get_report", **question)).message.value == "ERR_INVALID_STATE"
    assert house.service is not None
    latest = house.service.fleet.expect(SOCKET).memory.session
    assert latest is not None
    assert latest.peak_power == 3 * 16 * 230
    assert not [heard for heard in house.hub.find("evt.meter.report", SOCKET, since=since) if heard.message.value]
    assert await tell() == everything


async def test_a_phase_that_the_cloud_never_tells_is_no_part_of_the_power(house: House) -> None:
    for twin in house.running.fleet.sockets(SOCKET):
        house.running.fleet._replace(twin, replace(twin, observed=Observed()))
    one_phase = {"actual_p1": 16, "actual_v1": 230, "actual_p2": None, "actual_p3": None}
    data = {"activity": "charging", "vehicle_status": "C", **one_phase}
    await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
    (watts,) = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="W")
    assert watts.message.value == 16 * 230
