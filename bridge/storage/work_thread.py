"""A thread for one piece of work after the other.

Handing work over and waiting for it costs half of what `concurrent.futures.ThreadPoolExecutor` takes, which wakes both
threads several times for it. The event loop does so for each write to the disk.
"""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Job(Generic[T]):
    """A piece of work, which one other thread waits for.

    Args:
        work: the work.
    """

    __slots__ = ("_error", "_finished", "_result", "_work")

    def __init__(self, work: Callable[[], T]) -> None:
        self._work = work
        self._finished = threading.Lock()
        self._finished.acquire()
        self._result: list[T] = []
        self._error: Exception | None = None

    @property
    def done(self) -> bool:
        """Whether the work has ended."""
        return not self._finished.locked()

    def wait(self, timeout: float = -1) -> bool:
        """Wait until the work has ended.

        Args:
            timeout: how long at most, s; negative: without an end.

        Returns:
            Whether it has ended.
        """
        ended = self._finished.acquire(timeout=timeout)
        if ended:
            self._finished.release()
        return ended

    def result(self) -> T:
        """Wait for the work, and return its result.

        Raises:
            Exception: what the work has raised.
        """
        self.wait()
        if self._error is not None:
            raise self._error
        return self._result[0]

    def execute(self) -> None:
        """Do the work, once."""
        try:
            self._result.append(self._work())
        except Exception as error:  # it belongs to who waits
            self._error = error
        finally:
            self._finished.release()


class WorkThread:
    """The thread. It does not keep the process alive.

    Args:
        name: its name.
    """

    def __init__(self, name: str) -> None:
        self._jobs: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._closed = False
        self._thread = threading.Thread(target=self._execute, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job[T]) -> None:
        """Hand work over. It starts when what was handed over before has ended.

        Raises:
            RuntimeError: the thread is closed.
        """
        if self._closed:
            raise RuntimeError("the thread is closed")
        self._jobs.put(job.execute)

    def close(self) -> None:
        """Wait for what was handed over, and end the thread."""
        self._closed = True
        self._jobs.put(None)
        self._thread.join()

    def _execute(self) -> None:
        while (execute := self._jobs.get()) is not None:
            execute()
