"""The link with a cloud that sends exactly what a test scripts."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from websockets.asyncio.server import serve

from bridge.bluecurrent import requests
from bridge.bluecurrent.protocol import LinkState
from bridge.clock import SystemClock
from bridge.errors import BridgeError, Disconnected, Forbidden, Rejected, RequestLimit, Unauthorized, VerdictTimeout
from tests.clock import FakeClock
from tests.integration.scripted_cloud import PATIENCE_S, LinkedUp, Said, ScriptedCloud, running


@pytest.fixture
async def cloud() -> AsyncIterator[ScriptedCloud]:
    """A cloud that listens."""
    made = ScriptedCloud()
    async with serve(made.serve, "127.0.0.1", 0, ping_interval=None, close_timeout=0.1) as server:
        made.url = f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/haserver"
        yield made


@pytest.fixture
async def linked(cloud: ScriptedCloud) -> AsyncIterator[LinkedUp]:
    """A link that is up."""
    async with running(cloud) as made:
        await made.up()
        yield made


# --- verdicts and effects ---

BLOCK = requests.set_operative("A1", operative=False)

BLOCKED: Said = {"object": "CH_STATUS", "evse_id": "A1", "data": {"activity": "unavailable"}}

FREE: Said = {"object": "CH_STATUS", "evse_id": "A1", "data": {"activity": "available"}}


def received(said: Said) -> Said:
    """The receipt."""
    return {"object": f"RECEIVED_{said['command']}", "evse_id": said["evse_id"], "flow_id": said["flow_id"]}


def verdict(said: Said, **more: Any) -> Said:
    """The verdict."""
    return {"object": f"STATUS_{said['command']}", "evse_id": said.get("evse_id"), "success": True} | more


async def test_a_block_is_done_when_the_status_shows_it(linked: LinkedUp) -> None:
    linked.cloud.answers["SET_INOPERATIVE"] = lambda said: [received(said), BLOCKED]
    async with asyncio.timeout(0.9):  # does not wait for answers that may be in flight
        await linked.link.ask(BLOCK)


async def test_a_setting_is_done_when_the_settings_show_it(linked: LinkedUp) -> None:
    told = {"object": "CH_SETTINGS", "data": {"evse_id": "A1", "delayed_charging": {"value": True}}}
    linked.cloud.answers["SET_DELAYED_CHARGING"] = lambda _: [told]
    assert await linked.link.ask(requests.set_delayed_charging("A1", value=True)) is None


async def test_a_status_in_flight_before_the_request_is_no_effect(linked: LinkedUp) -> None:
    linked.cloud.answers["SET_INOPERATIVE"] = lambda said: [BLOCKED, verdict(said, success=False, error="REJECTED")]
    with pytest.raises(Rejected, match="REJECTED"):
        await linked.link.ask(BLOCK)


async def test_a_late_verdict_confirms_nothing_else(linked: LinkedUp) -> None:
    linked.cloud.answers["SET_INOPERATIVE"] = lambda said: [received(said), BLOCKED]
    await linked.link.ask(BLOCK)
    linked.cloud.answers["SET_INOPERATIVE"] = lambda said: [verdict(said), FREE]
    with pytest.raises(VerdictTimeout):
        await linked.link.ask(BLOCK)


async def test_an_error_that_names_a_charge_point_ends_its_own_stop(linked: LinkedUp) -> None:
    stopping = [asyncio.create_task(linked.link.ask(requests.stop_session(evse_id))) for evse_id in ("A1", "B1")]
    await linked.until(lambda: linked.cloud.commands().count("STOP_SESSION") == 2)
    await linked.cloud.say({"object": "RECEIVED_STOP_SESSION", "error": "no active session for chargepoint: B1"})
    with pytest.raises(Rejected, match="B1"):
        await stopping[1]
    assert not stopping[0].done()
    await linked.cloud.say({"object": "STATUS_STOP_SESSION", "evse_id": "A1", "success": True})
    await stopping[0]


async def test_a_forbidden_request_has_its_own_error(linked: LinkedUp) -> None:
    linked.cloud.answers["UNLOCK_CONNECTOR"] = lambda _: [{"object": "ERROR", "error": 2, "message": "forbidden"}]
    with pytest.raises(Forbidden):
        await linked.link.ask(requests.unlock_connector("A1"))


async def test_an_answer_to_another_clients_request_is_ignored(cloud: ScriptedCloud) -> None:
    async with running(cloud, command_timeout=0.3) as linked:
        await linked.up()
        cloud.answers["STOP_SESSION"] = lambda said: [verdict(said, flow_id="theirs")]
        with pytest.raises(VerdictTimeout):
            await linked.link.ask(requests.stop_session("A1"))


# --- what ends a connection ---


@pytest.mark.parametrize(
    ("end", "kind"),
    [
        ({"object": "ERROR", "error": 42, "message": "Request limit reached"}, RequestLimit),
        (4001, RequestLimit),
        ({"object": "ERROR", "error": 1, "message": "Invalid Auth Token"}, Unauthorized),
        (1011, Disconnected),
        ("x" * (4 * 1024 * 1024 + 1), Disconnected),
    ],
    ids=["error 42", "close code 4001", "error 1", "another close code", "too long a frame"],
)
async def test_the_end_of_a_connection_ends_every_request(
    linked: LinkedUp, end: Said | int | str, kind: type[BridgeError]
) -> None:
    asked = [requests.stop_session("A1"), requests.get_status("B1")]
    waiting = [asyncio.create_task(linked.link.ask(request)) for request in asked]
    await linked.until(lambda: {"STOP_SESSION", "GET_CH_STATUS"} <= set(linked.cloud.commands()))
    if isinstance(end, int):
        for connection in list(linked.cloud.connections):
            await connection.close(end)
    else:
        await linked.cloud.say(end)
    for task in waiting:
        with pytest.raises(kind):
            async with asyncio.timeout(PATIENCE_S):
                await task
    await linked.until(lambda: any(status.state is LinkState.DOWN for status in linked.statuses))
    down = next(status for status in linked.statuses if status.state is LinkState.DOWN)
    assert isinstance(down.error, kind)
    assert [line for line in linked.tap.lines if line[0] == "lost"] == [("lost", str(down.error))]


async def test_a_start_that_was_passed_on_has_an_unknown_outcome_at_the_request_limit(linked: LinkedUp) -> None:
    linked.cloud.answers["START_SESSION"] = lambda said: [received(said), {"object": "ERROR", "error": 42}]
    with pytest.raises(Disconnected):
        await linked.link.ask(requests.start_session("A1", "card"))


# --- tokens ---


async def test_a_login_is_discarded_when_a_new_token_was_set_meanwhile(cloud: ScriptedCloud) -> None:
    cloud.tokens["other"] = "other request"
    cloud.login_gate.clear()
    async with running(cloud) as linked:
        await linked.until(lambda: cloud.commands() == ["VALIDATE_API_TOKEN"])
        linked.link.set_token("other")
        cloud.login_gate.set()
        await linked.up()
        hellos = [said["Authorization"] for said in cloud.seen if said["command"] == "HELLO"]
        assert hellos == ["Token other request"]
        assert cloud.commands().count("VALIDATE_API_TOKEN") == 2


async def test_a_refused_token_is_reported_once_and_not_tried_again(cloud: ScriptedCloud) -> None:
    async with running(cloud, token="wrong") as linked:
        await linked.until(lambda: linked.link.status.state is LinkState.DOWN)
        linked.link.set_token("wrong")
        linked.link.reconnect()
        await asyncio.sleep(0.1)
        assert cloud.commands() == ["VALIDATE_API_TOKEN"]
        linked.link.set_token("api")
        await linked.up()


@pytest.mark.parametrize("answer", [{"success": True}, {}, {"success": True, "token": ""}])
async def test_a_login_answer_that_cannot_be_read_is_no_refusal(
    cloud: ScriptedCloud, answer: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = FakeClock()
    answers = [answer]
    validate = cloud._answer

    async def odd(said: Said) -> list[Said]:
        if said["command"] == "VALIDATE_API_TOKEN" and answers:
            return [{"object": "STATUS_API_TOKEN", **answers.pop()}]
        return await validate(said)

    monkeypatch.setattr(cloud, "_answer", odd)
    async with running(cloud, clock=clock) as linked:
        await linked.until(lambda: linked.link.status.state is LinkState.DOWN)
        assert isinstance(linked.link.status.error, Disconnected)
        await asyncio.sleep(0.1)  # the link says that it is down before it waits on the clock
        clock.move(1.0)
        await linked.up()


# --- listeners, the tap, the counts ---


async def test_a_listener_that_fails_ends_nothing(linked: LinkedUp) -> None:
    def broken(_: object) -> None:
        raise OverflowError("what a frame")

    linked.link.frame_listeners = (broken, linked.frames.append)
    linked.link.status_listeners = (broken, linked.statuses.append)
    linked.frames.clear()
    await linked.cloud.say(BLOCKED, "no JSON", FREE)
    await linked.until(lambda: len(linked.frames) == 2)
    linked.link.reconnect()
    await linked.until(lambda: linked.cloud.commands().count("HELLO") == 2)
    await linked.up()
    failed = [line["event"] for line in linked.logged() if line["level"] == "error"]
    assert failed.count("a frame was not fully handled") >= 2
    assert "a change of the link was not fully handled" in failed


async def test_listeners_get_a_frame_before_the_request_returns(linked: LinkedUp) -> None:
    linked.cloud.answers["SET_INOPERATIVE"] = lambda said: [received(said), BLOCKED]
    linked.frames.clear()
    await linked.link.ask(BLOCK)
    assert [frame.object for frame in linked.frames] == ["RECEIVED_SET_INOPERATIVE", "CH_STATUS"]


async def test_the_tap_sees_both_directions_and_each_loss(linked: LinkedUp) -> None:
    linked.cloud.answers["GET_CH_STATUS"] = lambda _: [FREE]
    await linked.link.ask(requests.get_status("A1"))
    assert linked.tap.lines == [
        ("sent", "VALIDATE_API_TOKEN"),
        ("received", "STATUS_API_TOKEN"),
        ("sent", "HELLO"),
        ("received", "HELLO"),
        ("sent", "GET_CH_STATUS"),
        ("received", "CH_STATUS"),
    ]
    linked.link.reconnect()
    await linked.until(lambda: len(linked.tap.lines) == 9)
    assert linked.tap.lines[6:] == [
        ("lost", "The bridge connects to Blue Current again."),
        ("sent", "HELLO"),
        ("received", "HELLO"),
    ]


async def test_requests_are_counted_by_kind(linked: LinkedUp) -> None:
    linked.cloud.answers["GET_CH_STATUS"] = lambda _: [FREE]
    for _ in range(3):
        await linked.link.ask(requests.get_status("A1"))
    counted = {"VALIDATE_API_TOKEN": 1, "HELLO": 1, "GET_CH_STATUS": 3}
    counts = linked.link.counts
    assert counts.today(SystemClock().now()) == counted == counts.total
    assert counts.total.total() == 5 == len(linked.cloud.seen)


# --- time ---


async def test_a_wait_for_the_request_limit_follows_a_clock_that_is_set(cloud: ScriptedCloud) -> None:
    clock = FakeClock()
    async with running(cloud, clock=clock) as linked:
        await linked.up()
        await cloud.say({"object": "ERROR", "error": 42})
        await linked.until(lambda: linked.link.status.state is LinkState.DOWN)
        await clock.pass_by(120.0, step=60.0)
        assert cloud.commands().count("HELLO") == 1
        error = linked.link.status.error
        assert isinstance(error, RequestLimit)
        clock._now = error.until
        clock.move(60.0)
        await linked.up()


async def test_a_request_gives_up_by_a_clock_that_counts_the_machines_sleep(
    linked: LinkedUp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.bluecurrent.link.LOOK_AT_CLOCK_S", 0.05)
    monkeypatch.setattr("bridge.bluecurrent.link.IN_FLIGHT_S", 0.05)
    clock = FakeClock()
    monkeypatch.setattr(linked.link, "_clock", clock)
    asking = asyncio.create_task(linked.link.ask(requests.get_account()))
    await linked.until(lambda: "GET_ACCOUNT" in linked.cloud.commands())
    clock.move(3600.0)
    with pytest.raises(VerdictTimeout):
        async with asyncio.timeout(PATIENCE_S):
            await asking
