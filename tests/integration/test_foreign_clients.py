"""Third-party clients work with the simulated cloud."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from bluecurrent_api import Client
from bluecurrent_api import websocket as client_module
from bluecurrent_api.exceptions import AlreadyConnected, InvalidApiToken, RequestLimitReached
from bluecurrent_api.types import OverrideCurrentPayload, UpdatePriceBasedSettingsPayload

from bridge.simulator.car import Car
from bridge.simulator.cloud import SimulatedCloud, example_cloud
from tests.harness import CABLE, SOCKET


def now() -> datetime:
    """The time."""
    return datetime.now().astimezone()


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedCloud]:
    """A simulated cloud, in the place of the real one."""
    simulated = example_cloud(now)
    simulated.rebooting_s = 0.05
    monkeypatch.setattr(client_module, "URL", await simulated.start())
    yield simulated
    await simulated.stop()


class Session:
    """The official client, connected, with what it received."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self.cloud = cloud
        self.client = Client()
        self.received: list[dict[str, Any]] = []
        self.task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Session":
        assert await self.client.validate_api_token(self.cloud.account.api_token) == "C100"

        async def receive(data: dict[str, Any]) -> None:
            self.received.append(data)

        async def opened() -> None:
            await self.client.get_charge_points()

        self.task = asyncio.create_task(self.client.connect(receive, opened))
        await asyncio.wait_for(self.client.wait_for_charge_points(), 5)
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.client.is_connected():
            await self.client.disconnect()
        assert self.task is not None
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    async def get(self, name: str, **fields: Any) -> dict[str, Any]:
        """The next message of that name with these fields, taken out."""
        async with asyncio.timeout(5):
            while True:
                for message in self.received:
                    if message["object"] == name and all(message.get(key) == value for key, value in fields.items()):
                        self.received.remove(message)
                        return message
                await asyncio.sleep(0.01)


async def test_the_official_client_runs_every_method(cloud: SimulatedCloud) -> None:
    account = Client()
    await account.validate_api_token(cloud.account.api_token)
    assert await account.get_email() == "owner@example.org"
    assert timedelta() < account.get_next_reset_delta() <= timedelta(hours=25)

    async with Session(cloud) as session:
        client = session.client
        assert client.is_connected()
        points = (await session.get("CHARGE_POINTS"))["data"]
        assert [point["evse_id"] for point in points] == [SOCKET, CABLE]
        assert points[1]["smart_charging"] is True

        await client.get_charge_cards()
        assert [card["uid"] for card in (await session.get("CHARGE_CARDS"))["cards"]] == [
            "046C8CCA8C1D90",
            "A1B2C3D4E5F6",
        ]

        await client.get_status(SOCKET)
        status = (await session.get("CH_STATUS", evse_id=SOCKET))["data"]
        assert status["vehicle_status"] == "standby"
        assert status["activity"] == "available"
        assert status["current_left"] == 16

        await client.get_settings(SOCKET)
        settings = (await session.get("CH_SETTINGS"))["data"]
        assert (settings["plug_and_charge"], settings["linked_charge_cards_only"]) == (False, True)

        await client.get_grid_status(SOCKET)
        grid = (await session.get("GRID_STATUS"))["data"]
        assert grid["id"] == "GRID-BCU102728"
        assert grid["grid_max_current"] == 2.1
        await cloud.push_grid()
        assert (await session.get("GRID_CURRENT", evse_id=SOCKET))["data"]["grid_actual_p1"] == 1.4

        # Settings: the client accepts only answers of the documented form.
        await client.set_linked_charge_cards_only(SOCKET, False)
        assert (await session.get("LINKED_CHARGE_CARDS_ONLY"))["result"] is False
        assert cloud.account.charge_points[SOCKET].public_charging is True
        await client.set_plug_and_charge(SOCKET, True)
        answer = await session.get("PLUG_AND_CHARGE")
        assert (answer["success"], answer["result"], answer["evse_id"]) == (True, True, SOCKET)
        await client.set_plug_and_charge(SOCKET, False)
        assert (await session.get("PLUG_AND_CHARGE"))["result"] is False

        session.received.clear()
        await client.block(SOCKET, True)
        assert (await session.get("CH_STATUS", evse_id=SOCKET))["data"]["activity"] == "unavailable"
        await client.block(SOCKET, False)
        assert (await session.get("CH_STATUS", evse_id=SOCKET))["data"]["activity"] == "available"

        # Actions.
        cloud.account.charge_points[SOCKET].plug(Car())
        await client.start_session(SOCKET, "046C8CCA8C1D90")
        started = await session.get("START_SESSION", evse_id=SOCKET)
        assert (started["success"], started["error"]) == (True, "")
        charging = (await session.get("CH_STATUS", evse_id=SOCKET))["data"]
        assert (charging["activity"], charging["vehicle_status"]) == ("charging", "ready")
        assert charging["start_datetime"] is not None
        await client.stop_session(SOCKET)
        assert (await session.get("STOP_SESSION", evse_id=SOCKET))["success"] is True
        await client.stop_session(SOCKET)
        assert "no active session" in (await session.get("STOP_SESSION", evse_id=SOCKET))["error"]
        cloud.faults.verdict["START_SESSION"] = "REJECTED"
        await client.start_session(SOCKET, "BCU-APP")
        assert (await session.get("START_SESSION", evse_id=SOCKET))[
            "error"
        ] == f"start_session rejected for chargepoint: {SOCKET}"
        await client.reset(SOCKET)
        assert (await session.get("SOFT_RESET", evse_id=SOCKET))["success"] is True
        await asyncio.sleep(0.1)
        await client.reboot(SOCKET)
        assert (await session.get("REBOOT", evse_id=SOCKET))["success"] is True

        # Profiles: the client gives no result, so the account is checked.
        point = cloud.account.charge_points[CABLE]
        await client.set_delayed_charging(CABLE, True)
        await client.set_delayed_charging_settings(CABLE, [1, 2, 5], "22:00", "06:30")
        await client.override_delayed_charging_profile(CABLE, True)
        await client.set_price_based_charging(CABLE, True)
        await client.update_price_based_charging_settings(CABLE, UpdatePriceBasedSettingsPayload("07:30", 40, 20, 60))
        await client.override_price_based_charging_profile(CABLE, True)
        await client.get_settings(CABLE)
        await session.get("CH_SETTINGS")
        assert (point.delayed_charging, point.price_based_charging) == (False, True)  # one at a time
        assert (point.delayed_days, point.delayed_start, point.delayed_end) == ([1, 2, 5], "22:00", "06:30")
        assert point.price_settings["battery_size_kwh"] == 60

        # Overrides of the current.
        payload = OverrideCurrentPayload([CABLE], "00:00", ["MO", "TU"], "23:59", ["MO", "TU"], 10)
        await client.set_user_override_current(payload)
        made = (await session.get("POST_SET_OVERRIDE_CURRENT"))["data"]
        assert made["override_start_days"] == ["MO", "TU"]
        assert [one.current_a for one in point.overrides] == [10]
        await client.edit_user_override_current(
            made["schedule_id"], OverrideCurrentPayload([CABLE], "00:00", ["MO"], "23:59", ["MO"], 8)
        )
        assert (await session.get("POST_EDIT_OVERRIDE_CURRENT"))["data"]["override_current"] == 8
        await client.get_user_override_currents_list()
        (listed,) = (await session.get("LIST_OVERRIDE_CURRENT"))["data"]
        assert (listed["schedule_id"], listed["override_end_days"]) == (made["schedule_id"], ["MO"])
        waiting = asyncio.create_task(client.wait_for_clear_override_current())
        await client.clear_user_override_current(made["schedule_id"])
        await asyncio.wait_for(waiting, 5)
        assert (cloud.account.schedules, point.overrides) == ({}, [])


async def test_the_official_client_understands_the_refusals(cloud: SimulatedCloud) -> None:
    client = Client()
    with pytest.raises(InvalidApiToken):
        await client.validate_api_token("wrong")
    await client.validate_api_token(cloud.account.api_token)
    cloud.faults.limit_reached = True

    async def nothing(*_: object) -> None:
        return None

    with pytest.raises(RequestLimitReached):
        await client.connect(nothing, nothing)
    cloud.faults.limit_reached = False
    cloud.single_connection = True
    async with Session(cloud):
        second = Client()
        second.websocket.auth_token = client.websocket.auth_token
        with pytest.raises(AlreadyConnected):
            await second.connect(nothing, nothing)


async def test_the_official_client_gets_the_request_limit_when_it_is_reached(cloud: SimulatedCloud) -> None:
    async with Session(cloud) as session:
        await cloud.reach_limit()
        assert session.task is not None
        with pytest.raises(RequestLimitReached):
            await asyncio.wait_for(session.task, 5)
