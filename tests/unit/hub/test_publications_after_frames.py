"""Every published message is valid FIMP on a valid topic, whatever the cloud sends."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bridge.bluecurrent.values import MOST_ENTRIES
from bridge.chargepoint.charge_point import MOST_SOCKETS
from tests.unit.hub.odd_values import IDS, JUNK, NAMES, NUMBERS, ODD_TEXT, TIMES
from tests.unit.hub.socketless_bridge import SocketlessBridge, end, socketless_bridge
from tests.way_out import topic_faults

PERMISSION = st.sampled_from(["none", "read", "write", "admin"])

SETTING = st.booleans() | st.fixed_dictionaries({"value": st.booleans() | JUNK, "permission": PERMISSION}) | JUNK

CARD = st.fixed_dictionaries({"uid": IDS, "id": IDS, "name": NAMES, "customer_name": NAMES}) | JUNK

STATUS = st.fixed_dictionaries(
    {},
    optional={
        "activity": st.sampled_from(["available", "charging", "delayed", "offline", "error", "unavailable"]) | ODD_TEXT,
        "vehicle_status": st.sampled_from(["A", "B", "C", "D", "E", "F", "X"]) | JUNK,
        **dict.fromkeys(["actual_p1", "actual_p2", "actual_p3", "actual_v1", "actual_v2", "actual_v3"], NUMBERS | JUNK),
        **dict.fromkeys(["actual_kwh", "max_usage", "smartcharging_max_usage", "max_offline"], NUMBERS | JUNK),
        **dict.fromkeys(["total_cost", "smart_current_heartbeat_timeout"], NUMBERS | JUNK),
        **dict.fromkeys(["start_datetime", "stop_datetime", "offline_since"], TIMES | JUNK),
        "socket_id": st.integers(-3, 5) | NUMBERS | JUNK,
        "boosting": st.booleans() | JUNK,
    },
)

SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES | JUNK,
        "model_type": NAMES | JUNK,
        "chargepoint_type": st.just("UMOVE") | NAMES | JUNK,
        "is_cable": st.booleans() | JUNK,
        "socket_ids": st.lists(st.integers(-2, 4), max_size=4) | JUNK,
        "default_card": CARD,
        "plug_and_charge_card": CARD,
        "delayed_charging": SETTING
        | st.fixed_dictionaries(
            {"value": st.booleans(), "permission": PERMISSION},
            optional={"start_time": st.just("23:00") | JUNK, "end_time": st.just("24:00") | JUNK,
                      "selected_days": st.just([1, 7]) | JUNK},
        ),
        "tariff": st.fixed_dictionaries({"currency": NAMES, "tariff_id": IDS}) | JUNK,
        **dict.fromkeys(
            ["plug_and_charge", "public_charging", "price_based_charging", "led_intensity", "led_interaction",
             "publish_location", "capacity_tariff", "plug_and_charge_notification", "smart_charging"],
            SETTING | NUMBERS,
        ),
    },
)  # fmt: skip

GRID_VALUES = st.fixed_dictionaries(
    {"id": IDS}, optional=dict.fromkeys(["grid_actual_p1", "grid_actual_p2", "grid_actual_p3"], NUMBERS | JUNK)
)

FRAMES = st.one_of(
    st.fixed_dictionaries({"object": st.just("CH_STATUS"), "evse_id": IDS, "data": STATUS}),
    st.fixed_dictionaries({"object": st.just("CH_STATUS"), "items": st.lists(STATUS, max_size=3)}),
    st.fixed_dictionaries({"object": st.just("CH_SETTINGS"), "evse_id": IDS, "data": SETTINGS}),
    st.fixed_dictionaries({"object": st.just("GRID_STATUS"), "evse_id": IDS, "data": GRID_VALUES}),
    st.fixed_dictionaries({"object": st.just("GRID_CURRENT"), "evse_id": IDS, "grid_actual_p1": NUMBERS}),
    st.fixed_dictionaries({"object": st.just("CHARGE_CARDS"), "cards": st.lists(CARD, max_size=3)}),
    st.fixed_dictionaries(
        {"object": st.just("STATUS_SET_DELAYED_CHARGING"), "evse_id": IDS, "success": st.booleans(), "result": JUNK}
    ),
)


def frames(evse_ids: list[str]) -> st.SearchStrategy[list[dict[str, Any]]]:
    """Frames about charge points, mostly listed ones."""
    known = st.sampled_from(evse_ids)
    return st.lists(
        st.tuples(FRAMES, known, st.booleans()).map(lambda one: {**one[0], "evse_id": one[1]} if one[2] else one[0]),
        max_size=12,
    )


@st.composite
def accounts(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The list of charge points, and the frames after it."""
    evse_ids = draw(st.lists(IDS, min_size=1, max_size=4, unique=True))
    listed = [{**draw(SETTINGS), "evse_id": evse_id} for evse_id in evse_ids]
    return listed, draw(frames(evse_ids))


@pytest.mark.parametrize("listed", [True, False])
async def test_the_sockets_of_a_charge_point_are_bounded(listed: bool) -> None:
    made = socketless_bridge()
    many = list(range(1, 2_000))
    made.listed([{"evse_id": "BCU1", **({"socket_ids": many} if listed else {})}])
    if not listed:
        for number in many:
            made.frame({"object": "CH_STATUS", "evse_id": "BCU1", "data": {"socket_id": number, "actual_kwh": 1}})
    made.drain()
    assert len(made.parts.fleet.sockets("BCU1")) == len(made.described["BCU1"]["groups"]) == MOST_SOCKETS
    await end(made)


async def test_the_charge_points_of_an_account_are_bounded() -> None:
    made = socketless_bridge()
    points = [{"evse_id": f"BCU{number}"} for number in range(MOST_ENTRIES + 10)]
    made.listed(points)
    assert len(made.parts.fleet.evse_ids()) == MOST_ENTRIES
    await end(made)


def check_addresses(made: SocketlessBridge) -> None:
    """Every thing that can be served is included, and no two things share a topic."""
    services = [service["address"] for thing in made.described.values() for service in thing["services"]]
    assert not [address for address, count in Counter(services).items() if count > 1]
    addresses = [thing["address"] for thing in made.described.values()]
    assert sorted(addresses) == sorted(set(addresses)) == sorted(made.described)
    there = {evse_id for evse_id in made.parts.fleet.evse_ids() if not list(topic_faults(evse_id))}
    plain = {evse_id for evse_id in there if evse_id.isascii() and evse_id.isalnum() and len(evse_id) < 200}
    assert plain <= set(addresses), "a charge point is not served"


@settings(max_examples=40, suppress_health_check=list(HealthCheck))
@given(accounts(), st.sampled_from(["", "home", "a/b"]), st.sampled_from(["standard", "extended"]))
@example(([{"evse_id": "network"}, {"evse_id": "goodbye"}], []), "", "standard")
@example(([{"evse_id": "\uffff"}, {"evse_id": "BCU1"}], []), "", "standard")
@example(([{"evse_id": "N" * 100_000}, {"evse_id": "BCU1", "name": "x" * 100_000}], []), "", "standard")
@example(([{"evse_id": "BCU1", "socket_ids": list(range(10_000))}], []), "", "standard")
@example(([{"evse_id": "BCU1", "name": "cut \ud83d"}], []), "", "standard")
def test_every_publication_after_arbitrary_frames_is_valid(
    account: tuple[list[dict[str, Any]], list[dict[str, Any]]], prefix: str, state_set: str
) -> None:
    async def run() -> None:
        made = socketless_bridge(prefix=prefix, state_set=state_set)
        try:
            listed, said = account
            made.listed(listed)
            made.drain()
            for number, content in enumerate(said):
                made.frame(content)
                if number % 3 == 0:
                    made.clock.move(40)
                    made.drain()
            made.drain()
            check_addresses(made)
            await made.parts.fleet.link_lost()
            made.clock.move(90)
            made.parts.reporter.tick()
            made.drain()
            made.parts.reporter.stop()
            made.drain()
            assert made.faults() == []
        finally:
            await end(made)

    asyncio.run(run())
