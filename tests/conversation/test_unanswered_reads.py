"""A cloud that leaves a request unanswered costs that answer, and delays nothing else.

A read is given up after 20 s. Each wait of these tests ends earlier.
"""

import httpx
import pytest

from bridge.errors import Disconnected
from tests.conftest import HouseMaker
from tests.harness import SOCKET, House


@pytest.mark.parametrize(
    "command", ["GET_CHARGE_CARDS", "GET_CH_SETTINGS", "GET_CH_STATUS", "GET_GRID_STATUS", "LIST_OVERRIDE_CURRENT"]
)
async def test_a_read_without_an_answer_delays_no_state(build: HouseMaker, command: str) -> None:
    async with build(start=False, cloud={"command_timeout": 60.0}) as house:
        house.cloud.faults.silent.add(command)
        await house.start(wait=False)
        await house.hub.until(lambda: len(house.cloud.requests_for(command)) > 0)
        await house.hub.until(lambda: house.running.fleet.sockets(SOCKET) != ())
        await house.push(SOCKET)
        await house.hub.expect("evt.thing.inclusion_report")
        await house.hub.expect("evt.state.report", SOCKET)
        (answer,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert answer.message.type == "evt.state.report"


@pytest.mark.parametrize("command", ["VALIDATE_API_TOKEN", "HELLO", "GET_CHARGE_POINTS"])
async def test_no_token_is_missing_while_the_cloud_does_not_answer(build: HouseMaker, command: str) -> None:
    async with build(start=False) as house:
        house.cloud.faults.silent.add(command)
        service = await house.start(wait=False)
        await house.hub.until(lambda: len(house.cloud.requests_for(command)) > 0)
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{service.web.port}") as client:
            answer = await client.get("/readyz")
        assert (answer.status_code, "token" in answer.text) == (503, False)
        with pytest.raises(Disconnected):
            house.running.link.check()


async def test_a_list_of_limits_without_an_answer_is_answered_in_time(house: House) -> None:
    """The list is read before a limit is set, and is waited for no longer than a verdict (`cloud.command_timeout`)."""
    house.cloud.faults.silent.add("LIST_OVERRIDE_CURRENT")
    error = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=10)
    assert error.message.value == "ERR_TIMEOUT"
    assert house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT") == []
