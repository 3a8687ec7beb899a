"""The result of one check."""

from dataclasses import dataclass
from enum import StrEnum


class Mark(StrEnum):
    """The verdict of a check."""

    OK = "ok"
    FAIL = "FAIL"
    NOTE = "note"  # the service works, but the user should know


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of output.

    Attributes:
        mark: the verdict.
        what: what was checked.
        says: the result; for a fault also its cure.
        private: the words of `says` that are personal data.
    """

    mark: Mark
    what: str
    says: str
    private: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """The user has to act."""
        return self.mark is Mark.FAIL


def ok(what: str, says: str) -> Finding:
    """Return a finding of `Mark.OK`."""
    return Finding(Mark.OK, what, says)


def fail(what: str, says: str) -> Finding:
    """Return a finding of `Mark.FAIL`."""
    return Finding(Mark.FAIL, what, says)


def note(what: str, says: str) -> Finding:
    """Return a finding of `Mark.NOTE`."""
    return Finding(Mark.NOTE, what, says)
