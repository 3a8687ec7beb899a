"""Background tasks: starting them, logging their failures, and ending them."""

import asyncio
from collections.abc import Coroutine
from typing import Final

from structlog.typing import FilteringBoundLogger

CANCEL_AGAIN_S: Final = 0.2


class BackgroundTasks:
    """Runs coroutines in the background. A failure is logged, and everything else keeps running.

    Args:
        log: gets a line for each task that fails.
    """

    def __init__(self, log: FilteringBoundLogger) -> None:
        self._log = log
        self._running: set[asyncio.Task[None]] = set()
        self._ended = False

    def start(self, work: Coroutine[object, None, None]) -> None:
        """Run a coroutine in the background. Once `end` was called, the coroutine is closed without being run."""
        if self._ended:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(self._guarded(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _: work.close())  # a task cancelled before its first step never awaits the work

    async def end(self) -> None:
        """Cancel the running tasks, and wait until they have ended. No task can be started after that."""
        self._ended = True
        await end(*self._running)

    async def _guarded(self, work: Coroutine[object, None, None]) -> None:
        try:
            await work
        except Exception:
            self._log.exception("a background task failed; the service keeps running")


async def end(*tasks: asyncio.Task[object]) -> None:
    """Cancel tasks and wait until they have ended.

    One cancellation is not always enough, so it is repeated. Before Python 3.12 `asyncio.wait_for` can swallow one that
    arrives at the same time as the result, and a context manager that raises on exit replaces it.
    """
    pending = {task for task in tasks if not task.done()}
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # marks the exception as retrieved
