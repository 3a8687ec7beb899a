"""What stands in the way of the requirements that the bridge may miss. The note of a run names it for each missed one.

The shares of a frame and of a message that these texts tell were found with profilers, and are not measured by a run.
"""

from typing import Final

PER_FRAME: Final = (
    "every frame is read completely: parsing, the rules of sessions and limits, and what the disk and the page need, "
    "cost about 0.11 ms of CPU time in CPython before anything is published. Node-RED, in a just-in-time compiler, and "
    "the bare wire look at one or two fields. Frames cannot be skipped, since a session is recognized by every reading"
)

TRADE_OFF: Final = (
    "comparing the reports of a frame and publishing what differs cost more than reading it. "
    "In a burst the bridge therefore reads frames for a short while before it publishes (`SLICE_S` in "
    "`bridge/bluecurrent/link.py`), and measurements merge meanwhile. A shorter slice gives more messages a second and "
    "less CPU time a message, but fewer frames a second; without one, the bridge publishes 3 messages a frame at half of "
    "its frames a second"
)

FIRST_MESSAGE: Final = (
    "the first message of a frame leaves before the others are made, but after the frame has been parsed and applied to "
    "its session: about 0.2 ms of CPU time. That is two to four times as much here, since at 100 frames a second the "
    "caches of the processor are cold at each frame. The bare wire copies one number"
)

LATE_FRAMES: Final = (
    "a turn of the bridge takes about 2 ms at the longest at this rate: once a second it writes to disk, too. The "
    "latest frames are mostly those for which the processor was busy with another process. The bridge needs it for "
    "longer, since it sends three messages a frame"
)

WRITE_PER_FRAME: Final = (
    "one of 1,000 charge points is pushed less than once a second here, so its energy is written to disk before each of "
    "its reports: one transaction a frame. That of one charge point is written once a second"
)

SUMMARY: Final = "the page begins with a summary of the whole account"
LONGER_PAGE: Final = "the page shows ten charge points where the other shows one"
