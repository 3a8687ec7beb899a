"""What an output can show."""

import os
from typing import TextIO


def shows_colours(stream: TextIO) -> bool:
    """Whether a stream is a terminal with colours, and the user has not turned them off (https://no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
