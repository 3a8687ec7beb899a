"""A link that is open and answers pings but sends no pushes (page 3, "A dead push stream")."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bridge.account.silence import SILENCE_CHARGING, SILENCE_IDLE
from tests.brokers import TestBroker
from tests.clock import FakeClock
from tests.conversation.cars import charging_since
from tests.harness import SOCKET, House, make_house


@pytest.fixture
def clock() -> FakeClock:
    """The clock of the bridge and of the simulated cloud."""
    return FakeClock()


@pytest.fixture
async def charging(broker: TestBroker, tmp_path: Path, clock: FakeClock) -> AsyncIterator[House]:
    """A house where a car charges."""
    async with charging_since(60, broker, tmp_path, clock) as house:
        yield house


def asked(house: House) -> int:
    """How often a status was asked for."""
    return house.cloud.requests["GET_CH_STATUS"]


async def test_pushes_that_have_stopped_while_a_car_charges_are_noticed(charging: House, clock: FakeClock) -> None:
    before, hellos = asked(charging), charging.cloud.requests["HELLO"]
    charging[SOCKET].unplug()  # without a push
    await clock.pass_by(SILENCE_CHARGING.total_seconds() - 5)
    assert asked(charging) == before
    await clock.pass_by(10)
    # The values of the answer are reported at once, and the bridge reconnects, so that pushes come again.
    await charging.hub.expect("evt.state.report", SOCKET, value="disconnected")
    await charging.hub.until(lambda: charging.cloud.requests["HELLO"] == hellos + 1)
    assert "has stopped sending changes" in charging.log.getvalue()


async def test_an_answered_status_request_shows_that_the_link_works(charging: House, clock: FakeClock) -> None:
    before, hellos = asked(charging), charging.cloud.requests["HELLO"]
    await clock.pass_by(SILENCE_CHARGING.total_seconds() + 5)
    await charging.hub.until(lambda: asked(charging) == before + 1)
    await clock.pass_by(SILENCE_CHARGING.total_seconds() - 10)
    assert asked(charging) == before + 1  # an answer shows that the link works
    assert charging.cloud.requests["HELLO"] == hellos


async def test_no_status_is_requested_while_pushes_come(charging: House, clock: FakeClock) -> None:
    before = asked(charging)
    for energy in range(4):
        await clock.pass_by(SILENCE_CHARGING.total_seconds() / 2)
        since = charging.mark
        charging[SOCKET].step(300 + energy)
        await charging.push(SOCKET)
        await charging.hub.expect("evt.meter_ext.report", SOCKET, since=since)
    assert asked(charging) == before


async def test_while_nothing_charges_the_status_is_requested_once_a_day(
    broker: TestBroker, tmp_path: Path, clock: FakeClock
) -> None:
    async with make_house(broker, tmp_path, clock=clock) as house:
        before = asked(house)
        await clock.pass_by(SILENCE_IDLE.total_seconds() - 60, step=60)
        assert asked(house) == before
        await clock.pass_by(120, step=60)
        await house.hub.until(lambda: asked(house) == before + 1)


async def test_a_refused_status_request_is_followed_by_a_hello(charging: House, clock: FakeClock) -> None:
    hellos = charging.cloud.requests["HELLO"]
    charging.cloud.faults.error["GET_CH_STATUS"] = (9, "unknown error")
    await clock.pass_by(SILENCE_CHARGING.total_seconds() + 5)
    await charging.hub.until(lambda: charging.cloud.requests["HELLO"] == hellos + 1)


async def test_other_frames_do_not_hide_that_a_charging_car_is_silent(charging: House, clock: FakeClock) -> None:
    hellos = charging.cloud.requests["HELLO"]
    charging[SOCKET].unplug()  # without a push
    for _ in range(int(SILENCE_CHARGING.total_seconds() / 60) + 1):
        await clock.pass_by(60)
        await charging.cloud.push_grid()
    await charging.hub.expect("evt.state.report", SOCKET, value="disconnected")
    await charging.hub.until(lambda: charging.cloud.requests["HELLO"] == hellos + 1)
