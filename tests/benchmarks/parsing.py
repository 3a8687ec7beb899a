"""The cost of parsing, compared with `json.loads` and with the official client."""

import json
import timeit
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from bluecurrent_api.utils import handle_status

from bridge.bluecurrent.frames import Statuses, parse_frame
from bridge.chargepoint.twin import Twin
from bridge.fimp.message import Message
from tests.benchmarks.feed import Feed
from tests.benchmarks.measure import Figures, question
from tests.harness import device_topic

ROUNDS: Final = 5
NOW: Final = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def parsing(loops: int) -> Figures:
    """Microseconds to parse one CH_STATUS and one command: the JSON alone, and the typed values.

    Args:
        loops: how often each is done in a row.
    """
    feed = Feed(1)
    (push,) = feed.pushes(1, power=True)
    text, evse_id = push.text, push.evse_id
    statuses = parse_frame(text).body
    if not isinstance(statuses, Statuses):
        raise TypeError("not a CH_STATUS")
    update = statuses.sockets[0].update
    twin = Twin(evse_id=evse_id).pushed(update, NOW)
    command = question(device_topic(evse_id), "3f3a4c0e-5f0f-4a52-9be3-5f3b6d1d5a10")
    return {
        "status_json_us": _best_us(loops, lambda: json.loads(text)),
        "status_official_client_us": _best_us(loops, lambda: handle_status(json.loads(text))),
        "status_frame_us": _best_us(loops, lambda: parse_frame(text)),
        "status_twin_us": _best_us(loops, lambda: twin.pushed(update, NOW)),
        "command_json_us": _best_us(loops, lambda: json.loads(command)),
        "command_message_us": _best_us(loops, lambda: Message.parse(command, "j1")),
    }


def _best_us(loops: int, work: Callable[[], object]) -> float:
    """The shortest time of a call, since disturbances only make a measurement longer."""
    return min(timeit.repeat(work, repeat=ROUNDS, number=loops)) / loops * 1e6
