"""The faults of settings, as lines."""

from pathlib import Path

import pytest

from bridge.settings_sources import SettingsFault, load


def faults(config: Path | None = None, *assignments: str) -> list[str]:
    """The lines of the fault that loading ends with."""
    with pytest.raises(SettingsFault) as caught:
        load(config, assignments)
    return list(caught.value.lines)
