"""Which request an answer belongs to."""

import json
from typing import Any

import pytest

from bridge.bluecurrent import requests
from bridge.bluecurrent.correlation import Correlation, named_error, refusal
from bridge.bluecurrent.frames import Error, Frame, parse_frame
from bridge.errors import Forbidden, Rejected, UnknownRequest, VerdictTimeout


def frame(object_: str, **fields: Any) -> Frame:
    """A frame from the cloud."""
    return parse_frame(json.dumps({"object": object_, **fields}))


@pytest.fixture
def waiting() -> Correlation[str]:
    """Three requests that wait, the oldest first."""
    correlation: Correlation[str] = Correlation()
    correlation.add(requests.start_session("A", "card"), "f-1", "start A")
    correlation.add(requests.start_session("B", "card"), "f-2", "start B")
    correlation.add(requests.get_status("A"), "f-3", "status A")
    return correlation


@pytest.mark.parametrize(
    ("answer", "ticket"),
    [
        (frame("STATUS_START_SESSION", evse_id="B", flow_id="f-2"), "start B"),
        (frame("STATUS_START_SESSION", evse_id="B", flow_id=""), "start B"),
        (frame("STATUS_START_SESSION", evse_id="B"), "start B"),
        (frame("START_SESSION", evse_id="B"), "start B"),
        (frame("STATUS_START_SESSION"), "start A"),  # the oldest
        (frame("RECEIVED_START_SESSION", evse_id="A"), "start A"),
        (frame("CH_STATUS", evse_id="A", data={}), "status A"),
        (frame("CH_STATUS", evse_id="B", data={}), None),
        (frame("STATUS_START_SESSION", evse_id="B", flow_id="somebody else's"), None),
        (frame("STATUS_STOP_SESSION", evse_id="A"), None),
        (frame("ERROR", error=2, message="forbidden"), None),
        (frame("ERROR", error=2, message="forbidden", flow_id="f-3"), "status A"),
    ],
)
def test_find(waiting: Correlation[str], answer: Frame, ticket: str | None) -> None:
    found = waiting.find(answer)
    assert (found.ticket if found is not None else None) == ticket


def test_a_receipt_is_taken_once(waiting: Correlation[str]) -> None:
    first = waiting.find(frame("RECEIVED_START_SESSION"))
    assert first is not None
    first.received = True
    second = waiting.find(frame("RECEIVED_START_SESSION"))
    assert second is not None
    assert second.ticket == "start B"


def test_an_error_without_a_name_belongs_to_the_only_request_without_any_answer(waiting: Correlation[str]) -> None:
    assert waiting.unnamed_error() is None
    for entry in waiting.waiting[:2]:
        entry.received = True
    only = waiting.unnamed_error()
    assert only is not None
    assert only.ticket == "status A"
    waiting.remove(only)
    assert waiting.unnamed_error() is None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (frame("STATUS_START_SESSION", success=True, error=""), None),
        (frame("STATUS_START_SESSION", success=False, error="REJECTED"), Rejected),
        (frame("STATUS_START_SESSION", success=False, error="TIMEOUT"), VerdictTimeout),
        (frame("STATUS_START_SESSION", success=False), Rejected),
        (frame("RECEIVED_STOP_SESSION", error="no active session for chargepoint: X"), Rejected),
        (frame("CH_SETTINGS", error="no such thing", data={}), Rejected),
        (frame("CH_SETTINGS", data={}), None),
    ],
)
def test_refusals(answer: Frame, error: type[Exception] | None) -> None:
    found = refusal(answer)
    assert (type(found) if found is not None else None) == error


def test_the_words_of_a_refusal_are_the_clouds() -> None:
    error = refusal(frame("RECEIVED_STOP_SESSION", error="no active session for chargepoint: X"))
    assert "no active session for chargepoint: X" in str(error)


def test_named_errors() -> None:
    assert isinstance(named_error(Error(0, "Unknown command")), UnknownRequest)
    assert "forbidden" in str(named_error(Error(2, "forbidden")))
    assert [type(named_error(error)) for error in (Error(2, "no"), Error(7, "Forbidden"), Error(9, "no"))] == [
        Forbidden,
        Forbidden,
        Rejected,
    ]
    assert type(refusal(frame("RECEIVED_UNLOCK_CONNECTOR", error="forbidden"))) is Forbidden
    assert "not authorised" in str(named_error(Error(2, "")))
    assert "unknown error" in str(named_error(Error(9, "")))
