"""The user's own schedule of a limit as parameters: commands in, exact messages out, and the requests."""

from typing import Any

import pytest

from bridge.simulator.car import Car
from bridge.simulator.charge_point import SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.conversation.limit_commands import OVERRIDES, set_max, set_session
from tests.conversation.parameter_commands import get, put, supported, value_of
from tests.harness import CABLE, SOCKET, Heard, House, device_topic

PARTS = ("limit_current", "limit_days", "limit_start", "limit_end")
EVENING = {"limit_current": 10, "limit_days": [1, 2, 3, 4, 5], "limit_start": "17:00", "limit_end": "22:00"}
WORKDAYS = ["MO", "TU", "WE", "TH", "FR"]


def in_app(house: House, current: float = 9, points: tuple[str, ...] = (SOCKET,), **more: Any) -> int:
    """Make a schedule in Blue Current's app; returns its number."""
    wish = {
        "chargepoints": list(points), "overridevalue": current, "overridestarttime": "06:00", "overridestoptime": "09:30",
        "overridestartdays": WORKDAYS, "overridestopdays": WORKDAYS, **more,
    }  # fmt: skip
    return house.cloud.account.save_schedule(wish).number


def asked(house: House) -> list[str]:
    """The requests about schedules, in order."""
    return [str(frame["command"]).split("_")[1] for frame in house.cloud.requests_for(*OVERRIDES[1:])]


async def shown(house: House, evse_id: str = SOCKET) -> dict[str, object]:
    """The four parameters; those that are not known are left out."""
    answers = {name: await get(house, name, evse_id) for name in PARTS}
    return {name: value_of(answer) for name, answer in answers.items() if answer.message.value != "ERR_INVALID_STATE"}


async def put_all(house: House, wish: dict[str, object], evse_id: str = SOCKET) -> list[Heard]:
    """Set the four parameters, one after the other."""
    return [await put(house, name, value, evse_id) for name, value in wish.items()]


async def relisted(house: House) -> None:
    """Restart the bridge, which reads the list of schedules."""
    await house.restart()
    await house.hub.until(lambda: bool(house.cloud.requests_for("LIST_OVERRIDE_CURRENT")))


async def test_without_a_schedule_the_limit_is_zero(house: House) -> None:
    entries = await supported(house)
    assert (entries["limit_current"]["min"], entries["limit_current"]["read_only"]) == (0, False)
    assert entries["limit_days"]["widget_type"] == "multiselect"
    assert "once its limit, days, start and end are all known" in entries["limit_start"]["description"]
    assert await shown(house) == {"limit_current": 0}
    told = [heard.message.value for heard in house.hub.find("evt.param.report", SOCKET)]
    assert {"parameter_id": "limit_current", "value_type": "int", "value": 0} in told


@pytest.mark.parametrize("last", PARTS)
async def test_a_schedule_is_made_once_all_four_parts_are_known(house: House, last: str) -> None:
    wish = {name: value for name, value in EVENING.items() if name != last} | {last: EVENING[last]}
    for name, value in list(wish.items())[:-1]:
        assert value_of(await put(house, name, value)) == value
    assert asked(house) == []
    await house.restart()  # the parts are kept
    assert value_of(await put(house, last, wish[last])) == wish[last]
    (made,) = house.cloud.requests_for(*OVERRIDES[1:])
    assert {name: value for name, value in made.items() if name not in ("flow_id", "Authorization")} == {
        "command": "POST_SET_OVERRIDE_CURRENT", "chargepoints": [SOCKET], "overridevalue": 10,
        "overridestarttime": "17:00", "overridestartdays": WORKDAYS, "overridestoptime": "22:00",
        "overridestopdays": WORKDAYS,
    }  # fmt: skip
    assert await shown(house) == EVENING


async def test_a_schedule_past_midnight_ends_on_the_next_day(house: House) -> None:
    await put_all(house, {"limit_current": 8, "limit_days": [7, 5], "limit_start": "23:00", "limit_end": "06:00"})
    (made,) = house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")
    assert (made["overridestartdays"], made["overridestopdays"]) == (["FR", "SU"], ["MO", "SA"])


@pytest.mark.parametrize(
    ("name", "value", "changed"),
    [
        ("limit_current", 12, {"overridevalue": 12}),
        ("limit_days", [6, 7], {"overridestartdays": ["SA", "SU"], "overridestopdays": ["SA", "SU"]}),
        ("limit_start", "16:30", {"overridestarttime": "16:30"}),
        ("limit_end", "23:30", {"overridestoptime": "23:30"}),
    ],
)
async def test_a_schedule_is_edited_when_one_part_changes(
    house: House, name: str, value: object, changed: dict[str, object]
) -> None:
    await put_all(house, EVENING)
    (made,) = house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")
    (number,) = house.cloud.account.schedules
    assert value_of(await put(house, name, value)) == value
    (edited,) = house.cloud.requests_for("POST_EDIT_OVERRIDE_CURRENT")
    assert edited["schedule_id"] == number
    assert {key: value for key, value in edited.items() if key.startswith("override")} == {
        key: value for key, value in made.items() if key.startswith("override")
    } | changed
    assert await shown(house) == EVENING | {name: value}


async def test_a_current_of_zero_clears_the_schedule_and_another_makes_it_again(house: House) -> None:
    await put_all(house, EVENING)
    (number,) = house.cloud.account.schedules
    assert value_of(await put(house, "limit_current", 0)) == 0
    assert [frame["schedule_id"] for frame in house.cloud.requests_for("POST_CLEAR_OVERRIDE_CURRENT")] == [number]
    assert house.cloud.account.schedules == {}
    assert await shown(house) == EVENING | {"limit_current": 0}
    assert value_of(await put(house, "limit_current", 16)) == 16
    assert asked(house) == ["SET", "CLEAR", "SET"]
    assert await shown(house) == EVENING | {"limit_current": 16}


async def test_a_current_of_zero_without_a_schedule_only_reads_the_list(house: House) -> None:
    assert value_of(await put(house, "limit_current", 10)) == 10  # not complete: kept here
    assert value_of(await put(house, "limit_current", 0)) == 0
    assert asked(house) == []
    assert await shown(house) == {"limit_current": 0}


async def test_a_schedule_made_in_the_app_is_shown_edited_and_cleared(house: House) -> None:
    number = in_app(house)
    await relisted(house)
    await house.hub.until(lambda: any("06:00" in str(h.message.value) for h in house.hub.find("evt.param.report")))
    assert await shown(house) == {
        "limit_current": 9, "limit_days": [1, 2, 3, 4, 5], "limit_start": "06:00", "limit_end": "09:30",
    }  # fmt: skip
    assert value_of(await put(house, "limit_current", 11)) == 11
    (edited,) = house.cloud.requests_for(*OVERRIDES[1:])
    assert (edited["command"], edited["schedule_id"], edited["overridevalue"]) == (
        "POST_EDIT_OVERRIDE_CURRENT", number, 11,
    )  # fmt: skip
    assert value_of(await put(house, "limit_current", 0)) == 0
    assert house.cloud.account.schedules == {}


async def test_a_schedule_made_in_the_app_meanwhile_is_not_overwritten(house: House) -> None:
    """The list is read first, since a new schedule overwrites the existing one."""
    await put_all(house, {name: EVENING[name] for name in PARTS[1:]})
    number = in_app(house)
    assert value_of(await put(house, "limit_current", 10)) == 10
    assert asked(house) == ["EDIT"]
    assert list(house.cloud.account.schedules) == [number]
    assert await shown(house) == EVENING


async def test_a_schedule_removed_in_the_app_is_not_made_again_by_one_part(house: House) -> None:
    number = in_app(house)
    await relisted(house)
    await house.hub.until(lambda: any("06:00" in str(h.message.value) for h in house.hub.find("evt.param.report")))
    del house.cloud.account.schedules[number]
    assert value_of(await put(house, "limit_end", "10:00")) == "10:00"  # a part, kept here
    assert asked(house) == []
    assert await shown(house) == {"limit_current": 0, "limit_end": "10:00"}


async def test_a_schedule_for_several_charge_points_stays_shared(house: House) -> None:
    house[CABLE].smart_charging = True
    in_app(house, points=(SOCKET, CABLE))
    await relisted(house)
    await house.hub.until(
        lambda: any("06:00" in str(h.message.value) for h in house.hub.find("evt.param.report", CABLE))
    )
    assert value_of(await put(house, "limit_current", 13)) == 13
    (edited,) = house.cloud.requests_for(*OVERRIDES[1:])
    assert edited["chargepoints"] == [SOCKET, CABLE]
    assert value_of(await get(house, "limit_current", CABLE)) == 13
    assert value_of(await put(house, "limit_current", 0, CABLE)) == 0
    assert (await shown(house))["limit_current"] == 0


async def test_the_end_days_of_a_schedule_stay_as_made_in_the_app(house: House) -> None:
    in_app(house, overridestopdays=["SU"])
    await relisted(house)
    await house.hub.until(lambda: any("06:00" in str(h.message.value) for h in house.hub.find("evt.param.report")))
    assert value_of(await put(house, "limit_current", 7)) == 7
    assert all(frame["overridestopdays"] == ["SU"] for frame in house.cloud.requests_for(*OVERRIDES[1:]))


# --- refused ---


@pytest.mark.parametrize("name", PARTS)
async def test_a_schedule_is_refused_while_a_standing_limit_holds(house: House, name: str) -> None:
    await set_max(house, 10)
    assert (await put(house, name, EVENING[name])).message.value == "ERR_INVALID_STATE"
    assert (await put(house, "limit_current", 0)).message.value == "ERR_INVALID_STATE"
    assert asked(house) == ["SET"]  # ours
    assert (await shown(house))["limit_current"] == 10  # the existing schedule, whoever made it
    await set_max(house, 16)
    assert (await shown(house))["limit_current"] == 0
    assert value_of(await put(house, name, EVENING[name])) == EVENING[name]


async def test_a_schedule_is_refused_while_a_session_limit_holds(house: House) -> None:
    house[SOCKET].plug(Car())
    house[SOCKET].start("046C8CCA8C1D90")
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="charging")
    await set_session(house, 8)
    assert (await put(house, "limit_current", 10)).message.value == "ERR_INVALID_STATE"


async def test_a_schedule_is_refused_while_smart_charging_is_off(house: House) -> None:
    house[SOCKET].smart_charging = False
    await house.cloud.push_settings(house[SOCKET])
    await house.hub.expect(
        "evt.param.report", SOCKET, value={"parameter_id": "smart_charging", "value_type": "bool", "value": False}
    )
    for name, value in EVENING.items():
        error = await put(house, name, value)
        assert error.message.value == "ERR_INVALID_STATE"
        assert "smart charging" in str(error.message.properties["msg"])
    assert asked(house) == []


async def test_a_schedule_made_by_parameters_belongs_to_the_user(house: House) -> None:
    """Limits of the bridge's own leave it alone, as they do one that was made in the app."""
    await put_all(house, EVENING)
    refused = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=8)
    assert refused.message.value == "ERR_INVALID_STATE"
    await house.restart()
    refused = await house.hub.refused(SOCKET, "cmd.max_current.set", val_t="int", val=8)
    assert refused.message.value == "ERR_INVALID_STATE"
    assert asked(house) == ["SET"]
    assert await shown(house) == EVENING


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("limit_current", -1), ("limit_current", 5), ("limit_current", 64), ("limit_current", 10.5),
        ("limit_current", True), ("limit_days", []), ("limit_days", [8]), ("limit_days", [1, 1]), ("limit_days", "MO"),
        ("limit_start", "24:00"), ("limit_start", "7:30"), ("limit_end", ""), ("limit_end", 9),
    ],
)  # fmt: skip
async def test_wrong_values_are_refused_and_nothing_is_sent(house: House, name: str, value: object) -> None:
    before = len(house.cloud.seen)
    assert (await put(house, name, value)).message.value == "ERR_INVALID_VALUE"
    assert len(house.cloud.seen) == before
    assert await shown(house) == {"limit_current": 0}


# --- a cloud that does not carry it out ---


async def test_a_schedule_that_the_cloud_refuses_is_not_shown(house: House) -> None:
    house.cloud.faults.refuse["POST_SET_OVERRIDE_CURRENT"] = "not today"
    error = (await put_all(house, EVENING))[-1]
    assert error.message.value == "ERR_REJECTED"
    assert await shown(house) == {name: value for name, value in EVENING.items() if name != "limit_end"}
    house.cloud.faults.refuse.clear()
    assert value_of(await put(house, "limit_end", "22:00")) == "22:00"
    assert await shown(house) == EVENING
    house.cloud.faults.refuse["POST_CLEAR_OVERRIDE_CURRENT"] = "not today"
    assert (await put(house, "limit_current", 0)).message.value == "ERR_REJECTED"
    assert await shown(house) == EVENING


@pytest.mark.parametrize("carried_out", [True, False])
async def test_without_an_answer_the_schedule_is_read_from_the_list(build: HouseMaker, carried_out: bool) -> None:
    async with build(cloud={"command_timeout": 0.6}) as house:
        faults = house.cloud.faults
        (faults.unanswered if carried_out else faults.silent).add("POST_SET_OVERRIDE_CURRENT")
        error = (await put_all(house, EVENING))[-1]
        assert error.message.value == "ERR_TIMEOUT"
        assert bool(house.cloud.account.schedules) is carried_out
        missing = () if carried_out else ("limit_end",)  # the parts before it are kept
        assert await shown(house) == {name: value for name, value in EVENING.items() if name not in missing}
        faults.unanswered.clear()
        faults.silent.clear()
        assert value_of(await put(house, "limit_end", "23:00")) == "23:00"
        assert asked(house) == ["SET", "EDIT" if carried_out else "SET"]


async def test_a_schedule_is_unknown_when_the_link_is_lost_before_the_answer(build: HouseMaker) -> None:
    async with build() as house:
        await put_all(house, {name: value for name, value in EVENING.items() if name != "limit_end"})
        house.cloud.faults.unanswered.add("POST_SET_OVERRIDE_CURRENT")
        wish = {"parameter_id": "limit_end", "value_type": "string", "value": "22:00"}
        uid = await house.hub.say(
            device_topic(SOCKET, "parameters"), serv="parameters", type="cmd.param.set", val_t="object", val=wish
        )
        await house.hub.until(lambda: bool(house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")))
        house.cloud.drop()
        error = await house.hub.expect("evt.error.report", SOCKET, corid=uid)
        assert error.message.value == "ERR_DISCONNECTED"
        # The list is read again when the link is up, and shows the outcome.
        wanted = {**wish, "value": "22:00"}
        await house.hub.expect("evt.param.report", SOCKET, value=wanted)
        assert await shown(house) == EVENING


async def test_a_cloud_that_knows_no_overrides_has_no_such_parameters(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.error["LIST_OVERRIDE_CURRENT"] = (0, "Unknown command")
        await house.start()
        assert not set(PARTS) & set(await supported(house))
        assert (await put(house, "limit_current", 10)).message.value == "ERR_INVALID_VALUE"


async def test_a_charge_point_with_two_sockets_has_one_schedule(build: HouseMaker) -> None:
    async with build(start=False) as house:
        duo = "BCU300000"
        house.cloud.account.add(
            SimulatedChargePoint(duo, house.clock.now, sockets=[Socket(1), Socket(2)], smart_charging=True)
        )
        await house.start()
        await put_all(house, EVENING, f"{duo}_1")
        assert house.cloud.requests_for("POST_SET_OVERRIDE_CURRENT")[0]["chargepoints"] == [duo]
        assert await shown(house, f"{duo}_2") == EVENING
