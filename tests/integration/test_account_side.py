"""The REST API of the simulated cloud, tested with `pybluecurrent` as released."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import pytest
from pybluecurrent import BlueCurrentClient
from pybluecurrent.exceptions import AuthenticationFailed, BlueCurrentException

from bridge.commandline.embedded_broker import free_port
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedTransaction
from bridge.simulator.cloud import SimulatedCloud, example_cloud
from bridge.simulator.control import SideServer
from bridge.simulator.rest import Rest
from tests.harness import CABLE, SOCKET


def now() -> datetime:
    """The time."""
    return datetime.now().astimezone()


@pytest.fixture
async def cloud(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SimulatedCloud]:
    """A simulated cloud with websocket and REST API, in place of the real one."""
    simulated = example_cloud(now)
    port = free_port()
    url = await simulated.start(port=port)
    side = free_port()
    server = SideServer(Rest(simulated).routes(), "127.0.0.1", side)
    serving = await server.begin()
    monkeypatch.setattr(BlueCurrentClient, "socket_url", url.replace("/haserver", "/appserver/2.0"))
    monkeypatch.setattr(BlueCurrentClient, "_api_base", f"http://127.0.0.1:{side}/app/bc_api/api")
    monkeypatch.setattr(BlueCurrentClient, "_bce_api_base", f"http://127.0.0.1:{side}/app/bce_api/api")
    yield simulated
    await server.finish(serving)
    await simulated.stop()


def client_of(cloud: SimulatedCloud, password: str | None = None) -> BlueCurrentClient:
    """The package's client."""
    client = BlueCurrentClient(cloud.account.login, password or cloud.account.password)
    client.auto_reconnect = False
    return client


def add_history(cloud: SimulatedCloud, count: int) -> None:
    """Sessions of the past."""
    point = cloud.account.charge_points[SOCKET]
    for index in range(count):
        started = now() - timedelta(days=count - index)
        point.transactions.append(
            SimulatedTransaction(
                index, SOCKET, 1, "046C8CCA8C1D90", started, started + timedelta(hours=2), 10 + index / 10
            )
        )


async def test_the_official_app_client_logs_in_and_reads_the_account(cloud: SimulatedCloud) -> None:
    add_history(cloud, 60)
    async with client_of(cloud) as client:
        account = await client.get_account()
        assert (account["login"], account["first_login_app"].year) == ("owner@example.org", 2020)
        assert await client.get_api_token() == cloud.account.api_token
        cards = await client.get_charge_cards()
        assert [card["uid"] for card in cards] == ["046C8CCA8C1D90", "A1B2C3D4E5F6"]
        points = await client.get_charge_points()
        assert [point["evse_id"] for point in points] == [SOCKET, CABLE]
        settings = await client.get_charge_point_settings(SOCKET)
        assert settings["plug_and_charge"] == {"value": False, "permission": "write"}
        assert settings["plug_and_charge_charge_card"] is None
        assert (await client.get_grid_status(SOCKET))["id"] == "GRID-BCU102728"
        assert (await client.get_sustainability_status())["trees"] == 12
        assert [contract["contract_id"] for contract in await client.get_contracts()] == ["BCU12345678"]
        assert [grid["id"] for grid in await client.get_grids()] == ["GRID-BCU102728"]

        first = await client.get_transactions(SOCKET)
        assert (first["current_page"], first["next_page"], first["total_pages"], first["total_transactions"]) == (
            1,
            2,
            3,
            60,
        )
        transactions = [transaction async for transaction in client.iterate_transactions(SOCKET)]
        assert len({transaction["transaction_id"] for transaction in transactions}) == 60
        assert transactions[0]["kwh"] == 15.9
        assert transactions[0]["total_costs"] == pytest.approx(3.97, abs=0.01)
        ends = [transaction["end_time"] for transaction in transactions]
        assert ends == sorted(ends, key=lambda end: end or datetime.min, reverse=True)
        week = [one async for one in client.iterate_transactions(SOCKET, start_date=(now() - timedelta(days=7)).date())]
        assert 6 <= len(week) <= 8
    assert cloud.logins == 1


async def test_the_official_app_client_changes_settings(cloud: SimulatedCloud) -> None:
    point = cloud.account.charge_points[CABLE]
    async with client_of(cloud) as client:
        await client.set_plug_and_charge_charge_card(SOCKET, "A1B2C3D4E5F6")
        assert cloud.account.charge_points[SOCKET].plug_and_charge_card == "A1B2C3D4E5F6"
        with pytest.raises(BlueCurrentException):
            await client.set_plug_and_charge_charge_card(SOCKET, "nobody's")
        await client.set_status(SOCKET, enabled=False)
        assert (await client.get_charge_point_status(SOCKET))["activity"] == "unavailable"
        await client.set_status(SOCKET, enabled=True)
        await client.set_delayed_charging(CABLE, enabled=True)
        await client.set_delayed_charging_schedule(CABLE, "22:00", "06:00", ["monday", 2])
        assert (point.delayed_charging, point.delayed_days, point.delayed_start) == (True, [1, 2], "22:00")
        point.plug(Car())
        point.start("BCU-APP")
        await client.boost(CABLE)
        assert (await client.get_charge_point_status(CABLE))["boosting"] is True
        await client.set_price_based_charging(CABLE, enabled=True)
        await client.set_price_based_charging_settings(CABLE, "07:00", 20, 5)
        assert (point.delayed_charging, point.price_settings["expected_kwh"]) == (False, 20)
        cloud.rebooting_s = 0.05
        await client.reboot(SOCKET)
        await asyncio.sleep(0.1)
        await client.soft_reset(SOCKET)


async def test_wrong_credentials_are_refused(cloud: SimulatedCloud) -> None:
    with pytest.raises(AuthenticationFailed):
        async with client_of(cloud, "wrong"):
            pass
    by_token = BlueCurrentClient(api_token="wrong")
    with pytest.raises(AuthenticationFailed):
        async with by_token:
            pass
    async with BlueCurrentClient(api_token=cloud.account.api_token) as client:
        assert client.customer_id == "C100"
