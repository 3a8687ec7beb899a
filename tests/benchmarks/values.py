"""Computes figures from received messages. Pure."""

import statistics
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from tests.benchmarks.ear import Heard
from tests.benchmarks.feed import Push

Sent = tuple[float, Push]
_NOISE_KWH: Final = 0.001


def lifetime_offset(heard: Sequence[Heard]) -> float:
    """How far the lifetime counter is ahead of the session's, kWh; 0 for a peer that has no such counter."""
    counter = session = 0.0
    for message in heard:
        body = message.body
        if body["type"] == "evt.meter.report" and body["props"].get("unit") == "kWh":
            counter = body["val"]
        elif body["type"] == "evt.current_session.report":
            session = body["val"]
    return counter - session if counter else 0.0


class Energies:
    """The times at which each energy of a charge point was received.

    Args:
        heard: what was heard.
        offset: how far the lifetime counter is ahead, kWh.
    """

    def __init__(self, heard: Iterable[Heard], offset: float) -> None:
        self._at: dict[str, list[float]] = {}
        self._kwh: dict[str, list[float]] = {}
        for message in heard:
            kwh = _session_kwh(message, offset)
            known = self._kwh.setdefault(message.address, [])
            if kwh is not None and (not known or kwh > known[-1] + _NOISE_KWH):
                known.append(kwh)
                self._at.setdefault(message.address, []).append(message.at)

    def told_at(self, push: Push) -> float | None:
        """The time of the first message with the energy of a push or a newer one; None if there is none."""
        known = self._kwh.get(push.evse_id, [])
        index = bisect_left(known, push.kwh - _NOISE_KWH)
        return self._at[push.evse_id][index] if index < len(known) else None


def _session_kwh(message: Heard, offset: float) -> float | None:
    body = message.body
    match body["type"], body["val"]:
        case "evt.current_session.report", kwh:
            return float(kwh)
        case "evt.meter.report", kwh if body["props"].get("unit") == "kWh":
            return float(kwh) - offset
        case "evt.meter_ext.report", {"e_import": kwh}:
            return float(kwh) - offset
    return None


def latencies_ms(sent: Sequence[Sent], energies: Energies) -> list[float]:
    """The times from each frame to the first message with its value, ms.

    Raises:
        ValueError: one was never told.
    """
    took = []
    for at, push in sent:
        told = energies.told_at(push)
        if told is None:
            raise ValueError(f"{push.kwh} kWh of {push.evse_id} was never told")
        took.append((told - at) * 1000)
    return took


def finished_at(sent: Sequence[Sent], energies: Energies) -> float | None:
    """The time at which the last energy of every charge point was reported; None if one is missing."""
    last: Mapping[str, Push] = {push.evse_id: push for _, push in sent}
    told = [energies.told_at(push) for push in last.values()]
    known = [at for at in told if at is not None]
    return max(known) if len(known) == len(told) else None


def percentile(values: Sequence[float], percent: int) -> float:
    """The given percentile."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]
