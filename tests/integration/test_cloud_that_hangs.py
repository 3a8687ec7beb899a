"""A cloud that accepts the connection and then says nothing: the bridge serves the hub meanwhile, and comes back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from bridge.bluecurrent import link, login
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House, house_settings

SOON_S = 1.0


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give up a cloud that says nothing after a moment."""
    monkeypatch.setattr(login, "OPEN_TIMEOUT_S", SOON_S)
    monkeypatch.setattr(login, "ANSWER_TIMEOUT_S", SOON_S)
    monkeypatch.setattr(link, "READ_TIMEOUT_S", SOON_S)


async def refused_while_down(house: House) -> None:
    """The hub gets its answers while the cloud says nothing, and the cloud is tried again."""
    await house.hub.until(lambda: "link to Blue Current is down" in house.log.getvalue())
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_DISCONNECTED"
    (states,) = await house.hub.adapter("cmd.app.get_state")
    assert states.message.value


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, list[object]]]:
    """A server that accepts connections and never answers: its address, and the connections that came."""
    came: list[object] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/haserver", came


async def test_a_handshake_that_is_never_finished(build: HouseMaker) -> None:
    async with build() as house:
        await house.stop()
        folder = house.settings.storage.path.parent
        real = house.settings
        async with silent_server() as (url, came):
            house.settings = house_settings(house.broker, url, folder)
            await house.start(wait=False)
            await refused_while_down(house)
            await house.hub.until(lambda: len(came) >= 2)  # it is tried again
            await house.kill()
        house.settings = real
        await house.start()


@pytest.mark.parametrize("command", ["VALIDATE_API_TOKEN", "HELLO", "GET_CHARGE_POINTS"])
async def test_an_answer_that_never_comes(build: HouseMaker, command: str) -> None:
    async with build() as house:
        await house.stop()
        house.cloud.faults.silent.add(command)
        await house.start(wait=False)
        await refused_while_down(house)
        house.cloud.faults.silent.clear()
        await house.ready()
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert state.message.value == "disconnected"
