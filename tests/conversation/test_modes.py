"""Charging modes: which are listed, and the mode in reports."""

from typing import Any

import pytest

from tests.conftest import HouseMaker
from tests.conversation.cars import plug
from tests.conversation.mode_commands import asked, modes, refused, start, switch_on
from tests.harness import SOCKET, House, device_topic

# --- what is listed ---


@pytest.mark.parametrize(
    ("delayed", "price_based", "expected"),
    [
        ("write", "write", ["normal", "slow", "delayed", "price_based"]),
        ("read", "write", ["normal", "slow", "price_based"]),
        ("write", "none", ["normal", "slow", "delayed"]),
        ("none", "read", ["normal", "slow"]),
    ],
)
async def test_only_modes_that_work_are_listed(
    build: HouseMaker, delayed: Any, price_based: Any, expected: list[str]
) -> None:
    async with build(start=False) as house:
        house[SOCKET].permissions |= {"delayed_charging": delayed, "price_based_charging": price_based}
        await house.start()
        assert modes(house) == expected
        await plug(house)
        for mode in {"delayed", "price_based"} - set(expected):
            assert (await refused(house, mode)).message.value == "ERR_NOT_SUPPORTED"
        assert asked(house) == []


# --- the mode in reports ---


async def test_the_mode_is_reported_only_during_a_session(house: House) -> None:
    await plug(house)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert "charging_mode" not in state.message.properties
    await start(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    assert "charging_mode" not in answers[0].message.properties


async def test_a_mode_that_is_changed_elsewhere_is_reported(house: House) -> None:
    await plug(house)
    await start(house)
    since = house.mark
    house[SOCKET].price_is_low = True
    await switch_on(house, "price_based")
    state = await house.hub.expect("evt.state.report", SOCKET, since=since)
    assert (state.message.value, state.message.properties) == ("charging", {"charging_mode": "price_based"})


@pytest.mark.parametrize("mode", ["turbo", "slowly", " slow"])
async def test_an_unknown_mode_is_refused_and_nothing_sent(house: House, mode: str) -> None:
    await plug(house)
    before = len(house.cloud.seen)
    since = house.mark
    uid = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start", props={"charging_mode": mode})
    error = await house.hub.expect("evt.error.report", SOCKET, since=since)
    assert (error.message.value, error.message.corid) == ("ERR_INVALID_VALUE", uid)
    assert "normal, slow" in str(error.message.properties["msg"])
    assert len(house.cloud.seen) == before
