"""Background tasks: starting them, logging their failures and those of the event loop, and ending them."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
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


@contextmanager
def loop_failures_logged(log: FilteringBoundLogger) -> Iterator[None]:
    """Log what fails in a callback of the running event loop as one line, in place of asyncio's traceback on stderr.

    A library can still use a socket in the moment in which the other side closes it; `aiomqtt` does. The reader of that
    connection notices the loss and connects anew, so it is logged without a traceback.
    """
    loop = asyncio.get_running_loop()
    before = loop.get_exception_handler()

    def failed(_: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        error = context.get("exception")
        if isinstance(error, OSError):
            log.info("a connection was closed while it was in use", reason=str(error))
            return
        log.error("a callback failed; the service keeps running", reason=context.get("message"), exc_info=error)

    loop.set_exception_handler(failed)
    try:
        yield
    finally:
        if loop.get_exception_handler() is failed:
            loop.set_exception_handler(before)
