"""Prices of an evening and a night, and a house that charges at the cheapest hours."""

import json
from datetime import datetime, timedelta
from typing import Final

from tests.e2e.node_red.place import FEED, Place
from tests.e2e.node_red.price_source import AMSTERDAM

DAY: Final = datetime(2030, 1, 15, tzinfo=AMSTERDAM)
"""An evening and a morning after it, in winter time."""


def at(clock: str, days: int = 0) -> datetime:
    """A time on the day, or on one after it."""
    hour, minute = map(int, clock.split(":"))
    return DAY + timedelta(days=days, hours=hour, minutes=minute)


def feed(cheap: dict[datetime, float], *, hours: int = 48, minutes: int = 60) -> dict[str, str]:
    """A price feed that replaces the made-up one: 0.30 except for the given hours."""
    starts = [DAY + timedelta(minutes=minutes * index) for index in range(hours * 60 // minutes)]
    prices = [{"start": start.isoformat(), "price": cheap.get(start, 0.30)} for start in starts]
    return {FEED: f"msg.payload = {json.dumps(prices)};\nreturn msg;"}


NIGHT: Final = {at("23:00"): 0.10, at("02:00", 1): 0.05, at("03:00", 1): 0.08, at("07:00", 1): 0.01, at("12:00"): 0.0}
"""The cheapest three hours between the evening and seven: 23, 2 and 3."""


async def cheap_house(place: Place, prices: dict[str, str] | None = None, **settings: object) -> None:
    """Price charging is on, three hours until seven, and a car comes in the evening."""
    await place.deploy(prices or feed(NIGHT), **{"HOURS": 3, "DEPARTURE": "07:00", **settings})
    await place.red.click("On")
    await place.tick(at("19:59"))
    await place.plug()
    assert await place.tick(at("20:00")) == []
