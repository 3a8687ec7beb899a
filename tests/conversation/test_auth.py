"""Logging in and out from the hub."""

import asyncio
import json
from typing import Any

import pytest

from tests.conftest import HouseMaker
from tests.harness import SOCKET, Heard, House

NO_TOKEN = {"cloud": {"api_token": None}}


def status(heard: Heard) -> tuple[str, str, str]:
    """The outcome in a report."""
    assert (heard.message.type, heard.message.value_type) == ("evt.auth.status_report", "object"), heard
    value: Any = heard.message.value
    assert set(value) == {"status", "error_text", "error_code"}
    return value["status"], value["error_text"], value["error_code"]


async def set_tokens(house: House, token: object) -> Heard:
    """Log in with an API token; returns the answer."""
    (answer,) = await house.hub.adapter("cmd.auth.set_tokens", val_t="object", val={"access_token": token})
    return answer


async def login(house: House, **values: object) -> Heard:
    """Log in with user name and password; returns the answer."""
    wish = {"username": "owner@example.org", "password": "simulated-password", "encrypted": False, **values}
    (answer,) = await house.hub.adapter("cmd.auth.login", val_t="object", val=wish)
    return answer


def told(house: House) -> list[str]:
    """The login states that were reported without a corid."""
    return [status(heard)[0] for heard in house.hub.find("evt.auth.status_report") if heard.message.corid is None]


async def waiting(house: House) -> None:
    """Start a service that has no token."""
    await house.start(wait=False)
    await house.hub.until(lambda: "NOT_AUTHENTICATED" in told(house))


async def test_a_token_from_the_hub_logs_in_and_starts_the_bridge(build: HouseMaker) -> None:
    async with build(**NO_TOKEN, start=False) as house:
        await waiting(house)
        (error,) = await house.hub.adapter("cmd.ping.send", val_t="string", val=SOCKET)
        assert error.message.value == "ERR_UNKNOWN_ADDRESS"
        answer = await set_tokens(house, house.cloud.account.api_token)
        assert status(answer) == ("AUTHENTICATED", "", "")
        assert told(house) == ["NOT_AUTHENTICATED", "IN_PROGRESS"]
        await house.ready()
        states = [heard.message.value for heard in house.hub.find("evt.app.state_report")]
        apps: list[Any] = [state["app"] for state in states if isinstance(state, dict)]
        assert apps[-1] == "RUNNING"
        assert "NOT_CONFIGURED" in apps
        await house.restart()  # it is kept
        assert house.cloud.account.api_token not in house.log.getvalue()


async def test_a_wrong_token_loses_nothing(house: House) -> None:
    answer = await set_tokens(house, "wrong-token")
    state, text, code = status(answer)
    assert (state, code) == ("ERROR", "ERR_UNAUTHORIZED")
    assert "my.bluecurrent.nl" in text
    await house.ready()  # the bridge uses the earlier token again
    assert told(house)[-1] == "AUTHENTICATED"
    (report,) = await house.hub.command(SOCKET, "cmd.state.get_report")
    assert report.message.value == "disconnected"
    await house.restart()
    assert "wrong-token" not in house.log.getvalue()


async def test_a_token_that_the_cloud_repeats_stays_out_of_the_log(house: House) -> None:
    given = house.cloud.account.api_token = "another-api-token"
    assert status(await set_tokens(house, f" {given} "))[0] == "AUTHENTICATED"
    await house.ready()
    for token in (given, house.cloud.account.request_token):
        error = {"object": "ERROR", "error": 9, "message": f"not for Token {token}", "flow_id": "nobody's"}
        await house.cloud.send_all(json.dumps(error))
    await house.hub.until(lambda: house.log.getvalue().count("not for Token ***") == 2)
    (diagnosis,) = await house.hub.adapter("cmd.app.get_diag")
    log = house.log.getvalue()
    for token in (given, house.cloud.account.request_token):
        assert token not in log
        assert token not in str(diagnosis.message.value)


@pytest.mark.parametrize(
    ("val_t", "val"),
    [
        ("object", {}),
        ("object", {"access_token": ""}),
        ("object", {"access_token": "\u200b \n"}),
        ("object", {"access_token": '"s3cr3t"'}),
        ("object", {"access_token": "Token s3cr3t"}),
        ("object", {"access_token": "s3\u200bcr3t"}),
        ("object", {"access_token": 5}),
        ("string", "x"),
    ],
)
async def test_a_malformed_token_is_refused(house: House, val_t: str, val: object) -> None:
    (error,) = await house.hub.adapter("cmd.auth.set_tokens", val_t=val_t, val=val)
    assert error.message.value == "ERR_INVALID_VALUE"
    assert "cr3t" not in str(error.message.properties)
    assert "s3cr3t" not in house.log.getvalue()
    assert house.service is not None
    assert house.service.link.status.up


async def test_setting_the_same_token_again_makes_no_login(house: House) -> None:
    before = house.cloud.logins
    assert status(await set_tokens(house, house.cloud.account.api_token))[0] == "AUTHENTICATED"
    assert house.cloud.logins == before


async def test_a_token_set_while_the_cloud_is_away_is_answered_with_disconnected(build: HouseMaker) -> None:
    async with build(**NO_TOKEN, start=False) as house:
        house.cloud.faults.refuse_handshake = "maintenance"
        await waiting(house)
        state, text, code = status(await set_tokens(house, house.cloud.account.api_token))
        assert (state, code) == ("ERROR", "ERR_DISCONNECTED")
        assert "maintenance" in text


async def test_a_login_by_password_asks_once_and_keeps_no_password(build: HouseMaker) -> None:
    async with build(**NO_TOKEN, start=False, side=True) as house:
        await waiting(house)
        assert status(await login(house)) == ("AUTHENTICATED", "", "")
        assert house.cloud.requests["VALIDATE_PASSWORD"] == 1
        assert house.cloud.rest_calls["gethomeautomationkey"] == 1
        await house.ready()
        await house.restart()
        assert house.cloud.requests["VALIDATE_PASSWORD"] == 1
        kept = b"".join(path.read_bytes() for path in house.settings.storage.path.parent.iterdir())
        assert b"simulated-password" not in kept
        assert b"simulated-api-token" in kept
        assert "simulated-password" not in house.log.getvalue()
        assert not any("simulated-password" in heard.message.to_bytes().decode() for heard in house.hub.heard)


async def test_a_wrong_password_is_refused_and_tried_once(build: HouseMaker) -> None:
    async with build(side=True) as house:
        state, text, code = status(await login(house, password="wrong-password"))
        assert (state, code) == ("ERROR", "ERR_UNAUTHORIZED")
        assert "user name or the password" in text
        assert house.cloud.requests["VALIDATE_PASSWORD"] == 1  # asked once
        await house.ready()  # the earlier token is still used
        assert "wrong-password" not in house.log.getvalue()


async def test_an_encrypted_password_is_refused_with_the_reason(house: House) -> None:
    state, text, code = status(await login(house, encrypted=True))
    assert (state, code) == ("ERROR", "ERR_NOT_SUPPORTED")
    assert "encrypted" in text
    assert house.cloud.requests["VALIDATE_PASSWORD"] == 0
    # The earlier login is not affected.
    (app,) = await house.hub.adapter("cmd.app.get_state")
    assert app.message.value == {
        "app": "RUNNING", "connection": "CONNECTED", "config": "CONFIGURED", "auth": "AUTHENTICATED",
    }  # fmt: skip


@pytest.mark.parametrize("values", [{"username": ""}, {"password": ""}, {"username": 5}, {"encrypted": "x"}])
async def test_a_malformed_login_is_refused_without_repeating_the_password(
    house: House, values: dict[str, object]
) -> None:
    (answer,) = await house.hub.adapter(
        "cmd.auth.login", val_t="object", val={"username": "a", "password": "secret-word", **values}
    )
    assert answer.message.value == "ERR_INVALID_VALUE"
    assert "secret-word" not in answer.message.to_bytes().decode()


async def test_a_logout_disconnects_and_refuses_commands(house: House) -> None:
    (answer,) = await house.hub.adapter("cmd.auth.logout")
    assert status(answer) == ("NOT_AUTHENTICATED", "", "")
    await house.hub.until(lambda: not house.cloud.connected)
    (app,) = await house.hub.adapter("cmd.app.get_state")
    assert app.message.value == {
        "app": "NOT_CONFIGURED", "connection": "DISCONNECTED", "config": "NOT_CONFIGURED", "auth": "NOT_AUTHENTICATED",
    }  # fmt: skip
    assert "IN_PROGRESS" not in told(house)[told(house).index("AUTHENTICATED") :]  # no new login is made
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_UNAUTHORIZED"
    # The configured token is used again only when it has changed.
    await house.stop()
    await house.start(wait=False)
    await house.hub.until(lambda: house.service is not None and house.service.broker.status.up)
    await asyncio.sleep(0.1)
    assert not house.cloud.connected
    assert status(await set_tokens(house, house.cloud.account.api_token))[0] == "AUTHENTICATED"
    await house.ready()
    await house.restart()


async def test_a_token_refused_later_reports_the_login_as_lost(house: House) -> None:
    house.cloud.account.request_token = "changed"
    house.cloud.faults.refuse_token = True
    house.cloud.drop()
    await house.hub.until(lambda: told(house)[-1] == "LOST")
    reports = house.hub.find("evt.auth.status_report")
    assert "my.bluecurrent.nl" in status(reports[-1])[1]
    assert status(reports[-1])[2] == "ERR_UNAUTHORIZED"
    error = await house.hub.refused(SOCKET, "cmd.charge.start")
    assert error.message.value == "ERR_UNAUTHORIZED"
    # The same token again is answered at once, and not tried.
    logins, begun = house.cloud.logins, house.clock.monotonic()
    assert status(await set_tokens(house, house.cloud.account.api_token))[::2] == ("ERROR", "ERR_UNAUTHORIZED")
    assert house.clock.monotonic() - begun < house.settings.cloud.command_timeout / 2
    assert house.cloud.logins == logins


async def test_a_token_refused_at_the_start_is_reported(build: HouseMaker) -> None:
    async with build(start=False) as house:
        house.cloud.faults.refuse_token = True
        await house.start(wait=False)
        await house.hub.until(lambda: "ERROR" in told(house))
