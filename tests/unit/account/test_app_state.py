"""The states of the app."""

from datetime import UTC, datetime

import pytest
from pydantic import JsonValue

from bridge.account.app_state import AppState
from bridge.bluecurrent.protocol import LinkState, LinkStatus
from bridge.errors import BridgeError, Disconnected, LoginLapsed, RequestLimit, Unauthorized

NOW = datetime(2026, 11, 20, tzinfo=UTC)
UP = LinkStatus(LinkState.UP, NOW, None)
CONNECTING = LinkStatus(LinkState.CONNECTING, NOW, None)
WAITING = LinkStatus(LinkState.WAITING, NOW, Unauthorized("There is no token."))


def down(error: BridgeError) -> LinkStatus:
    """The link is down, and why."""
    return LinkStatus(LinkState.DOWN, NOW, error)


def made() -> tuple[AppState, list[JsonValue]]:
    """The states at a start and at each reported change."""
    app_state, told = AppState(), list[JsonValue]()
    app_state.listeners = (lambda: told.append(app_state.states()),)
    return app_state, told


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
def test_the_state_of_the_link_gives_the_app_state(
    course: list[LinkStatus], app: str, connection: str, auth: str
) -> None:
    app_state, _ = made()
    for status in course:
        app_state.link_changed(status)
    config = "NOT_CONFIGURED" if auth == "NOT_AUTHENTICATED" else "CONFIGURED"
    assert app_state.states() == {"app": app, "connection": connection, "config": config, "auth": auth}
    failed = auth in ("ERROR", "LOST")
    assert (app_state.problem, app_state.code) == (("x", "ERR_UNAUTHORIZED") if failed else ("", ""))


def test_a_failed_login_without_an_earlier_token_stays_until_the_next_one() -> None:
    app_state, _ = made()
    app_state.link_changed(WAITING)
    app_state.attempt_begins()
    app_state.attempt_ends("ERROR", "refused", "ERR_UNAUTHORIZED")
    app_state.link_changed(WAITING)
    assert (app_state.auth, app_state.problem, app_state.code) == ("ERROR", "refused", "ERR_UNAUTHORIZED")
    app_state.logged_out()
    app_state.link_changed(WAITING)
    assert (app_state.auth, app_state.problem, app_state.code) == ("NOT_AUTHENTICATED", "", "")


def test_every_change_is_reported() -> None:
    app_state, told = made()
    app_state.link_changed(UP)
    app_state.link_changed(down(Disconnected("x")))
    app_state.logged_out()
    assert [one["auth"] for one in told if isinstance(one, dict)] == [
        "AUTHENTICATED", "AUTHENTICATED", "NOT_AUTHENTICATED",
    ]  # fmt: skip


def test_during_a_login_only_its_outcome_is_reported() -> None:
    app_state, _ = made()
    app_state.link_changed(UP)
    app_state.attempt_begins()
    app_state.link_changed(down(Unauthorized("x")))
    app_state.link_changed(WAITING)
    assert app_state.auth == "IN_PROGRESS"
    app_state.attempt_ends("ERROR", "The password is wrong.", "ERR_UNAUTHORIZED")
    assert (app_state.auth, app_state.problem, app_state.code) == (
        "ERROR", "The password is wrong.", "ERR_UNAUTHORIZED",
    )  # fmt: skip
    app_state.link_changed(UP)
    assert (app_state.auth, app_state.problem, app_state.code) == ("AUTHENTICATED", "", "")


def test_stopping_reports_terminating() -> None:
    app_state, told = made()
    app_state.link_changed(UP)
    app_state.stopping()
    states = told[-1]
    assert isinstance(states, dict)
    assert (states["app"], states["connection"]) == ("TERMINATING", "DISCONNECTED")
