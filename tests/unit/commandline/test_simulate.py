"""`bluecurrent-fimp simulate` and its two ports."""

import asyncio

import httpx

from bridge.commandline.simulate import simulate


async def test_port_0_takes_two_free_ports() -> None:
    """Port 1 would be the next one, and only root may listen there."""
    stop, lines = asyncio.Event(), asyncio.Queue[str]()
    serving = asyncio.create_task(simulate(lines.put_nowait, stop, "127.0.0.1", 0, 0))
    url, token, control, login = [await asyncio.wait_for(lines.get(), 10) for _ in range(4)]
    assert url.startswith("cloud.url = ws://127.0.0.1:")
    assert token == "cloud.api_token = simulated-api-token"
    assert login == "login by password: owner@example.org, simulated-password"
    address = control.removeprefix("control: ")
    assert int(address.split(":")[2].split("/")[0]) > 1
    async with httpx.AsyncClient() as client:
        assert (await client.get(address)).status_code == 200
    stop.set()
    await serving
