"""Ending tasks for good."""

import asyncio
from typing import Any, Final

AGAIN_S: Final = 0.2


async def end(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks and wait until they have ended.

    Once is not always enough: before Python 3.12, `asyncio.wait_for` can swallow a cancellation that comes in the same
    moment as the result, and a context manager that fails on the way out takes its place.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen
