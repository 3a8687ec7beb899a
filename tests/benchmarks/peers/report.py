"""A FIMP report, written without a library."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

VOLTAGES_AND_CURRENTS = [(f"actual_v{phase}", f"actual_p{phase}") for phase in (1, 2, 3)]


class Changes:
    """The values of a CH_STATUS that have changed: the energy of the session, and the power."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], float] = {}

    def reports(self, evse_id: str, data: dict[str, Any]) -> Iterator[tuple[str, bytes]]:
        """Topic and message of each value that has changed."""
        power = sum(data[voltage] * data[current] for voltage, current in VOLTAGES_AND_CURRENTS)
        for service, type_, value in (
            ("chargepoint", "evt.current_session.report", data["actual_kwh"]),
            ("meter_elec", "evt.meter.report", power),
        ):
            if self._said.get((evse_id, type_)) != value:
                self._said[evse_id, type_] = value
                yield report(evse_id, service, type_, value)


def report(evse_id: str, service: str, type_: str, value: float) -> tuple[str, bytes]:
    """Topic and message of one report."""
    topic = f"pt:j1/mt:evt/rt:dev/rn:bluecurrent/ad:1/sv:{service}/ad:{evse_id}"
    message = {
        "serv": service,
        "type": type_,
        "val_t": "float",
        "val": value,
        "props": {"unit": "W"} if service == "meter_elec" else {},
        "tags": [],
        "src": "bluecurrent",
        "ver": "1",
        "uid": str(uuid4()),
        "ctime": datetime.now().astimezone().isoformat(timespec="milliseconds"),
        "topic": topic,
    }
    return topic, json.dumps(message).encode()
