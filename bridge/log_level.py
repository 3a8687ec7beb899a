"""The levels of the log. Pure."""

from typing import Literal, get_args

Level = Literal["trace", "debug", "info", "warning", "error", "fatal"]


def level_named(name: str) -> Level | None:
    """Return the level with a name, in any letter case; None if there is none. Hubs also write `warn` for `warning`."""
    plain = name.strip().lower()
    levels: tuple[Level, ...] = get_args(Level)
    return next((level for level in levels if level == ("warning" if plain == "warn" else plain)), None)
