"""Frames of the cloud as the bridge parses them."""

import json
from typing import Any

from bridge.bluecurrent.frames import (
    Frame,
    Statuses,
    parse_frame,
)
from bridge.chargepoint.status import Status


def frame(**fields: Any) -> Frame:
    """A frame, parsed."""
    return parse_frame(json.dumps(fields))


def status(**data: Any) -> tuple[Status, frozenset[str], Frame]:
    """The values of a CH_STATUS with this data, the fields it gave, and the frame."""
    parsed = frame(object="CH_STATUS", evse_id="BCU1", data=data)
    assert isinstance(parsed.body, Statuses)
    (one,) = parsed.body.sockets
    return one.update.values, one.update.present, parsed


RECORDED = {
    "actual_p1": 0, "actual_p2": 1, "actual_p3": 2.5, "activity": "available",
    "actual_v1": 0, "actual_v2": 230, "actual_v3": 231.5, "actual_kwh": 1.25, "max_usage": 10,
    "smartcharging_max_usage": 6, "max_offline": 7, "offline_since": "", "start_datetime": "20221110 11:41:32",
    "stop_datetime": "20221110 11:41:50", "total_cost": 9.93, "vehicle_status": "A", "evse_id": "BCU102728",
    "boosting": False, "something_new": {"x": 1},
}  # fmt: skip
