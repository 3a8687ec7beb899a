"""`bluecurrent-fimp sessions`: the charging sessions kept on disk, with totals per month.

Times are in Amsterdam time. A session belongs to the month in which it began.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from bridge.chargepoint.amsterdam import in_amsterdam
from bridge.chargepoint.charge_point_settings import EURO
from bridge.chargepoint.records import SessionRecord
from bridge.commandline.plain_text import one_line

ALL: Final = "all"
_PLUS: Final = " + "
"""Between costs in several currencies."""


@dataclass(frozen=True, slots=True)
class Total:
    """The total of one charge point or all of them, for one month or for all time.

    Attributes:
        month: such as `2026-11`; `all` for all time.
        evse_id: the charge point; `all` for all of them.
        sessions: the number of sessions.
        energy: kWh.
        costs: the sum of the known costs, by currency.
        without_cost: the number of sessions without a known cost.
    """

    month: str
    evse_id: str
    sessions: int = 0
    energy: float = 0.0
    costs: Mapping[str, float] = field(default_factory=dict)
    without_cost: int = 0

    def plus(self, record: SessionRecord) -> "Total":
        """Return the total with one more session."""
        costs = dict(self.costs)
        if record.cost is not None:
            costs[record.currency] = costs.get(record.currency, 0.0) + record.cost
        return replace(
            self,
            sessions=self.sessions + 1,
            energy=self.energy + record.energy,
            costs=costs,
            without_cost=self.without_cost + (record.cost is None),
        )


@dataclass(frozen=True, slots=True)
class Ledger:
    """The sessions to show.

    Attributes:
        records: the sessions, by their start.
        names: the owner's names of the charge points, by evse_id.
        energy_before: the energy that a socket delivered before its sessions were kept, kWh, by address.
    """

    records: Sequence[SessionRecord]
    names: Mapping[str, str]
    energy_before: Mapping[str, float]

    def only(self, charge_point: str | None, since: datetime | None) -> "Ledger":
        """Return the sessions of a charge point (by evse_id, address or name) that began at a time or later."""

        def wanted(evse_id: str, address: str) -> bool:
            known_as = {evse_id.lower(), address.lower(), self.names.get(evse_id, "").lower()} - {""}
            return charge_point is None or charge_point.lower() in known_as

        records = [
            record
            for record in self.records
            if wanted(record.evse_id, record.address) and (since is None or record.started_at >= since)
        ]
        before = {
            address: energy
            for address, energy in self.energy_before.items()
            if since is None and wanted(address.partition("_")[0], address)
        }
        return replace(self, records=records, energy_before=before)

    def name(self, evse_id: str) -> str:
        """Return the name of a charge point, or else its evse_id."""
        return self.names.get(evse_id) or evse_id


def totals(records: Iterable[SessionRecord]) -> list[Total]:
    """Return totals for each month and charge point, for each month, for each charge point, and for all."""
    sums: dict[tuple[str, str], Total] = {}
    for record in records:
        month = f"{in_amsterdam(record.started_at):%Y-%m}"
        for key in ((month, record.evse_id), (month, ALL), (ALL, record.evse_id), (ALL, ALL)):
            sums[key] = sums.get(key, Total(*key)).plus(record)
    return [sums[key] for key in sorted(sums, key=lambda key: (key[0] == ALL, key[0], key[1] == ALL, key[1]))]


# --- for programs ---


def to_json(ledger: Ledger, *, only_totals: bool = False) -> dict[str, JsonValue]:
    """Return sessions and totals as JSON."""
    content: dict[str, JsonValue] = {
        "totals": [_total_fields(ledger, total) for total in totals(ledger.records)],
        "energy_before_kwh": {address: round(energy, 3) for address, energy in ledger.energy_before.items()},
    }
    return content if only_totals else {"sessions": [_fields(ledger, one) for one in ledger.records], **content}


def to_csv(ledger: Ledger, *, only_totals: bool = False) -> str:
    """Return one line for each session or total, in the format of RFC 4180, with a header."""
    header = list(_total_fields(ledger, Total(ALL, ALL)) if only_totals else _COLUMNS)
    rows: list[dict[str, JsonValue]]
    if only_totals:
        rows = [_total_fields(ledger, total) for total in totals(ledger.records)]
    else:
        rows = [_fields(ledger, record) for record in ledger.records]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: JsonValue) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _PLUS.join(f"{cost:.2f} {currency}" for currency, cost in value.items())
    return "" if value is None else value


_COLUMNS: Final[Mapping[str, Callable[[Ledger, SessionRecord], JsonValue]]] = {
    "charge_point": lambda _, record: record.evse_id,
    "name": lambda ledger, record: ledger.names.get(record.evse_id, ""),
    "socket": lambda _, record: record.socket,
    "started_at": lambda _, record: _iso(record.started_at),
    "ended_at": lambda _, record: _iso(record.ended_at),
    "times_given": lambda _, record: record.times_given,
    "energy_kwh": lambda _, record: round(record.energy, 3),
    "cost_eur": lambda _, record: _rounded(record.cost, 2) if record.currency == EURO else None,
    "average_power_w": lambda _, record: _rounded(record.average_power, 0),
    "peak_power_w": lambda _, record: _rounded(record.peak_power, 0),
    "card": lambda _, record: record.card,
    "mode": lambda _, record: record.mode,
    "transaction": lambda _, record: record.transaction,
    "cost": lambda _, record: _rounded(record.cost, 2),
    "currency": lambda _, record: record.currency if record.cost is not None else None,
}


def _fields(ledger: Ledger, record: SessionRecord) -> dict[str, JsonValue]:
    return {name: value(ledger, record) for name, value in _COLUMNS.items()}


def _total_fields(ledger: Ledger, total: Total) -> dict[str, JsonValue]:
    fields: dict[str, JsonValue] = {
        "month": total.month,
        "charge_point": total.evse_id,
        "name": ledger.names.get(total.evse_id, ""),
        "sessions": total.sessions,
        "energy_kwh": round(total.energy, 3),
        "cost_eur": _rounded(total.costs.get(EURO), 2),
        "sessions_without_cost": total.without_cost,
    }
    if any(record.currency != EURO for record in ledger.records):
        fields["costs"] = {currency: round(cost, 2) for currency, cost in sorted(total.costs.items())}
    return fields


def _iso(when: datetime | None) -> str | None:
    return in_amsterdam(when).isoformat(timespec="seconds") if when is not None else None


def _rounded(value: float | None, places: int) -> float | int | None:
    return None if value is None else round(value, places) if places else round(value)


# --- for a person ---


def table(ledger: Ledger, *, only_totals: bool = False) -> Iterator[str]:
    """Yield sessions and totals as lines of text."""
    if not only_totals:
        yield from _sessions_table(ledger)
        yield ""
    yield from _totals_table(ledger)
    for address, energy in ledger.energy_before.items():
        evse_id, _, socket = address.partition("_")
        where = ledger.name(evse_id) + (f" socket {socket}" if socket else "")
        energy_before = f"{energy:.3f} kWh before sessions were kept. Its meter counts them; no month does."
        yield one_line(f"{where} had delivered {energy_before}")


def _sessions_table(ledger: Ledger) -> Iterator[str]:
    several = any(record.socket is not None for record in ledger.records)
    unit = _one_currency(ledger)
    header = [
        "Start", "End", "Charge point", "Socket", "kWh", unit or "Cost", "Average kW", "Peak kW", "Card", "Mode",
    ]  # fmt: skip
    rows = [
        [
            ("" if record.times_given else "~") + f"{in_amsterdam(record.started_at):%Y-%m-%d %H:%M}",
            _end(record),
            ledger.name(record.evse_id),
            str(record.socket or "") if several else "",
            f"{record.energy:.3f}",
            _costs({record.currency: record.cost} if record.cost is not None else {}, unit),
            _kilowatts(record.average_power),
            _kilowatts(record.peak_power),
            record.card or "",
            record.mode or "",
        ]
        for record in ledger.records
    ]
    yield from _aligned(header, rows, right={4, 5, 6, 7})
    if any(not record.times_given for record in ledger.records):
        yield "~ the cloud gave no times for this session; the times are those when the bridge saw it"


def _one_currency(ledger: Ledger) -> str | None:
    """Return the currency of all costs, for the heading; None if there are several."""
    currencies = {record.currency for record in ledger.records if record.cost is not None} or {EURO}
    return currencies.pop() if len(currencies) == 1 else None


def _costs(costs: Mapping[str, float], unit: str | None) -> str:
    if unit is not None:
        return _number(costs.get(unit), 2)
    return _PLUS.join(f"{cost:.2f} {currency}" for currency, cost in sorted(costs.items()))


def _end(record: SessionRecord) -> str:
    if record.ended_at is None:
        return "charging"
    start, end = in_amsterdam(record.started_at), in_amsterdam(record.ended_at)
    return f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"


def _totals_table(ledger: Ledger) -> Iterator[str]:
    sums, unit = totals(ledger.records), _one_currency(ledger)
    rows = [
        [
            total.month if total.month != ALL else "All",
            ledger.name(total.evse_id) if total.evse_id != ALL else "all",
            str(total.sessions),
            f"{total.energy:.3f}",
            _costs(total.costs, unit) + ("+" if total.without_cost and total.costs else ""),
        ]
        for total in sums
    ]
    yield from _aligned(["Month", "Charge point", "Sessions", "kWh", unit or "Cost"], rows, right={2, 3, 4})
    if any(row[4].endswith("+") for row in rows):
        yield "+ the cost of some sessions is not known"


def _aligned(header: Sequence[str], rows: Sequence[Sequence[str]], right: set[int]) -> Iterator[str]:
    """Yield rows in columns with headings, without empty columns. Control characters in names are removed."""
    rows = [[one_line(cell) for cell in row] for row in rows]
    shown = [index for index in range(len(header)) if not rows or any(row[index] for row in rows)]
    widths = {index: max(len(row[index]) for row in [header, *rows]) for index in shown}
    for row in [header, *rows]:
        cells = (row[i].rjust(widths[i]) if i in right else row[i].ljust(widths[i]) for i in shown)
        yield "  ".join(cells).rstrip()


def _number(value: float | None, places: int) -> str:
    return f"{value:.{places}f}" if value is not None else ""


def _kilowatts(power: float | None) -> str:
    return _number(power / 1000 if power is not None else None, 1)
