"""The file of a recording, which only the owner may read and whose size is bounded."""

import os
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from bridge.recording.lines import Event
from bridge.recording.opening import OpeningAnswers

MOST_BYTES: Final = 10_000_000
"""The largest size of the file, 10 MB (contract 2)."""

SHRINKS_TO: Final = 0.75
"""The share of the size to which a full file is shortened. It is shortened seldom, since that copies the file."""

KEPT_AT_MOST: Final = 0.5
"""The share of the size that the answers of the last opening may take."""

PRIVATE: Final = 0o600


class RecordingFile:
    """A file that is written line by line. A line is in the file once `write` returns.

    Args:
        path: the path of the file. An existing file is renamed to `NAME.1`.
        most: the largest size, bytes.

    Raises:
        OSError: the file cannot be opened or written.
    """

    def __init__(self, path: Path, most: int = MOST_BYTES) -> None:
        self._path = path
        self._most = most
        self._head = b""
        self._numbers: deque[tuple[int, int]] = deque()  # the number and the size of each line in the file
        self._next = 0
        self._size = 0
        self._opening = OpeningAnswers()
        self._file = -1

    def __enter__(self) -> Self:
        if self._path.exists():
            if not self._path.is_file():
                raise OSError(f"{self._path.name} is there and is no file")
            if self._path.stat().st_size:
                self._path.replace(self._before)
            else:
                self._path.unlink()
        self._file = _create(self._path)
        return self

    @property
    def _before(self) -> Path:
        return self._path.with_name(f"{self._path.name}.1")

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        os.close(self._file)

    def write_head(self, text: bytes) -> None:
        """Write the first line."""
        self._head = text
        self._append(text)

    def write(self, text: bytes, event: Event) -> None:
        """Write a line for an event. If the file is full, the oldest lines are removed first."""
        if self._size + len(text) > self._most:
            self._shrink(len(text))
        if self._size + len(text) > self._most:
            return  # the line alone is larger than the file may be
        self._append(text)
        self._numbers.append((self._next, len(text)))
        self._opening.note(self._next, event)
        self._next += 1

    def _append(self, text: bytes) -> None:
        """Write the whole text, or nothing.

        Raises:
            OSError: the disk is full or cannot be written.
        """
        written = 0
        try:
            while written < len(text):
                written += os.write(self._file, text[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            raise
        self._size += len(text)

    # --- removing the oldest lines ---

    def _shrink(self, needed: int) -> None:
        stays = self._lines_that_stay(needed)
        new = self._path.with_name(f"{self._path.name}.new")
        new.unlink(missing_ok=True)
        target = _create(new)
        try:
            with self._path.open("rb") as source, os.fdopen(os.dup(target), "wb") as copy:
                copy.write(source.readline())
                for number, _ in self._numbers:
                    text = source.readline()
                    if number in stays:
                        copy.write(text)
        except OSError:
            os.close(target)
            new.unlink(missing_ok=True)
            raise
        new.replace(self._path)
        os.close(self._file)
        self._file = target
        self._numbers = deque(entry for entry in self._numbers if entry[0] in stays)
        self._size = len(self._head) + sum(size for _, size in self._numbers)

    def _lines_that_stay(self, needed: int) -> set[int]:
        """Return the numbers of the lines to keep: the answers of the last opening, and the newest other lines."""
        sizes = dict(self._numbers)
        room = int(self._most * SHRINKS_TO) - len(self._head) - needed
        stays: set[int] = set()
        for_answers = min(room, int(self._most * KEPT_AT_MOST))
        for number in sorted(set(self._opening.lines()), reverse=True):
            size = sizes.get(number, 0)
            if size <= for_answers:
                stays.add(number)
                for_answers -= size
                room -= size
        for number, size in reversed(self._numbers):
            if number not in stays:
                if size > room:
                    break
                stays.add(number)
                room -= size
        return stays


def _create(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), PRIVATE)
