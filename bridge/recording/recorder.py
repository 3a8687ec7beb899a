"""Recording the cloud's frames in a file while the service runs (`cloud.record_file`).

An event is queued at once with its time. A thread redacts and writes the queued events, so neither a large frame nor a
slow disk blocks the event loop.
"""

import json
import queue
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import JsonValue
from structlog.typing import FilteringBoundLogger

from bridge.bluecurrent.tap import Tap
from bridge.bluecurrent.wire import NotJson, read_json
from bridge.chargepoint.limits import Limits
from bridge.chargepoint.session import Memory
from bridge.chargepoint.twin import Twin
from bridge.clock import Clock
from bridge.errors import BridgeError
from bridge.recording.file import RecordingFile
from bridge.recording.lines import (
    Event,
    Head,
    LeftOut,
    Lost,
    Received,
    RecordedLine,
    Remembered,
    Sent,
    Stopped,
    Unreadable,
    difference,
    write_head,
    write_line,
)
from bridge.recording.redaction import FrameRedaction
from bridge.storage.rows import LIMITS, MEMORY

MOST_WAITING: Final = 32 * 1024 * 1024
"""How many characters may be queued. Further events are not recorded, and the recording says how many."""

CLOSE_S: Final = 1.0
"""How long the end of the service waits for the last lines to be written."""


class FrameRecorder(Tap):
    """Records the frames and losses of the link, and the changes of memories and limits by commands.

    Args:
        path: the file. An existing file is renamed to `NAME.1`.
        clock: the source of time.
        log: gets a warning if the recording ends because of an error.
        hidden: secrets to replace from the beginning.
    """

    def __init__(self, path: Path, *, clock: Clock, log: FilteringBoundLogger, hidden: Iterable[str] = ()) -> None:
        self._path = path
        self._clock = clock
        self._log = log
        self._redaction = FrameRedaction(secrets.token_bytes(32), hidden)
        self._queue: queue.SimpleQueue[tuple[RecordedLine, int] | None] = queue.SimpleQueue()
        self._waiting = 0
        self._written = 0
        self._left_out = 0
        self._began = clock.monotonic()
        self._running = False
        self._thread: threading.Thread | None = None

    def begin(self, head: Head) -> None:
        """Start the recording with this head."""
        self._began = self._clock.monotonic()
        self._running = True
        self._thread = threading.Thread(target=self._work, args=(head,), name="recording", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Write the queued events, and end the recording. This waits at most `CLOSE_S`."""
        if self._thread is None:
            return
        self._put(Stopped(), 0)
        self._running = False
        self._queue.put(None)
        self._thread.join(CLOSE_S)

    # --- events ---

    def sent(self, text: str) -> None:
        """Record a text that was sent."""
        self._put(Sent(text), len(text))

    def received(self, text: str | bytes) -> None:
        """Record a message that was received."""
        self._put(Received(text if isinstance(text, str) else text.decode("utf-8", "replace")), len(text))

    def lost(self, error: BridgeError) -> None:
        """Record a connection that ended, or could not be opened."""
        self._put(Lost(str(error), error.code), 0)

    def remembered(self, before: Twin, after: Twin) -> None:
        """Record a change of a socket's memory or limits by a command or the account's transactions."""
        if self._running:
            memory = difference(_memory(before.memory), _memory(after.memory))
            limits = difference(_limits(before.limits), _limits(after.limits))
            self._put(Remembered(after.address, memory, limits), 0)

    def _put(self, event: Event, size: int) -> None:
        if not self._running:
            return
        now, after = self._clock.now(), self._clock.monotonic() - self._began
        if self._waiting - self._written + size > MOST_WAITING:
            self._left_out += 1
            return
        if self._left_out:
            self._queue.put((RecordedLine(now, after, LeftOut(self._left_out)), 0))
            self._left_out = 0
        self._waiting += size
        self._queue.put((RecordedLine(now, after, event), size))

    # --- in the thread ---

    def _work(self, head: Head) -> None:
        try:
            with RecordingFile(self._path) as file:
                file.write_head(_text(write_head(self._redacted_head(head))))
                while (item := self._queue.get()) is not None:
                    line, size = item
                    line = replace(line, event=self._redacted(line.event))
                    file.write(_text(write_line(line)), line.event)
                    self._written += size
        except OSError as error:
            self._running = False
            self._log.warning(
                "frames are no longer recorded; the service keeps running",
                path=str(self._path),
                why=error.strerror or str(error),
            )
        except Exception as error:
            self._running = False
            self._log.warning(
                "the recording ended because of a fault of the bridge; the service keeps running",
                path=str(self._path),
                why=repr(error)[:200],
            )

    def _redacted(self, event: Event) -> Event:
        match event:
            case Sent(str(text)):
                return self._read(text, Sent)
            case Received(str(text)):
                return self._read(text, Received)
            case Lost(reason, code):
                return Lost(self._redaction.words(reason), code)
            case Remembered(address, memory, limits):
                return Remembered(address, self._redaction.redact(memory), self._redaction.redact(limits))
            case _:
                return event

    def _read(self, text: str, kind: Callable[[JsonValue], Event]) -> Event:
        try:
            return kind(self._redaction.redact(read_json(text)))
        except NotJson:
            return Unreadable(len(text))

    def _redacted_head(self, head: Head) -> Head:
        redact = self._redaction.redact
        return replace(
            head,
            sockets={
                address: {name: redact(part) for name, part in content.items()}
                for address, content in head.sockets.items()
            },
            charge_points={evse_id: redact(settings) for evse_id, settings in head.charge_points.items()},
        )


def _text(line: dict[str, JsonValue]) -> bytes:
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace") + b"\n"


def _memory(memory: Memory) -> JsonValue:
    dumped: JsonValue = MEMORY.dump_python(memory, mode="json")
    return dumped


def _limits(limits: Limits) -> JsonValue:
    dumped: JsonValue = LIMITS.dump_python(limits, mode="json")
    return dumped
