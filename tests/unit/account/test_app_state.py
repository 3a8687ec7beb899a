"""The states of the app."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from pydantic import JsonValue

from bridge.account.app_state import AppState
from bridge.bluecurrent.link import LinkState, LinkStatus
from bridge.errors import BridgeError, Disconnected, LoginLapsed, RequestLimit, Unauthorized
from bridge.fimp.addresses import Addresses
from bridge.hub.outbox import Entry, Outbox

NOW = datetime(2026, 11, 20, tzinfo=UTC)
UP = LinkStatus(LinkState.UP, NOW, None)
CONNECTING = LinkStatus(LinkState.CONNECTING, NOW, None)
WAITING = LinkStatus(LinkState.WAITING, NOW, Unauthorized("There is no token."))


def down(error: BridgeError) -> LinkStatus:
    """The link is down, and why."""
    return LinkStatus(LinkState.DOWN, NOW, error)


def made() -> tuple[AppState, Outbox]:
    """The states at a start."""
    outbox = Outbox(now=lambda: NOW, uid=uuid4, src="bluecurrent")
    return AppState(Addresses("bluecurrent", "1"), outbox), outbox


async def said(outbox: Outbox) -> list[tuple[str, JsonValue]]:
    """What was said."""
    found = []
    while len(outbox):
        entry = await outbox.first()
        assert isinstance(entry, Entry)
        found.append((entry.message.type, entry.message.value))
        outbox.done(entry)
    return found


@pytest.mark.parametrize(
    ("course", "app", "connection", "auth"),
    [
        ([], "STARTING", "CONNECTING", "IN_PROGRESS"),
        ([CONNECTING, UP], "RUNNING", "CONNECTED", "AUTHENTICATED"),
        ([CONNECTING, down(Disconnected("x"))], "STARTING", "DISCONNECTED", "IN_PROGRESS"),
        ([UP, down(Disconnected("x"))], "RUNNING", "DISCONNECTED", "AUTHENTICATED"),
        ([UP, down(RequestLimit(NOW))], "RUNNING", "DISCONNECTED", "AUTHENTICATED"),
        ([UP, down(LoginLapsed("x"))], "RUNNING", "DISCONNECTED", "AUTHENTICATED"),
        ([UP, down(Unauthorized("x"))], "ERROR", "DISCONNECTED", "LOST"),
        ([down(Unauthorized("x"))], "ERROR", "DISCONNECTED", "ERROR"),
        ([down(Unauthorized("x")), CONNECTING], "STARTING", "CONNECTING", "IN_PROGRESS"),
        ([WAITING], "NOT_CONFIGURED", "DISCONNECTED", "NOT_AUTHENTICATED"),
        ([UP, WAITING], "NOT_CONFIGURED", "DISCONNECTED", "NOT_AUTHENTICATED"),
        ([WAITING, CONNECTING, UP], "RUNNING", "CONNECTED", "AUTHENTICATED"),
    ],
)
def test_what_the_link_means_for_the_app(course: list[LinkStatus], app: str, connection: str, auth: str) -> None:
    app_state, _ = made()
    for status in course:
        app_state.link_changed(status)
    config = "NOT_CONFIGURED" if auth == "NOT_AUTHENTICATED" else "CONFIGURED"
    assert app_state.states() == {"app": app, "connection": connection, "config": config, "auth": auth}


async def test_changes_are_said_once() -> None:
    app_state, outbox = made()
    app_state.link_changed(UP)
    first = await said(outbox)
    assert [type_ for type_, _ in first] == ["evt.auth.status_report", "evt.app.state_report"]
    app_state.link_changed(UP)
    assert await said(outbox) == []
    app_state.link_changed(down(Disconnected("x")))
    assert [type_ for type_, _ in await said(outbox)] == ["evt.app.state_report"]  # the login is what it was
    app_state.report_again()
    assert sorted(type_ for type_, _ in await said(outbox)) == ["evt.app.state_report", "evt.auth.status_report"]


async def test_during_a_login_its_outcome_counts_and_nothing_else() -> None:
    app_state, outbox = made()
    app_state.link_changed(UP)
    app_state.attempt_begins()
    app_state.link_changed(down(Unauthorized("x")))
    app_state.link_changed(WAITING)
    assert app_state.auth == "IN_PROGRESS"
    app_state.attempt_ends("ERROR", "The password is wrong.")
    assert app_state.auth_report("ERR_UNAUTHORIZED").value == {
        "status": "ERROR", "error_text": "The password is wrong.", "error_code": "ERR_UNAUTHORIZED",
    }  # fmt: skip
    statuses = [value for type_, value in await said(outbox) if type_ == "evt.auth.status_report"]
    assert [value["status"] for value in statuses if isinstance(value, dict)] == ["AUTHENTICATED", "IN_PROGRESS"]


async def test_the_end() -> None:
    app_state, outbox = made()
    app_state.link_changed(UP)
    await said(outbox)
    app_state.stopping()
    ((type_, states),) = await said(outbox)
    assert type_ == "evt.app.state_report"
    assert isinstance(states, dict)
    assert (states["app"], states["connection"]) == ("TERMINATING", "DISCONNECTED")
