"""What the bridge takes from outside."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

from bridge.account.charging import FOLLOW_UP_S
from bridge.bluecurrent.link import Link
from bridge.clock import Clock
from bridge.storage.storage import Storage


@dataclass(frozen=True, slots=True)
class World:
    """What the bridge takes from outside, and a test or a replay holds in its hands.

    Attributes:
        clock: tells the time and waits.
        jitter: gives a random number from 0 to 1.
        uid: gives a new UUID.
        follow_up: how long after a verdict the CH_STATUS that shows its effect is waited for, s.
        link: the link to the cloud; a replay has one that takes its frames from a recording.
        storage: in the place of the file that the settings name.
    """

    clock: Clock
    jitter: Callable[[], float] = random.random
    uid: Callable[[], UUID] = uuid4
    follow_up: float = FOLLOW_UP_S
    link: type[Link] = Link
    storage: Storage | None = None
