"""The service `chargepoint`: start, stop and the reports, with the exact messages and the cloud's requests."""

import asyncio

import pytest

from bridge.simulator.charge_point import ProfileName
from tests.conftest import HouseMaker
from tests.conversation.cars import briefs, charge, plug
from tests.harness import SOCKET, House, device_topic

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
async def test_a_start_uses_the_configured_card_else_the_default_one(
    build: HouseMaker, card: str, default: str, expected: str
) -> None:
    async with build(charging={"card": card}, start=False) as house:
        house[SOCKET].default_card = {"uid": default, "id": default}
        await house.start()
        await plug(house)
        await house.hub.command(SOCKET, "cmd.charge.start", 2)
        assert house.cloud.requests_for("START_SESSION")[0]["session_token"] == expected


async def test_start_while_charging_asks_nothing_of_the_cloud(house: House) -> None:
    await charge(house)
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
async def test_the_mode_normal_is_accepted_in_any_letter_case(house: House, mode: str) -> None:
    await plug(house)
    answers = await house.hub.command(SOCKET, "cmd.charge.start", 2, props={"charging_mode": mode})
    assert answers[0].message.properties == {"charging_mode": "normal"}


async def test_a_property_that_is_no_text_is_refused(house: House) -> None:
    await plug(house)
    error = await house.hub.refused(SOCKET, "cmd.charge.start", props={"charging_mode": 1})
    assert error.message.value == "ERR_INVALID_VALUE"


# --- stop ---


async def test_stop_ends_the_session_and_it_is_not_finished(house: House) -> None:
    await charge(house)
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
    await charge(house)
    house[SOCKET].step(60)
    house[SOCKET].stop()
    await house.push(SOCKET)
    await house.hub.expect("evt.state.report", SOCKET, value="finished")


# --- reports ---


async def test_get_reports_ask_nothing_of_the_cloud(house: House) -> None:
    await charge(house)
    before = len(house.cloud.seen)
    state = (await house.hub.command(SOCKET, "cmd.state.get_report"))[0].message
    assert (state.value, state.value_type) == ("charging", "string")
    session = (await house.hub.command(SOCKET, "cmd.current_session.get_report"))[0].message
    assert (session.value, session.value_type) == (0, "float")
    lock = (await house.hub.command(SOCKET, "cmd.cable_lock.get_report"))[0].message
    assert (lock.type, lock.value, lock.value_type) == ("evt.cable_lock.report", True, "bool")
    assert len(house.cloud.seen) == before


async def test_a_command_without_a_value_ignores_the_value_in_the_message(house: House) -> None:
    answers = await house.hub.command(SOCKET, "cmd.state.get_report", val_t="int", val="x")
    assert answers[0].message.type == "evt.state.report"


async def test_the_session_report_has_the_energy_of_the_previous_session(house: House) -> None:
    await charge(house)
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
