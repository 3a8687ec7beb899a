"""What happens in a run, drawn from a seed: faults, what people do, and what the hub asks. Pure."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

Fault = Literal[
    "cut", "stall", "stall and cut", "slow", "half-close", "corrupt", "refuse",
    "garbage", "time passes", "clock set", "disk full", "kill",
]  # fmt: skip
Line = Literal["cloud", "broker"]
Deed = Literal["plug", "unplug", "card", "error", "mended"]

ON_A_LINE: Final[tuple[Fault, ...]] = ("cut", "stall", "stall and cut", "slow", "half-close", "corrupt", "refuse")
ELSEWHERE: Final[tuple[Fault, ...]] = ("garbage", "time passes", "clock set", "disk full")
LINES: Final[tuple[Line, ...]] = ("cloud", "broker")
POINTS: Final = 4

CALM_EVERY: Final = 25
"""After so many faults everything is mended, and compared with what is so."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A command of the hub.

    Attributes:
        type: the interface.
        point: which charge point.
        value: its value; None for a command without.
        mode: the charging mode of a start.
        again: it is sent a second time, with the same `uid`.
    """

    type: str
    point: int
    value: int | bool | None = None
    mode: str = ""
    again: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One fault, with the commands and pushes during it.

    Attributes:
        number: of the step in its plan.
        fault: what goes wrong.
        line: on which line.
        lasts_s: how long, in real time.
        passes_s: how much the clock is moved on.
        deeds: what people do at the charge points: what, and at which.
        wishes: what the hub sends.
        recovers: both links are waited for before the next fault.
        calm: everything is mended and compared after this step.
    """

    number: int
    fault: Fault
    line: Line
    lasts_s: float
    passes_s: float
    deeds: Sequence[tuple[Deed, int]]
    wishes: Sequence[Wish]
    recovers: bool
    calm: bool


_WISHES: Final = (
    "cmd.charge.start", "cmd.charge.start", "cmd.charge.stop", "cmd.cable_lock.set", "cmd.max_current.set",
    "cmd.current_session.set_current", "cmd.param.set", "cmd.thing.reboot", "cmd.state.get_report",
    "cmd.current_session.get_report", "cmd.max_current.get_report", "cmd.meter.get_report", "cmd.network.get_all_nodes",
)  # fmt: skip
_DEEDS: Final[tuple[Deed, ...]] = ("plug", "plug", "plug", "unplug", "card", "card", "error", "mended", "mended")


def plan(seed: int, faults: int, *, kills: bool = False) -> list[Step]:
    """The steps of a run.

    Args:
        seed: the same gives the same steps.
        faults: how many.
        kills: the bridge is killed now and then.
    """
    chance = random.Random(seed)
    return [_step(chance, number, kills=kills) for number in range(1, faults + 1)]


def _step(chance: random.Random, number: int, *, kills: bool) -> Step:
    fault = chance.choice(ON_A_LINE) if chance.random() < 0.85 else chance.choice(ELSEWHERE)
    if kills and chance.random() < 0.15:
        fault = "kill"
    return Step(
        number=number,
        fault=fault,
        line=chance.choice(LINES),
        lasts_s=round(chance.choice([0.01, 0.05, 0.1, 0.2]) * chance.uniform(0.5, 1.5), 3),
        passes_s=round(chance.choice([2, 5, 10, 30, 90]) * chance.uniform(0.5, 1.5), 1),
        deeds=[(chance.choice(_DEEDS), chance.randrange(POINTS)) for _ in range(chance.randrange(3))],
        wishes=[_wish(chance) for _ in range(chance.randrange(4))],
        recovers=chance.random() < 0.5,
        calm=number % CALM_EVERY == 0,
    )


def _wish(chance: random.Random) -> Wish:
    type_, point, value, mode = chance.choice(_WISHES), chance.randrange(POINTS), None, ""
    if type_ == "cmd.charge.start":
        mode = chance.choice(["", "", "normal", "slow"])
    elif type_ in ("cmd.max_current.set", "cmd.current_session.set_current"):
        value = chance.randrange(6, 17)
    elif type_ == "cmd.param.set":
        value = chance.random() < 0.5
    elif type_ == "cmd.cable_lock.set":
        value = False
    elif type_ == "cmd.thing.reboot":
        if chance.random() < 0.7:
            return Wish("cmd.state.get_report", point)
        value = True
    return Wish(type_, point, value, mode, again=chance.random() < 0.15)
