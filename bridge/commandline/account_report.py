"""`bluecurrent-fimp account`: reads the account and prints it. A part that cannot be read is named with the reason."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final, TypeVar

from pydantic import JsonValue, TypeAdapter

from bridge.bluecurrent import app_api, requests
from bridge.bluecurrent.frames import AccountBody
from bridge.bluecurrent.link import Link
from bridge.chargepoint.amsterdam import AMSTERDAM
from bridge.chargepoint.charge_point_settings import Card
from bridge.chargepoint.grid import Grid
from bridge.commandline.plain_text import one_line
from bridge.errors import BridgeError, Disconnected, VerdictTimeout

TRANSACTIONS: Final = 10
"""The number of transactions shown."""

T = TypeVar("T")
JsonObject = Mapping[str, JsonValue]
"""An object, as the app's side gives it."""


@dataclass(frozen=True, slots=True)
class OwnerEntry:
    """The answer to GET_ACCOUNT. `since` is the day of the first login; a flag is None if it is not given."""

    name: str
    login: str
    email: str
    since: str | None
    tel: str = ""
    should_reset_password: bool | None = None
    developer_mode_enabled: bool | None = None
    marketing_target: str = ""


@dataclass(frozen=True, slots=True)
class CardEntry:
    """A charge card; dates as the cloud writes them."""

    uid: str
    number: str
    name: str
    valid: bool | None
    created: str | None
    modified: str | None
    became_invalid: str | None
    customer_name: str | None = None


@dataclass(frozen=True, slots=True)
class ChargePointEntry:
    """A charge point."""

    evse_id: str
    name: str
    model: str


@dataclass(frozen=True, slots=True)
class GridEntry:
    """A grid connection, the charge points behind it, and its limits in A. The address is from the app's side."""

    id: str
    charge_points: Sequence[str]
    max_install_a: float | None
    max_reserved_a: float | None
    address: str | None


@dataclass(frozen=True, slots=True)
class SustainabilityEntry:
    """Trees, and kg of CO2."""

    trees: float | None
    co2_kg: float | None


@dataclass(frozen=True, slots=True)
class AccountReport:
    """The content of an account; None for a part that could not be read.

    Attributes:
        contracts: the contracts, as the app's REST API gives them.
        transactions: the latest `TRANSACTIONS` transactions from the app's REST API, the newest first.
        missing: the reason for each part that could not be read, or not completely.
    """

    owner: OwnerEntry | None
    cards: Sequence[CardEntry] | None
    charge_points: Sequence[ChargePointEntry] | None
    grids: Sequence[GridEntry] | None
    sustainability: SustainabilityEntry | None
    contracts: Sequence[JsonObject] | None
    transactions: Sequence[JsonObject] | None
    missing: Mapping[str, str]


_REPORT: Final = TypeAdapter(AccountReport)


def to_json(report: AccountReport) -> JsonValue:
    """Return the report for a program."""
    content: JsonValue = _REPORT.dump_python(report, mode="json")
    return content


@dataclass(slots=True)
class _Side:
    """One of the two APIs of the cloud. After a disconnection it is not asked again."""

    missing: dict[str, str]
    away: Disconnected | None = None

    async def ask(self, part: str, call: Callable[[], Awaitable[T]]) -> T | None:
        """Return the answer to a request; None if it fails, with the reason in `missing`."""
        try:
            if self.away is not None:
                raise self.away
            return await call()
        except BridgeError as error:
            self.missing.setdefault(part, str(error))
            if isinstance(error, Disconnected):
                self.away = error
            return None


async def read_account(link: Link, cloud_url: str) -> AccountReport:
    """Read the whole account, one request after the other.

    Raises:
        AlreadyConnected: the service, or another program, holds the one connection.
        BridgeError: the connection could not be opened.
    """
    missing: dict[str, str] = {}
    async with link.visit():
        socket, app = _Side(missing), _Side(missing)
        account = await socket.ask("owner", lambda: link.ask(requests.get_account()))
        cards = await socket.ask("cards", lambda: link.ask(requests.get_charge_cards()))
        points = await socket.ask("charge points", lambda: link.ask(requests.get_charge_points()))
        evse_ids = [point.evse_id for point in points or ()]
        behind: dict[str, tuple[Grid, list[str]]] = {}
        refused: dict[str, list[str]] = {}
        for evse_id in evse_ids:
            try:
                grid = (await link.ask(requests.get_grid_status(evse_id))).values
            except (Disconnected, VerdictTimeout) as error:
                missing.setdefault("grids", str(error))
                break
            except BridgeError as error:
                refused.setdefault(str(error), []).append(evse_id)
                continue
            behind.setdefault(grid.id, (grid, []))[1].append(evse_id)
        if refused:
            missing.setdefault("grids", " ".join(f"For {', '.join(ids)}: {why}" for why, ids in refused.items()))
        green = await socket.ask("sustainability", lambda: link.ask(requests.get_sustainability()))
        contracts, addresses, transactions = await _from_the_app(app, link, cloud_url, evse_ids)
    return AccountReport(
        owner=_owner(account) if account is not None else None,
        cards=[_card(card) for card in cards] if cards is not None else None,
        charge_points=[
            ChargePointEntry(point.evse_id, point.update.values.name, point.update.values.model) for point in points
        ]
        if points is not None
        else None,
        grids=[
            GridEntry(grid.id, sockets, grid.max_install, grid.max_reserved, addresses.get(grid.id))
            for grid, sockets in behind.values()
        ]
        if points is not None
        else None,
        sustainability=SustainabilityEntry(green.trees, green.co2) if green is not None else None,
        contracts=contracts,
        transactions=transactions,
        missing=missing,
    )


async def _from_the_app(
    app: _Side, link: Link, cloud_url: str, evse_ids: Sequence[str]
) -> tuple[Sequence[JsonObject] | None, Mapping[str, str], Sequence[JsonObject] | None]:
    """Contracts, addresses of grid connections and transactions."""
    token = link.request_token or ""

    async def contracts() -> Sequence[object]:
        async with app_api.rest(cloud_url, token) as client:
            return list(await client.get_contracts())

    async def grids() -> Sequence[object]:
        async with app_api.rest(cloud_url, token) as client:
            return list(await client.get_grids())

    async def transactions_of(evse_id: str) -> Sequence[object]:
        async with app_api.rest(cloud_url, token) as client:
            return list((await client.get_transactions(evse_id))["transactions"])[:TRANSACTIONS]

    found_contracts = await app.ask("contracts", contracts)
    found_grids = await app.ask("grid addresses", grids)
    transactions: list[JsonObject] = []
    for evse_id in evse_ids:
        transactions += _objects(await app.ask("transactions", partial(transactions_of, evse_id)))
    transactions.sort(key=lambda one: str(one.get("end_time") or ""), reverse=True)
    return (
        _objects(found_contracts) if found_contracts is not None else None,
        {str(grid.get("id")): _address(grid.get("address")) for grid in _objects(found_grids)},
        transactions[:TRANSACTIONS] if transactions or "transactions" not in app.missing else None,
    )


def _objects(items: Sequence[object] | None) -> list[JsonObject]:
    """Return the items that are JSON objects, with dates as ISO text."""
    return [
        {str(name): value.isoformat() if isinstance(value, date) else value for name, value in item.items()}
        for item in items or ()
        if isinstance(item, Mapping)
    ]


def _owner(account: AccountBody) -> OwnerEntry:
    return OwnerEntry(
        name=account.full_name,
        login=account.login,
        email=account.email,
        since=_since(account.since),
        tel=account.tel,
        should_reset_password=account.should_reset_password,
        developer_mode_enabled=account.developer_mode_enabled,
        marketing_target=account.marketing_target,
    )


def _card(card: Card) -> CardEntry:
    return CardEntry(
        card.uid,
        card.number,
        card.name,
        card.valid,
        card.created or None,
        card.modified or None,
        card.became_invalid or None,
        card.customer_name or None,
    )


def _since(text: str) -> str | None:
    """Return the day of the first login: `01-JAN-20`, or ISO."""
    for form in ("%d-%b-%y", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=AMSTERDAM).date().isoformat()
        except ValueError:
            continue
    return text or None


def _address(address: object) -> str:
    told: Mapping[str, object] = address if isinstance(address, Mapping) else {}

    def part(*names: str) -> str:
        return " ".join(str(told[name]) for name in names if told.get(name))

    lines = (part("street", "housenumber"), part("postal_code", "city"), part("country"))
    return ", ".join(line for line in lines if line)


# --- as a table ---

NOT_TOLD: Final = "?"


def table(report: AccountReport) -> Iterator[str]:
    """Yield the report as lines of text for a person. Control characters in names are removed."""
    lines = [one_line(line) for line in _lines(report)]
    yield from lines
    if any(NOT_TOLD in line.split() for line in lines):
        yield f"{NOT_TOLD} marks a value that Blue Current did not give."
    for part, reason in report.missing.items():
        yield one_line(f"Missing: {part}. {reason}")


def _lines(report: AccountReport) -> Iterator[str]:
    if (owner := report.owner) is not None:
        since = f"since {owner.since}" if owner.since else ""
        yield _line("Owner", _text(owner.name or owner.login), owner.login if owner.name else "", owner.tel, since)
        if owner.should_reset_password:
            yield _line("", "Blue Current wants a new password")
    for card in report.cards or ():
        made = f"made {card.created}" if card.created else ""
        yield _line("Card", _text(card.number or card.uid), card.name, _validity(card), made)
    for point in report.charge_points or ():
        yield _line("Charge point", point.evse_id, point.name, point.model)
    for grid in report.grids or ():
        behind = f"behind it: {', '.join(grid.charge_points)}"
        yield _line("Grid", _text(grid.id), f"{_figure(grid.max_install_a)} A", behind, grid.address or "")
    if (green := report.sustainability) is not None:
        yield _line("Sustainability", f"{_figure(green.trees)} trees, {_figure(green.co2_kg)} kg CO2")
    for contract in report.contracts or ():
        yield _line("Contract", _text(contract.get("contract_id")), _text(contract.get("subscription_type")))
    for one in report.transactions or ():
        energy = f"{_figure(one.get('kwh'), '.2f')} kWh"
        cost = f"{_figure(one.get('total_costs'), '.2f')} {_text(one.get('currency') or 'EUR')}"
        yield _line("Transaction", _text(one.get("started_at")), _text(one.get("chargepoint_id")), energy, cost)


def _line(what: str, *parts: str) -> str:
    return f"{what:<16}" + "  ".join(part for part in parts if part)


def _validity(card: CardEntry) -> str:
    if card.valid is None:
        return ""
    if card.valid:
        return "valid"
    return f"invalid since {card.became_invalid}" if card.became_invalid else "invalid"


def _text(value: JsonValue) -> str:
    return str(value) if value not in (None, "") else NOT_TOLD


def _figure(value: JsonValue, form: str = "g") -> str:
    if isinstance(value, bool):
        return NOT_TOLD
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return NOT_TOLD
    return format(value, form) if isinstance(value, int | float) else NOT_TOLD
