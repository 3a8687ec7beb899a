"""The commands of the simulated cloud: their effects and their answers."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from pydantic import JsonValue
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from bridge.simulator import wire_form
from bridge.simulator.account import example_account
from bridge.simulator.charge_point import PORTABLE, ProfileName, SimulatedChargePoint, Socket
from bridge.simulator.server import LIMIT_CLOSE_CODE, JsonFrame, SimulatedServer

Answerer = Callable[[ServerConnection, JsonFrame], Awaitable[None]]


@dataclass(slots=True, eq=False)
class SimulatedCloud(SimulatedServer):
    """A cloud with one account."""

    # --- answering ---

    async def answer(self, connection: ServerConnection, frame: JsonFrame) -> None:
        """Answer one frame, on the connection that it came on."""
        command = str(frame.get("command"))
        self.seen.append({k: v for k, v in frame.items() if k not in ("Authorization", "token", "password")})
        if self.faults.is_silent(command):
            return
        if self.faults.delay_s:
            await asyncio.sleep(self.faults.delay_s)
        with suppress(ConnectionClosed):
            if self.faults.limit_reached:
                await connection.send(json.dumps({"object": "ERROR", "error": 42, "message": "Request limit reached"}))
                await connection.close(LIMIT_CLOSE_CODE, "Request limit reached")
                return
            if command == "VALIDATE_API_TOKEN":
                await self._validate(connection, frame)
            elif command == "VALIDATE_PASSWORD":
                await self._validate_password(connection, frame)
            elif frame.get("Authorization") != f"Token {self.account.request_token}":
                await self.send(connection, frame, {"object": "ERROR", "error": 1, "message": "Invalid Auth Token"})
            elif command in self.faults.error:
                number, message = self.faults.error[command]
                await self.send(connection, frame, {"object": "ERROR", "error": number, "message": message})
            else:
                try:
                    await self._dispatch(connection, command, frame)
                except (KeyError, TypeError, ValueError):
                    error: JsonFrame = {"object": "ERROR", "error": 9, "message": "Unknown error"}
                    await self.send(connection, frame, error)

    async def _dispatch(self, connection: ServerConnection, command: str, frame: JsonFrame) -> None:
        handler = self._handlers().get(command)
        point = self.account.charge_points.get(str(frame.get("evse_id")))
        if handler is None:
            await self.send(connection, frame, {"object": "ERROR", "error": 0, "message": "Unknown command"})
        elif "evse_id" in frame and point is None:
            await self.send(connection, frame, {"object": "ERROR", "error": 2, "message": "forbidden"})
        else:
            await handler(connection, frame)

    async def _validate(self, connection: ServerConnection, frame: JsonFrame) -> None:
        self.logins += 1
        good = frame.get("token") == self.account.api_token and not self.faults.refuse_token
        answer: JsonFrame = {"object": "STATUS_API_TOKEN", "success": good}
        if good:
            answer |= {"token": self.account.request_token, "customer_id": self.account.customer_id}
        await self.send(connection, frame, answer)

    async def _validate_password(self, connection: ServerConnection, frame: JsonFrame) -> None:
        self.logins += 1
        good = frame.get("username") == self.account.login and _decrypt(frame.get("password")) == self.account.password
        answer: JsonFrame = {"object": "STATUS_PASSWORD", "accepted": good and not self.faults.refuse_token}
        if answer["accepted"]:
            answer["token"] = self.account.request_token
        await self.send(connection, frame, answer)

    def _handlers(self) -> Mapping[str, Answerer]:
        return {
            "HELLO": self._hello,
            "GET_ACCOUNT": self._simply(lambda _: self.account.describe()),
            "GET_CHARGE_CARDS": self._simply(lambda _: {"object": "CHARGE_CARDS", "cards": [*self.account.cards]}),
            "GET_CHARGE_POINTS": self._simply(self._charge_points),
            "GET_CH_STATUS": self._simply(lambda f: wire_form.statuses(self._point(f))),
            "GET_CH_SETTINGS": self._simply(
                lambda f: {"object": "CH_SETTINGS", "data": wire_form.settings(self._point(f))}
            ),
            "GET_GRID_STATUS": self._grid_status,
            "GET_SUSTAINABILITY_STATUS": self._simply(
                lambda _: {
                    "object": "SUSTAINABILITY_STATUS",
                    "trees": self.account.trees,
                    "co2": self.account.co2,
                }
            ),
            "START_SESSION": self._start_session,
            "STOP_SESSION": self._stop_session,
            "UNLOCK_CONNECTOR": self._unlock,
            "SOFT_RESET": self._reboot,
            "REBOOT": self._reboot,
            "SET_OPERATIVE": self._set_operative,
            "SET_INOPERATIVE": self._set_operative,
            "SET_PLUG_AND_CHARGE": self._set_flag("plug_and_charge"),
            "SET_PUBLIC_CHARGING": self._set_flag("public_charging"),
            "SET_DELAYED_CHARGING": self._set_profile("delayed_charging"),
            "SET_PRICE_BASED_CHARGING": self._set_profile("price_based_charging"),
            "SET_PLUG_AND_CHARGE_CHARGE_CARD": self._set_card,
            "SAVE_SCHEDULE_DELAYED_CHARGING": self._save_delayed,
            "PATCH_PRICE_BASED_CHARGING_SETTINGS": self._patch_price_based,
            "OVERRIDE_DELAYED_CHARGING_TIMEOUT": self._boost,
            "OVERRIDE_CHARGING_PROFILES": self._boost,
            "LIST_OVERRIDE_CURRENT": self._simply(
                lambda _: {
                    "object": "LIST_OVERRIDE_CURRENT",
                    "data": [schedule.entry() for schedule in self.account.schedules.values()],
                }
            ),
            "POST_SET_OVERRIDE_CURRENT": self._set_override,
            "POST_EDIT_OVERRIDE_CURRENT": self._edit_override,
            "POST_CLEAR_OVERRIDE_CURRENT": self._clear_override,
        }

    def _point(self, frame: JsonFrame) -> SimulatedChargePoint:
        return self.account.charge_points[str(frame["evse_id"])]

    def _socket(self, frame: JsonFrame) -> Socket | None:
        """Return the socket that a request names, or the only one; None if the request must name one and does not."""
        point = self._point(frame)
        wanted = frame.get("socket_id")
        if wanted is None:
            return point.sockets[0] if len(point.sockets) == 1 else None
        return next((socket for socket in point.sockets if socket.number == wanted), None)

    # --- asking ---

    def _simply(self, answer: Callable[[JsonFrame], JsonFrame]) -> Answerer:
        async def handle(connection: ServerConnection, frame: JsonFrame) -> None:
            await self.send(connection, frame, answer(frame))

        return handle

    def _charge_points(self, _: JsonFrame) -> JsonFrame:
        listed: list[JsonValue] = [wire_form.listing(point) for point in self.account.charge_points.values()]
        if self.faults.empty_lists > 0:
            self.faults.empty_lists -= 1
            listed = []
        return {"object": "CHARGE_POINTS", "data": listed}

    async def _hello(self, connection: ServerConnection, frame: JsonFrame) -> None:
        self.listens(connection)
        await self.send(connection, frame, {"object": "HELLO"})
        if self.faults.drop_after_hello:
            self.drop()

    async def _grid_status(self, connection: ServerConnection, frame: JsonFrame) -> None:
        evse_id = str(frame["evse_id"])
        if evse_id in self.account.grids:
            await self.send(connection, frame, self.account.grid_status(evse_id))
        else:
            await self.send(connection, frame, {"object": "ERROR", "error": 9, "message": "no grid"})

    # --- acting: RECEIVED_, then STATUS_ ---

    async def _two_steps(
        self,
        connection: ServerConnection,
        frame: JsonFrame,
        act: Callable[[], bool],
        refuse: str = "",
        *,
        confirm: bool = True,
    ) -> None:
        command, evse_id = str(frame["command"]), frame["evse_id"]
        refuse = self.faults.refuse.get(command, refuse)
        receipt: JsonFrame = {
            "object": f"RECEIVED_{command}",
            "success": not refuse,
            "evse_id": evse_id,
            "error": refuse,
        }
        if refuse or not self.faults.no_receipt:
            await self.send(connection, frame, receipt)
        if refuse:
            return
        if self.faults.verdict_delay_s:
            await asyncio.sleep(self.faults.verdict_delay_s)
        point = self.account.charge_points[str(evse_id)]
        error = self.faults.verdict.get(command, "")
        if not error and any(socket.fault == "offline" for socket in point.sockets):
            error = "TIMEOUT"
        if not error and not act():
            error = "REJECTED"
        verdict: JsonFrame = {
            "object": f"STATUS_{command}",
            "success": not error,
            "evse_id": evse_id,
            "error": error,
            "result": {},
        }
        if not error and not self.faults.verdict_first:
            await self.push(point)
        if error or (confirm and command not in self.faults.no_verdict):
            await self.send(connection, frame, verdict)
        if not error and self.faults.verdict_first:
            await self.push(point)

    async def _start_session(self, connection: ServerConnection, frame: JsonFrame) -> None:
        socket, card = self._socket(frame), str(frame.get("session_token"))
        refuse = "" if self.account.knows_card(card) else f"unknown charge card for chargepoint: {frame['evse_id']}"
        if socket is None:
            refuse = f"no socket given for chargepoint: {frame['evse_id']}"
        await self._two_steps(connection, frame, lambda: self._point(frame).start(card, socket), refuse)

    async def _stop_session(self, connection: ServerConnection, frame: JsonFrame) -> None:
        socket = self._socket(frame)
        idle = socket is None or socket.session is None
        refuse = f"no active session for chargepoint: {frame['evse_id']}" if idle else ""
        await self._two_steps(connection, frame, lambda: self._point(frame).stop(socket), refuse)

    async def _unlock(self, connection: ServerConnection, frame: JsonFrame) -> None:
        point, socket = self._point(frame), self._socket(frame)
        if point.chargepoint_type != PORTABLE and not self.account.unlocks_by_websocket:
            await self.send(connection, frame, {"object": "ERROR", "error": 2, "message": "forbidden"})
            return

        def act() -> bool:
            return socket is not None and point.unlock(socket)

        await self._two_steps(connection, frame, act)

    async def _set_operative(self, connection: ServerConnection, frame: JsonFrame) -> None:
        def act() -> bool:
            self._point(frame).block(frame["command"] == "SET_INOPERATIVE")
            return True

        await self._two_steps(connection, frame, act, confirm=self.faults.confirm_block)

    async def _reboot(self, connection: ServerConnection, frame: JsonFrame) -> None:
        point = self._point(frame)

        def act() -> bool:
            for socket in point.sockets:
                point.stop(socket)
                socket.fault = "offline"
            self.spawn(self._come_back(point))
            return True

        await self._two_steps(connection, frame, act)

    async def _come_back(self, point: SimulatedChargePoint) -> None:
        await asyncio.sleep(self.rebooting_s)
        for socket in point.sockets:
            socket.fault = None
        await self.push(point)

    # --- setting ---

    async def _confirm(
        self, connection: ServerConnection, frame: JsonFrame, act: Callable[[], None], word: str = ""
    ) -> None:
        """Carry out a setting and confirm it in one step, with the value that was set."""
        command, evse_id = str(frame["command"]), frame.get("evse_id")
        error = self.faults.refuse.get(command, "") or self.faults.verdict.get(command, "")
        if not error:
            act()
        result: JsonFrame = {"setting": word} if word and not error else {}
        answer: JsonFrame = {
            "object": f"STATUS_{command}",
            "success": not error,
            "evse_id": evse_id,
            "result": result,
            "error": error,
        }
        if self.faults.verdict_delay_s:
            await asyncio.sleep(self.faults.verdict_delay_s)
        if error or command not in self.faults.no_verdict:
            await self.send(connection, frame, answer)
        if not error and evse_id is not None:
            await self.push_settings(self._point(frame))

    def _set_flag(self, name: str) -> Answerer:
        async def handle(connection: ServerConnection, frame: JsonFrame) -> None:
            value, point = bool(frame.get("value")), self._point(frame)
            word = f"set {str(value).lower()}"
            await self._confirm(connection, frame, lambda: setattr(point, name, value), word)

        return handle

    def _set_profile(self, name: ProfileName) -> Answerer:
        async def handle(connection: ServerConnection, frame: JsonFrame) -> None:
            value, point = bool(frame.get("value")), self._point(frame)

            def act() -> None:
                point.switch_profile(name, on=value)

            await self._confirm(connection, frame, act, f"set {str(value).lower()}")
            await self.push(point)

        return handle

    async def _set_card(self, connection: ServerConnection, frame: JsonFrame) -> None:
        uid, point = str(frame.get("token_uid")), self._point(frame)
        if not self.account.knows_card(uid):
            await self.send(
                connection,
                frame,
                {
                    "object": "STATUS_SET_PLUG_AND_CHARGE_CHARGE_CARD",
                    "success": False,
                    "evse_id": point.evse_id,
                    "error": "unknown card",
                },
            )
            return
        card = None if uid == "BCU-APP" else uid
        await self._confirm(connection, frame, lambda: setattr(point, "plug_and_charge_card", card))

    async def _save_delayed(self, connection: ServerConnection, frame: JsonFrame) -> None:
        point = self._point(frame)

        def act() -> None:
            point.delayed_days = sorted(json.loads(str(frame["days"])))
            point.delayed_start, point.delayed_end = str(frame["start_time"]), str(frame["end_time"])

        await self._confirm(connection, frame, act)
        await self.push(point)

    async def _patch_price_based(self, connection: ServerConnection, frame: JsonFrame) -> None:
        point = self._point(frame)
        names = ("expected_departure_time", "current_battery_pct", "minimum_pct", "battery_size_kwh")
        given = {name: frame[name] for name in names if name in frame}
        await self._confirm(connection, frame, lambda: point.price_settings.update(given))

    async def _boost(self, connection: ServerConnection, frame: JsonFrame) -> None:
        point = self._point(frame)
        await self._confirm(connection, frame, point.boost)
        await self.push(point)

    async def _set_override(self, connection: ServerConnection, frame: JsonFrame) -> None:
        await self._override(connection, frame, None)

    async def _edit_override(self, connection: ServerConnection, frame: JsonFrame) -> None:
        await self._override(connection, frame, int(str(frame["schedule_id"])))

    async def _override(self, connection: ServerConnection, frame: JsonFrame, number: int | None) -> None:
        command = str(frame["command"])
        error = self.faults.refuse.get(command, "")
        if number is not None and number not in self.account.schedules:
            error = "schedule not found"
        answer: JsonFrame = {"object": command, "success": not error, "error": error}
        if not error:
            answer["data"] = self.account.save_schedule(frame, number).entry()
        await self.send(connection, frame, answer)
        await self.push_all()

    async def _clear_override(self, connection: ServerConnection, frame: JsonFrame) -> None:
        command = str(frame["command"])
        error = self.faults.refuse.get(command, "")
        if not error and not self.account.clear_schedule(int(str(frame["schedule_id"]))):
            error = "schedule not found"
        await self.send(connection, frame, {"object": command, "success": not error, "error": error})
        await self.push_all()


def example_cloud(now: Callable[[], datetime]) -> SimulatedCloud:
    """Return a cloud with the example account."""
    return SimulatedCloud(example_account(now))


def _decrypt(password: object) -> str | None:
    """Return a password as the app sends it; None if it cannot be read."""
    from pybluecurrent import BlueCurrentClient  # noqa: PLC0415 - needed for this alone
    from sjcl import SJCL  # noqa: PLC0415 - needed for this alone

    try:
        plain = SJCL().decrypt(json.loads(str(password)), BlueCurrentClient.psk)
    except Exception:
        return None
    return plain.decode() if isinstance(plain, bytes) else None
