"""A stub of EnergyZero's public price API: one GET for each day, market prices by the hour."""

import http.server
import json
import threading
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo

AMSTERDAM: Final = ZoneInfo("Europe/Amsterdam")
USUAL: Final = 0.10
"""The price of an hour of which nothing else is said, EUR/kWh."""

Answer = tuple[int, str]


class PriceSource:
    """Serves prices on a free port of this machine.

    Args:
        days: the days whose prices are known.
        prices: the price of hours by their start, EUR/kWh; the others cost `USUAL`.

    Attributes:
        asked: the query of each request, in order.
        broken: gives the answer in the place of the prices; None: the prices.
    """

    def __init__(self, days: set[date], prices: Mapping[datetime, float]) -> None:
        self.days = days
        self.asked: list[dict[str, str]] = []
        self.broken: Callable[[], Answer] | None = None
        self._prices = {start.astimezone(UTC): price for start, price in prices.items()}
        source = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                status, text = source.answer(url.path, {key: values[0] for key, values in parse_qs(url.query).items()})
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        """The value for `PRICES_URL`."""
        query = "energyType=ENERGY_TYPE_ELECTRICITY&interval=INTERVAL_HOUR"
        return f"http://127.0.0.1:{self._server.server_port}/public/v1/prices?{query}"

    def stop(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, path: str, query: dict[str, str]) -> Answer:
        """The status and the body for one request."""
        self.asked.append(query)
        if self.broken is not None:
            return self.broken()
        day = datetime.strptime(query["date"], "%d-%m-%Y").date()
        if path != "/public/v1/prices" or day not in self.days:
            return 404, json.dumps({"code": 5, "message": "not found", "details": []})
        return 200, json.dumps(self._body(day))

    def _body(self, day: date) -> dict[str, object]:
        first, end = (datetime(one.year, one.month, one.day, tzinfo=AMSTERDAM) for one in (day, day + timedelta(1)))
        start, hours = first.astimezone(UTC), []
        while start < end:
            hours.append(start)
            start += timedelta(hours=1)
        kinds = {"base": 1.0, "base_with_vat": 1.21, "all_in": 1.5, "all_in_with_vat": 1.8}
        slots = {name: [self._slot(hour, factor) for hour in hours] for name, factor in kinds.items()}
        return {"interval": 2, "range": {"start": _text(hours[0]), "end": _text(end)}, **slots}

    def _slot(self, hour: datetime, factor: float) -> dict[str, object]:
        price = self._prices.get(hour, USUAL) * factor
        return {
            "start": _text(hour),
            "end": _text(hour + timedelta(hours=1)),
            "price": {"value": f"{price:.6f}"},
        }


def _text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
