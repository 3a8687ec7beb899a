"""Checks the secrets for values that are valid but probably not intended. Invalid ones are faults of the settings."""

import difflib
import os
from collections.abc import Iterator, Mapping
from typing import Final

from bridge.checkup.finding import Finding, note
from bridge.secret_text import oddity_of, secret_of
from bridge.settings import KEYS, PREFIX, Settings
from bridge.settings_sources import SECRETS_VARIABLE, key_of, secrets_directory, variable_of

WHAT: Final = "secrets"


def look_at_secrets(settings: Settings, origins: Mapping[str, str]) -> list[Finding]:
    """Return notes on the secret files, and on a password that may contain more than the user intended.

    Args:
        settings: the settings as read.
        origins: where each key that was given came from.
    """
    return [*_files(), *_password(settings, origins)]


def _files() -> Iterator[Finding]:
    directory = secrets_directory()
    if not directory.is_dir():
        if os.environ.get(SECRETS_VARIABLE):
            yield note(WHAT, f"{SECRETS_VARIABLE} names {directory}, which is not a folder. Correct it, or unset it.")
        return
    names = {variable_of(key).lower(): key for key in KEYS}
    for path in sorted(directory.iterdir()):
        if key_of(path.name) is not None:
            if path.is_file() and not secret_of(path.read_bytes()):
                yield note(WHAT, f"{path} is empty and counts as none. Write the value into it, or remove it.")
        elif path.name.lower().startswith(PREFIX.lower()):
            near = difflib.get_close_matches(path.name.lower(), names, n=1, cutoff=0.9)
            if near:
                yield note(WHAT, f"{path} is not read: the file must be named {near[0]}. Rename it.")


def _password(settings: Settings, origins: Mapping[str, str]) -> Iterator[Finding]:
    password = settings.mqtt.password
    oddity = oddity_of(password.get_secret_value()) if password is not None else None
    if oddity is not None:
        where = origins.get("mqtt.password", "the settings")
        yield note(
            WHAT, f"mqtt.password {oddity}, and is sent exactly as it is. If that is not intended, correct {where}."
        )
