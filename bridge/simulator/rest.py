"""The REST API of the app in the simulated cloud: the calls that the package `pybluecurrent` makes."""

import json
from collections.abc import Awaitable, Callable, Mapping
from datetime import date, datetime
from functools import wraps
from math import ceil
from typing import Final

from pydantic import JsonValue
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bridge.simulator import wire_form
from bridge.simulator.charge_point import AMSTERDAM, PORTABLE, ProfileName, SimulatedChargePoint, SimulatedTransaction
from bridge.simulator.cloud import SimulatedCloud

PER_PAGE: Final = 25
API: Final = "/app/bc_api/api"
ACTIONS: Final = "/app/bce_api/api/v1/chargepoints/actions"

Endpoint = Callable[[Request], Awaitable[Response]]


class Rest:
    """The REST API of a cloud."""

    def __init__(self, cloud: SimulatedCloud) -> None:
        self._cloud = cloud

    def routes(self) -> list[Route]:
        """Return the routes, for an application."""
        account = {
            "gethomeautomationkey": ("GET", self._get_key),
            "generatehomeautomationkey": ("POST", self._generate_key),
            "getcontracts": ("GET", self._get_contracts),
            "getgrids": ("GET", self._get_grids),
            "gettransactions": ("POST", self._get_transactions),
            "setdelayedcharging": ("POST", self._set_delayed),
            "savescheduledelayedcharging": ("POST", self._save_delayed),
            "setpricebasedcharging": ("POST", self._set_price_based),
            "setpricebasedsettings": ("POST", self._set_price_settings),
            "setcapacitytariff": ("POST", self._done),
            "overridechargingprofiles": ("POST", self._boost),
            "overridedelayedchargingtimeout": ("POST", self._boost),
        }
        return [
            *(
                Route(f"{API}/v2.0/{name}", self._authorized(endpoint, "Token "), methods=[method])
                for name, (method, endpoint) in account.items()
            ),
            Route(f"{API}/v2.1/chargepointstatus", self._authorized(self._get_status, "Token ")),
            Route(f"{ACTIONS}/{{action}}", self._authorized(self._act, ""), methods=["POST"]),
        ]

    def _authorized(self, endpoint: Endpoint, scheme: str) -> Endpoint:
        @wraps(endpoint)
        async def checked(request: Request) -> Response:
            self._cloud.rest_calls[request.url.path.rpartition("/")[2]] += 1
            if request.headers.get("authorization") != f"{scheme}{self._cloud.account.request_token}":
                return JSONResponse({"object": "ERROR", "error": 1, "message": "Invalid Auth Token"}, status_code=401)
            return await endpoint(request)

        return checked

    def _point(self, given: Mapping[str, JsonValue]) -> SimulatedChargePoint:
        return self._cloud.account.charge_points[str(given.get("evse_id") or given["chargepoint_id"])]

    # --- the account ---

    async def _get_key(self, _: Request) -> Response:
        return JSONResponse({"key": self._cloud.account.api_token})

    async def _generate_key(self, _: Request) -> Response:
        self._cloud.account.api_token += "-anew"
        return JSONResponse({"success": True})

    async def _get_contracts(self, _: Request) -> Response:
        contract = {
            "contract_id": "BCU12345678",
            "contact_email": self._cloud.account.login,
            "subscription_type": "BASIS",
            "beneficiary_name": self._cloud.account.full_name,
            "iban_beneficiary": "NL00ABCD0123456789",
        }
        return JSONResponse({"contracts": [contract]})

    async def _get_grids(self, _: Request) -> Response:
        address = {
            "street": "Voorbeeldstraat",
            "housenumber": "1",
            "postal_code": "1234AB",
            "city": "Utrecht",
            "country": "NL",
            "region": "",
        }
        ids = {grid.id for grid in self._cloud.account.grids.values()}
        return JSONResponse({"grids": [{"address": address, "smart_charging": True, "id": id_} for id_ in sorted(ids)]})

    async def _get_transactions(self, request: Request) -> Response:
        wanted = {entry["chargepoint_id"] for entry in json.loads(await request.body())["chargepoints"]}
        query = request.query_params
        points = self._cloud.account.charge_points
        rows = [
            (transaction, points[evse_id])
            for evse_id in wanted & set(points)
            for transaction in points[evse_id].transactions
            if transaction.ended_at is not None and _within(transaction, query.get("start_date"), query.get("end_date"))
        ]
        rows.sort(key=lambda row: row[0].ended_at or row[0].started_at, reverse=query.get("sort_field_order") == "DESC")
        page, pages = int(query.get("page", "1")), max(1, ceil(len(rows) / PER_PAGE))
        shown = rows[(page - 1) * PER_PAGE : page * PER_PAGE]
        return JSONResponse(
            {
                "data": {
                    "current_page": page,
                    "next_page": page + 1 if page < pages else None,
                    "max_per_page": PER_PAGE,
                    "total_pages": pages,
                    "total_transactions": len(rows),
                    "transactions": [self._transaction(*row) for row in shown],
                }
            }
        )

    def _transaction(self, transaction: SimulatedTransaction, point: SimulatedChargePoint) -> dict[str, JsonValue]:
        card = next((card for card in self._cloud.account.cards if card["uid"] == transaction.card), None)
        return {
            # Numbers come as text, padded, as the real API has been seen to send them.
            "transaction_id": str(transaction.number),
            "chargepoint_id": transaction.evse_id,
            "socket_id": transaction.socket,
            "chargepoint_type": point.chargepoint_type,
            "evse_name": point.name,
            "started_at": _local(transaction.started_at),
            "end_time": _local(transaction.ended_at) if transaction.ended_at is not None else "",
            "kwh": f"  {transaction.kwh:.3f}",
            "card_id": card["id"] if card is not None else "",
            "card_name": card["name"] if card is not None else None,
            "total_costs": f"   {transaction.cost_eur:.2f}",
            "total_costs_ex_vat": round(transaction.cost_eur / 1.21, 2),
            "reimbursement_tariff_ex_vat": 0.2066,
            "vat": 21,
            "currency": "EUR",
        }

    # --- charge points ---

    async def _get_status(self, request: Request) -> Response:
        point = self._cloud.account.charge_points.get(request.query_params.get("evse_id", ""))
        if point is None:
            return _forbidden()
        items = [{**wire_form.status(point, socket), "socket_id": socket.number} for socket in point.sockets]
        return JSONResponse({"items": items})

    async def _changed(self, point: SimulatedChargePoint) -> Response:
        point.step(0.0)
        await self._cloud.push_settings(point)
        await self._cloud.push(point)
        return JSONResponse({"success": True})

    async def _done(self, _: Request) -> Response:
        return JSONResponse({"success": True})

    async def _set_profile(self, request: Request, name: ProfileName) -> Response:
        given = await request.json()
        point = self._point(given)
        point.switch_profile(name, on=bool(given["value"]))
        return await self._changed(point)

    async def _set_delayed(self, request: Request) -> Response:
        return await self._set_profile(request, "delayed_charging")

    async def _set_price_based(self, request: Request) -> Response:
        return await self._set_profile(request, "price_based_charging")

    async def _save_delayed(self, request: Request) -> Response:
        given = await request.json()
        point = self._point(given)
        point.delayed_days = json.loads(given["days"])
        point.delayed_start, point.delayed_end = given["start_time"], given["end_time"]
        return await self._changed(point)

    async def _set_price_settings(self, request: Request) -> Response:
        given = await request.json()
        point = self._point(given)
        point.price_settings |= {name: value for name, value in given.items() if name != "evse_id"}
        return await self._changed(point)

    async def _boost(self, request: Request) -> Response:
        point = self._point(await request.json())
        point.boost()
        return await self._changed(point)

    async def _act(self, request: Request) -> Response:
        """Carry out an action; its effect is pushed over the websocket."""
        given, action = await request.json(), request.path_params["action"]
        point = self._point(given)
        socket = next((one for one in point.sockets if one.number == given["socket_id"]), None)
        if socket is None:
            return JSONResponse({"success": False, "error": "unknown socket"}, status_code=400)
        if action in self._cloud.faults.rest_error:
            return _error(*self._cloud.faults.rest_error[action])
        if action == "unlockconnector":
            if point.chargepoint_type == PORTABLE or not point.unlock(socket):
                return _forbidden()
        else:
            point.block(action == "setinoperative")
            name = "STATUS_SET_OPERATIVE" if action == "setoperative" else "STATUS_SET_INOPERATIVE"
            verdict = {"object": name, "success": True, "evse_id": point.evse_id, "error": ""}
            await self._cloud.send_all(json.dumps({**verdict, "flow_id": given["flow_id"]}))
        return await self._changed(point)


def _error(number: int, message: str, status_code: int = 400) -> Response:
    return JSONResponse({"object": "ERROR", "error": number, "message": message}, status_code=status_code)


def _forbidden() -> Response:
    return _error(2, "forbidden", 403)


def _local(when: datetime) -> str:
    return when.astimezone(AMSTERDAM).strftime("%d-%m-%Y %H:%M:%S")


def _within(transaction: SimulatedTransaction, start: str | None, end: str | None) -> bool:
    day = (transaction.ended_at or transaction.started_at).astimezone(AMSTERDAM).date()

    def date_of(text: str) -> date:
        number, month, year = (int(part) for part in text.split("-"))
        return day.replace(year=year, month=month, day=number)

    return (start is None or day >= date_of(start)) and (end is None or day <= date_of(end))
