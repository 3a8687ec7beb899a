"""Commands that act run one after the other per charge point."""

import asyncio

from bridge.account.locks import Locks
from tests.clock import settle


async def test_one_command_at_a_time_runs_for_a_charge_point_and_others_do_not_wait() -> None:
    locks, steps = Locks(), list[str]()

    async def act(evse_id: str, name: str, may_end: asyncio.Event) -> None:
        async with locks.of(evse_id):
            steps.append(f"{name} begins")
            await may_end.wait()
        steps.append(f"{name} ends")

    first_may_end, others_may_end = asyncio.Event(), asyncio.Event()
    others_may_end.set()
    async with asyncio.TaskGroup() as group:
        group.create_task(act("BCU1", "first", first_may_end))
        group.create_task(act("BCU1", "second", others_may_end))
        group.create_task(act("BCU2", "other", others_may_end))
        await settle()
        assert steps == ["first begins", "other begins", "other ends"]
        first_may_end.set()
    assert steps[3:] == ["first ends", "second begins", "second ends"]
    assert not locks.of("BCU1").locked()
