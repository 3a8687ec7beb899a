"""Charging at the cheapest hours: starts, stops, and cars that are left alone."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from tests.e2e.node_red.cheap_night import NIGHT, at, cheap_house, feed
from tests.e2e.node_red.place import START, STOP, TIME, Place
from tests.e2e.node_red.price_source import AMSTERDAM
from tests.harness import SOCKET

pytestmark = [pytest.mark.nodered, pytest.mark.timeout(600)]  # the first run installs Node-RED


async def test_charging_starts_and_stops_at_the_cheapest_hours(place: Place) -> None:
    await cheap_house(place)
    story = [
        ("22:59", 0, []),
        ("23:00", 0, [START]),
        ("23:01", 0, []),
        ("23:59", 0, []),
        ("00:00", 1, [STOP]),
        ("00:01", 1, []),
        ("02:00", 1, [START]),
        ("02:01", 1, []),
        ("03:00", 1, []),
        ("03:59", 1, []),
        ("04:00", 1, [STOP]),
        ("06:59", 1, []),
        ("07:00", 1, []),  # the cheapest of all, but after departure
    ]
    for clock, days, expected in story:
        assert await place.tick(at(clock, days)) == expected, clock
        assert place.charging == (
            at("23:00") <= at(clock, days) < at("00:00", 1) or at("02:00", 1) <= at(clock, days) < at("04:00", 1)
        ), clock
    assert await place.alerts() == []


async def test_prices_of_a_quarter_of_an_hour_are_followed(place: Place) -> None:
    cheap = {at("23:15"): 0.1, at("01:00", 1): 0.1, at("01:15", 1): 0.1, at("05:45", 1): 0.1}
    await cheap_house(place, feed(cheap, minutes=15), HOURS=1)
    edges = [("23:15", 0), ("23:30", 0), ("01:00", 1), ("01:30", 1), ("05:45", 1), ("06:00", 1)]
    for (clock, days), expected in zip(edges, [START, STOP] * 3, strict=True):
        assert await place.tick(at(clock, days) - timedelta(minutes=1)) == []
        assert await place.tick(at(clock, days)) == [expected], clock
        assert await place.tick(at(clock, days) + timedelta(minutes=1)) == []


async def test_the_cheapest_hours_of_the_made_up_prices_are_chosen(place: Place) -> None:
    await place.deploy(HOURS=4, DEPARTURE="07:00", CHARGE_WHEN_CHEAP="true")
    await place.plug()
    now = datetime.now(AMSTERDAM).replace(minute=0, second=1, microsecond=0)
    prices = {
        datetime.fromtimestamp(one["start"] / 1000, AMSTERDAM): one["price"]
        for one in await place.red.context("prices")
    }
    assert len(prices) == 48
    assert {later - earlier for earlier, later in pairwise(sorted(prices))} == {timedelta(hours=1)}
    departure = now.replace(hour=7, second=0) + timedelta(days=now.hour >= 7)
    hours = sorted(hour for hour in prices if now.replace(second=0) <= hour < departure)
    cheapest = set(sorted(hours, key=lambda hour: (prices[hour], hour))[:4])
    for hour in hours:
        await place.tick(hour + timedelta(seconds=1))
        await place.tick(hour + timedelta(seconds=61))
        assert place.charging == (hour in cheapest), hour


async def test_nothing_starts_unless_it_is_switched_on(place: Place) -> None:
    await place.deploy(feed(NIGHT), HOURS=3)
    await place.plug()
    assert await place.tick(at("23:00")) == []
    await place.red.click("On")
    assert await place.tick(at("23:01")) == [START]
    await place.red.click("Off")
    assert await place.tick(at("00:00", 1)) == []


async def test_nothing_starts_without_a_car_and_a_late_car_is_started(place: Place) -> None:
    await place.deploy(feed(NIGHT), HOURS=3)
    await place.red.click("On")
    assert await place.tick(at("23:00")) == []
    assert await place.tick(at("02:00", 1)) == []
    await place.plug()
    assert await place.tick(at("02:10", 1)) == [START]


async def test_a_car_that_somebody_else_starts_is_left_alone(place: Place) -> None:
    await cheap_house(place)
    await place.house.hub.command(SOCKET, START, 2)
    await place.knows(session=True)
    times = [at("20:30"), at("23:00"), at("00:00", 1), at("02:00", 1), at("04:00", 1), at("07:00", 1), at("08:00", 1)]
    assert [await place.tick(time) for time in times] == [[]] * len(times)
    assert place.charging
    await place.alerted(SOCKET, "started, not by its price")


async def test_a_car_that_somebody_else_stops_is_left_alone_until_departure(place: Place) -> None:
    await cheap_house(place, feed(NIGHT | {at("10:00", 1): 0.01}, hours=56))
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.house.hub.command(SOCKET, STOP, 2)
    await place.knows(session=False)
    times = [at("23:05"), at("23:30"), at("02:00", 1), at("03:00", 1)]
    assert [await place.tick(time) for time in times] == [[]] * len(times)
    await place.alerted(SOCKET, "stopped, not by its price")
    assert await place.tick(at("07:00", 1)) == [START]  # a new day, and a cheap hour


async def test_the_next_car_is_charged_by_price_again(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.house.hub.command(SOCKET, STOP, 2)
    await place.knows(session=False)
    assert await place.tick(at("23:10")) == []
    place.house[SOCKET].unplug()
    await place.house.push(SOCKET)
    await place.knows(state="disconnected")
    assert await place.tick(at("23:20")) == []
    await place.plug()
    assert await place.tick(at("23:30")) == [START]


async def test_a_full_car_is_not_started_again(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("23:00")) == [START]
    assert await place.tick(at("23:01")) == []
    await place.charge(60)
    place.house[SOCKET].stop()
    await place.house.push(SOCKET)
    await place.knows(state="finished")
    assert await place.tick(at("23:30")) == []
    assert await place.tick(at("02:00", 1)) == []
    assert await place.alerts() == []


async def test_a_session_that_a_profile_holds_back_is_left_alone(place: Place) -> None:
    await cheap_house(place)
    point = place.house[SOCKET]
    point.switch_profile("delayed_charging", on=True)
    await place.house.cloud.push_settings(point)
    point.start("046C8CCA8C1D90")
    await place.house.push(SOCKET)
    await place.knows(state="ready_to_charge", session=True)
    assert await place.tick(at("23:00")) == []
    assert await place.tick(at("02:00", 1)) == []


async def test_a_profile_that_is_switched_on_meanwhile_is_not_lifted(place: Place) -> None:
    await cheap_house(place)
    assert await place.tick(at("02:00", 1)) == [START]
    assert await place.tick(at("02:01", 1)) == []
    place.house[SOCKET].switch_profile("delayed_charging", on=True)
    await place.house.cloud.push_settings(place.house[SOCKET])
    await place.charge(1)
    await place.knows(state="ready_to_charge", session=True)
    assert await place.tick(at("03:00", 1)) == []


async def test_without_prices_charging_is_in_the_last_hours_before_departure(place: Place) -> None:
    await cheap_house(place, feed(NIGHT, hours=24))
    await place.red.status("Plan the cheapest hours", lambda text: text.startswith("prices missing"))
    assert [await place.tick(time) for time in (at("23:00"), at("02:00", 1), at("03:59", 1))] == [[], [], []]
    assert await place.tick(at("04:00", 1)) == [START]
    assert [await place.tick(at("04:01", 1)), await place.tick(at("06:59", 1))] == [[], []]
    assert await place.tick(at("07:00", 1)) == [STOP]


# --- commands that fail, and states that are unknown ---


async def test_a_start_that_fails_raises_an_alert_and_is_repeated_after_a_quarter_of_an_hour(place: Place) -> None:
    await cheap_house(place)
    place.house.cloud.faults.verdict["START_SESSION"] = "REJECTED"
    await place.red.click(TIME, at("23:00").timestamp() * 1000)
    await place.alerted(SOCKET, START, "ERR_REJECTED")
    place.house.cloud.faults.verdict.clear()
    assert [await place.tick(at("23:01")), await place.tick(at("23:14"))] == [[], []]
    assert await place.tick(at("23:15")) == [START]


async def test_an_unknown_state_starts_and_stops_nothing(place: Place) -> None:
    await cheap_house(place)
    await place.show("offline")
    await place.knows(state="unknown")
    assert await place.tick(at("23:00")) == []
    await place.show(None)
    await place.knows(state="ready_to_charge")
    assert await place.tick(at("23:20")) == [START]
    assert await place.tick(at("23:21")) == []
    await place.show("offline")
    await place.knows(state="unknown")
    assert await place.tick(at("00:00", 1)) == []
    await place.show(None)
    await place.knows(state="charging")
    assert await place.tick(at("00:05", 1)) == [STOP]
    assert await place.alerts() == [
        f"{SOCKET} (Driveway): {now}." for _ in range(2) for now in ("DOWN, it cannot be reached", "UP again")
    ]
