"""The inputs of the bridge from outside, which tests and replays replace."""

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
    """The inputs of the bridge from outside.

    Attributes:
        clock: the source of time and of waits.
        jitter: returns a random number from 0 to 1.
        uid: returns a new UUID.
        follow_up: how long to wait after a verdict for the CH_STATUS that shows its effect, s.
        link: the class of the link to the cloud. A replay uses one that reads frames from a recording.
        storage: the storage to use in place of the file in the settings; None for that file.
        freeze: takes all present objects out of garbage collections (`gc.freeze`); by default nothing.
    """

    clock: Clock
    jitter: Callable[[], float] = random.random
    uid: Callable[[], UUID] = uuid4
    follow_up: float = FOLLOW_UP_S
    link: type[Link] = Link
    storage: Storage | None = None
    freeze: Callable[[], None] = lambda: None
