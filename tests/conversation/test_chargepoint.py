"""The service `chargepoint`: command in, exact messages out, and the requests that the cloud saw."""

import asyncio
import contextlib
import gzip
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from bridge.fimp.values import fits
from bridge.simulator.car import Car
from bridge.simulator.charge_point import ProfileName, SimulatedChargePoint, Socket
from tests.conftest import HouseMaker
from tests.harness import ADAPTER, CABLE, SOCKET, Heard, House, described, device_topic, interfaces


async def plug(house: House, evse_id: str = SOCKET, car: Car | None = None) -> None:
    """A car comes, and the hub hears of it."""
    since = house.mark
    house[evse_id].plug(car or Car())
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, since=since)


async def charging(house: House, evse_id: str = SOCKET) -> None:
    """A car charges, started by a card at the charge point."""
    await plug(house, evse_id)
    house[evse_id].start("046C8CCA8C1D90")
    await house.push(evse_id)
    await house.hub.expect("evt.state.report", evse_id, value="charging")


def briefs(answers: list[Heard]) -> list[tuple[str, object]]:
    """Interfaces and values."""
    return [answer.brief for answer in answers]


# --- start ---


async def test_start_begins_a_session_and_is_answered_with_state_and_session(house: House) -> None:
    await plug(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2)

    assert briefs(answers) == [("evt.state.report", "charging"), ("evt.current_session.report", 0.0)]
    assert all(answer.path == device_topic(SOCKET, kind="evt") for answer in answers)
    state, session = (answer.message for answer in answers)
    assert (state.service, state.value_type, state.src, state.version) == ("chargepoint", "string", "bluecurrent", "1")
    assert state.properties == {"charging_mode": "normal"}
    assert session.value_type == "float"
    assert session.properties["offered_current"] == "16"
    assert str(session.properties["started_at"]).endswith(("+01:00", "+02:00"))
    (request,) = house.cloud.requests_for("START_SESSION")
    assert (request["evse_id"], request["session_token"]) == (SOCKET, "046C8CCA8C1D90")  # its default card


@pytest.mark.parametrize(
    ("card", "default", "expected"),
    [
        ("A1B2C3D4E5F6", "046C8CCA8C1D90", "A1B2C3D4E5F6"),
        ("", "046C8CCA8C1D90", "046C8CCA8C1D90"),
        ("", "BCU-APP", "BCU-APP"),
        ("", "BCU_HOME_USE", "BCU-APP"),  # it reads back where no card is set, and is none (issue 12, row 11)
        ("BCU_HOME_USE", "046C8CCA8C1D90", "BCU-APP"),
    ],
)
async def test_which_card(build: HouseMaker, card: str, default: str, expected: str) -> None:
    async with build(charging={"card": card}, start=False) as house:
        house[SOCKET].default_card = {"uid": default, "id": default}
        await house.start()
        await plug(house)
        await house.hub.command(SOCKET, "cmd.charge.start", 2)
        assert house.cloud.requests_for("START_SESSION")[0]["session_token"] == expected


async def test_start_while_charging_asks_nothing_of_the_cloud(house: House) -> None:
    await charging(house)
    before = len(house.cloud.seen)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2)
    assert briefs(answers)[0] == ("evt.state.report", "charging")
    assert len(house.cloud.seen) == before


async def test_a_second_start_within_a_minute_asks_nothing_of_the_cloud(house: House) -> None:
    await plug(house)
    house.cloud.faults.quiet = True  # no CH_STATUS shows the effect
    first = await house.hub.command(SOCKET, "cmd.charge.start", 1)
    second = await house.hub.command(SOCKET, "cmd.charge.start", 1)
    assert briefs(first)[0] == briefs(second)[0] == ("evt.state.report", "requesting")
    assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_the_answer_waits_for_the_status_that_shows_the_effect(house: House) -> None:
    await plug(house)
    house.cloud.faults.verdict_first = True
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2)
    assert briefs(answers)[0] == ("evt.state.report", "charging")


@pytest.mark.parametrize(
    ("profile", "request_name"),
    [
        ("delayed_charging", "OVERRIDE_DELAYED_CHARGING_TIMEOUT"),
        ("price_based_charging", "OVERRIDE_CHARGING_PROFILES"),
    ],
)
async def test_start_lifts_the_profile_that_holds_a_session_back(
    house: House, profile: ProfileName, request_name: str
) -> None:
    point = house[SOCKET]
    point.switch_profile(profile, on=True)
    await house.cloud.push_settings(point)
    await plug(house)
    point.start("046C8CCA8C1D90")
    await house.push(SOCKET)
    await asyncio.sleep(0.05)
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert state.message.value == "ready_to_charge"

    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2)
    assert briefs(answers)[0] == ("evt.state.report", "charging")
    assert [frame["value"] for frame in house.cloud.requests_for(request_name)] == [True]
    assert house.cloud.requests_for("START_SESSION") == []

    await house.hub.command(SOCKET, "cmd.charge.start", 2)  # boosted: nothing left to lift
    assert len(house.cloud.requests_for(request_name)) == 1


@pytest.mark.parametrize(
    ("activity", "vehicle"),
    [("available", "A"), ("unavailable", "B"), ("error", "B"), ("available", "F"), ("offline", "B"), ("dancing", "B")],
)
async def test_start_is_refused_where_there_is_nothing_to_start(house: House, activity: str, vehicle: str) -> None:
    await plug(house)
    socket = house[SOCKET].sockets[0]
    socket.fault, socket.vehicle = (None if activity == "available" else activity), vehicle
    await house.push(SOCKET)
    await asyncio.sleep(0.05)
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_INVALID_STATE"
    assert house.cloud.requests_for("START_SESSION") == []


@pytest.mark.parametrize("mode", ["turbo", "SLOWER", " "])
async def test_an_unknown_charging_mode_is_refused_and_nothing_sent(house: House, mode: str) -> None:
    await plug(house)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": mode})
    assert error.message.value == "ERR_INVALID_VALUE"
    assert house.cloud.requests_for("START_SESSION") == []


@pytest.mark.parametrize("mode", ["normal", "Normal", "NORMAL", ""])
async def test_the_plain_charging_mode_in_any_letter_case(house: House, mode: str) -> None:
    await plug(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2, props={"charging_mode": mode})
    assert answers[0].message.properties == {"charging_mode": "normal"}


async def test_a_property_that_is_no_text_is_refused(house: House) -> None:
    await plug(house)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": 1})
    assert error.message.value == "ERR_INVALID_VALUE"


# --- stop ---


async def test_stop_ends_the_session_and_it_is_not_finished(house: House) -> None:
    await charging(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    assert briefs(answers)[0] == ("evt.state.report", "ready_to_charge")
    session = answers[1].message
    assert session.properties["offered_current"] == "0"
    assert "finished_at" in session.properties
    (request,) = house.cloud.requests_for("STOP_SESSION")
    assert request["evse_id"] == SOCKET


async def test_stop_without_a_session_asks_nothing_of_the_cloud(house: House) -> None:
    await plug(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.stop", 1)
    assert briefs(answers)[0] == ("evt.state.report", "ready_to_charge")
    assert house.cloud.requests_for("STOP_SESSION") == []


async def test_stop_after_an_accepted_start_is_sent_even_if_no_session_has_shown(house: House) -> None:
    await plug(house)
    house.cloud.faults.quiet = True
    await house.hub.command(SOCKET, "cmd.charge.start", 1)
    answers = await house.hub.command(SOCKET, "cmd.charge.stop", 1)
    assert briefs(answers)[0] == ("evt.state.report", "ready_to_charge")
    assert len(house.cloud.requests_for("STOP_SESSION")) == 1


async def test_stop_after_a_start_of_unknown_outcome_is_sent(house: House) -> None:
    await plug(house)
    house.cloud.faults.verdict["START_SESSION"] = "TIMEOUT"
    assert (await house.hub.refused(SOCKET, "cmd.charge.start")).message.value == "ERR_TIMEOUT"
    await house.hub.command(SOCKET, "cmd.charge.stop", 1)
    assert len(house.cloud.requests_for("STOP_SESSION")) == 1


async def test_a_session_that_ends_by_itself_is_finished(house: House) -> None:
    await charging(house)
    house[SOCKET].step(60)
    house[SOCKET].stop()
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="finished")


# --- reports ---


async def test_get_reports_ask_nothing_of_the_cloud(house: House) -> None:
    await charging(house)
    before = len(house.cloud.seen)
    state = (await house.hub.command(SOCKET, "cmd.state.get_report"))[0].message
    assert (state.value, state.value_type) == ("charging", "string")
    session = (await house.hub.command(SOCKET, "cmd.current_session.get_report"))[0].message
    assert (session.value, session.value_type) == (0, "float")
    lock = (await house.hub.command(SOCKET, "cmd.cable_lock.get_report"))[0].message
    assert (lock.type, lock.value, lock.value_type) == ("evt.cable_lock.report", True, "bool")
    assert len(house.cloud.seen) == before


async def test_a_command_without_a_value_ignores_what_stands_there(house: House) -> None:
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", val_t="int", val="x")
    assert answers[0].message.type == "evt.state.report"


async def test_the_session_report_tells_of_the_session_before(house: House) -> None:
    await charging(house)
    house[SOCKET].step(600)
    await house.push(SOCKET)
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2)
    session = answers[1].message
    assert session.value == 0
    assert session.properties["previous_session"] == "1.85"  # 16 A on three phases for ten minutes
    assert "finished_at" not in session.properties


async def test_no_session_is_known_at_first(house: House) -> None:
    error = await house.hub.refused(SOCKET, "cmd.current_session.get_report")
    assert error.message.value == "ERR_INVALID_STATE"


# --- cable lock ---


async def test_unlocking_ends_the_session_and_is_answered_by_the_lock(house: House) -> None:
    await charging(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
    assert answer.brief == ("evt.cable_lock.report", False)
    assert house.cloud.requests_for("UNLOCK_CONNECTOR")[0]["evse_id"] == SOCKET
    await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")


async def test_locking_what_is_locked_is_answered(house: House) -> None:
    await charging(house)
    (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=True)
    assert answer.brief == ("evt.cable_lock.report", True)


async def test_what_is_not_locked_cannot_be_locked_from_here(house: House) -> None:
    error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=True)
    assert error.message.value == "ERR_NOT_SUPPORTED"


async def test_a_fixed_cable_is_locked_and_stays_so(house: House) -> None:
    before = len(house.cloud.seen)
    (answer,) = await house.hub.command(CABLE, "cmd.cable_lock.get_report")
    assert answer.brief == ("evt.cable_lock.report", True)
    (answer,) = await house.hub.command(CABLE, "cmd.cable_lock.set", val_t="bool", val=True)
    assert answer.brief == ("evt.cable_lock.report", True)
    error = await house.hub.refused(CABLE, "cmd.cable_lock.set", val_t="bool", val=False)
    assert error.message.value == "ERR_NOT_SUPPORTED"
    assert len(house.cloud.seen) == before


OTHER = "BCU200200"


@pytest.mark.parametrize("kind", ["UMOVE", ""])
@pytest.mark.parametrize("answer", [(0, "Unknown command"), (2, "forbidden"), (2, "")])
async def test_an_unlock_that_the_cloud_does_not_know_or_forbids_is_remembered_for_that_charge_point(
    build: HouseMaker, kind: str, answer: tuple[int, str]
) -> None:
    async with build(start=False) as house:
        house[SOCKET].chargepoint_type = kind
        house.cloud.account.add(SimulatedChargePoint(OTHER, house.clock.now))
        house.cloud.faults.error["UNLOCK_CONNECTOR"] = answer
        await house.start()
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        since = house.mark
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        await house.hub.expect("evt.thing.inclusion_report", since=since)
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        assert "cmd.cable_lock.set" in interfaces(house.hub, OTHER)

        await house.restart()
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        assert len(house.cloud.requests_for("UNLOCK_CONNECTOR")) == 1


@pytest.mark.parametrize(("fault", "code"), [("silent", "ERR_TIMEOUT"), ("error", "ERR_REJECTED")])
async def test_an_unlock_that_fails_for_another_reason_teaches_nothing(house: House, fault: str, code: str) -> None:
    if fault == "silent":
        house.cloud.faults.silent.add("UNLOCK_CONNECTOR")
    else:
        house.cloud.faults.error["UNLOCK_CONNECTOR"] = (9, "")
    error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
    assert error.message.value == code
    assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)


@contextlib.asynccontextmanager
async def wall_box(build: HouseMaker, *, sockets: int = 1, side: bool = True) -> AsyncIterator[House]:
    """A house whose charge point is no portable one, and charges."""
    async with build(start=False, side=side) as house:
        house[SOCKET].chargepoint_type = "HIDDEN"
        house[SOCKET].sockets = [Socket(number) for number in range(1, sockets + 1)]
        await house.start()
        for socket in house[SOCKET].sockets:
            house[SOCKET].plug(Car(), socket)
            house[SOCKET].start("046C8CCA8C1D90", socket)
        await house.push(SOCKET)
        for address in addresses_of(house):
            await house.hub.expect("evt.state.report", address, value="charging")
        yield house


def addresses_of(house: House) -> list[str]:
    """The service addresses of the charge point's sockets."""
    numbers = [socket.number for socket in house[SOCKET].sockets]
    return [SOCKET] if len(numbers) == 1 else [f"{SOCKET}_{number}" for number in numbers]


async def test_a_wall_box_is_unlocked_by_the_apps_side(build: HouseMaker) -> None:
    async with wall_box(build) as house:
        (answer,) = await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert answer.brief == ("evt.cable_lock.report", False)
        await house.hub.expect("evt.state.report", SOCKET, value="ready_to_charge")  # not `finished`: it was us
        assert house.cloud.rest_calls["unlockconnector"] == 1
        assert house.cloud.requests_for("UNLOCK_CONNECTOR") == []
        assert house[SOCKET].sockets[0].unlocked


async def test_one_socket_of_several_is_unlocked_by_the_apps_side(build: HouseMaker) -> None:
    async with wall_box(build, sockets=2) as house:
        address = f"{SOCKET}_2"
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        (answer,) = await house.hub.command(address, "cmd.cable_lock.set", val_t="bool", val=False)
        assert answer.brief == ("evt.cable_lock.report", False)
        assert [socket.unlocked for socket in house[SOCKET].sockets] == [False, True]


async def test_an_apps_side_that_forbids_is_remembered(build: HouseMaker) -> None:
    async with wall_box(build) as house:
        house.cloud.faults.rest_error["unlockconnector"] = (2, "forbidden")
        since = house.mark
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_NOT_SUPPORTED"
        await house.hub.expect("evt.thing.inclusion_report", since=since)
        assert not any("cable_lock" in name for name in interfaces(house.hub, SOCKET))
        await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert house.cloud.rest_calls["unlockconnector"] == 1


async def test_an_apps_side_that_cannot_be_reached_teaches_nothing(build: HouseMaker) -> None:
    async with wall_box(build, side=False) as house:
        error = await house.hub.refused(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert error.message.value == "ERR_DISCONNECTED"
        assert "cmd.cable_lock.set" in interfaces(house.hub, SOCKET)
        house[SOCKET].step(60)
        house[SOCKET].stop()  # and the session that ends now was not ended by us
        await house.push(SOCKET)
        await house.hub.expect("evt.state.report", SOCKET, value="finished")


async def test_a_cloud_that_unlocks_everything_by_websocket_is_not_asked_to(build: HouseMaker) -> None:
    """The way depends on the type alone: it costs no request to find it out."""
    async with wall_box(build) as house:
        house.cloud.account.unlocks_by_websocket = True
        await house.hub.command(SOCKET, "cmd.cable_lock.set", val_t="bool", val=False)
        assert house.cloud.requests_for("UNLOCK_CONNECTOR") == []


# --- refusals ---


@pytest.mark.parametrize(
    ("topic", "fields", "code"),
    [
        (device_topic(SOCKET), {"type": "cmd.charge.fly"}, "ERR_UNKNOWN_INTERFACE"),
        (device_topic("BCU000000"), {"type": "cmd.charge.start"}, "ERR_UNKNOWN_ADDRESS"),
        (device_topic(SOCKET, "toaster"), {"type": "cmd.charge.start"}, "ERR_UNKNOWN_ADDRESS"),
        (ADAPTER, {"type": "cmd.thing.fly"}, "ERR_UNKNOWN_INTERFACE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "string", "val": "true"}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "bool", "val": 1}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.cable_lock.set", "val_t": "bool", "val": None}, "ERR_INVALID_VALUE"),
        (device_topic(SOCKET), {"type": "cmd.charge.start"}, "ERR_INVALID_STATE"),
    ],
)
async def test_refusals(house: House, topic: str, fields: dict[str, Any], code: str) -> None:
    since = house.mark
    uid = await house.hub.say(topic, **fields)
    error = (await house.hub.expect("evt.error.report", since=since)).message
    assert (error.value, error.value_type, error.corid) == (code, "string", uid)
    assert set(error.properties) == {"msg", "src", "cmd_topic", "cmd_service", "cmd_type"}
    assert (error.properties["cmd_topic"], error.properties["cmd_type"]) == (topic, fields["type"])
    assert str(error.properties["msg"]).endswith((".", "now"))
    on_device = "/rt:dev/" in topic
    assert (error.storage.strategy if error.storage is not None else None) == ("skip" if on_device else None)
    assert house.hub.heard[-1].path == topic.replace("mt:cmd", "mt:evt")
    assert house.cloud.requests_for("START_SESSION", "UNLOCK_CONNECTOR") == []


REFUSALS = [
    ({"verdict": {"START_SESSION": "REJECTED"}}, "ERR_REJECTED", "REJECTED"),
    ({"verdict": {"START_SESSION": "TIMEOUT"}}, "ERR_TIMEOUT", "not known"),
    ({"refuse": {"START_SESSION": "no active card for chargepoint"}}, "ERR_REJECTED", "no active card"),
    ({"error": {"START_SESSION": (2, "forbidden")}}, "ERR_REJECTED", "forbidden"),
    ({"error": {"START_SESSION": (0, "Unknown command")}}, "ERR_NOT_SUPPORTED", "does not know"),
    ({"error": {"START_SESSION": (9, "")}}, "ERR_REJECTED", "unknown error"),
    ({"silent": {"START_SESSION"}}, "ERR_TIMEOUT", "not known"),
]


@pytest.mark.parametrize("flow_ids", ["echo", "empty", "missing"])
@pytest.mark.parametrize(("faults", "code", "words"), REFUSALS)
async def test_what_the_cloud_refuses(
    build: HouseMaker, faults: dict[str, Any], code: str, words: str, flow_ids: str
) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        await plug(house)
        house.cloud.faults.flow_ids = flow_ids  # type: ignore[assignment]
        for name, value in faults.items():
            setattr(house.cloud.faults, name, value)
        error = await house.hub.refused(SOCKET, "cmd.charge.start")
        assert error.message.value == code
        assert words in str(error.message.properties["msg"])
        assert error.path == device_topic(SOCKET, kind="evt")


async def test_no_verdict_after_a_receipt(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 0.3}) as house:
        await plug(house)
        house.cloud.faults.verdict_delay_s = 30
        assert (await house.hub.refused(SOCKET, "cmd.charge.start")).message.value == "ERR_TIMEOUT"


async def test_a_link_that_goes_down_before_the_verdict(house: House) -> None:
    await plug(house)
    house.cloud.faults.verdict_delay_s = 30
    since = house.mark
    await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
    await house.hub.until(lambda: bool(house.cloud.requests_for("START_SESSION")))
    house.cloud.drop()
    error = await house.hub.expect("evt.error.report", SOCKET, since=since)
    assert error.message.value == "ERR_DISCONNECTED"
    await house.hub.until(lambda: house.cloud.connected)
    await asyncio.sleep(0.1)
    assert len(house.cloud.requests_for("START_SESSION")) == 1  # never replayed


async def test_commands_while_the_link_is_down(build: HouseMaker) -> None:
    async with build(cloud={"offline_grace": 0.2}) as house:
        await charging(house)
        house.cloud.faults.refuse_handshake = "maintenance"
        house.cloud.drop()
        await house.hub.expect("evt.state.report", SOCKET, value="unknown")
        link = house.service.link  # type: ignore[union-attr]
        await house.hub.until(lambda: "maintenance" in str(link.status.error))
        for type_ in ("cmd.charge.start", "cmd.charge.stop"):
            error = await house.hub.refused(SOCKET, type_)
            assert error.message.value == "ERR_DISCONNECTED"
            assert "maintenance" in str(error.message.properties["msg"])
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
        assert state.message.value == "unknown"


async def test_commands_while_the_request_limit_is_reached(house: House) -> None:
    await plug(house)
    await house.cloud.reach_limit()
    await house.hub.until(lambda: house.service is not None and not house.service.link.status.up)
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_REQUEST_LIMIT"
    assert "00:00:30" in str(error.message.properties["msg"])


async def test_an_error_42_in_answer_to_a_command(house: House) -> None:
    await plug(house)
    house.cloud.faults.error["START_SESSION"] = (42, "Request limit reached")
    assert (await house.hub.refused(SOCKET, "cmd.charge.start")).message.value == "ERR_REQUEST_LIMIT"


async def test_an_old_command_is_refused_but_an_old_question_is_answered(house: House) -> None:
    await plug(house)
    old = (datetime.now().astimezone() - timedelta(seconds=301)).isoformat(timespec="milliseconds")
    error = await house.hub.refused(SOCKET, "cmd.charge.start", ctime=old)
    assert error.message.value == "ERR_EXPIRED"
    assert house.cloud.requests_for("START_SESSION") == []
    (state,) = await house.hub.command(SOCKET, "cmd.state.get_report", ctime=old)
    assert state.message.value == "ready_to_charge"
    fresh = (datetime.now().astimezone() - timedelta(seconds=290)).isoformat(timespec="milliseconds")
    assert len(await house.hub.command(SOCKET, "cmd.charge.start", 2, ctime=fresh)) == 2


async def test_a_command_without_a_time_is_new(house: House) -> None:
    await plug(house)
    assert len(await house.hub.command(SOCKET, "cmd.charge.start", 2, ctime=...)) == 2


async def test_a_command_that_grew_old_while_it_waited_is_refused(build: HouseMaker) -> None:
    async with build(commands={"max_age": 0.4}, cloud={"command_timeout": 5.0}) as house:
        await charging(house)
        house.cloud.faults.verdict_delay_s = 0.6
        since = house.mark
        first = await house.hub.say(device_topic(SOCKET), type="cmd.charge.stop")
        second = await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.expect("evt.error.report", SOCKET, since=since, corid=second, value="ERR_EXPIRED")
        assert house.hub.find("evt.state.report", SOCKET, since=since, corid=first)
        assert house.cloud.requests_for("START_SESSION") == []


async def test_a_retained_command_is_refused(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house[SOCKET].plug(Car())
        topic, uid = device_topic(SOCKET), str(uuid4())
        body = {"serv": "chargepoint", "type": "cmd.charge.start", "val_t": "null", "val": None, "uid": uid}
        await house.hub.client.publish(topic, json.dumps(body), qos=1, retain=True)
        try:
            await house.start()
            error = await house.hub.expect("evt.error.report", SOCKET, corid=uid)
        finally:
            await house.hub.client.publish(topic, b"", qos=1, retain=True)
        # It may have come before the charge point was known; either way nothing was started.
        assert error.message.value in ("ERR_EXPIRED", "ERR_UNKNOWN_ADDRESS")
        assert house.cloud.requests_for("START_SESSION") == []
        house.service.parts.router.take(topic, json.dumps({**body, "uid": "u-2"}).encode(), retained=True)  # type: ignore[union-attr]
        error = await house.hub.expect("evt.error.report", SOCKET, corid="u-2")
        assert error.message.value == "ERR_EXPIRED"


async def test_the_same_command_twice_is_acted_on_once(house: House) -> None:
    await plug(house)
    uid = str(uuid4())
    first = await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    house[SOCKET].stop()
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="finished")
    again = await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    assert briefs(first)[0] == ("evt.state.report", "charging")
    assert briefs(again)[0] == ("evt.state.report", "finished")  # answered with what is so now
    await house.restart()
    await house.hub.command(SOCKET, "cmd.charge.start", 2, uid=uid)
    assert len(house.cloud.requests_for("START_SESSION")) == 1


async def test_a_refused_command_is_refused_again_in_the_same_words(house: House) -> None:
    uid = str(uuid4())
    first = await house.hub.refused(SOCKET, "cmd.charge.start", uid=uid)
    await plug(house)
    again = await house.hub.refused(SOCKET, "cmd.charge.start", uid=uid)
    assert again.message.value == first.message.value == "ERR_INVALID_STATE"
    assert again.message.properties["msg"] == first.message.properties["msg"]
    assert house.cloud.requests_for("START_SESSION") == []


async def test_too_many_commands_for_one_charge_point_are_refused(build: HouseMaker) -> None:
    async with build(cloud={"command_timeout": 20.0}) as house:
        await plug(house)
        house.cloud.faults.verdict_delay_s = 20
        since = house.mark
        for _ in range(20):
            await house.hub.say(device_topic(SOCKET), type="cmd.charge.start")
        await house.hub.until(lambda: len(house.hub.find("evt.error.report", SOCKET, since=since)) >= 4)
        errors = house.hub.find("evt.error.report", SOCKET, since=since)
        assert {error.message.value for error in errors} == {"ERR_INVALID_STATE"}
        assert "waiting" in str(errors[0].message.properties["msg"])
        (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")  # questions do not wait
        assert state.message.value == "ready_to_charge"


# --- malformed ---


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"not json",
        b"[]",
        b'"x"',
        b"null",
        b"\xff\xfe",
        b"{}",
        b'{"serv":"chargepoint","type":"cmd.charge.start"}',
    ],
)
@pytest.mark.parametrize("topic", [device_topic(SOCKET), ADAPTER])
async def test_what_is_no_message_is_answered_on_the_adapters_topic(house: House, topic: str, payload: bytes) -> None:
    since = house.mark
    await house.hub.client.publish(topic, payload, qos=1)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.path == "pt:j1/mt:evt/rt:ad/rn:bluecurrent/ad:1"
    assert error.message.value == "ERR_MALFORMED"
    assert error.message.properties["cmd_topic"] == topic
    assert len(await house.hub.command(SOCKET, "cmd.state.get_report")) == 1  # and life goes on


@pytest.mark.parametrize("missing", ["serv", "type", "val_t", "val", "uid"])
async def test_a_field_that_is_missing(house: House, missing: str) -> None:
    since = house.mark
    fields = {"type": "cmd.cable_lock.set", "val_t": "bool", "val": True, missing: ...}
    await house.hub.say(device_topic(SOCKET), **fields)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_MALFORMED"
    assert missing in str(error.message.properties["msg"])
    assert (error.message.corid is None) == (missing == "uid")


async def test_gzip(house: House) -> None:
    body = {"serv": "chargepoint", "type": "cmd.state.get_report", "val_t": "null", "val": None, "uid": str(uuid4())}
    topic = device_topic(SOCKET).replace("pt:j1", "pt:j1c1")
    since = house.mark
    await house.hub.client.publish(topic, gzip.compress(json.dumps(body).encode()), qos=1)
    answer = await house.hub.expect("evt.state.report", SOCKET, since=since, corid=body["uid"])
    assert answer.path == device_topic(SOCKET, kind="evt")  # events are plain
    await house.hub.client.publish(topic, json.dumps(body).encode(), qos=1)
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_MALFORMED"


async def test_a_topic_that_is_none_of_ours_below_our_own(house: House) -> None:
    since = house.mark
    await house.hub.say("pt:j1/mt:cmd/rt:dev/rn:bluecurrent/ad:1/oops", type="cmd.state.get_report")
    error = await house.hub.expect("evt.error.report", since=since)
    assert error.message.value == "ERR_UNKNOWN_ADDRESS"


# --- resp_to ---


async def test_a_copy_of_a_report_goes_to_resp_to(house: House) -> None:
    reply = "pt:j1/mt:rsp/rt:app/rn:tester/ad:1"
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", 2, resp_to=reply)
    assert [answer.path for answer in answers] == [device_topic(SOCKET, kind="evt"), reply]
    assert [answer.message.topic for answer in answers] == [device_topic(SOCKET, kind="evt"), reply]
    assert len({answer.message.uid for answer in answers}) == 2


async def test_a_gzipped_copy(house: House) -> None:
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", 2, resp_to="pt:j1c1/mt:rsp/rt:app/rn:tester/ad:1")
    assert answers[1].message.value == answers[0].message.value


async def test_an_error_goes_only_to_resp_to(house: House) -> None:
    reply = "pt:j1/mt:evt/rt:app/rn:tester/ad:1"
    since = house.mark
    error = await house.hub.refused(SOCKET, "cmd.charge.start", resp_to=reply)
    assert error.path == error.message.topic == reply
    await asyncio.sleep(0.1)
    assert len(house.hub.find("evt.error.report", since=since)) == 1


@pytest.mark.parametrize(
    "resp_to",
    ["nonsense", "pt:j1/mt:cmd/rt:app/rn:tester/ad:1", "pt:j1/mt:rsp/rt:app/rn:+/ad:1", "pt:j1/mt:rsp/#", "a/b"],
)
async def test_a_resp_to_that_cannot_be_used(house: House, resp_to: str) -> None:
    await plug(house)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", resp_to=resp_to)
    assert error.message.value == "ERR_INVALID_VALUE"
    assert error.path == device_topic(SOCKET, kind="evt")
    assert house.cloud.requests_for("START_SESSION") == []


# --- both sets, over the wire ---

SETS = [
    # activity, letter, energy before, standard, extended
    ("available", "A", 0.0, "disconnected", "disconnected"),
    ("available", "B", 0.0, "ready_to_charge", "ready_to_charge"),
    ("charging", "A", 0.0, "requesting", "requesting"),
    ("charging", "B", 0.0, "requesting", "suspended_by_ev"),
    ("charging", "C", 1.0, "charging", "charging"),
    ("charging", "D", 1.0, "charging", "charging"),
    ("charging", "B", 1.0, "finished", "suspended_by_ev"),
    ("delayed", "C", 0.0, "ready_to_charge", "suspended_by_evse"),
    ("unavailable", "B", 0.0, "unavailable", "unavailable"),
    ("error", "B", 0.0, "error", "error"),
    ("available", "E", 0.0, "error", "error"),
    ("charging", "F", 0.0, "error", "error"),
    ("offline", "B", 0.0, "unknown", "unknown"),
    ("dancing", "B", 0.0, "unknown", "unknown"),
    ("available", "Q", 0.0, "unknown", "unknown"),
]


@pytest.mark.parametrize("state_set", ["standard", "extended"])
async def test_both_state_sets(build: HouseMaker, state_set: str) -> None:
    async with build(fimp={"state_set": state_set}) as house:
        for activity, letter, energy, standard, extended in SETS:
            for data in (
                {"activity": "available", "vehicle_status": "A", "actual_kwh": 0},  # the car before has left
                {"activity": activity, "vehicle_status": letter, "actual_kwh": energy},
            ):
                await house.cloud.send_all(json.dumps({"object": "CH_STATUS", "evse_id": SOCKET, "data": data}))
            await asyncio.sleep(0.02)
            (state,) = await house.hub.command(SOCKET, "cmd.state.get_report")
            assert state.message.value == (standard if state_set == "standard" else extended), (activity, letter)
        service = next(one for one in described(house.hub, SOCKET)["services"] if one["name"] == "chargepoint")
        supported = set(service["props"]["sup_states"])
        assert ("suspended_by_ev" in supported) == (state_set == "extended")
        reported = {heard.message.value for heard in house.hub.find("evt.state.report")}
        assert reported <= supported


# --- what every event is like ---


async def test_every_event_has_what_hubs_are_picky_about(house: House) -> None:
    await charging(house)
    await house.hub.command(SOCKET, "cmd.charge.stop", 2)
    await house.hub.refused(SOCKET, "cmd.charge.fly")
    assert len({heard.message.uid for heard in house.hub.heard}) == len(house.hub.heard)
    for heard in house.hub.heard:
        raw = json.loads(heard.message.to_bytes())
        assert {"serv", "type", "val_t", "val", "props", "tags", "src", "ver", "uid", "ctime", "topic"} <= set(raw)
        assert raw["topic"] == heard.path
        assert isinstance(raw["props"], dict)
        assert all(isinstance(value, str) for value in raw["props"].values())
        assert raw["tags"] == []
        assert fits(raw["val_t"], raw["val"]), raw
        assert len(raw["ctime"].partition(".")[2]) == len("123+01:00")
        assert len(raw["uid"]) == 36
        assert raw["uid"][14] == "4"
        assert "corid" not in raw or raw["corid"]


async def test_a_global_prefix(build: HouseMaker) -> None:
    async with build(mqtt={"topic_prefix": "site/one"}) as house:
        since = house.mark
        uid = await house.hub.say(
            f"site/one/{device_topic(SOCKET)}", type="cmd.state.get_report", resp_to="pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        )
        await house.hub.until(lambda: len(house.hub.find("evt.state.report", since=since, corid=uid)) == 2)
        event, copy = house.hub.find("evt.state.report", since=since, corid=uid)
        assert event.path == f"site/one/{device_topic(SOCKET, kind='evt')}"
        assert copy.path == "site/one/pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        assert copy.message.topic == "pt:j1/mt:rsp/rt:app/rn:x/ad:1"
        assert all(heard.path.startswith("site/one/") for heard in house.hub.heard)


async def test_another_resource_name(build: HouseMaker) -> None:
    async with build(fimp={"resource_name": "charger", "resource_address": "2"}) as house:
        topic = device_topic(SOCKET).replace("rn:bluecurrent/ad:1", "rn:charger/ad:2")
        answers = await house.hub.ask(topic, "cmd.state.get_report")
        assert answers[0].path == topic.replace("mt:cmd", "mt:evt")
        assert answers[0].message.src == "charger"
