"""Reading the settings from command line, environment, secret files and TOML file, in this order of precedence.

Each fault is one line: the place of the value, what is wrong, and the nearest known key or the cure (contract 2).
"""

import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import EnvSettingsSource

from bridge.secret_text import secret_of, text_of
from bridge.settings import DELIMITER, KEYS, PREFIX, Settings
from bridge.settings_faults import describe, nearest, nearest_key, typed
from bridge.toml_fault import explain_toml

CONFIG_VARIABLE: Final = "BRIDGE_CONFIG"
SECRETS_VARIABLE: Final = "BRIDGE_SECRETS_DIR"
DEFAULT_SECRETS: Final = "/run/secrets"
DEFAULT_FILE: Final = "bridge.toml"


class SettingsFault(Exception):
    """The settings cannot be read.

    Attributes:
        lines: one line for each fault.
    """

    def __init__(self, lines: Sequence[str]) -> None:
        self.lines = [_CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), line) for line in lines]
        super().__init__("\n".join(self.lines))


_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
"""Line ends and terminal control characters, which are escaped. A quoted key in TOML can contain any."""


def load(config: Path | None = None, assignments: Sequence[str] = ()) -> Settings:
    """Read the settings from all sources.

    Args:
        config: the TOML file that the command line names; None if it names none.
        assignments: the `KEY=VALUE` arguments of the command line.

    Raises:
        SettingsFault: a value, key or file is wrong.
    """
    return load_with_origins(config, assignments)[0]


def load_with_origins(
    config: Path | None = None, assignments: Sequence[str] = ()
) -> tuple[Settings, Mapping[str, str]]:
    """Read the settings from all sources, with the arguments of `load`.

    Returns:
        The settings, and for each given key a text that names its source.

    Raises:
        SettingsFault: a value, key or file is wrong.
    """
    faults: list[str] = []
    values: dict[str, dict[str, object]] = {}
    origins: dict[str, str] = {}
    # The weakest first: later sources overwrite.
    for source in (_toml(config, faults), _secret_files(faults), _environment(), _command_line(assignments, faults)):
        for section, entries in source.sections(faults):
            values.setdefault(section, {}).update(entries)
            origins.update({f"{section}.{name}": source.origin(f"{section}.{name}") for name in entries})
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        faults += describe(error, origins)
    if faults:
        raise SettingsFault(faults)
    return settings, origins


def secrets_directory() -> Path:
    """Return the directory of the secret files."""
    return Path(os.environ.get(SECRETS_VARIABLE) or DEFAULT_SECRETS)


@dataclass(frozen=True, slots=True)
class Source:
    """The values of one source.

    Attributes:
        content: the values by section and key.
        origin: returns the place of a key, for messages.
        unknown: the keys in sections that do not exist.
    """

    content: Mapping[str, object] = field(default_factory=dict)
    origin: Callable[[str], str] = str
    unknown: Sequence[str] = ()

    def sections(self, faults: list[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
        """Yield the known sections with their values. Everything else adds a line to `faults`."""
        faults += [f"{self.origin(key)}: {key}: unknown key{nearest_key(key)}" for key in self.unknown]
        for section, entries in self.content.items():
            where = f"{self.origin(section)}: {section}"
            if section not in Settings.model_fields:
                is_section = isinstance(entries, Mapping)
                known = nearest(section, Settings.model_fields) if is_section else nearest_key(section)
                faults.append(f"{where}: unknown {'section' if is_section else 'key'}{known}")
            elif not isinstance(entries, Mapping):
                faults.append(f"{where}: must be a section, with keys in it")
            else:
                yield section, entries


class _Variables(EnvSettingsSource):
    """Reads variables of the form `BRIDGE_SECTION__KEY` from any mapping.

    A variable for a whole section (`BRIDGE_MQTT`) is ignored, like every name without `__`.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        super().__init__(Settings)
        self.env_vars = {name.lower(): value for name, value in variables.items()}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[None, str, bool]:
        _, key, _ = super().get_field_value(field, field_name)
        return None, key, True


def _from_variables(variables: Mapping[str, str], origin: Callable[[str], str]) -> Source:
    keys = [key for name in variables if (key := key_of(name)) is not None]
    unknown = [key for key in keys if key.partition(".")[0] not in Settings.model_fields]
    return Source(_Variables(variables)(), origin, unknown)


def key_of(variable: str) -> str | None:
    """Return the key of a variable: `mqtt.host` for `BRIDGE_MQTT__HOST`; None without the prefix or `__`."""
    prefix, name = variable[: len(PREFIX)].upper(), variable[len(PREFIX) :].lower()
    return name.replace(DELIMITER, ".", 1) if prefix == PREFIX and DELIMITER in name else None


def variable_of(key: str) -> str:
    """Return the variable of a key: `BRIDGE_MQTT__HOST` for `mqtt.host`."""
    return f"{PREFIX}{key.upper().replace('.', DELIMITER)}"


def _toml(config: Path | None, faults: list[str]) -> Source:
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    path = named or Path(DEFAULT_FILE)
    if named is None and not path.exists():
        return Source()
    try:
        text = text_of(path.read_bytes())
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return Source()
    except ValueError as error:
        faults.append(f"{path}: cannot be read: {error}")
        return Source()
    try:
        # With the line end, a fault in the last line is reported with its number.
        return Source(_typed(tomllib.loads(f"{text}\n")), lambda _: str(path))
    except RecursionError:
        faults.append(f"{path}: is not TOML: it is nested too deeply")
        return Source()
    except ValueError as error:  # not only TOMLDecodeError, but also for a number of 5,000 digits or an invalid date
        faults.append(f"{path}: is not TOML: {explain_toml(text, error, [*Settings.model_fields, *KEYS])}")
        return Source()


def _typed(content: Mapping[str, object]) -> Mapping[str, object]:
    return {
        section: {name: typed(section, name, value) for name, value in entries.items()}
        if isinstance(entries, dict) and section in Settings.model_fields
        else entries
        for section, entries in content.items()
    }


def _secret_files(faults: list[str]) -> Source:
    directory = secrets_directory()

    def origin(key: str) -> str:
        return str(directory / variable_of(key).lower())

    if not directory.is_dir():
        return Source()
    try:
        paths = [path for path in sorted(directory.iterdir()) if key_of(path.name) is not None and path.is_file()]
    except OSError as error:
        faults.append(f"{directory}: cannot be read: {error.strerror}")
        return Source()
    return _from_variables(dict(_secrets(paths, faults)), origin)


def _secrets(paths: Iterable[Path], faults: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the secret of each file. An empty file is skipped, so that other sources count."""
    for path in paths:
        try:
            secret = secret_of(path.read_bytes())
        except OSError as error:
            faults.append(f"{path}: cannot be read: {error.strerror}. Let the user of the service read it.")
        except ValueError as error:
            faults.append(f"{path}: cannot be read: {error}")
        else:
            if secret:
                yield path.name, secret


def _environment() -> Source:
    return _from_variables(os.environ, lambda key: f"environment variable {variable_of(key)}")


def _command_line(assignments: Sequence[str], faults: list[str]) -> Source:
    variables: dict[str, str] = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        section, dot, name = key.strip().partition(".")
        if not equals:
            faults.append(f"command line: {assignment}: must be KEY=VALUE")
        elif not dot:
            faults.append(f"command line: {key}: unknown key{nearest_key(key)}")
        else:
            variables[variable_of(f"{section}.{name}")] = value
    return _from_variables(variables, lambda _: "command line")
