"""Formats FIMP messages for a person, one short line each."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import typer
from pydantic import JsonValue
from pydantic_core import to_json

from bridge.commandline.plain_text import one_line, plain
from bridge.errors import Malformed
from bridge.fimp.message import Message
from bridge.fimp.topic import InvalidTopic, Topic

_COLOURS: Final[Mapping[str, str]] = {
    "charging": typer.colors.GREEN,
    "finished": typer.colors.BLUE,
    "ready_to_charge": typer.colors.CYAN,
    "requesting": typer.colors.CYAN,
    "error": typer.colors.RED,
    "unknown": typer.colors.MAGENTA,
    "unavailable": typer.colors.YELLOW,
}

WIDTH: Final = 16


DETAILS: Final = frozenset(
    {
        "evt.param.report",
        "evt.meter_ext.report",
        "evt.app.state_report",
        "evt.auth.status_report",
        "evt.network.node_report",
    }
)
"""Events that `watch` shows only with `--all`, or as an answer."""


def line(
    path: str, payload: bytes, now: datetime, names: Mapping[str, str] | None = None, *, details: bool = True
) -> str | None:
    """Return one line for a message; None for a detail that is not shown.

    Args:
        path: the topic.
        payload: the message.
        now: the time to show for a message without a `ctime`.
        names: names to show in place of addresses.
        details: show details too.
    """
    try:
        topic = Topic.parse(path)
        message = Message.parse(payload, topic.payload_type)
        about = _topic_of_command(message) if topic.message_type == "rsp" else topic
    except (InvalidTopic, Malformed) as error:
        what = typer.style("not FIMP", fg=typer.colors.RED)
        return f"{now:%H:%M:%S}  {what}  {one_line(path)}  {one_line(str(error))}"
    when = (message.ctime or now).astimezone(now.tzinfo)
    who = about.service_address or about.resource_name or "discovery"
    who = one_line((names or {}).get(who, who))
    if not details and message.corid is None and _is_detail(message):
        return None
    text = _describe(message)
    if topic.message_type == "cmd":
        arrow = typer.style("»", fg=typer.colors.YELLOW, bold=True)
        return f"{when:%H:%M:%S}  {who:<{WIDTH}} {arrow} {typer.style(text, fg=typer.colors.YELLOW)}"
    mark = "↩" if message.corid else " "
    return f"{when:%H:%M:%S}  {who:<{WIDTH}} {mark} {text}"


def is_error_of(path: str, payload: bytes, src: str) -> bool:
    """Whether a message is an error report of the bridge with this resource name.

    Args:
        path: the topic.
        payload: the message.
        src: the resource name.
    """
    try:
        message = Message.parse(payload, Topic.parse(path).payload_type)
    except (InvalidTopic, Malformed):
        return False
    return message.type == "evt.error.report" and message.src == src and "cmd_topic" in message.properties


def _topic_of_command(error: Message) -> Topic:
    """Return the topic of the command that an error answers. It says more than its `resp_to`."""
    return Topic.parse(str(error.properties.get("cmd_topic")))


def _is_detail(message: Message) -> bool:
    return message.type in DETAILS or (message.type == "evt.meter.report" and message.properties.get("unit") == "kWh")


def _describe(message: Message) -> str:
    """Return the content of a message on one line. Control characters in it are removed."""
    kind, value = one_line(message.type), plain(message.value)
    properties = {one_line(name): plain(content) for name, content in message.properties.items()}
    if kind.startswith("cmd.auth."):
        return f"{kind} (its value is not shown)"
    if kind.startswith("cmd."):
        return " ".join([kind, *_text(value), *(f"{name}={content}" for name, content in properties.items())])
    formatter = _FORMATTERS.get(kind)
    if formatter is not None:
        return formatter(value, properties)
    kind = kind.removeprefix("evt.").removesuffix(".report").removesuffix("_report")
    return " ".join([f"{kind:<8}", *_text(value)]).rstrip()


Properties = Mapping[str, JsonValue]


def _state(value: JsonValue, properties: Properties) -> str:
    text = typer.style(str(value), fg=_COLOURS.get(str(value)), bold=True)
    mode = properties.get("charging_mode")
    return f"state    {text}" + (f"  ({mode})" if mode not in (None, "normal") else "")


def _session(value: JsonValue, properties: Properties) -> str:
    offered = properties.get("offered_current")
    return f"session  {_number(value)} kWh" + (f", offered {offered} A" if offered not in (None, "0") else "")


def _meter(value: JsonValue, properties: Properties) -> str:
    return f"meter    {_number(value)} {properties.get('unit', '')}"


def _cable(value: JsonValue, _: Properties) -> str:
    return f"cable    {'locked' if value else 'free'}"


def _error(value: JsonValue, properties: Properties) -> str:
    return f"{typer.style(str(value), fg=typer.colors.RED, bold=True)}  {properties.get('msg', '')}"


def _inclusion(value: JsonValue, _: Properties) -> str:
    thing = value if isinstance(value, dict) else {}
    return f"included {thing.get('address')}  {thing.get('product_name')}  ({thing.get('product_id')})"


def _node(value: JsonValue, _: Properties) -> str:
    nodes = value if isinstance(value, list) else [value]
    described = (f"{node.get('address')} {node.get('status')}" for node in nodes if isinstance(node, dict))
    return "nodes    " + ", ".join(described)


_FORMATTERS: Final[Mapping[str, Callable[[JsonValue, Properties], str]]] = {
    "evt.state.report": _state,
    "evt.current_session.report": _session,
    "evt.meter.report": _meter,
    "evt.cable_lock.report": _cable,
    "evt.error.report": _error,
    "evt.thing.inclusion_report": _inclusion,
    "evt.network.node_report": _node,
    "evt.network.all_nodes_report": _node,
}


def _number(value: JsonValue) -> str:
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _text(value: JsonValue) -> list[str]:
    if value is None:
        return []
    text = value if isinstance(value, str) else to_json(value).decode()
    return [text if len(text) <= 160 else f"{text[:157]}…"]
