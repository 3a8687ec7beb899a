"""Waiting until a push brings a socket into some state."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bridge.chargepoint.charge_point import ChargePoint
from bridge.chargepoint.twin import Twin


@dataclass(eq=False, slots=True)
class _Waiter:
    address: str
    condition: Callable[[Twin], bool]
    done: asyncio.Future[None]


class Waiters:
    """The coroutines that wait for a change of a socket."""

    def __init__(self) -> None:
        self._waiting: list[_Waiter] = []

    def changed(self, point: ChargePoint) -> None:
        """Wake the coroutines whose condition a changed charge point fulfils."""
        for waiter in self._waiting:
            twin = point.socket(waiter.address)
            if twin is not None and not waiter.done.done() and waiter.condition(twin):
                waiter.done.set_result(None)

    async def wait(self, twin: Twin, condition: Callable[[Twin], bool], timeout: float) -> None:
        """Wait until a socket fulfils a condition, or the timeout ends. A timeout raises nothing.

        Args:
            twin: the present twin of the socket.
            condition: returns whether a twin ends the wait.
            timeout: s.
        """
        if condition(twin):
            return
        waiter = _Waiter(twin.address, condition, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                await waiter.done
        except TimeoutError:
            pass
        finally:
            self._waiting.remove(waiter)
