"""Faults by the hundred on both links, drawn from a seed (`tests.integration.faults`).

A failure prints the seed. `BRIDGE_FAULT_SEED=N BRIDGE_FAULTS=K` replays it, and makes longer runs.
"""

import os
from pathlib import Path

import pytest

from tests.brokers import TestBroker
from tests.integration.faults.driver import run
from tests.integration.faults.plan import plan
from tests.integration.figures import note

FAULTS = int(os.environ.get("BRIDGE_FAULTS", "100"))
GIVEN = os.environ.get("BRIDGE_FAULT_SEED")
SEEDS = [int(GIVEN)] if GIVEN else [2, 3, 4]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
async def test_the_invariants_hold_under_random_faults(lasting: TestBroker, tmp_path: Path, seed: int) -> None:
    try:
        figures = await run(lasting, tmp_path, seed, plan(seed, FAULTS))
    except BaseException:
        print(f"replay with BRIDGE_FAULT_SEED={seed} BRIDGE_FAULTS={FAULTS}")
        raise
    print(f"seed {seed}: {figures}")
    note(f"seed {seed}: {figures.summary}")
