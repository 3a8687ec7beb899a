"""Ignored values of a push are logged once."""

import io
import json

from bridge.account.oddities import OddityLog
from bridge.chargepoint.charge_point import ChargePoint
from bridge.logs import Log
from tests.unit.chargepoint.socket_story import story


def test_an_impossible_reading_is_named_once_for_each_socket() -> None:
    text = io.StringIO()
    oddities = OddityLog(Log("info", "json", text).logger)
    oddities.charge_point_changed(None, ChargePoint("B", (story().twin,)))
    s = story().push("available", "B")
    for energy in (1.0, 251_658.0, 1.1, 0.0, 1.2, 251_658.0, 251_658.0):
        before = s.twin
        s.push("charging", "C", energy=energy)
        oddities.charge_point_changed(ChargePoint("B", (before,)), ChargePoint("B", (s.twin,)))
    (line,) = [json.loads(line) for line in text.getvalue().splitlines()]
    assert (line["level"], line["address"]) == ("warning", "BCU1")
    assert line["what"] == "251658 kWh cannot have been delivered in the time"
