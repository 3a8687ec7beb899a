"""The options of the commands that read the settings, and reading the settings with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from bridge import settings_sources
from bridge.commandline.process import UNREADABLE_SETTINGS, complain
from bridge.settings import Settings

ConfigOption = Annotated[
    Path | None, typer.Option("--config", "-c", metavar="FILE", help="The settings file (TOML), else BRIDGE_CONFIG.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", "-s", metavar="KEY=VALUE", help="A setting, such as mqtt.host=hub.local.")
]


def load(config: Path | None, assignments: list[str] | None) -> Settings:
    """Read the settings from all sources. A fault is printed, and ends the process."""
    return load_with_origins(config, assignments)[0]


def load_with_origins(config: Path | None, assignments: list[str] | None) -> tuple[Settings, Mapping[str, str]]:
    """Read the settings like `load`. Return them, and for each given key a text that names its source."""
    try:
        return settings_sources.load_with_origins(config, assignments or [])
    except settings_sources.SettingsFault as fault:
        for text in fault.lines:
            complain(text)
        raise typer.Exit(UNREADABLE_SETTINGS) from None
