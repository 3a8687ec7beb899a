"""Prices of a real source: hours by them, and charging by the deadline without them."""

import contextlib
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import pytest

from tests.e2e.node_red.cheap_night import NIGHT, at
from tests.e2e.node_red.place import PRICES, START, STOP, Place
from tests.e2e.node_red.price_source import AMSTERDAM, Answer, PriceSource
from tests.e2e.node_red.program import edited

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


@pytest.fixture
def source() -> Iterator[PriceSource]:
    """A source of prices that knows both days."""
    made = PriceSource({at("00:00").date(), at("00:00", 1).date()}, {**NIGHT, at("23:00"): 0.09, at("02:00", 1): -0.05})
    yield made
    made.stop()


async def evening(place: Place, url: str) -> None:
    """Price charging is on with prices from there, three hours until seven, and a car has come; it is 20:00."""
    await place.deploy(HOURS=3, DEPARTURE="07:00", PRICES_URL=url)
    await place.red.click("On")
    await place.tick(at("19:59"))
    await place.plug()
    assert await place.tick(at("20:00")) == []


async def look(place: Place, source: PriceSource, time: datetime) -> None:
    """Node-RED asks for prices at that time, and has the answers for both days."""
    asked = len(source.asked)
    for _ in range(3):
        # Right after a deployment the click can still reach the flow before it, which asks another source.
        await place.red.click(PRICES, time.timestamp() * 1000)
        with contextlib.suppress(TimeoutError):
            await place.house.hub.until(lambda: len(source.asked) >= asked + 2, patience=4)
            break
    assert len(source.asked) >= asked + 2
    await place.still()


async def test_charging_is_at_the_cheapest_hours_of_a_real_source(place: Place, source: PriceSource) -> None:
    await evening(place, source.url)
    source.asked.clear()
    await look(place, source, at("20:05"))
    query = {"energyType": "ENERGY_TYPE_ELECTRICITY", "interval": "INTERVAL_HOUR"}
    assert sorted(source.asked, key=lambda one: one["date"]) == [
        {**query, "date": day} for day in ("15-01-2030", "16-01-2030")
    ]
    prices = await place.red.keeps("prices", lambda prices: prices is not None and len(prices) == 48)
    known = {datetime.fromtimestamp(one["start"] / 1000, AMSTERDAM): one["price"] for one in prices}
    assert (known[at("23:00")], known[at("02:00", 1)], known[at("04:00", 1)]) == (0.09, -0.05, 0.10)
    edges = [at("23:00"), at("00:00", 1), at("02:00", 1), at("04:00", 1)]
    for edge, expected in zip(edges, [START, STOP] * 2, strict=True):
        assert await place.tick(edge - timedelta(minutes=1)) == []
        assert await place.tick(edge) == [expected], edge
        assert await place.tick(edge + timedelta(minutes=1)) == []


PAGES: Final[dict[str, Callable[[], Answer]]] = {
    "a fault": lambda: (500, "Internal Server Error"),
    "no such day": lambda: (404, '{"code": 5, "message": "not found", "details": []}'),
    "no JSON": lambda: (200, "<html>maintenance</html>"),
    "another shape": lambda: (200, '{"prices": []}'),
    "no prices": lambda: (200, '{"interval": 2, "range": {}, "base": []}'),
    "no numbers": lambda: (200, '{"base": [{"start": "2030-01-15T22:00:00Z", "price": {"value": "dear"}}]}'),
    "null": lambda: (200, "null"),
}


@pytest.mark.parametrize("page", PAGES)
async def test_unusable_prices_lead_to_charging_before_the_deadline(
    place: Place, source: PriceSource, page: str
) -> None:
    source.broken = PAGES[page]
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    await charges_in_the_last_hours(place)


async def test_an_unreachable_source_leads_to_charging_before_the_deadline(place: Place, source: PriceSource) -> None:
    source.stop()
    await evening(place, source.url)
    await charges_in_the_last_hours(place)


async def test_missing_prices_of_tomorrow_lead_to_charging_before_the_deadline(
    place: Place, source: PriceSource
) -> None:
    source.days.remove(at("00:00", 1).date())
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    await place.red.keeps("prices", lambda prices: prices is not None and len(prices) == 24)
    await charges_in_the_last_hours(place)


async def charges_in_the_last_hours(place: Place) -> None:
    """The three hours before seven, and no other."""
    assert await place.tick(at("20:06")) == []
    await place.red.status("Plan the cheapest hours", lambda text: text.startswith("prices missing: from 04:00"))
    assert [await place.tick(time) for time in (at("23:00"), at("02:00", 1), at("03:59", 1))] == [[], [], []]
    assert await place.tick(at("04:00", 1)) == [START]
    assert [await place.tick(at("04:01", 1)), await place.tick(at("06:59", 1))] == [[], []]
    assert await place.tick(at("07:00", 1)) == [STOP]


async def test_late_prices_are_followed_from_their_arrival(place: Place, source: PriceSource) -> None:
    source.broken = PAGES["a fault"]
    await evening(place, source.url)
    await look(place, source, at("20:05"))
    assert await place.tick(at("22:59")) == []
    source.broken = None
    await look(place, source, at("23:05"))
    assert await place.tick(at("23:06")) == [START]
    assert await place.tick(at("23:07")) == []
    assert await place.tick(at("00:00", 1)) == [STOP]


async def test_made_up_prices_are_forgotten_when_a_real_source_is_set(place: Place, source: PriceSource) -> None:
    await place.deploy()
    await place.red.redeploy(edited(PRICES_URL=source.url))
    await look(place, source, at("14:00"))
    prices = await place.red.keeps("prices", lambda prices: len(prices) == 48)
    first = datetime.fromtimestamp(prices[0]["start"] / 1000, AMSTERDAM)
    assert first == at("00:00")
