"""`bluecurrent-fimp account`: what the account holds."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date, datetime
from itertools import islice
from typing import Any, Final

from pydantic import JsonValue

from bridge.bluecurrent import app_api, requests
from bridge.bluecurrent.link import Link
from bridge.chargepoint.amsterdam import AMSTERDAM
from bridge.chargepoint.charge_point_settings import Card
from bridge.chargepoint.update import Update
from bridge.errors import BridgeError

TRANSACTIONS: Final = 10
"""How many of the latest transactions are shown."""


async def overview(link: Link, cloud_url: str) -> dict[str, JsonValue]:
    """Everything, as JSON.

    Raises:
        AlreadyConnected: the service, or another program, holds the one connection.
        BridgeError: another reason why it could not be read.
    """
    async with link.visit():
        account = await link.ask(requests.get_account())
        cards = await link.ask(requests.get_charge_cards())
        points = await link.ask(requests.get_charge_points())
        grids: dict[str, dict[str, JsonValue]] = {}
        for point in points:
            try:
                grid = await link.ask(requests.get_grid_status(point.evse_id))
            except BridgeError:
                continue  # not every charge point tells of one
            _add_grid(grids, grid, point.evse_id)
        sustainability = await link.ask(requests.get_sustainability())
        evse_ids = [point.evse_id for point in points]
        more = await _more(link, cloud_url, evse_ids) if app_api.available() else {}
    addresses = more.pop("grid_addresses", {})
    for grid_id, entry in grids.items():
        entry["address"] = addresses.get(grid_id) if isinstance(addresses, dict) else None
    return {
        "owner": {
            "name": account.full_name,
            "login": account.login,
            "email": account.email,
            "since": _since(account.since),
        },
        "cards": [_card(card) for card in cards],
        "charge_points": [
            {"evse_id": point.evse_id, "name": point.update.values.name, "model": point.update.values.model}
            for point in points
        ],
        "grids": [{"id": grid_id, **entry} for grid_id, entry in grids.items()],
        "sustainability": {"trees": sustainability.trees, "co2_kg": sustainability.co2},
        **more,
    }


def _add_grid(grids: dict[str, dict[str, JsonValue]], told: Update[Any], evse_id: str) -> None:
    grid = told.values
    entry = grids.setdefault(
        grid.id, {"charge_points": [], "max_install_a": grid.max_install, "max_reserved_a": grid.max_reserved}
    )
    behind = entry["charge_points"]
    if isinstance(behind, list):
        behind.append(evse_id)


async def _more(link: Link, cloud_url: str, evse_ids: Sequence[str]) -> dict[str, JsonValue]:
    """What only the extra `account` can tell."""
    async with _rest(link, cloud_url) as client:
        contracts = await client.get_contracts()
        addresses: dict[str, JsonValue] = {grid["id"]: _address(grid["address"]) for grid in await client.get_grids()}
        transactions = [
            transaction
            for evse_id in evse_ids
            for transaction in (await client.get_transactions(evse_id))["transactions"][:TRANSACTIONS]
        ]
    transactions.sort(key=lambda one: one["end_time"] or datetime.min, reverse=True)  # noqa: DTZ901 - all without a zone
    return {
        "contracts": [dict(contract) for contract in contracts],
        "grid_addresses": addresses,
        "transactions": [_plain(transaction) for transaction in islice(transactions, TRANSACTIONS)],
    }


def _rest(link: Link, cloud_url: str) -> "AbstractAsyncContextManager[Any]":
    return app_api.rest(cloud_url, link.request_token or "")


def _card(card: Card) -> dict[str, JsonValue]:
    return {
        "uid": card.uid,
        "number": card.number,
        "name": card.name,
        "valid": card.valid,
        "created": card.created or None,
        "modified": card.modified or None,
        "became_invalid": card.became_invalid or None,
    }


def _since(text: str) -> str | None:
    """The day of the first login: `01-JAN-20`, or ISO."""
    for form in ("%d-%b-%y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=AMSTERDAM).date().isoformat()
        except ValueError:
            continue
    return text or None


def _address(address: Mapping[str, Any]) -> str:
    street = f"{address.get('street', '')} {address.get('housenumber', '')}".strip()
    place = f"{address.get('postal_code', '')} {address.get('city', '')}".strip()
    return ", ".join(part for part in (street, place, str(address.get("country", ""))) if part)


def _plain(transaction: Mapping[str, Any]) -> dict[str, JsonValue]:
    values = {name: value.isoformat() if isinstance(value, date) else value for name, value in transaction.items()}
    return {str(name): value for name, value in values.items()}


# --- as a table ---


def table(content: Mapping[str, Any]) -> Iterator[str]:
    """The same for a person."""
    owner = content["owner"]
    yield f"Owner           {owner['name']}  {owner['login']}" + (f"  since {owner['since']}" if owner["since"] else "")
    for card in content["cards"]:
        valid = (
            "" if card["valid"] is None else "  valid" if card["valid"] else f"  invalid since {card['became_invalid']}"
        )
        yield f"Card            {card['number'] or card['uid']}  {card['name']}{valid}  made {card['created']}"
    for point in content["charge_points"]:
        yield f"Charge point    {point['evse_id']}  {point['name']}  {point['model']}"
    for grid in content["grids"]:
        where = f"  {grid['address']}" if grid.get("address") else ""
        behind = ", ".join(grid["charge_points"])
        yield f"Grid            {grid['id']}  {_amps(grid['max_install_a'])}  behind it: {behind}{where}"
    green = content["sustainability"]
    yield f"Sustainability  {green['trees']:g} trees, {green['co2_kg']:g} kg CO2" if green["trees"] is not None else ""
    for contract in content.get("contracts", []):
        yield f"Contract        {contract['contract_id']}  {contract['subscription_type']}"
    for one in content.get("transactions", []):
        cost = f"{one['total_costs']:.2f} {one['currency']}" if one["total_costs"] is not None else ""
        yield f"Transaction     {one['started_at']}  {one['chargepoint_id']}  {one['kwh']:.2f} kWh  {cost}"
    if "contracts" not in content:
        yield f"({app_api.MISSING.partition(':')[0]} for contracts, addresses and transactions.)"


def _amps(value: float | None) -> str:
    return f"{value:g} A" if value is not None else "? A"
