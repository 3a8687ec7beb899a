"""What is kept out of garbage collections, and when."""

import subprocess
import sys

import pytest

from bridge.long_lived import LongLived
from tests.conftest import HouseMaker


@pytest.mark.parametrize(
    ("sizes", "freezes"),
    [
        ([5], 1),
        ([5, 5, 5], 1),
        ([5, 4, 5], 1),  # a charge point left and came back
        ([100, 105, 110], 1),
        ([100, 105, 111, 111], 2),
        ([2, 1000, 1000], 2),
    ],
)
def test_the_objects_are_taken_out_again_only_after_growth(sizes: list[int], freezes: int) -> None:
    calls: list[None] = []
    long_lived = LongLived(lambda: calls.append(None))
    for size in sizes:
        long_lived.told(size)
    assert len(calls) == freezes


async def test_the_account_is_taken_out_once_everything_is_reported(build: HouseMaker) -> None:
    async with build(start=False) as house:
        settled: list[bool] = []
        house.freeze = lambda: settled.append(house.running.reporter.is_settled)
        await house.start()
        await house.tick()
        await house.tick()
        assert settled == [True]


def test_no_collection_runs_during_the_imports_and_the_modules_are_taken_out() -> None:
    """In a process of its own, since the objects of the tests should stay in collections."""
    program = """
import gc
from bridge.long_lived import kept_out
before = gc.get_stats()[0]["collections"]
with kept_out():
    made = [[] for _ in range(10_000)]
    assert not gc.isenabled()
assert gc.get_stats()[0]["collections"] == before
assert gc.isenabled()
assert gc.get_freeze_count() > 10_000
try:
    with kept_out():
        raise ImportError
except ImportError:
    assert gc.isenabled()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
