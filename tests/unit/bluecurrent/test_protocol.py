"""The reaction of the link to frames, losses and time."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.bluecurrent import requests
from bridge.bluecurrent.frames import Frame, Token, parse_frame
from bridge.bluecurrent.protocol import (
    NO_TOKEN,
    STABLE_AFTER_S,
    CloudProtocol,
    Connect,
    WaitFor,
    WaitForToken,
    closed_connection,
    login_answer,
    refused_handshake,
)
from bridge.errors import (
    AlreadyConnected,
    BridgeError,
    Disconnected,
    LoginLapsed,
    Rejected,
    RequestLimit,
    Unauthorized,
    UnknownRequest,
)

NOON = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)

MIDNIGHT = datetime(2026, 11, 21, 0, 0, 30, tzinfo=UTC) - timedelta(hours=1)  # in Amsterdam

GONE = Disconnected("gone")

REFUSED = Unauthorized("refused")

LAPSED = LoginLapsed("lapsed")


def protocol() -> CloudProtocol:
    """One with a token, that has logged in and is about to connect."""
    made = CloudProtocol(60.0)
    made.set_token("api")
    assert made.next_step(0.0, NOON) == Connect(log_in=True)
    made.logged_in(Token("request", "1"))
    return made


def lose(link: CloudProtocol, error: BridgeError, now: float = 0.0, wall: datetime = NOON, jitter: float = 0.0) -> None:
    """The connection is lost."""
    link.lost(error, now, wall, jitter)


# --- when to try again ---


def test_without_a_token_there_is_nothing_to_do() -> None:
    link = CloudProtocol(60.0)
    assert link.next_step(0.0, NOON) == WaitForToken(NO_TOKEN)
    assert link.set_token("api")
    assert not link.set_token("api")
    assert link.next_step(0.0, NOON) == Connect(log_in=True)


def test_the_login_stays_good_across_reconnects() -> None:
    link = protocol()
    lose(link, GONE)
    assert link.next_step(1.0, NOON) == Connect(log_in=False)


@pytest.mark.parametrize("jitter", [0.0, 0.4, 1.0])
@pytest.mark.parametrize("error", [GONE, AlreadyConnected("another"), LAPSED])
def test_the_wait_grows_from_one_second_to_five_minutes(error: BridgeError, jitter: float) -> None:
    link, now, waits = protocol(), 0.0, []
    for _ in range(12):
        lose(link, error, now, jitter=jitter)
        step = link.next_step(now, NOON)
        assert isinstance(step, WaitFor)
        waits.append(step.seconds)
        assert link.next_step(now + step.seconds - 0.001, NOON) != Connect(log_in=False)
        now += step.seconds
        assert link.next_step(now, NOON) == Connect(log_in=False)
    assert waits == sorted(waits)
    assert 1.0 <= waits[0] <= 2.0
    assert 150.0 <= waits[-1] <= 300.0


@pytest.mark.parametrize(
    ("up_for", "wait"),
    [(None, 8.0), (0.0, 8.0), (STABLE_AFTER_S - 1, 8.0), (STABLE_AFTER_S, 1.0), (3600.0, 1.0)],
)
def test_the_back_off_is_reset_only_after_a_stable_connection(up_for: float | None, wait: float) -> None:
    link = protocol()
    for _ in range(3):
        lose(link, GONE)
    if up_for is not None:
        link.opened(100.0)
    now = 100.0 + (up_for or 0.0)
    lose(link, GONE, now)
    assert link.next_step(now, NOON) == WaitFor(wait)


def test_setting_the_wall_clock_changes_no_wait() -> None:
    link = protocol()
    lose(link, GONE, 0.0, NOON)
    for wall in (NOON - timedelta(days=40), NOON + timedelta(days=40)):
        assert link.next_step(0.5, wall) == WaitFor(0.5)


def test_a_refused_token_is_not_tried_again_until_it_changes() -> None:
    link = CloudProtocol(60.0)
    link.set_token("api")
    link.next_step(0.0, NOON)
    lose(link, REFUSED)
    for now in (0.0, 1e3, 1e9):
        assert link.next_step(now, NOON + timedelta(days=400)) == WaitForToken(REFUSED)
    assert not link.set_token("api")
    assert link.next_step(1e9, NOON) == WaitForToken(REFUSED)
    assert link.set_token("another")
    assert link.next_step(1e9, NOON) == Connect(log_in=True)


def test_a_lapsed_token_for_requests_is_fetched_again() -> None:
    link = protocol()
    heard = link.receive('{"object": "ERROR", "error": 1, "message": "Invalid Auth Token"}', 0.0, NOON)
    assert isinstance(heard.lost, LoginLapsed)
    lose(link, heard.lost)
    assert link.next_step(1.0, NOON) == Connect(log_in=True)


def test_after_a_request_limit_the_next_connection_waits_for_its_end() -> None:
    link = protocol()
    lose(link, RequestLimit(MIDNIGHT))
    left = (MIDNIGHT - NOON).total_seconds()
    assert link.retry_in(0.0) == left
    for passed in (0.0, 3600.0, left - 5.0):
        step = link.next_step(passed, NOON + timedelta(seconds=passed))
        assert step == WaitFor(min(60.0, left - passed))  # and checks the wall clock in between
    assert link.next_step(left, MIDNIGHT) == Connect(log_in=False)


@pytest.mark.parametrize(("set_by", "passed"), [(-7200, 11.0 * 3600 + 31), (11 * 3600 + 31, 60.0)])
def test_setting_the_wall_clock_does_not_extend_a_request_limit(set_by: int, passed: float) -> None:
    link = protocol()
    lose(link, RequestLimit(MIDNIGHT))
    assert link.next_step(passed, NOON + timedelta(seconds=passed + set_by)) == Connect(log_in=False)


def test_a_request_limit_resets_the_back_off() -> None:
    link = protocol()
    for _ in range(5):
        lose(link, GONE)
    lose(link, RequestLimit(NOON))
    lose(link, GONE, 1.0)
    assert link.next_step(1.0, NOON) == WaitFor(1.0)


@pytest.mark.parametrize("error", [GONE, REFUSED, LAPSED, RequestLimit(MIDNIGHT)])
def test_the_outcome_of_an_old_token_does_not_affect_the_new_one(error: BridgeError) -> None:
    link = protocol()
    link.set_token("another")
    lose(link, error)
    assert link.superseded
    assert link.next_step(0.0, NOON) == Connect(log_in=True)


def test_a_login_with_an_old_token_is_discarded() -> None:
    link = CloudProtocol(60.0)
    link.set_token("old")
    link.next_step(0.0, NOON)
    link.set_token("new")
    link.logged_in(Token("of the old one", "1"))
    assert link.request_token is None


def test_a_renewed_connection_is_opened_at_once() -> None:
    link = protocol()
    link.renew()
    lose(link, GONE)
    assert link.next_step(0.0, NOON) == Connect(log_in=False)
    lose(link, GONE)
    assert link.next_step(0.0, NOON) == WaitFor(1.0)


# --- refused handshakes ---


@pytest.mark.parametrize(
    ("frame", "meaning"),
    [
        ({"object": "STATUS_API_TOKEN", "success": True, "token": "T", "customer_id": 7}, Token("T", "7")),
        ({"object": "STATUS_API_TOKEN", "success": "true", "token": "T", "customer_id": "7"}, Token("T", "7")),
        ({"object": "STATUS_API_TOKEN", "success": 1, "token": "T"}, Token("T", "")),
        ({"object": "STATUS_API_TOKEN", "success": None, "token": "T"}, Token("T", "")),
        ({"object": "STATUS_API_TOKEN", "token": "T"}, Token("T", "")),
        ({"object": "STATUS_API_TOKEN", "success": "false", "token": "T"}, Unauthorized),
        ({"object": "STATUS_API_TOKEN", "success": False}, Unauthorized),
        ({"object": "STATUS_API_TOKEN", "success": False, "token": "T"}, Unauthorized),
        ({"object": "STATUS_API_TOKEN", "success": True}, Disconnected),
        ({"object": "STATUS_API_TOKEN"}, Disconnected),
        ({"object": "ERROR", "error": 1}, Unauthorized),
        ({"object": "ERROR", "error": 42}, RequestLimit),
        ({"object": "ERROR", "error": "42", "message": ""}, RequestLimit),
        ({"object": "ERROR", "message": "Invalid Auth Token"}, Unauthorized),
        ({"object": "ERROR", "error": 9, "message": "later"}, Disconnected),
        ({"object": "CH_STATUS", "evse_id": "A1", "data": {}}, type(None)),
    ],
)
def test_an_answer_to_a_login_is_a_token_or_an_error(frame: dict[str, Any], meaning: object) -> None:
    found = login_answer(parse_frame(json.dumps(frame)), NOON)
    assert found == meaning if isinstance(meaning, Token) else type(found) is meaning
    if isinstance(found, RequestLimit):
        assert found.until == MIDNIGHT


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("Request limit reached", RequestLimit),
        ("request limit reached!", RequestLimit),
        ("Already connected", AlreadyConnected),
        ("maintenance", Disconnected),
        ("", Disconnected),
    ],
)
def test_the_reason_of_a_refused_handshake_has_its_error(reason: str, kind: type[BridgeError]) -> None:
    found = refused_handshake(403, reason, NOON)
    assert type(found) is kind
    assert reason in str(found) or kind is not Disconnected
    assert reason or "HTTP 403" in str(found)


@pytest.mark.parametrize(("code", "kind"), [(4001, RequestLimit), (1000, Disconnected), (None, Disconnected)])
def test_the_code_of_a_closed_connection_has_its_error(code: int | None, kind: type[BridgeError]) -> None:
    assert type(closed_connection(code, "closed", NOON)) is kind


# --- frames ---


@pytest.mark.parametrize("text", ["{", "", b"\xff\xfe", "[]", "null", "{}", '{"object": 5}', "[" * 100_000, "\x00"])
def test_text_that_is_no_frame_ends_no_request_and_no_connection(text: str | bytes) -> None:
    link = protocol()
    link.ask(requests.stop_session("A1"), "f")
    heard = link.receive(text, 0.0, NOON)
    assert heard.frame is None or heard.frame.object == "5"
    assert (list(heard.ended), heard.lost) == ([], None)


def test_an_exception_in_reading_a_frame_skips_only_that_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str | bytes) -> Frame:
        raise OverflowError("date out of range")

    monkeypatch.setattr("bridge.bluecurrent.protocol.parse_frame", broken)
    heard = protocol().receive("{}", 0.0, NOON)
    assert heard.frame is None
    assert "date out of range" in heard.problem


@given(st.text() | st.binary())
def test_no_text_raises(text: str | bytes) -> None:
    protocol().receive(text, 0.0, NOON)


@pytest.mark.parametrize(
    ("error", "of_start", "of_stop", "lost"),
    [
        # 42 and 1 concern all requests; a request that was passed on may have been carried out
        ({"error": 42}, Disconnected, RequestLimit, RequestLimit),
        ({"error": 42, "flow_id": "stop"}, Disconnected, RequestLimit, RequestLimit),
        ({"error": 1}, Disconnected, LoginLapsed, LoginLapsed),
        ({"error": 42, "flow_id": "somebody else's"}, None, None, None),
        ({"error": 1, "flow_id": "somebody else's"}, None, None, None),
        ({"error": 9}, None, Rejected, None),
        ({"error": 0}, None, UnknownRequest, None),
        ({"error": 9, "flow_id": "start"}, Rejected, None, None),
        ({"error": 9, "message": "no session at chargepoint: A1"}, Rejected, None, None),
        ({"error": 9, "message": "no session at chargepoint: C1"}, None, None, None),
        ({"error": 9, "flow_id": "somebody else's"}, None, None, None),
    ],
)
def test_an_error_ends_the_requests_that_it_concerns(
    error: dict[str, Any], of_start: type[BridgeError] | None, of_stop: type[BridgeError] | None, lost: object
) -> None:
    link = protocol()
    start, _ = link.ask(requests.start_session("A1", "card"), "start")
    stop, _ = link.ask(requests.stop_session("B1"), "stop")
    link.receive('{"object": "RECEIVED_START_SESSION", "evse_id": "A1"}', 0.0, NOON)
    heard = link.receive(json.dumps({"object": "ERROR", **error}), 0.0, NOON)
    assert type(heard.lost) is (lost or type(None))
    ended = [*heard.ended, *(link.close(heard.lost) if heard.lost is not None else ())]
    kinds = {one.waiting: type(one.answer) for one in ended}
    assert (kinds.get(start), kinds.get(stop)) == (of_start, of_stop)
    assert bool(heard.problem) == (not ended)  # an error that belongs to no request is logged


def test_the_text_of_a_request_carries_the_token_and_the_flow_id() -> None:
    link = protocol()
    _, text = link.ask(requests.stop_session("A1", 2), "f")
    assert json.loads(text) == {
        "command": "STOP_SESSION",
        "Authorization": "Token request",
        "evse_id": "A1",
        "socket_id": 2,
        "flow_id": "f",
    }
    assert "flow_id" not in json.loads(link.ask(requests.hello(), None)[1])
