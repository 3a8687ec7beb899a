"""The correlation of answers with requests."""

import json
from collections.abc import Iterable
from typing import Any

import pytest

from bridge.bluecurrent import requests
from bridge.bluecurrent.correlation import Correlation, Ended, Waiting, named_error, refusal
from bridge.bluecurrent.frames import Error, Frame, parse_frame
from bridge.bluecurrent.requests import Request
from bridge.chargepoint.schedules import Schedule
from bridge.errors import Disconnected, Forbidden, Rejected, RequestLimit, UnknownRequest, VerdictTimeout

LATE_FOR = 60.0


def frame(object_: str, **fields: Any) -> Frame:
    """A frame from the cloud."""
    return parse_frame(json.dumps({"object": object_, **fields}))


class Talk:
    """Requests by name, and what has ended them."""

    def __init__(self, **asked: Request[Any]) -> None:
        self.correlation = Correlation(LATE_FOR)
        self.names: dict[Waiting, str] = {}
        for name, request in asked.items():
            self.ask(name, request)

    def ask(self, name: str, request: Request[Any]) -> None:
        """Register a request; its `flow_id` is its name."""
        self.names[self.correlation.add(request, f"flow {name}")] = name

    def waiting(self, name: str) -> Waiting:
        """The place of a request."""
        return next(waiting for waiting, known in self.names.items() if known == name)

    def hear(self, object_: str, now: float = 0.0, **fields: Any) -> list[str]:
        """Receive a frame; returns the names of the requests that it ends, with `!` for refused ones."""
        return self.told(self.correlation.take(frame(object_, **fields), now))

    def told(self, ended: Iterable[Ended]) -> list[str]:
        """The names of requests that have ended."""
        return [self.names[one.waiting] + ("" if isinstance(one.answer, Frame) else "!") for one in ended]


def busy() -> Talk:
    """Three requests that wait, the oldest first."""
    return Talk(
        start_a=requests.start_session("A1", "card"),
        start_b=requests.start_session("B1", "card"),
        status_a=requests.get_status("A1"),
    )


@pytest.mark.parametrize(
    ("object_", "fields", "ended"),
    [
        ("STATUS_START_SESSION", {"evse_id": "B1", "flow_id": "flow start_b"}, ["start_b"]),
        ("STATUS_START_SESSION", {"flow_id": "flow start_b"}, ["start_b"]),
        ("STATUS_START_SESSION", {"evse_id": "B1", "flow_id": ""}, ["start_b"]),
        ("STATUS_START_SESSION", {"evse_id": "B1"}, ["start_b"]),
        ("START_SESSION", {"evse_id": "B1"}, ["start_b"]),
        ("STATUS_START_SESSION", {}, ["start_a"]),  # the oldest
        ("RECEIVED_START_SESSION", {"evse_id": "A1"}, []),
        ("RECEIVED_START_SESSION", {"evse_id": "B1", "error": "no"}, ["start_b!"]),
        ("CH_STATUS", {"evse_id": "A1", "data": {}}, ["status_a"]),
        ("CH_STATUS", {"evse_id": "B1", "data": {}}, []),
        ("CH_STATUS", {"items": [{"evse_id": "B1"}, {"evse_id": "A1", "socket_id": 1}]}, ["status_a"]),
        ("CH_STATUS", {"items": [{"evse_id": "B1"}, {"evse_id": "C1"}]}, []),
        # a status is never a verdict on a start
        ("CH_STATUS", {"evse_id": "A1", "data": {}, "flow_id": "flow start_a"}, []),
        ("STATUS_START_SESSION", {"evse_id": "B1", "flow_id": "somebody else's"}, []),
        ("STATUS_STOP_SESSION", {"evse_id": "A1"}, []),
        # several have no answer at all yet: the error is about none of them
        ("ERROR", {"error": 9, "message": "Unknown error"}, []),
        ("ERROR", {"error": 9, "flow_id": "flow status_a"}, ["status_a!"]),
        ("ERROR", {"error": 9, "flow_id": "somebody else's"}, []),
        # but where it names a charge point, only that one's count
        ("ERROR", {"error": 9, "message": "not for chargepoint: B1"}, ["start_b!"]),
        ("ERROR", {"error": 9, "evse_id": "B1"}, ["start_b!"]),
        ("ERROR", {"error": 9, "message": "not for chargepoint: C1"}, []),
        ("ERROR", {"error": 9, "message": "not for chargepoint: A1"}, []),  # it has two waiting requests
        # a refusal that names its charge point only in its words
        ("RECEIVED_START_SESSION", {"error": "unknown card for chargepoint: B1"}, ["start_b!"]),
        ("STATUS_START_SESSION", {"success": False, "error": "B1 does not answer."}, ["start_b!"]),
        ("RECEIVED_START_SESSION", {"error": "unknown card for chargepoint: C1"}, []),
        ("RECEIVED_START_SESSION", {"error": "unknown card for charge point: B12"}, []),
        ("RECEIVED_START_SESSION", {"error": "the charge point is busy"}, ["start_a!"]),
    ],
)
def test_an_answer_goes_to_its_request(object_: str, fields: dict[str, Any], ended: list[str]) -> None:
    talk = busy()
    assert talk.hear(object_, **fields) == ended
    assert len(talk.correlation.waiting) == 3 - len(ended)


def test_a_receipt_is_taken_once() -> None:
    talk = busy()
    assert talk.hear("RECEIVED_START_SESSION") == talk.hear("RECEIVED_START_SESSION") == []
    assert [entry.received for entry in talk.correlation.waiting] == [True, True, False]


def test_an_error_without_a_name_is_about_the_only_request_without_any_answer() -> None:
    talk = busy()
    assert talk.hear("ERROR", error=9) == []
    talk.hear("RECEIVED_START_SESSION", evse_id="A1")
    assert talk.hear("ERROR", error=9) == []
    talk.hear("RECEIVED_START_SESSION", evse_id="B1")
    assert talk.hear("ERROR", error=9) == ["status_a!"]
    assert talk.hear("ERROR", error=9) == []


def test_an_error_that_names_a_charge_point_ends_its_own_stop() -> None:
    for first, second in (("A1", "B1"), ("B1", "A1")):
        talk = Talk(a=requests.stop_session("A1"), b=requests.stop_session("B1"))
        told = talk.hear("RECEIVED_STOP_SESSION", error=f"no active session for chargepoint: {first}")
        assert told == [f"{first[0].lower()}!"]
        assert talk.hear("RECEIVED_STOP_SESSION") == []
        assert talk.hear("STATUS_STOP_SESSION", success=True) == [second[0].lower()]


def test_a_verdict_that_names_a_socket_ends_the_stop_of_that_socket() -> None:
    talk = Talk(one=requests.stop_session("A1", 1), two=requests.stop_session("A1", 2))
    assert talk.hear("STATUS_STOP_SESSION", evse_id="A1", socket_id=2, success=True) == ["two"]
    assert talk.hear("STATUS_STOP_SESSION", evse_id="A1", success=True) == ["one"]


def test_an_answer_about_overrides_goes_to_the_request_for_its_schedule_or_charge_points() -> None:
    talk = Talk(
        a=requests.make_schedule(Schedule.always_on(0, "A1", 10)),
        b=requests.make_schedule(Schedule.always_on(0, "B1", 12)),
        edit=requests.edit_schedule(Schedule.always_on(7, "A1", 8)),
        clear_8=requests.clear_override(8),
        clear_9=requests.clear_override(9),
    )
    schedule: dict[str, Any] = {"schedule_id": 4, "charge_points": ["B1"], "override_current": 12}
    assert talk.hear("POST_SET_OVERRIDE_CURRENT", data=schedule) == ["b"]
    assert talk.hear("POST_SET_OVERRIDE_CURRENT", data=schedule) == []
    assert talk.hear("POST_EDIT_OVERRIDE_CURRENT", data={**schedule, "schedule_id": 6}) == []
    assert talk.hear("POST_EDIT_OVERRIDE_CURRENT", data={"schedule_id": "7"}) == ["edit"]
    assert talk.hear("POST_CLEAR_OVERRIDE_CURRENT", data={"schedule_id": 9}) == ["clear_9"]
    assert talk.hear("POST_CLEAR_OVERRIDE_CURRENT", success=True) == ["clear_8"]
    assert talk.hear("POST_SET_OVERRIDE_CURRENT", success=True) == ["a"]


def test_the_list_of_overrides_may_stand_under_command() -> None:
    talk = Talk(listing=requests.list_overrides(), making=requests.make_schedule(Schedule.always_on(0, "A1", 10)))
    echo = parse_frame('{"object": "HELLO"}')
    assert talk.correlation.take(echo, 0.0) == []
    answer = parse_frame('{"command": "LIST_OVERRIDE_CURRENT", "success": true, "data": []}')
    assert talk.told(talk.correlation.take(answer, 0.0)) == ["listing"]


# --- effects ---

BLOCK = requests.set_operative("A1", operative=False)
BLOCKED: dict[str, Any] = {"evse_id": "A1", "data": {"activity": "unavailable"}}
FREE: dict[str, Any] = {"evse_id": "A1", "data": {"activity": "available"}}


def test_an_effect_after_the_receipt_is_the_verdict() -> None:
    talk = Talk(block=BLOCK)
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert talk.hear("CH_STATUS", evse_id="B1", data=BLOCKED["data"]) == []
    assert talk.hear("CH_STATUS", evse_id="A1", data={"actual_kwh": 1}) == []
    assert talk.hear("CH_STATUS", error="cannot be read", **BLOCKED) == []
    assert talk.hear("CH_STATUS", **BLOCKED) == ["block"]
    assert talk.correlation.waiting == []


def test_an_effect_counts_at_once_after_a_frame_that_showed_the_opposite() -> None:
    talk = Talk(block=BLOCK)
    assert talk.hear("CH_STATUS", **FREE) == []
    assert talk.hear("CH_STATUS", **BLOCKED) == ["block"]


def test_a_frame_that_may_have_been_in_flight_counts_only_when_all_of_them_have_arrived() -> None:
    talk = Talk(block=BLOCK)
    assert talk.hear("CH_STATUS", **BLOCKED) == []
    assert talk.told(talk.correlation.arrived(talk.waiting("block"), 1.0)) == ["block"]
    assert talk.told(talk.correlation.arrived(talk.waiting("block"), 2.0)) == []


def test_a_verdict_takes_precedence_over_a_frame_that_may_have_been_in_flight() -> None:
    talk = Talk(block=BLOCK)
    assert talk.hear("CH_STATUS", **BLOCKED) == []
    assert talk.hear("STATUS_SET_INOPERATIVE", evse_id="A1", success=False, error="REJECTED") == ["block!"]
    assert talk.correlation.arrived(talk.waiting("block"), 1.0) == []


def test_a_frame_in_flight_that_is_contradicted_is_no_effect() -> None:
    talk = Talk(block=BLOCK)
    assert talk.hear("CH_STATUS", **BLOCKED) == talk.hear("CH_STATUS", **FREE) == []
    assert talk.correlation.arrived(talk.waiting("block"), 1.0) == []
    assert talk.hear("CH_STATUS", **BLOCKED) == ["block"]


def test_an_effect_counts_at_once_when_all_that_was_in_flight_has_arrived() -> None:
    talk = Talk(block=BLOCK)
    assert talk.correlation.arrived(talk.waiting("block"), 1.0) == []
    assert talk.hear("CH_STATUS", now=2.0, **BLOCKED) == ["block"]


@pytest.mark.parametrize("evse_id", ["A1", None])
def test_a_late_verdict_confirms_nothing_else(evse_id: str | None) -> None:
    verdict: dict[str, Any] = {"success": True} | ({"evse_id": evse_id} if evse_id else {})
    talk = Talk(block=BLOCK)
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert talk.hear("CH_STATUS", **BLOCKED) == ["block"]
    talk.ask("again", BLOCK)
    assert talk.hear("STATUS_SET_INOPERATIVE", now=LATE_FOR - 1, **verdict) == []
    assert talk.hear("STATUS_SET_INOPERATIVE", now=LATE_FOR - 1, **verdict) == ["again"]


def test_a_late_verdict_is_waited_for_only_so_long() -> None:
    talk = Talk(block=BLOCK)
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert talk.hear("CH_STATUS", now=5.0, **BLOCKED) == ["block"]
    talk.correlation.give_up(talk.waiting("block"))  # as the link does with each that has ended
    talk.ask("again", BLOCK)
    assert talk.hear("STATUS_SET_INOPERATIVE", now=5.0 + LATE_FOR, evse_id="A1", success=True) == ["again"]


def test_a_late_receipt_does_not_count_for_the_next_request() -> None:
    talk = Talk(block=BLOCK)
    talk.hear("CH_STATUS", **FREE)
    assert talk.hear("CH_STATUS", **BLOCKED) == ["block"]
    talk.ask("again", BLOCK)
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert not talk.waiting("again").received
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert talk.waiting("again").received


def test_a_verdict_that_names_its_value_goes_to_the_request_with_that_value() -> None:
    talk = Talk(on=requests.set_plug_and_charge("A1", value=True))
    talk.hear("CH_SETTINGS", evse_id="A1", data={"plug_and_charge": False})
    assert talk.hear("CH_SETTINGS", evse_id="A1", data={"plug_and_charge": True}) == ["on"]
    talk.ask("off", requests.set_plug_and_charge("A1", value=False))
    off: dict[str, Any] = {"evse_id": "A1", "success": True, "result": {"setting": "set false"}}
    assert talk.hear("STATUS_SET_PLUG_AND_CHARGE", **off) == ["off"]


def test_an_answer_can_show_the_effect_of_another_request() -> None:
    talk = Talk(block=BLOCK, look=requests.get_status("A1"))
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    assert talk.hear("CH_STATUS", flow_id="flow look", **BLOCKED) == ["look", "block"]


def test_a_request_that_is_given_up_takes_no_answer() -> None:
    talk = busy()
    talk.correlation.give_up(talk.waiting("start_a"))
    assert talk.hear("STATUS_START_SESSION", evse_id="A1", flow_id="flow start_a") == []
    assert talk.hear("STATUS_START_SESSION") == ["start_b"]


def test_the_end_of_the_connection_ends_every_request_and_takes_no_late_verdict() -> None:
    talk = Talk(block=BLOCK, start=requests.start_session("B1", "card"), stop=requests.stop_session("B1"))
    talk.hear("RECEIVED_SET_INOPERATIVE", evse_id="A1")
    talk.hear("CH_STATUS", **BLOCKED)
    talk.hear("RECEIVED_START_SESSION", evse_id="B1")
    limit, gone = Rejected("limit"), Disconnected("gone")
    ended = talk.correlation.fail_all(limit, gone)
    assert [(talk.names[one.waiting], one.answer) for one in ended] == [("start", gone), ("stop", limit)]
    talk.ask("again", BLOCK)
    assert talk.hear("STATUS_SET_INOPERATIVE", evse_id="A1", success=True) == ["again"]


# --- what an answer means ---


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (frame("STATUS_START_SESSION", success=True, error=""), None),
        (frame("STATUS_START_SESSION", success=False, error="REJECTED"), Rejected),
        (frame("STATUS_START_SESSION", success=False, error="TIMEOUT"), VerdictTimeout),
        (frame("STATUS_START_SESSION", success=False), Rejected),
        (frame("RECEIVED_STOP_SESSION", error="no active session for chargepoint: X"), Rejected),
        (frame("RECEIVED_UNLOCK_CONNECTOR", error="forbidden"), Forbidden),
        (frame("CH_SETTINGS", error="no such thing", data={}), Rejected),
        (frame("CH_SETTINGS", data={}), None),
    ],
)
def test_an_answer_has_its_error(answer: Frame, error: type[Exception] | None) -> None:
    found = refusal(answer)
    assert (type(found) if found is not None else None) == error


def test_a_refusal_has_the_words_of_the_cloud() -> None:
    error = refusal(frame("RECEIVED_STOP_SESSION", error="no active session for chargepoint: X"))
    assert "no active session for chargepoint: X" in str(error)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (Error(0, "Unknown command"), UnknownRequest, "does not know"),
        (Error(2, "forbidden"), Forbidden, "forbidden"),
        (Error(2, ""), Forbidden, "not authorised"),
        (Error(7, "Forbidden"), Forbidden, "Forbidden"),
        (Error(9, ""), Rejected, "unknown error"),
        (Error(9, "no"), Rejected, "no"),
        (Error(None, ""), Rejected, "no reason given"),
    ],
)
def test_an_error_code_has_its_error(error: Error, kind: type[Exception], words: str) -> None:
    found = named_error(error)
    assert type(found) is kind
    assert words in str(found)
    assert not isinstance(found, RequestLimit)
