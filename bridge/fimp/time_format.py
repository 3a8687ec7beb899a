"""FIMP's time formats (fimp-api, "Time Format"): four are read, one is written."""

import re
from datetime import datetime
from typing import Final

_FORMS: Final = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:T(?P<t>\d\d:\d\d:\d\d(?:\.\d{1,9})?)|[ ](?P<s>\d\d:\d\d:\d\d(?:\.\d{1,9})?)[ ])"
    r"(?P<offset>Z|[+-]\d\d:?\d\d)",
    re.ASCII,
)


def parse_time(text: str) -> datetime:
    """Parse a time in any of the four forms. The result has an offset.

    Raises:
        ValueError: the text has none of the forms.
    """
    form = _FORMS.fullmatch(text)
    if form is None:
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T07:30:00.000+01:00")
    return datetime.fromisoformat(f"{form['date']}T{form['t'] or form['s']}{form['offset']}")


def format_time(when: datetime) -> str:
    """Format a time as RFC 3339 with milliseconds and a numeric offset."""
    return when.isoformat(timespec="milliseconds")
