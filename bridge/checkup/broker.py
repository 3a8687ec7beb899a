"""Checks the broker: its address, port and certificate, the login, access rules, and whether the service answers."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import aiomqtt
from pydantic import JsonValue

from bridge.checkup.connectivity import Cures, Server, speaks_tls
from bridge.checkup.finding import Finding, fail, note, ok
from bridge.errors import Malformed
from bridge.fimp.message import Message
from bridge.hub.connection import LOGIN_REFUSED, tls_context
from bridge.hub.order import ADAPTER, Order, compose
from bridge.hub.visitor import BrokerProblem, visitor
from bridge.settings import MqttSettings, Settings

WHAT: Final = "broker"
LOGIN_S: Final = 10.0
SERVICE_S: Final = 1.5
QUESTIONS: Final = 3
"""The number of times that the service is asked; each time it has `SERVICE_S` to answer."""

_PORTS: Final = (
    (1884, ", where a Futurehome hub's local API listens"),
    (1883, ", the usual port"),
    (8883, ", the usual port for TLS"),
)
_CURES: Final = Cures(
    name="Correct mqtt.host, or put the address there.",
    port=(
        "Correct mqtt.host and mqtt.port, or start the broker; a hub's local API is switched on in the Futurehome app."
    ),
    untrusted="Put the certificate of the authority that signed it into a file and set mqtt.ca_file to it.",
    expired="Renew it on the broker; if it has not expired, the clock of this machine is wrong.",
    other_name="Set mqtt.host to a name that stands in it, or set mqtt.tls_insecure to skip this check.",
    no_tls="Set mqtt.port to the broker's port for TLS (usually 8883), or set mqtt.tls = false for a plain connection.",
    own_certificate="Set mqtt.cert_file and mqtt.key_file.",
)


async def look_at_broker(settings: Settings, now: Callable[[], datetime]) -> AsyncIterator[Finding]:
    """Yield findings in order, and stop at a fault that the following checks depend on."""
    mqtt = settings.mqtt
    for finding in _files(mqtt):
        yield finding
        if finding.failed:
            return
    server = Server(WHAT, mqtt.host, mqtt.port, (lambda: tls_context(mqtt)) if mqtt.tls else None, _CURES, _PORTS)
    for step in (server.name, server.open_port, server.certificate):
        found = await step()
        if found is not None:
            yield found
        if found is not None and found.failed:
            return
    for finding in await _talk(settings, now):
        yield finding


def _files(mqtt: MqttSettings) -> list[Finding]:
    what = f"{WHAT} TLS"
    files = {"mqtt.ca_file": mqtt.ca_file, "mqtt.cert_file": mqtt.cert_file, "mqtt.key_file": mqtt.key_file}
    named = {key: path for key, path in files.items() if path is not None}
    if not mqtt.tls:
        return [note(what, f"{' and '.join(named)} have no effect while mqtt.tls is off")] if named else []
    faults = [
        fail(what, f"{key}: {path} cannot be read: {problem}.")
        for key, path in named.items()
        if (problem := _unreadable(path)) is not None
    ]
    if faults:
        return faults
    try:
        tls_context(mqtt)
    except (OSError, ValueError) as error:
        return [fail(what, f"{' or '.join(named)} cannot be used ({error}). PEM files are needed.")]
    if mqtt.key_file is not None and mqtt.cert_file is None:
        return [note(what, "mqtt.key_file has no effect without mqtt.cert_file")]
    if mqtt.tls_insecure:
        return [note(what, "mqtt.tls_insecure: the name in the broker's certificate is not checked")]
    return []


def _unreadable(path: Path) -> str | None:
    try:
        with path.open("rb"):
            return None
    except OSError as error:
        return (error.strerror or str(error)).lower()


@dataclass(slots=True)
class _Heard:
    """What was received after a question to the service.

    Attributes:
        echo: the question itself came back, so the broker delivers messages to this user.
        states: the answer of the service; None if none came.
    """

    echo: bool = False
    states: dict[str, JsonValue] | None = None


async def _talk(settings: Settings, now: Callable[[], datetime]) -> list[Finding]:
    """Log in, and ask the service for its state, which costs no cloud request."""
    mqtt = settings.mqtt
    where = mqtt.where
    try:
        async with asyncio.timeout(LOGIN_S), visitor(mqtt) as client:
            heard = await _ask(client, settings, now())
    except (BrokerProblem, TimeoutError) as problem:
        if not mqtt.tls and LOGIN_REFUSED not in str(problem) and await speaks_tls(mqtt.host, mqtt.port):
            return [fail(WHAT, f"{where} takes only secure connections. Set mqtt.tls = true.")]
        return [fail(WHAT, _why_refused(mqtt, problem))]
    who = f"as {mqtt.username}" if mqtt.username is not None else "without a user name"
    if not heard.echo:
        topics = "pt:j1/# and pt:j1c1/#" if not mqtt.topic_prefix else f"{mqtt.topic_prefix}/#"
        return [
            fail(
                WHAT,
                f"{where} accepts a login {who}, but does not deliver its messages. "
                f"Its access rules must let this user read and write {topics}.",
            )
        ]
    return [ok(WHAT, f"{where} accepts a login {who}, and delivers its messages"), _service(heard)]


async def _ask(client: aiomqtt.Client, settings: Settings, now: datetime) -> _Heard:
    topic, reply, message = compose(settings, Order(ADAPTER, "cmd.app.get_state"), now)
    heard = _Heard()
    for path in (topic.path, reply.path):
        await client.subscribe(path, qos=1)
    for _ in range(QUESTIONS):
        # A service that has just started may not have subscribed yet.
        await client.publish(topic.path, message.to_bytes(), qos=1)
        with suppress(TimeoutError):
            async with asyncio.timeout(SERVICE_S):
                async for arrival in client.messages:
                    _take(heard, bytes(arrival.payload), message.uid)
                    if heard.echo and heard.states is not None:
                        return heard
    return heard


def _take(heard: _Heard, payload: bytes, uid: str) -> None:
    try:
        message = Message.parse(payload)
    except Malformed:
        return  # from another program
    if message.uid == uid:
        heard.echo = True
    elif message.corid == uid and isinstance(message.value, dict):
        heard.states = dict(message.value)


def _service(heard: _Heard) -> Finding:
    if heard.states is None:
        return note(
            "service", "does not answer on this broker. Unless it runs elsewhere, start it: bluecurrent-fimp run"
        )
    cloud, login = heard.states.get("connection"), heard.states.get("auth")
    return ok("service", f"runs and answers on this broker: cloud {cloud}, login {login}")


def _why_refused(mqtt: MqttSettings, problem: Exception) -> str:
    where = mqtt.where
    if isinstance(problem, TimeoutError):
        return f"{where} is open but does not answer as an MQTT broker does. Correct mqtt.port and mqtt.tls."
    if LOGIN_REFUSED not in str(problem):
        return f"{problem}."
    if mqtt.username is None:
        return f"{where} requires a user name. Set mqtt.username and mqtt.password."
    if mqtt.password is None:
        return f"{where} refuses the user name {mqtt.username} without a password. Set mqtt.password."
    return (
        f"{where} refuses the user name {mqtt.username} with this password. Correct mqtt.username and mqtt.password; "
        "a hub's are set in the Futurehome app, with its local API."
    )
