"""Waiting for a socket to come into some state, without asking anybody."""

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
    """Those who wait for a change of some socket."""

    def __init__(self) -> None:
        self._waiting: list[_Waiter] = []

    def changed(self, point: ChargePoint) -> None:
        """A charge point has changed: perhaps somebody has waited for that."""
        for waiter in self._waiting:
            twin = point.socket(waiter.address)
            if twin is not None and not waiter.done.done() and waiter.condition(twin):
                waiter.done.set_result(None)

    async def wait(self, twin: Twin, condition: Callable[[Twin], bool], timeout: float) -> None:
        """Wait until a condition is fulfilled, but not longer than `timeout` seconds.

        Args:
            twin: the socket as it is now.
            condition: what is waited for.
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
