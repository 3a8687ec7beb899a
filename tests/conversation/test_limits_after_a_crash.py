"""A bridge that is killed while its override is changed knows it again."""

from dataclasses import replace

import pytest

from tests.conversation.limit_commands import schedules, set_max
from tests.harness import SOCKET, House, device_topic


@pytest.mark.parametrize("arrived", [True, False])
async def test_a_change_that_a_crash_interrupted_is_not_taken_for_an_edit_by_the_user(
    house: House, arrived: bool
) -> None:
    await set_max(house, 10)
    (ours,) = schedules(house)
    house.cloud.faults.silent.add("POST_EDIT_OVERRIDE_CURRENT")
    await house.hub.say(device_topic(SOCKET), type="cmd.max_current.set", val_t="int", val=7)
    await house.hub.until(lambda: bool(house.cloud.requests_for("POST_EDIT_OVERRIDE_CURRENT")))
    await house.crash()
    if arrived:  # the cloud has done it, and its answer was lost
        there = house.cloud.account.schedules[ours]
        there.override = replace(there.override, current_a=7)
    house.cloud.faults.silent.clear()
    await house.start()
    assert (await set_max(house, 12)).message.value == 12
    assert schedules(house) == {ours: 12}
    assert [line["event"] for line in house.log_lines() if "from Blue Current's app" in line["event"]] == []
