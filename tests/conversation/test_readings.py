"""Frames with impossible or missing values: the reports to the hub, and the data on disk."""

import json
from typing import Any

import pytest
from pydantic import JsonValue

from tests.harness import SOCKET, House


async def tell(house: House, **data: Any) -> None:
    """Push a status with these fields, and wait until the bridge has handled it."""
    await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
    await house.hub.command(SOCKET, "cmd.state.get_report")


async def session(house: House) -> tuple[object, dict[str, JsonValue]]:
    """Energy and properties of the session report."""
    (answer,) = await house.hub.command(SOCKET, "cmd.current_session.get_report")
    return answer.message.value, {name: str(value) for name, value in answer.message.properties.items()}


async def meter(house: House, unit: str) -> object:
    """The lifetime energy in the meter report."""
    (answer,) = await house.hub.command(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val=unit)
    return answer.message.value


def kept(house: House) -> list[tuple[float, float | None, str]]:
    """The sessions on disk: energy, cost, currency."""
    assert house.service is not None
    return [(one.energy, one.cost, one.currency) for one in house.service.storage.sessions(address=SOCKET)]


CHARGING = {"activity": "charging", "vehicle_status": "C"}
IDLE = {"activity": "available", "vehicle_status": "B"}


@pytest.mark.parametrize("glitch", [0, 12.39, 251_658, -3, 1e400, "12,5", None])
async def test_a_glitch_of_the_counter_makes_no_session_and_no_energy(house: House, glitch: object) -> None:
    before = await meter(house, "kWh")
    assert isinstance(before, float)
    for energy in (12.4, glitch, 12.5):
        await tell(house, **CHARGING, actual_kwh=energy)
    assert await session(house) == (12.5, {"offered_current": "16"})
    assert await meter(house, "kWh") == pytest.approx(before + 12.5)
    await tell(house, **IDLE)
    assert kept(house)[-1][0] == 12.5


async def test_an_ignored_reading_is_logged_once(house: House) -> None:
    for energy in (12.4, 251_658, 12.4, 0, 12.5, 251_658, 12.6):
        await tell(house, **CHARGING, actual_kwh=energy)
    named = [line for line in house.log_lines() if "an impossible meter reading is ignored" in line["event"]]
    assert [(line["level"], line["address"]) for line in named] == [("warning", SOCKET)]


async def test_an_idle_frame_with_only_a_new_start_begins_no_session(house: House) -> None:
    await tell(house, **CHARGING, actual_kwh=5, start_datetime="20261120 08:00:00")
    await tell(house, **IDLE, actual_kwh=5, stop_datetime="20261120 09:00:00")
    lifetime, sessions = await meter(house, "kWh"), kept(house)
    await tell(house, start_datetime="20261120 10:00:00")
    assert await meter(house, "kWh") == lifetime
    assert kept(house) == sessions
    await tell(house, **CHARGING, actual_kwh=0, start_datetime="20261120 10:00:01")
    await tell(house, actual_kwh=0.2, start_datetime="20261120 10:00:02")
    assert len(kept(house)) == len(sessions) + 1
    energy, properties = await session(house)
    assert (energy, properties["previous_session"]) == (0.2, "5.00")
    assert properties["started_at"] == "2026-11-20T10:00:02.000+01:00"


@pytest.mark.parametrize("current", [-0.05, "NaN", "a lot", None, ...])
async def test_an_idle_charge_point_has_no_power(house: House, current: object) -> None:
    await tell(house, **CHARGING, actual_kwh=1, actual_p1=10, actual_p2=10, actual_p3=10)
    assert await meter(house, "W") == 6900.0
    more = {"actual_p1": current, "actual_p2": current, "actual_p3": current} if current is not ... else {}
    await tell(house, **IDLE, **more)
    if current in (-0.05, ...):
        assert await meter(house, "W") == 0.0
    else:
        answer = await house.hub.refused(SOCKET, "cmd.meter.get_report", service="meter_elec", val_t="string", val="W")
        assert answer.message.value == "ERR_INVALID_STATE"  # the value is unknown; the previous one does not stand


async def test_the_newest_cost_counts_in_the_tariffs_currency(house: House) -> None:
    settings = {"evse_id": SOCKET, "tariff": {"currency": "SEK"}}
    await house.cloud.send_all(json.dumps({"object": "CH_SETTINGS", "data": settings, "evse_id": SOCKET}))
    for cost in (3.5, 12.0, 8.25, -1.5):
        await tell(house, **CHARGING, actual_kwh=2, total_cost=cost)
    await tell(house, **IDLE)
    assert kept(house)[-1] == (2.0, -1.5, "SEK")
