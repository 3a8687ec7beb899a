"""One thing looked at, and what came of it."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """Whether it is well."""

    OK = "ok"
    FAIL = "FAIL"
    NOTE = "note"  # nothing that keeps the service from its work, but good to know


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for a person.

    Attributes:
        mark: whether it is well.
        what: what was looked at.
        says: what was seen; if it is not well, also what to do.
        private: the words of `says` that tell who somebody is.
    """

    mark: Mark
    what: str
    says: str
    private: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Something has to be done."""
        return self.mark is Mark.FAIL


def ok(what: str, says: str) -> Finding:
    """It is well."""
    return Finding(Mark.OK, what, says)


def fail(what: str, says: str) -> Finding:
    """It is not."""
    return Finding(Mark.FAIL, what, says)


def note(what: str, says: str) -> Finding:
    """It is well enough, but good to know."""
    return Finding(Mark.NOTE, what, says)
