"""Makes the recordings of this folder anew: `python -m tests.recordings.make`. Their expectations are made by the test.

`day` is a day at the simulated charge points, hour by hour. `demo` is a minute of `make demo`.
"""

import asyncio
import json
from datetime import timedelta
from pathlib import Path

from bridge.commandline.demo import demo
from bridge.recording.lines import Recording, Remembered, write_head, write_line
from bridge.simulator import wire_form
from bridge.simulator.car import Car
from tests.recordings.lives import RecordedLife, redacted

FOLDER = Path(__file__).parent
DEMO_S = 60.0


def day() -> Recording:
    """A day with sessions, a hold, a limit, faults and odd values."""
    life = RecordedLife()
    socket, cable = life.point(0), life.point(1)
    socket.stale_start = cable.stale_start = 1
    life.open()
    life.wait(45)
    # A car comes in the morning; the hub starts it, and the app limits it.
    life.plug(0)
    life.note(Remembered(socket.evse_id, {"start_accepted": life.now.isoformat()}, {}))
    life.now += timedelta(seconds=3)
    life.start(0)
    life.wait(40)
    life.push(0, actual_kwh=99_999)
    life.push(0, actual_p1=-0.4, actual_kwh=0)
    life.wait(20)
    life.lose()
    life.wait(0.5)
    life.open()
    life.wait(30)
    life.stop(0)
    life.wait(5)
    life.unplug(0)
    life.garbage()
    # Plug and charge at the carport, and the link is away for longer than the grace.
    cable.plug(Car(capacity_kwh=40, charge_kwh=22, phases=1, most_a=32))
    life.push(1)
    life.wait(25)
    life.lose()
    life.now += timedelta(minutes=10)
    cable.step(600)
    life.open()
    life.wait(200)
    # In the evening delayed charging holds it back until eleven.
    cable.switch_profile("delayed_charging", on=True)
    life.push_settings(1)
    life.unplug(1)
    life.plug(1)
    life.wait(120)
    cable.boost()
    life.push(1)
    life.wait(45)
    # A fault, and the charge point is offline for a while.
    cable.sockets[0].fault = "error"
    life.push(1)
    life.wait(5)
    cable.sockets[0].fault = "offline"
    life.push(1)
    life.wait(15)
    cable.sockets[0].fault = None
    life.push(1)
    life.push(1, activity="resting", vehicle_status="Q")
    life.push(1)
    life.comes(
        {
            "object": "GRID_CURRENT",
            "evse_id": socket.evse_id,
            "grid_actual_p1": 7,
            "grid_actual_p2": 1.5,
            "grid_actual_p3": 0,
        }
    )
    cable.name = "Car port"
    life.push_settings(1)
    life.wait(60)
    # One of the two leaves the account.
    del life.account.charge_points[socket.evse_id]
    life.lose()
    life.wait(1)
    life.asks("HELLO", {"object": "HELLO"})
    for _ in range(2):
        life.asks("GET_CHARGE_POINTS", {"object": "CHARGE_POINTS", "data": [wire_form.listing(cable)]})
    life.asks("GET_CH_STATUS", wire_form.statuses(cable), evse_id=cable.evse_id)
    life.wait(61)
    return redacted(life.recording)


def write(path: Path, recording: Recording) -> None:
    """Write a recording as the recorder does."""
    lines = [write_head(recording.head), *(write_line(line) for line in recording.lines)]
    path.write_text("".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n" for line in lines))


async def record_demo(path: Path, seconds: float) -> list[str]:
    """Record the demo; returns its output."""
    printed: list[str] = []
    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, stop.set)
    await demo(printed.append, stop, record_file=path)
    return printed


if __name__ == "__main__":
    write(FOLDER / "day.jsonl", day())
    (FOLDER / "demo.jsonl").unlink(missing_ok=True)
    asyncio.run(record_demo(FOLDER / "demo.jsonl", DEMO_S))
