"""The control interface of the simulator over HTTP, for tests that run it in another process."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, fields
from socket import create_server
from typing import Final

import uvicorn
from pydantic import JsonValue, TypeAdapter, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.simulator import wire_form
from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint
from bridge.simulator.cloud import SimulatedCloud
from bridge.simulator.faults import Faults

Given = Mapping[str, JsonValue]
"""The body of a request."""

_FAULTS: Final = TypeAdapter(Faults)
_CAR: Final = TypeAdapter(Car)


class Control:
    """The HTTP routes that control a simulated cloud.

    GET /control/state, GET /control/requests, POST /control/faults (the fields of `Faults`),
    POST /control/{drop,freeze,limit,reset}, POST /control/garbage {"frames": n}, POST /control/step {"seconds": s},
    POST /control/charge-points/EVSE/{plug,unplug,fault,set}.
    """

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud = cloud
        self._actions: dict[str, Callable[[Given], Awaitable[None]]] = {
            "drop": self._drop,
            "freeze": self._freeze,
            "limit": self._limit,
            "reset": self._reset,
            "garbage": self._garbage,
            "step": self._step,
        }

    def routes(self) -> list[Route]:
        """Return the routes, for an application."""
        return [
            Route("/control/state", self._state),
            Route("/control/requests", self._requests),
            Route("/control/faults", self._faults, methods=["POST"]),
            Route("/control/{action}", self._act, methods=["POST"]),
            Route("/control/charge-points/{evse_id}/{action}", self._act_on_point, methods=["POST"]),
        ]

    async def _state(self, _: Request) -> Response:
        cloud = self._cloud
        points = cloud.account.charge_points.values()
        return JSONResponse(
            {
                "connected": cloud.connected,
                "faults": {
                    name: sorted(value) if isinstance(value, set) else value
                    for name, value in asdict(cloud.faults).items()
                },
                "charge_points": {
                    point.evse_id: [wire_form.status(point, socket) for socket in point.sockets] for point in points
                },
                "schedules": [schedule.entry() for schedule in cloud.account.schedules.values()],
            }
        )

    async def _requests(self, _: Request) -> Response:
        return JSONResponse({"count": dict(self._cloud.requests), "seen": self._cloud.seen})

    async def _faults(self, request: Request) -> Response:
        known = {field.name for field in fields(Faults)}
        given = await _body(request)
        for name in given.keys() - known:
            return JSONResponse({"error": f"there is no fault {name}"}, status_code=400)
        try:
            self._cloud.faults = _FAULTS.validate_python({**asdict(self._cloud.faults), **given})
        except ValidationError as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return await self._state(request)

    async def _act(self, request: Request) -> Response:
        action = self._actions.get(request.path_params["action"])
        if action is None:
            return JSONResponse({"error": f"the actions are: {', '.join(self._actions)}"}, status_code=404)
        await action(await _body(request))
        return await self._state(request)

    async def _drop(self, _: Given) -> None:
        self._cloud.drop()

    async def _freeze(self, _: Given) -> None:
        self._cloud.freeze()

    async def _limit(self, _: Given) -> None:
        await self._cloud.reach_limit()

    async def _reset(self, _: Given) -> None:
        self._cloud.faults = Faults()

    async def _garbage(self, given: Given) -> None:
        await self._cloud.garbage(int(_number(given, "frames")))

    async def _step(self, given: Given) -> None:
        for point in self._cloud.account.charge_points.values():
            point.step(_number(given, "seconds"))
        await self._cloud.push_all()

    async def _act_on_point(self, request: Request) -> Response:
        point = self._cloud.account.charge_points.get(request.path_params["evse_id"])
        action = _POINT_ACTIONS.get(request.path_params["action"])
        if point is None or action is None:
            return JSONResponse({"error": "no such charge point, or no such action"}, status_code=404)
        action(point, await _body(request))
        await self._cloud.push_settings(point)
        await self._cloud.push(point)
        return await self._state(request)


async def _body(request: Request) -> Given:
    with suppress(json.JSONDecodeError):
        body = await request.json()
        if isinstance(body, dict):
            return body
    return {}


def _number(given: Given, name: str) -> float:
    """Return a number; 1 if there is none."""
    value = given.get(name)
    return value if isinstance(value, int | float) else 1


def _plug(point: SimulatedChargePoint, given: Given) -> None:
    point.plug(_CAR.validate_python(given))


def _unplug(point: SimulatedChargePoint, _: Given) -> None:
    point.unplug()


def _fault(point: SimulatedChargePoint, given: Given) -> None:
    activity, vehicle = given.get("activity"), given.get("vehicle")
    for socket in point.sockets:
        socket.fault = str(activity) if activity is not None else None
        if vehicle is not None:
            socket.vehicle = str(vehicle)


def _set(point: SimulatedChargePoint, given: Given) -> None:
    for name, value in given.items():
        setattr(point, name, value)
    point.step(0.0)


_POINT_ACTIONS: Final[Mapping[str, Callable[[SimulatedChargePoint, Given], None]]] = {
    "plug": _plug,
    "unplug": _unplug,
    "fault": _fault,
    "set": _set,
}


class SideServer(uvicorn.Server):
    """Serves the REST API and the control interface, without uvicorn's signal handlers."""

    def __init__(self, routes: list[Route], host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(Starlette(routes=routes), log_config=None, access_log=False, ws="none", lifespan="off")
        )
        self._address = (host, port)

    async def begin(self) -> asyncio.Task[None]:
        """Start to serve; `finish` ends it.

        Raises:
            OSError: the address cannot be bound. (Uvicorn by itself would end the process.)
        """
        task = asyncio.ensure_future(self.serve(sockets=[create_server(self._address)]))
        while not self.started and not task.done():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.01)
        return task

    async def finish(self, task: asyncio.Task[None]) -> None:
        """Stop serving."""
        self.should_exit = True
        await task

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override] # a generator there
        """Install no signal handlers."""
        return nullcontext()
