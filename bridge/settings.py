"""Every setting, once (contract 2).

Precedence: command line, environment, secret files, TOML file, default. A fault is told in one line: where it stands,
what is wrong, the nearest known key.
"""

import difflib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from bridge.chargepoint.state import StateSet
from bridge.chargepoint.status import MINIMUM_CURRENT_A
from bridge.logs import Level

PREFIX: Final = "BRIDGE_"
DELIMITER: Final = "__"
CONFIG_VARIABLE: Final = "BRIDGE_CONFIG"
SECRETS_VARIABLE: Final = "BRIDGE_SECRETS_DIR"
DEFAULT_SECRETS: Final = "/run/secrets"
DEFAULT_FILE: Final = "bridge.toml"


def _empty_is_none(value: object) -> object:
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    return None if isinstance(text, str) and not text.strip() else value


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


OptionalText = Annotated[str | None, BeforeValidator(_empty_is_none)]
OptionalPath = Annotated[Path | None, BeforeValidator(_empty_is_none)]
OptionalSecret = Annotated[SecretStr | None, BeforeValidator(_strip), BeforeValidator(_empty_is_none)]
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]+$")]
LONGEST_S: Final = 366 * 86_400
Seconds = Annotated[int | float, Field(gt=0, le=LONGEST_S)]

# What the hub may set as well is held to the same bounds there.
Card = Annotated[str, StringConstraints(max_length=64)]
Grace = Annotated[int | float, Field(ge=0, le=LONGEST_S)]
SlowCurrent = Annotated[int, Field(ge=MINIMUM_CURRENT_A, le=80)]
Voltage = Annotated[int | float, Field(ge=50, le=500)]


class Section(BaseModel):
    """The base of all sections: no key that is not known."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class MqttSettings(Section):
    """The broker: a Futurehome hub's local API listens on 1884, most others on 1883."""

    host: Annotated[str, StringConstraints(min_length=1)] = "localhost"
    port: Annotated[int, Field(ge=1, le=65535)] = 1883
    username: OptionalText = None
    password: OptionalSecret = None
    tls: bool = False
    ca_file: OptionalPath = None
    cert_file: OptionalPath = None
    key_file: OptionalPath = None
    tls_insecure: bool = False
    client_id: Annotated[str, StringConstraints(min_length=1, max_length=128)] = "bluecurrent-fimp"
    topic_prefix: Annotated[str, StringConstraints(pattern=r"^([^/+#:\s]+(/[^/+#:\s]+)*)?$")] = ""


class CloudSettings(Section):
    """Blue Current's cloud."""

    url: Annotated[str, StringConstraints(pattern=r"^wss?://")] = "wss://motown.bluecurrent.nl/haserver"
    api_token: OptionalSecret = None
    command_timeout: Seconds = 60
    offline_grace: Grace = 60


class FimpSettings(Section):
    """How the bridge appears on FIMP."""

    resource_name: Name = "bluecurrent"
    resource_address: Name = "1"
    state_set: StateSet = "standard"


class ChargingSettings(Section):
    """What sessions that the hub starts are like."""

    card: Card = ""
    slow_current: SlowCurrent = MINIMUM_CURRENT_A
    nominal_voltage: Voltage = 230


class CommandSettings(Section):
    """Which commands are still acted on."""

    max_age: Seconds = 300


class StorageSettings(Section):
    """Where the bridge keeps what must survive a restart."""

    path: Path = Path("data/bridge.db")


class HttpSettings(Section):
    """Status page, health and metrics; empty locks them off."""

    listen: Annotated[str, StringConstraints(pattern=r"^(|.+:\d{1,5})$")] = "127.0.0.1:8099"

    @field_validator("listen")
    @classmethod
    def _check_port(cls, listen: str) -> str:
        if listen and int(listen.rpartition(":")[2]) > 65535:
            raise ValueError("a port is 65535 at the most")
        return listen

    @property
    def address(self) -> tuple[str, int] | None:
        """Host and port, or None."""
        if not self.listen:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)

    @property
    def from_here(self) -> tuple[str, int] | None:
        """Host and port as a program on the same machine reaches them, or None."""
        if self.address is None:
            return None
        host, port = self.address
        return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port  # noqa: S104 - compared, not bound


class LogSettings(Section):
    """What the log says, and how."""

    level: Level = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """All settings of the service."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter=DELIMITER,
    )

    mqtt: MqttSettings = MqttSettings()
    cloud: CloudSettings = CloudSettings()
    fimp: FimpSettings = FimpSettings()
    charging: ChargingSettings = ChargingSettings()
    commands: CommandSettings = CommandSettings()
    storage: StorageSettings = StorageSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What was read is handed over by `load`, which knows where each value came from."""
        return (init_settings,)


class SettingsFault(Exception):
    """The settings cannot be read; `lines` has one line for each fault."""

    def __init__(self, lines: Sequence[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


KEYS: Final = tuple(
    f"{section}.{key}"
    for section, field in Settings.model_fields.items()
    if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    for key in field.annotation.model_fields
)
"""Every key there is, such as `mqtt.host`."""


def load(config: Path | None = None, assignments: Sequence[str] = ()) -> Settings:
    """Read the settings from everywhere.

    Args:
        config: the TOML file of the command line, if it named one.
        assignments: `KEY=VALUE` of the command line.

    Raises:
        SettingsFault: something in them is wrong.
    """
    return trace(config, assignments)[0]


def trace(config: Path | None = None, assignments: Sequence[str] = ()) -> tuple[Settings, Mapping[str, str]]:
    """The same, and where each key that was given came from.

    Raises:
        SettingsFault: something in them is wrong.
    """
    faults: list[str] = []
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    # The weakest first: what comes later takes its place.
    for values in (
        _toml(config, faults),
        _secret_files(faults),
        _environment(faults),
        _command_line(assignments, faults),
    ):
        for key, (origin, value) in values.items():
            section, _, name = key.partition(".")
            merged.setdefault(section, {})[name] = value
            origins[key] = origin
    try:
        settings = Settings(**merged)
    except ValidationError as error:
        faults += _explain(error, origins)
    if faults:
        raise SettingsFault(faults)
    return settings, origins


Values = dict[str, tuple[str, Any]]
"""Key → where it stands, and what it is."""


def _flatten(data: Mapping[str, Any], origin: Callable[[str], str], faults: list[str]) -> Values:
    values: Values = {}
    for section, entries in data.items():
        if section not in Settings.model_fields:
            faults.append(f"{origin(section)}: {section}: unknown section{_nearest(section, Settings.model_fields)}")
        elif not isinstance(entries, Mapping):
            faults.append(f"{origin(section)}: {section}: must be a section, with keys in it")
        else:
            values |= {f"{section}.{name}": (origin(f"{section}.{name}"), value) for name, value in entries.items()}
    return values


def _toml(config: Path | None, faults: list[str]) -> Values:
    named = config or (Path(os.environ[CONFIG_VARIABLE]) if os.environ.get(CONFIG_VARIABLE) else None)
    path = named or Path(DEFAULT_FILE)
    if named is None and not path.exists():
        return {}
    try:
        with path.open("rb"):  # the source passes over a file that is not there
            data = TomlConfigSettingsSource(Settings, path)()
    except OSError as error:
        faults.append(f"{path}: cannot be read: {error.strerror}")
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        faults.append(f"{path}: is not TOML: {error}")
        return {}
    return _flatten(data, lambda _: str(path), faults)


def _ours(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Names with the prefix and a section; what has no `__` is none of the settings' business."""
    return {name: value for name, value in variables.items() if _key(name) is not None}


class _Environment(EnvSettingsSource):
    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _ours(super()._load_env_vars())


class _SecretFiles(EnvSettingsSource):
    """Variables that stand in files. Only ours are read: others in the same folder can be anything."""

    def __init__(self, directory: Path, faults: list[str]) -> None:
        self._directory = directory
        self._faults = faults
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        values: dict[str, str | None] = {}
        for path in sorted(self._directory.iterdir()):
            if _key(path.name) is None or not path.is_file():
                continue
            try:
                text = path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                self._faults.append(f"{path}: cannot be read: {error}")
                continue
            if text:  # an empty secret means none: it must not hide a value that stands elsewhere
                values[path.name.lower()] = text
        return values


def _environment(faults: list[str]) -> Values:
    def origin(key: str) -> str:
        return f"environment variable {PREFIX}{key.upper().replace('.', DELIMITER)}"

    return _read(_Environment(Settings), origin, faults)


def _secret_files(faults: list[str]) -> Values:
    directory = Path(os.environ.get(SECRETS_VARIABLE) or DEFAULT_SECRETS)
    if not directory.is_dir():
        return {}

    def origin(key: str) -> str:
        return str(directory / f"{PREFIX.lower()}{key.replace('.', DELIMITER)}")

    try:
        source = _SecretFiles(directory, faults)
    except OSError as error:
        faults.append(f"{directory}: cannot be read: {error.strerror}")
        return {}
    return _read(source, origin, faults)


def _read(source: EnvSettingsSource, origin: Callable[[str], str], faults: list[str]) -> Values:
    for name in source.env_vars:
        section = (_key(name) or "").partition(".")[0]
        if section not in Settings.model_fields:  # the source passes over these
            key = _key(name) or name
            faults.append(f"{origin(key)}: {key}: unknown key{_nearest(key, KEYS)}")
    return _flatten(source(), origin, faults)


def _command_line(assignments: Sequence[str], faults: list[str]) -> Values:
    values: Values = {}
    for assignment in assignments:
        key, equals, value = assignment.partition("=")
        if not equals:
            faults.append(f"command line: {assignment}: must be KEY=VALUE")
        else:
            values[key.strip()] = ("command line", value)
    return values


def _key(name: str) -> str | None:
    """`BRIDGE_MQTT__HOST` is `mqtt.host`; a name without the prefix or without `__` is none of our business."""
    lower = name.lower()
    if not lower.startswith(PREFIX.lower()) or DELIMITER not in lower:
        return None
    return lower.removeprefix(PREFIX.lower()).replace(DELIMITER, ".", 1)


def _explain(error: ValidationError, origins: Mapping[str, str]) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in fault["loc"][:2])
        origin = origins.get(key) or next((where for known, where in origins.items() if known.startswith(key)), "")
        if fault["type"] == "extra_forbidden":
            yield f"{origin}: {key}: unknown key{_nearest(key, KEYS)}"
        else:
            yield f"{origin}: {key}: {fault['msg'].lower()}"


def _nearest(word: str, known: Sequence[str] | Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""
