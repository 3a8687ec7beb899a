"""As much of Blue Current's cloud as the peers need to begin, and then frames as fast as they are taken.

The answers have the shapes of the protocol; the frames are those of a car that charges on three phases.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

FIRST_KWH: Final = 5.0
STEP_KWH: Final = 0.01
CURRENT_A: Final = 10.0
REQUEST_TOKEN: Final = "measured"
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Push:
    """A frame to send, and the values in it."""

    evse_id: str
    kwh: float
    text: str


@dataclass(eq=False)
class Feed:
    """The cloud of one account, each charge point behind a grid connection of its own.

    Attributes:
        points: how many charge points there are.
        last_answer_at: when the last question was answered, on the clock of `time.perf_counter`.
    """

    points: int
    last_answer_at: float = 0.0
    evse_ids: Sequence[str] = ()
    _kwh: dict[str, float] = field(default_factory=dict)
    _turn: int = 0
    _server: Server | None = None
    _listener: ServerConnection | None = None

    def __post_init__(self) -> None:
        self.evse_ids = [f"BCU{100000 + index}" for index in range(self.points)]
        self._kwh = dict.fromkeys(self.evse_ids, FIRST_KWH)
        started = datetime.now(ZoneInfo("Europe/Amsterdam")) - timedelta(hours=1)
        self._started = started.strftime("%Y%m%d %H:%M:%S")

    async def start(self) -> str:
        """Listen; returns the address for `cloud.url`."""
        self._server = await serve(self._serve, "127.0.0.1", 0, compression=None, ping_interval=None)
        return f"ws://127.0.0.1:{next(iter(self._server.sockets)).getsockname()[1]}/haserver"

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    @property
    def greeted(self) -> bool:
        """Whether a peer has sent HELLO and gets pushes."""
        return self._listener is not None

    # --- pushing ---

    def pushes(self, count: int, *, power: bool) -> list[Push]:
        """The next frames, spread over all charge points; the energy of each is higher than the one before it.

        Args:
            count: how many.
            power: the currents change with every frame as well.
        """
        made = []
        for _ in range(count):
            evse_id = self.evse_ids[self._turn % self.points]
            self._turn += 1
            kwh = self._kwh[evse_id] = round(self._kwh[evse_id] + STEP_KWH, 2)
            current_a = CURRENT_A + (self._turn // self.points % 50) / 10 if power else CURRENT_A
            made.append(Push(evse_id, kwh, json.dumps(self._status(evse_id, kwh, current_a))))
        return made

    async def send(self, push: Push) -> None:
        """Send a frame, and wait while the peer does not read."""
        if self._listener is None:
            raise RuntimeError("nobody has said HELLO")
        await self._listener.send(push.text)

    # --- answering ---

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            async for text in connection:
                request = json.loads(text)
                answer = self._answer(str(request.get("command")), str(request.get("evse_id")))
                if "flow_id" in request:
                    answer["flow_id"] = request["flow_id"]
                await connection.send(json.dumps(answer))
                self.last_answer_at = time.perf_counter()
                if answer["object"] == "HELLO":
                    self._listener = connection
        except ConnectionClosed:
            pass

    def _answer(self, command: str, evse_id: str) -> Answer:
        match command:
            case "VALIDATE_API_TOKEN":
                return {"object": "STATUS_API_TOKEN", "success": True, "token": REQUEST_TOKEN, "customer_id": "1"}
            case "HELLO":
                return {"object": "HELLO"}
            case "GET_ACCOUNT":
                return {"object": "ACCOUNT", "login": "a@example.org", "email": "a@example.org", "full_name": "A"}
            case "GET_CHARGE_CARDS":
                return {"object": "CHARGE_CARDS", "cards": []}
            case "GET_CHARGE_POINTS":
                return {"object": "CHARGE_POINTS", "data": [self._settings(point) for point in self.evse_ids]}
            case "GET_CH_STATUS":
                return self._status(evse_id, self._kwh[evse_id], CURRENT_A)
            case "GET_CH_SETTINGS":
                return {"object": "CH_SETTINGS", "data": self._settings(evse_id)}
            case "GET_GRID_STATUS":
                return {"object": "GRID_STATUS", "data": _grid(evse_id)}
            case "GET_SUSTAINABILITY_STATUS":
                return {"object": "SUSTAINABILITY_STATUS", "trees": 1, "co2": 1.0}
            case "LIST_OVERRIDE_CURRENT":
                return {"object": "LIST_OVERRIDE_CURRENT", "data": []}
            case _:
                return {"object": "ERROR", "error": 0, "message": "Unknown command"}

    def _status(self, evse_id: str, kwh: float, current_a: float) -> Answer:
        data = {
            "evse_id": evse_id,
            "activity": "charging",
            "vehicle_status": "C",
            **{f"actual_p{phase}": current_a for phase in (1, 2, 3)},
            **{f"actual_v{phase}": 230 for phase in (1, 2, 3)},
            "actual_kwh": kwh,
            "boosting": False,
            "max_usage": 16,
            "smartcharging_max_usage": 16,
            "max_offline": 10,
            "offline_since": "",
            "start_datetime": self._started,
            "stop_datetime": "",
            "total_cost": 1.25,
        }
        return {"object": "CH_STATUS", "evse_id": evse_id, "data": data}

    @staticmethod
    def _settings(evse_id: str) -> Answer:
        writable = {"value": False, "permission": "write"}
        card = {"uid": "BCU-APP", "id": "BCU-APP", "name": "", "customer_name": ""}
        return {
            "evse_id": evse_id,
            "name": f"Bay {evse_id}",
            "model_type": "U:MOVE16",
            "chargepoint_type": "UMOVE",
            "activity": "charging",
            "is_cable": False,
            "smart_charging": True,
            "default_card": card,
            "preferred_card": card,
            **dict.fromkeys(
                ("plug_and_charge", "public_charging", "delayed_charging", "price_based_charging", "publish_location"),
                writable,
            ),
            "led_intensity": {"value": 50, "permission": "read"},
        }


def _grid(evse_id: str) -> Answer:
    currents = {f"grid_actual_p{phase}": 12.0 for phase in (1, 2, 3)}
    return {"id": f"GRID-{evse_id}", **currents, "grid_max_install": 25, "grid_max_reserved": 20}
